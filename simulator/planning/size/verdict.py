"""Several trials of one design taken together: are the objectives met, and how sure is that?

The share of requests within an objective is estimated by the mean over all trials. Its interval comes from
the shares in batches of consecutive requests (method of batch means, as in `planning.paired`), which allows
for requests that wait in the same queue; where the trials differ by more than their batches explain (one-way
analysis of variance, 1 %), as under traffic with long tides, it comes from the trials' own shares. A design
meets its objectives where every estimate reaches its target, as does every share of the first trial (the
scenario under its own seed, which anyone can run again), and at most half of the trials end with a queue that
grew without bound. It is *decided* where no interval holds its target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator.planning.intervals import half_width
from simulator.planning.size.trial import ObjectiveTrial, Trial
from simulator.results.recording import Floats

#: Chance at which equal trials are taken to differ [1].
_SIGNIFICANCE = 0.01


@dataclass(frozen=True, slots=True)
class ObjectiveVerdict:
    """One objective over all trials: estimate, and the interval of 95 % around it [1]."""

    name: str
    target: float
    share: float
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether the estimate reaches the target."""
        return self.share >= self.target

    @property
    def decided(self) -> bool:
        """Whether the interval leaves the target out."""
        return self.low > self.target or self.high < self.target or self.low == self.high

    @property
    def margin(self) -> float:
        """Estimate minus target [1]."""
        return self.share - self.target


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all trials of a design say."""

    trials: tuple[Trial, ...]
    objectives: tuple[ObjectiveVerdict, ...]

    @property
    def overloaded(self) -> bool:
        """Whether the queue grew without bound in more than half of the trials."""
        return 2 * sum(trial.overloaded for trial in self.trials) > len(self.trials)

    @property
    def met(self) -> bool:
        """Whether the design meets all objectives."""
        if self.overloaded or not self.trials[0].reaches:
            return False
        return all(one.met for one in self.objectives)

    @property
    def decided(self) -> bool:
        """Whether more trials would hardly change that."""
        if any(one.decided and not one.met for one in self.objectives):
            return True
        return all(one.decided for one in self.objectives)

    @property
    def worst(self) -> ObjectiveVerdict:
        """The objective with the least margin."""
        return min(self.objectives, key=lambda one: one.margin)

    @property
    def requests(self) -> int:
        """Requests of all trials together."""
        return sum(trial.requests for trial in self.trials)

    def mean(self, key: str) -> float | None:
        """Mean of a figure over the trials; None where one does not know it."""
        values = [trial.figures.get(key) for trial in self.trials]
        known = [float(value) for value in values if isinstance(value, int | float)]
        return float(np.mean(known)) if known and len(known) == len(values) else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "met": self.met,
            "decided": self.decided,
            "overloaded": self.overloaded,
            "replications": len(self.trials),
            "seeds": [trial.seed for trial in self.trials],
            "requests": self.requests,
            "objectives": [{**asdict(one), "met": one.met, "margin": one.margin} for one in self.objectives],
            "p99_ttft_ms": self.mean("p99_ttft_ms"),
            "p95_tpot_ms": self.mean("p95_tpot_ms"),
            "p99_tpot_ms": self.mean("p99_tpot_ms"),
            "p99_e2el_ms": self.mean("p99_e2el_ms"),
        }


def verdict_of(trials: Sequence[Trial]) -> Verdict:
    """The verdict of trials of one design; at least one."""
    names = [one.name for one in trials[0].objectives]
    return Verdict(tuple(trials), tuple(_objective(trials, index) for index in range(len(names))))


def hopeless(trials: Sequence[Trial], most: int) -> bool:
    """Whether no outcome of the trials that are left, of ``most`` in all, could make the design meet."""
    left = most - len(trials)
    if not trials[0].reaches:
        return True
    if 2 * sum(trial.overloaded for trial in trials) > most:
        return True
    return any(
        sum(trial.objectives[index].share for trial in trials) + left < one.target * most
        for index, one in enumerate(trials[0].objectives)
    )


def _objective(trials: Sequence[Trial], index: int) -> ObjectiveVerdict:
    parts = [trial.objectives[index] for trial in trials]
    share = float(np.mean([one.share for one in parts]))
    half = _half_width(parts)
    low, high = max(share - half, 0.0), min(share + half, 1.0)
    return ObjectiveVerdict(parts[0].name, parts[0].target, share, low, high)


def _half_width(parts: Sequence[ObjectiveTrial]) -> float:
    groups = [np.array(one.batches) for one in parts]
    if len(groups) > 1 and _differ(groups):
        return half_width([one.share for one in parts]) or 0.0
    return half_width([share for group in groups for share in group]) or 0.0


def _differ(groups: Sequence[Floats]) -> bool:
    """Whether the means of groups differ by more than the scatter inside them explains."""
    from scipy.special import fdtrc

    count, total = len(groups), sum(len(group) for group in groups)
    grand = np.concatenate(groups).mean()
    between = sum(len(group) * (group.mean() - grand) ** 2 for group in groups) / (count - 1)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / max(total - count, 1)
    if within == 0:
        return bool(between > 0)
    return bool(fdtrc(count - 1, total - count, between / within) < _SIGNIFICANCE)
