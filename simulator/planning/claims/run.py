"""Runs experiments, each in a process of its own, and says what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from simulator.errors import SimulatorError
from simulator.planning.claims.claim import Claim
from simulator.planning.claims.experiments import EXPERIMENTS, WITHOUT
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.run_many import Done, in_processes

Verdict = Literal["holds", "holds under conditions", "does not hold", "not simulated", "did not run"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim with what was simulated, and the verdict."""

    claim: Claim
    facts: tuple[ComputedFact, ...]
    verdict: Verdict
    reason: str = ""

    @property
    def ran(self) -> bool:
        """Whether nothing went wrong."""
        return self.verdict != "did not run"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.claim.id,
            "claim": self.claim.claim,
            "kind": self.claim.kind,
            "experiment": self.claim.experiment,
            "verdict": self.verdict,
            "reason": self.reason or None,
            "simulated": [fact.to_dict() for fact in self.facts],
            "evidence": [asdict(one) for one in self.claim.evidence],
            "note": self.claim.note or None,
        }


def run_claims(
    claims: Sequence[Claim], jobs: int | None = None, progress: Done | None = None
) -> list[Finding]:
    """Every claim's finding, in the order of the claims."""
    return in_processes(finding_of, claims, jobs=jobs, progress=progress)


def finding_of(claim: Claim) -> Finding:
    """Run one claim's experiment."""
    experiment = EXPERIMENTS.get(claim.id)
    if experiment is None:
        return Finding(claim, (), "not simulated", WITHOUT[claim.id])
    try:
        facts = tuple(experiment())
    except (SimulatorError, AssertionError) as error:
        return Finding(claim, (), "did not run", str(error) or type(error).__name__)
    return Finding(claim, facts, verdict_of(facts))


def verdict_of(facts: Sequence[ComputedFact]) -> Verdict:
    """Borne out by all facts that can tell, by some, or by none."""
    told = [fact.holds for fact in facts if fact.holds is not None]
    if all(told):
        return "holds"
    return "holds under conditions" if any(told) else "does not hold"
