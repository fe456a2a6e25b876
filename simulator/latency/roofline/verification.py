"""How the drafts of a sequence are verified: in one pass over its cache, or as sequences of their own.

vLLM's engine V0 at first expanded the batch: every draft was handed to the model as a sequence of one token,
which reads the cache and costs the host's work once for each (vllm-project/vllm 0.6.3 and earlier,
``BatchExpansionTop1Scorer``; general knowledge of its code). All later ones verify the drafts of a sequence
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from simulator.scenario.engine_versions import version_number

#: First version that verifies the drafts of a sequence in one pass over its cache.
FIRST_TOGETHER = (0, 7)
#: Host's work per sequence of a step in vLLM of late 2024 [us]: fitted to whole-request rates of Argonne's
#: LLM-Inference-Bench on MI300X (hardware profile amd-mi300x, software alcf-2024).
V0_SEQUENCE_US = 73.2


class Entries(NamedTuple):
    """Decodes of a step as attention sees them: sequences, tokens of each, context of all [tokens]."""

    sequences: int
    queries: int
    context: int


@dataclass(frozen=True, slots=True)
class Together:
    """The drafts of a sequence share one pass over its cache."""

    def entries(self, sequences: int, tokens: int, context: int) -> Entries:
        """What attention computes."""
        return Entries(sequences, -(-tokens // sequences), context)

    def host_ns(self, sequences: int, tokens: int) -> float:
        """Host's work beyond that of the sequences [ns]: none."""
        del sequences, tokens
        return 0.0


@dataclass(frozen=True, slots=True)
class Expanded:
    """Every draft is a sequence of its own, for attention and for the host."""

    draft_us: float = V0_SEQUENCE_US

    def entries(self, sequences: int, tokens: int, context: int) -> Entries:
        """What attention computes."""
        return Entries(tokens, 1, context * tokens // sequences)

    def host_ns(self, sequences: int, tokens: int) -> float:
        """Host's work beyond that of the sequences [ns]."""
        return self.draft_us * 1e3 * (tokens - sequences)


Verification = Together | Expanded


def verification_of(version: str) -> Verification:
    """What this version of vLLM does."""
    number = version_number(version)
    return Expanded() if number is not None and number < FIRST_TOGETHER else Together()
