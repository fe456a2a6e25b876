"""Calls that judge: what a verifier reads and writes for one candidate."""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.reasoning.task import Branch
from simulator.reasoning.text import after
from simulator.scenario.reasoning.verifiers import GenerativeSpec, VerifierSpec


def verify(branch: Branch, candidate: Request, verifier: VerifierSpec) -> Request:
    """Send a candidate to its verifier.

    The judge reads what the candidate read and wrote: on the same model all but the last block of
    it lies in the prefix cache. A reward model ends with its score, one token.
    """
    text = after(candidate).then("verifier", verifier.prompt_tokens)
    output = verifier.output_tokens if isinstance(verifier, GenerativeSpec) else 1
    return branch.call(text, 0, output, verifier.model)
