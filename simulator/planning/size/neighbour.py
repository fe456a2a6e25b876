"""One unit fewer than the answer: under which seeds it failed, and what it missed there.

Most neighbours miss their objectives in the search. One that met them there and missed them in its own
verification is the neighbour all the same: then the fresh seed is what it failed under.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.planning.size.trial import Trial
from simulator.planning.size.verdict import Verdict, verdict_of
from simulator.reporting import numbers as show

#: What is missed where the shares are reached and the queue grows all the same.
QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The failing neighbour.

    Attributes
    ----------
    searched
        What it came to under the seeds that all designs were chosen by.
    refutation
        The verification that it failed after it had met the objectives; None where it did not get so far.
    """

    units: int
    searched: Verdict
    refutation: Trial | None = None

    @property
    def failed(self) -> Verdict:
        """The trials that it failed in."""
        return self.searched if self.refutation is None else verdict_of([self.refutation])

    @property
    def misses(self) -> tuple[str, float | None]:
        """Objective and by how much it is missed [1]; `QUEUE` and None where only the queue fails it."""
        failed = self.failed
        worst = failed.worst
        if worst.met and failed.overloaded:
            return QUEUE, None
        if worst.met:  # the mean reaches the target, the scenario's own seed does not
            worst = verdict_of(failed.trials[:1]).worst
        return worst.name, -worst.margin

    @property
    def sentence(self) -> str | None:
        """Why a design that met the objectives was passed over; None where it did not meet them."""
        if self.refutation is None:
            return None
        name, by = self.misses
        units = show.counted(self.units, "unit")
        seed = self.refutation.seed
        if by is None:
            return f"{units} met the first seeds and failed the fresh seed {seed}: its queue grew"
        before = next(one.share for one in self.searched.objectives if one.name == name)
        after = next(one.share for one in self.refutation.objectives if one.name == name)
        return (
            f"{units} met the first seeds ({show.percent(before)} {_within(name)}) and failed the"
            f" fresh seed {seed} with {show.percent(after)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: of the trials that it failed in."""
        name, by = self.misses
        return {
            "units": self.units,
            "misses": name,
            "misses_by": by,
            "reason": self.sentence,
            **self.failed.to_dict(),
            "first_seeds": None if self.refutation is None else self.searched.to_dict(),
        }


def _within(name: str) -> str:
    return f"of {name}" if name.startswith("requests") else f"of requests within {name}"
