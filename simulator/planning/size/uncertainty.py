"""How sure an answer is: errors of the backend, of the traffic and of prices, propagated into it.

The number of units is worked out again for many draws of what is not known:

step time   every step takes ``f`` times as long, ``f`` log-normal around 1
rate        requests come ``g`` times as fast, ``g`` triangular between its ends around 1
price       triangular between the low and high of the shipped or given price, around its middle

Draws are stratified (Latin hypercube), and all designs and draws meet the same requests. A cluster whose
every step takes ``f`` times as long behaves, seen on a clock that runs ``f`` times slower, as the original
one whose requests come ``f`` times as fast and whose objectives are ``f`` times as strict; so that is what is
simulated. Links keep their speed in that picture, which makes transfers of split clusters a little too slow
or fast.

Every draw is decided by one run of `DRAW_REQUESTS` requests per design: the spread of the answer is wanted
here, its proof is elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.designs import changed
from simulator.planning.load import at_rate, rate_of, shortened
from simulator.planning.run_many import Done
from simulator.planning.size.answer import Candidate, SizeAnswer
from simulator.planning.size.families import Family
from simulator.planning.size.trial import Ask, Trial, run_trial
from simulator.planning.size.workers import run_searches
from simulator.results.recording import Floats
from simulator.scenario.objectives import SloSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.size import SizeSpec, UncertaintySpec
from simulator.units.random_streams import RandomStreams

#: Requests of one run of a draw.
DRAW_REQUESTS = 3000
#: Candidates that are drawn for, the best first.
_CANDIDATES = 3
_MOST_UNITS = 4096


@dataclass(frozen=True, slots=True)
class Spread:
    """What the draws say about one candidate.

    Attributes
    ----------
    units
        How many draws need so many units; None for none that is enough.
    low, likely, high
        Units at the ends of the middle 90 % of the draws, and in most of them.
    usd_low, usd_mid, usd_high
        Cost in the middle 90 % of the draws [USD/h], and their median; None where no price is known.
    wins
        Share of the draws in which this candidate is the cheapest.
    """

    hardware: str
    units: dict[int, int]
    impossible: int
    low: int
    likely: int
    high: int
    usd_low: float | None
    usd_mid: float | None
    usd_high: float | None
    wins: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def sentence(self) -> str:
        """In words: ``6 to 8 nvidia-h100-sxm, 7 most likely``."""
        never = f"; in {self.impossible} draws none is enough" if self.impossible else ""
        if self.low == self.high:
            return f"{self.likely} {self.hardware}{never}"
        return f"{self.low} to {self.high} {self.hardware}, {self.likely} most likely{never}"


@dataclass(frozen=True, slots=True)
class _Draw:
    """Factors of step time and rate, and where a price lies between its ends [1]."""

    step_time: float
    rate: float
    price: float


def spread_of(answer: SizeAnswer, *, jobs: int | None = None, progress: Done | None = None) -> list[Spread]:
    """The spread of the best candidates of an answer, in their order.

    Raises
    ------
    InputError
        Where the arrivals have no rate to vary.
    """
    spec = (answer.scenario.size or SizeSpec()).uncertainty
    draws = _draws(spec, answer.scenario.seed)
    chosen = [one for one in answer.candidates if one.found is not None][:_CANDIDATES]
    searches = [_units_needed(one, draw, answer.rules.seed) for one in chosen for draw in draws]
    found = run_searches(searches, run_trial, jobs=jobs, progress=progress)
    units: list[list[int | None]] = []
    for index in range(len(chosen)):
        part = found[index * len(draws) : (index + 1) * len(draws)]
        wrong = next((one for one in part if isinstance(one, InputError)), None)
        if wrong is not None:
            raise wrong
        units.append([one for one in part if not isinstance(one, InputError)])
    costs = [_costs(one, counts, draws) for one, counts in zip(chosen, units, strict=True)]
    winners = _winners(costs)
    return [
        _spread(one, counts, cost, winners.count(index) / len(draws))
        for index, (one, counts, cost) in enumerate(zip(chosen, units, costs, strict=True))
    ]


def _draws(spec: UncertaintySpec, seed: int) -> list[_Draw]:
    from scipy.special import ndtri

    rng = RandomStreams(seed).generator("uncertainty")
    count = spec.draws
    columns = [(rng.permutation(count) + rng.random(count)) / count for _ in range(3)]
    step_times = np.exp(spec.step_time * ndtri(columns[0]))
    low, high = spec.rate
    rates = _triangular(columns[1], low, 1.0, high)
    return [
        _Draw(float(step), float(rate), float(price))
        for step, rate, price in zip(step_times, rates, columns[2], strict=True)
    ]


def _triangular(share: Floats, low: float, mid: float, high: float) -> Floats:
    """Quantiles of a triangular distribution."""
    if high <= low:
        return np.full(len(share), mid)
    turn = (mid - low) / (high - low)
    below = low + np.sqrt(share * (high - low) * (mid - low))
    above = high - np.sqrt((1 - share) * (high - low) * (high - mid))
    return np.where(share < turn, below, above)


def drawn(scenario: Scenario, step_time: float, rate: float) -> Scenario:
    """The scenario with steps and arrivals by these factors longer and faster.

    Raises
    ------
    InputError
        Where the arrivals have no rate.
    """
    tenants = tuple(
        one if one.slo is None else one.model_copy(update={"slo": _stricter(one.slo, step_time)})
        for one in scenario.tenants
    )
    strict = changed(scenario, slo=_stricter(scenario.slo, step_time), tenants=tenants)
    return at_rate(shortened(strict, DRAW_REQUESTS), rate_of(scenario) * rate * step_time)


def _stricter(slo: SloSpec, step_time: float) -> SloSpec:
    """Objectives as tight as they are for steps that take so much longer."""
    update: dict[str, Any] = {
        name: getattr(slo, name) / step_time
        for name in ("ttft", "tpot", "e2e")
        if getattr(slo, name) is not None
    }
    update["percentiles"] = {name: limit / step_time for name, limit in slo.percentiles.items()}
    strict: SloSpec = slo.model_copy(update=update)
    return strict


def _units_needed(
    candidate: Candidate, draw: _Draw, seed: int
) -> Generator[list[Ask], list[Trial], int | None]:
    """Units that one draw needs, by halving from the answer's number on."""
    assert candidate.found is not None
    family: Family = candidate.found.family
    low, high = 0, _MOST_UNITS + 1
    units, stride = max(round(candidate.found.units * draw.step_time * draw.rate), 1), 1
    while high - low > 1:
        (trial,) = yield [Ask(drawn(family.with_units(units), draw.step_time, draw.rate), seed)]
        low, high = (low, units) if trial.met else (units, high)
        if low == 0:
            units = max(high - stride, 1)
        elif high > _MOST_UNITS:
            if units > 4 * candidate.found.units + 16:
                return None
            units = low + stride
        else:
            units = (low + high) // 2
        stride *= 2
    return high


