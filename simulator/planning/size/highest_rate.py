"""The inverse question: the highest rate that a given cluster holds within its objectives (its goodput).

Short trials bracket the rate (`planning.capacity`); then long ones halve the gap, replicated as in `search`,
until neighbouring rates are `RESOLUTION` apart; then a run under a fresh seed verifies the rate, and a rate
that fails its verification gives way to the next lower one.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from simulator.errors import InputError
from simulator.planning.capacity import SHORTEST_TRIAL_S, capacity_of
from simulator.planning.load import at_rate, rate_of
from simulator.planning.size.rules import Rules, refuse_without_objectives, rules_of
from simulator.planning.size.trial import Ask, Trial, run_trial
from simulator.planning.size.verdict import Verdict, hopeless, verdict_of
from simulator.planning.size.workers import run_searches
from simulator.scenario.scenario import Scenario

#: Rates closer than this are not told apart [1].
RESOLUTION = 1.02
#: Factor to the next rate where two that should enclose the answer do not; it grows with every step.
_STEP = 1.25
#: Verifications that are tried before a search gives up.
_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class HighestRate:
    """What a cluster holds.

    Attributes
    ----------
    rate
        Highest rate within the objectives [1/s]; None where there is none.
    verdict, verification
        Of that rate: the trials it was found by, and the one that confirms it.
    too_much
        Lowest rate found to be too much [1/s], with its verdict; None where none was, for even requests that
        all arrive within a second are held: then ``rate`` is a lower bound.
    reason
        Why there is no rate.
    factor
        ``rate`` as a multiple of the scenario's own [1]; tenants are all turned up by it.
    """

    rate: float | None
    verdict: Verdict | None
    verification: Trial | None
    too_much: tuple[float, Verdict] | None
    reason: str | None = None
    factor: float | None = None

    @property
    def limited_by(self) -> str | None:
        """The objective that gives way first (``requests of chat``); None where no rate was too much."""
        return None if self.too_much is None else self.too_much[1].worst.name

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = self.too_much
        return {
            "solved": self.rate is not None,
            "rate_per_s": self.rate,
            "load_factor": self.factor,
            "limited_by": self.limited_by,
            "reason": self.reason,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "verification": None if self.verification is None else verdict_of([self.verification]).to_dict(),
            "too_much": None if found is None else {"rate_per_s": found[0], **found[1].to_dict()},
        }


def highest_rate(scenario: Scenario, *, jobs: int | None = None) -> HighestRate:
    """The highest rate that the scenario's own cluster holds.

    Raises
    ------
    InputError
        Where the scenario has no objectives or no rate to turn, or cannot run.
    """
    refuse_without_objectives(scenario, "a highest rate")
    capacity = capacity_of(scenario, rate_of(scenario))
    if capacity.rate is None:
        return HighestRate(None, None, None, None, capacity.reason)
    search = _RateSearch(scenario, rules_of(scenario)).run(capacity.rate, capacity.too_much)
    (found,) = run_searches([search], run_trial, jobs=jobs)
    if isinstance(found, InputError):
        raise found
    return found


class _RateSearch:
    def __init__(self, scenario: Scenario, rules: Rules) -> None:
        self._scenario, self._rules = scenario, rules
        self._trials: dict[float, list[Trial]] = {}

    def run(self, low: float, high: float | None) -> Generator[list[Ask], list[Trial], HighestRate]:
        """From a rate that short trials carry and one that they do not."""
        top = high or low * RESOLUTION
        verdicts = yield from self._judged([low, top])
        step = _STEP
        while not verdicts[0].met and low > 1e-6:
            low, top, step = low / step, low, step**2
            verdicts = yield from self._judged([low, top])
        while verdicts[-1].met:
            if self._too_short(top):
                return (yield from self._verified(top, None))
            low, top, step = top, top * step, step**2
            verdicts = yield from self._judged([low, top])
        while top / low > RESOLUTION:
            middle = (low * top) ** 0.5
            (verdict,) = yield from self._judged([middle])
            low, top = (middle, top) if verdict.met else (low, middle)
        return (yield from self._verified(low, top))

    def _too_short(self, rate: float) -> bool:
        """Whether the requests arrive so fast that the trials say nothing about a lasting load."""
        return self._trials[rate][0].requests < rate * SHORTEST_TRIAL_S

    def _verified(self, low: float, top: float | None) -> Generator[list[Ask], list[Trial], HighestRate]:
        for attempt in range(_ATTEMPTS):
            (check,) = yield [Ask(at_rate(self._scenario, low), self._rules.fresh_seed(attempt))]
            if check.met:
                verdict, *above = yield from self._judged([low] if top is None else [low, top])
                too_much = None if top is None else (top, above[0])
                factor = low / rate_of(self._scenario)
                return HighestRate(low, verdict, check, too_much, factor=factor)
            top, low = low, low / RESOLUTION
            if attempt > 2:
                low /= RESOLUTION ** (attempt - 2)
        return HighestRate(None, None, None, None, f"no rate down to {low:.3g} /s passed its verification")

    def _judged(self, rates: list[float]) -> Generator[list[Ask], list[Trial], list[Verdict]]:
        seeds = self._rules.seeds()
        while True:
            due = [rate for rate in rates if self._wants_more(rate)]
            if not due:
                return [verdict_of(self._trials[rate]) for rate in rates]
            trials = yield [
                Ask(at_rate(self._scenario, rate), seeds[len(self._trials.get(rate, ()))]) for rate in due
            ]
            for rate, trial in zip(due, trials, strict=True):
                self._trials.setdefault(rate, []).append(trial)

    def _wants_more(self, rate: float) -> bool:
        done, most = self._trials.get(rate, []), self._rules.replications
        if not done:
            return True
        if len(done) >= most or hopeless(done, most):
            return False
        return len(done) < 2 or not verdict_of(done).decided
