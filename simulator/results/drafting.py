"""What speculative decoding brought, under the names of ``vllm bench serve``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.results.recording import DraftingRecord, PoolRecording


@dataclass(frozen=True, slots=True)
class Drafting:
    """Speculative decoding of all pools behind the warm-up.

    Attributes
    ----------
    acceptance_rate
        Accepted drafts over all drafts [1].
    acceptance_length
        Tokens of a verification: the accepted drafts and one of the model's own.
    by_position
        Share of verifications that accepted the first, second, ... draft [1].
    """

    verifications: int
    drafted: int
    accepted: int
    by_position: tuple[float, ...]

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted drafts over all drafts [1]."""
        return self.accepted / self.drafted if self.drafted else None

    @property
    def acceptance_length(self) -> float | None:
        """Tokens per verification."""
        return 1.0 + self.accepted / self.verifications if self.verifications else None

    def keys(self) -> dict[str, Any]:
        """As vLLM's benchmark writes them, shares in percent."""
        rate = self.acceptance_rate
        return {
            "spec_decode_acceptance_rate": None if rate is None else 100.0 * rate,
            "spec_decode_acceptance_length": self.acceptance_length,
            "spec_decode_num_drafts": self.verifications,
            "spec_decode_draft_tokens": self.drafted,
            "spec_decode_accepted_tokens": self.accepted,
            "spec_decode_per_position_acceptance_rates": list(self.by_position),
        }


def drafting_of(pools: Iterable[PoolRecording]) -> Drafting | None:
    """Of all pools together; None where no pool drafts."""
    records = [pool.drafting for pool in pools if pool.drafting is not None]
    if not records:
        return None
    verifications = sum(record.verifications for record in records)
    positions = max(len(record.accepted_by_position) for record in records)
    accepted = [sum(_at(record, position) for record in records) for position in range(positions)]
    return Drafting(
        verifications=verifications,
        drafted=sum(record.drafted for record in records),
        accepted=sum(accepted),
        by_position=tuple(count / verifications if verifications else 0.0 for count in accepted),
    )


def _at(record: DraftingRecord, position: int) -> int:
    counts = record.accepted_by_position
    return counts[position] if position < len(counts) else 0


def delivered_share(pool: PoolRecording) -> float:
    """Output tokens over decode tokens of the steps: 1 where nothing is drafted."""
    if pool.drafting is None or not pool.drafting.verifications:
        return 1.0
    record = pool.drafting
    accepted = sum(record.accepted_by_position)
    return (record.verifications + accepted) / (record.verifications + record.drafted)
