"""The fewest units of one family that meet the objectives; a generator that asks for trials.

Short trials bracket the answer from the guess on; then long ones, replicated until their intervals are clear
of the objectives, find two neighbours of which the larger meets them and the smaller does not; then a run
under a seed that nothing was chosen by verifies the larger. A design that fails its verification is not
returned: the next larger one takes its place, and is verified by another fresh seed.

All designs are tried under the same seeds, so the same requests arrive at all of them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from simulator.planning.load import apart, shortened, too_slow
from simulator.planning.size.bound import Estimate
from simulator.planning.size.families import Family
from simulator.planning.size.neighbour import Neighbour
from simulator.planning.size.rules import BEYOND_DOUBT, SCREENING_REQUESTS, Rules
from simulator.planning.size.trial import Ask, Trial
from simulator.planning.size.verdict import Verdict, hopeless, verdict_of

#: A search asks for simulations that may run side by side, and is told all of their trials in order.
Search = Generator[list[Ask], list[Trial], "Found | NotFound"]
#: Strides between units that are tried grow by this.
_GROWTH = 2
#: Trials without which no design is taken to meet the objectives: one seed says little about long tides.
_LEAST_TRIALS = 2
#: Verifications that a search tries before it gives up.
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """The fewest units of a family.

    Attributes
    ----------
    units
        What meets the objectives; spares are not counted.
    verdict
        Of that many units, over all replications.
    fewer
        Of one unit fewer in the search; None where there is no fewer. It met the objectives only where its
        verification refuted it.
    verification
        Of that many units under a seed that it was not chosen by.
    refuted
        Fewer units that met the objectives in the search and missed them in their verification.
    doubt
        Fewest and most units that the trials leave possible; None where they leave no doubt.
    """

    family: Family
    units: int
    verdict: Verdict
    fewer: Verdict | None
    verification: Trial
    refuted: tuple[tuple[int, Trial], ...] = ()
    doubt: tuple[int, int] | None = None

    @property
    def neighbour(self) -> Neighbour | None:
        """One unit fewer, and what it failed under; None where there is none fewer."""
        if self.fewer is None:
            return None
        fewer = self.units - 1
        return Neighbour(fewer, self.fewer, dict(self.refuted).get(fewer))


@dataclass(frozen=True, slots=True)
class NotFound:
    """Why a family has no answer; ``more_may_do`` where units beyond what was allowed were not looked at."""

    family: Family
    reason: str
    more_may_do: bool = False


class UnitSearch:
    """The search of one family.

    It may be asked several times: what was simulated once is not simulated again. ``below`` says that only
    answers of fewer units are wanted; None for any.
    """

    def __init__(self, family: Family, estimate: Estimate, rules: Rules) -> None:
        self.family, self.rules = family, rules
        self._least, self._guess = estimate.least, estimate.guess
        self._competes, self._most = False, rules.most_units
        self._lonely: list[Trial] = []
        self._short: dict[int, Trial] = {}
        self._long: dict[int, list[Trial]] = {}
        self._checks: dict[tuple[int, int], Trial] = {}

    def likely(self, below: int | None = None) -> Generator[list[Ask], list[Trial], int | None]:
        """The fewest units by one trial of each number; None where none that is wanted is enough."""
        self._want(below)
        if self._most < self._least or (yield from self._alone()) is not None:
            return None
        return (yield from self._bracketed())

    def run(self, below: int | None = None) -> Search:
        """The fewest units, verified; or why no number that may be tried is enough."""
        self._want(below)
        if self._most < self._least:
            return self._too_few(f"at least {in_units(self._least)} needed to serve the load at all")
        if (alone := (yield from self._alone())) is not None:
            return NotFound(self.family, alone)
        # Where no trial is shorter than another, one that nobody has looked at goes straight to long ones.
        straight = not (self.rules.screens or self._competes or self._long)
        start = self._first() if straight else (yield from self._bracketed())
        if start is None and self._competes and self._beyond_doubt(self._most):
            return self._too_few(f"{in_units(self._most)} not enough")
        found = yield from self._settled(self._most if start is None else start)
        if found is None:
            return self._too_few(f"{in_units(self._most)} not enough")
        return (yield from self._verified(found))

    def _want(self, below: int | None) -> None:
        self._competes = below is not None
        self._most = self.rules.most_units if below is None else min(below - 1, self.rules.most_units)

    def _too_few(self, reason: str) -> NotFound:
        return NotFound(self.family, reason, more_may_do=True)

    def _alone(self) -> Generator[list[Ask], list[Trial], str | None]:
        """Why requests that never meet miss the objectives; None where they do not, or nobody can tell."""
        lonely = apart(self.family.with_units(1))
        if lonely and not self._lonely:
            self._lonely = yield [Ask(one, self.rules.seed) for one in lonely]
        for one, trial in zip(lonely, self._lonely, strict=True):
            if not (trial.met or trial.overloaded):
                return too_slow(trial.figures, one)
        return None

    def _first(self) -> int:
        """Units to try first."""
        return min(max(self._guess, 1), self._most)

    def _bracketed(self) -> Generator[list[Ask], list[Trial], int | None]:
        """The least number that one trial of each says is enough; None where the most is not."""
        units = self._first()
        stride = max(units // 8, 1)
        low, high = self._least - 1, self._most + 1
        if self._competes:
            if not (yield from self._screened(self._most)).met:
                return None
            high = self._most
            units = min(units, high - 1)
        while high - low > 1:
            trial = yield from self._screened(units)
            low, high = (low, units) if trial.met else (units, high)
            if low < self._least:
                units = max(high - stride, low + 1)
            elif high > self._most:
                units = min(low + stride, self._most)
            else:
                units = (low + high) // 2
            stride *= _GROWTH
        return high if high <= self._most else None

    def _screened(self, units: int) -> Generator[list[Ask], list[Trial], Trial]:
        """A short trial; where the scenario itself is as short, the first of its long ones."""
        if not self.rules.screens:
            if units not in self._long:
                self._long[units] = yield [Ask(self.family.with_units(units), self.rules.seed)]
            return self._long[units][0]
        if units not in self._short:
            scenario = shortened(self.family.with_units(units), SCREENING_REQUESTS)
            (self._short[units],) = yield [Ask(scenario, self.rules.seed)]
        return self._short[units]

    def _beyond_doubt(self, units: int) -> bool:
        """Whether a number misses an objective by so much in its first trial that no other is needed."""
        if self.rules.screens:
            return beyond_doubt(self._short[units])
        return hopeless(self._long[units], self.rules.replications)

    def _settled(self, units: int) -> Generator[list[Ask], list[Trial], int | None]:
        """The fewest units by long trials, starting from a good guess; one fewer was tried and misses.

        Verdicts near the edge are noisy, so more units may miss what fewer meet. A miss above units that
        meet says nothing about fewer: only misses below them end the search.
        """
        stride = 1
        low, high = 0, self._most + 1
        missed: set[int] = set()
        while high - low > 1:
            pair = [number for number in (units, units - 1) if low < number < high]
            if units == self._most and self._competes:
                pair = [units]  # whether the most that may be is enough decides alone
            verdicts = yield from self._judged(pair)
            for number, verdict in zip(pair, verdicts, strict=True):
                if verdict.met:
                    high = min(high, number)
                else:
                    missed.add(number)
            low = max((number for number in missed if number < high), default=0)
            if high - low <= 1:
                break
            if low == 0:
                units = max(units - 1 - stride, 1)
            elif high > self._most:
                units = min(low + stride, self._most)
            else:
                units = (low + high) // 2
            stride *= _GROWTH
        return high if high <= self._most else None

    def _verified(self, units: int) -> Search:
        """That many units or more, with a verification that they pass."""
        refuted: list[tuple[int, Trial]] = []
        for attempt in range(_ATTEMPTS):
            seed = self.rules.fresh_seed(attempt)
            check = self._checks.get((units, seed))
            if check is None:
                (check,) = yield [Ask(self.family.with_units(units), seed)]
            if check.met:
                (verdict,) = yield from self._judged([units])
                fewer = self._long.get(units - 1)
                return Found(
                    self.family,
                    units,
                    verdict,
                    None if fewer is None else verdict_of(fewer),
                    check,
                    tuple(refuted),
                    self._doubt(units),
                )
            refuted.append((units, check))
            while True:
                units += 1
                if units > self._most:
                    return self._too_few(f"{self._most} meet the objectives, but not when verified")
                (verdict,) = yield from self._judged([units])
                if verdict.met:
                    break
        return NotFound(self.family, f"none of {_ATTEMPTS} designs up to {units} passed its verification")

    def _doubt(self, units: int) -> tuple[int, int] | None:
        """Between which numbers the answer lies, where that is more than one."""
        verdicts = {number: verdict_of(trials) for number, trials in self._long.items()}
        doubtful = [number for number, one in verdicts.items() if number < units and not one.decided]
        missed = [number + 1 for number, one in verdicts.items() if number > units and not one.met]
        if not verdicts[units].decided:
            missed.append(units + 1)
        least, most = min(doubtful, default=units), max(missed, default=units)
        return None if least == most else (least, most)

    def _judged(self, numbers: list[int]) -> Generator[list[Ask], list[Trial], list[Verdict]]:
        """Verdicts on numbers of units; more trials of all that are not decided, until they are."""
        seeds = self.rules.seeds()
        while True:
            due = [
                (number, index)
                for place, number in enumerate(numbers)
                for index in self._due(number, self._at_once(place))
            ]
            if not due:
                return [verdict_of(self._long[number]) for number in numbers]
            asks = [Ask(self.family.with_units(number), seeds[index]) for number, index in due]
            ahead = self._ahead(numbers[0])
            trials = yield [*asks, *ahead]
            for (number, _), trial in zip(due, trials, strict=False):
                self._long.setdefault(number, []).append(trial)
            for ask, trial in zip(ahead, trials[len(asks) :], strict=True):
                self._checks[numbers[0], ask.seed] = trial

    def _at_once(self, place: int) -> int:
        """Trials to begin with: two of the number that is likely the answer, where one would not do."""
        return _LEAST_TRIALS if place == 0 and not self._competes else 1

    def _ahead(self, units: int) -> list[Ask]:
        """The verification of the first number that is judged, side by side with its trials: it is likely
        the answer, and a core may be free. Not so of a number that has to beat another."""
        if self._checks or self._competes:
            return []
        return [Ask(self.family.with_units(units), self.rules.fresh_seed(0))]

    def _due(self, number: int, at_once: int) -> range:
        """Replications that a number of units still needs; ``at_once`` are the first."""
        done, most = self._long.get(number, []), self.rules.replications
        if not done:
            return range(min(at_once, most))
        enough = len(done) >= min(_LEAST_TRIALS, most) and verdict_of(done).decided
        if enough or len(done) >= most or hopeless(done, most):
            return range(0)
        return range(len(done), len(done) + 1)


def in_units(number: int) -> str:
    """So many units, and the verb that goes with them."""
    return "1 unit is" if number == 1 else f"{number} units are"


def beyond_doubt(trial: Trial) -> bool:
    """Whether a short trial misses an objective by so much that no long one is needed."""
    return trial.overloaded or trial.margin < -BEYOND_DOUBT