def _costs(candidate: Candidate, units: Sequence[int | None], draws: Sequence[_Draw]) -> list[float | None]:
    """Cost of every draw [USD/h], spares included."""
    if candidate.usd_per_hour is None:
        return [None] * len(draws)
    whole = [None if count is None else candidate.usd_of(count + candidate.spare) for count in units]
    return [
        None if cost is None else float(_triangular(np.array([draw.price]), cost.low, cost.mid, cost.high)[0])
        for cost, draw in zip(whole, draws, strict=True)
    ]


def _winners(costs: Sequence[Sequence[float | None]]) -> list[int]:
    """The cheapest candidate of every draw; none where no cost is known."""
    found = []
    for column in zip(*costs, strict=True):
        known = [(cost, index) for index, cost in enumerate(column) if cost is not None]
        if known:
            found.append(min(known)[1])
    return found


def _spread(
    candidate: Candidate, units: Sequence[int | None], costs: Sequence[float | None], wins: float
) -> Spread:
    enough = [count + candidate.spare for count in units if count is not None]
    usd = [cost for cost in costs if cost is not None]
    low, high = (
        (int(np.quantile(enough, share, method="nearest")) for share in (0.05, 0.95)) if enough else (0, 0)
    )
    counted = Counter(enough)
    return Spread(
        hardware=candidate.hardware,
        units=dict(sorted(counted.items())),
        impossible=sum(count is None for count in units),
        low=low,
        likely=max(counted, key=lambda count: (counted[count], -count)) if counted else 0,
        high=high,
        usd_low=float(np.quantile(usd, 0.05)) if usd else None,
        usd_mid=float(np.median(usd)) if usd else None,
        usd_high=float(np.quantile(usd, 0.95)) if usd else None,
        wins=wins,
    )
