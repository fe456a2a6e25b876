"""The inverse question: which objectives can a budget buy, or for tenants with their own, which load?

For every kind of cluster in the design space as many units as the budget pays for, with the electricity of
owned hardware, are simulated at the scenario's load. The objectives bought are the tightest thresholds that
the asked share of requests meets together: all latencies at the same quantile, the lowest at which enough
requests are within all of them. They are the worse of two runs, of which one has a seed that nothing was
chosen by.

Tenants have objectives of their own, and no one share of all requests speaks for them: there the largest
factor of the scenario's load is sought, one for all tenants, at which each holds its own (`highest_rate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.lengths import demand_of
from simulator.planning.load import rate_of
from simulator.planning.run_many import Done, in_processes
from simulator.planning.size.bound import Estimate, estimate
from simulator.planning.size.families import Family, families_of
from simulator.planning.size.highest_rate import highest_rate
from simulator.planning.size.rules import (
    Rules,
    refuse_changing_machines,
    refuse_without_objectives,
    rules_of,
)
from simulator.results.latencies import is_finished, latencies_of
from simulator.results.ranges import mid, times
from simulator.results.recording import Floats
from simulator.results.result import Result
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario

#: A budget is kept but for the rounding of floats [1].
_ROUNDING = 1e-9
#: Steps of the search for the quantile.
_HALVINGS = 20


@dataclass(frozen=True, slots=True)
class Bought:
    """What the budget buys of one kind of cluster.

    ``ttft_ms``, ``tpot_ms`` and ``e2e_ms`` are thresholds that the share ``attainment`` of the requests
    meets together; None where nothing is bought, and ``reason`` says why. For tenants it is instead the load,
    ``load_factor`` times the scenario's own, ``rate_per_s`` in all, with the objective that gives way beyond
    it, ``limited_by`` (``requests of chat``), and ``attainment`` is None. ``units`` serve, and ``spare`` on
    top may fail. ``usd_per_hour`` is the cost as simulated, spares and the electricity of owned hardware
    included.
    """

    hardware: str
    label: str
    units: int
    usd_per_hour: float | None
    attainment: float | None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None
    reason: str | None = None
    spare: int = 0
    load_factor: float | None = None
    rate_per_s: float | None = None
    limited_by: str | None = None

    @property
    def units_with_spare(self) -> int:
        """Units to buy."""
        return self.units + self.spare

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "units_with_spare": self.units_with_spare}


def within_budget(
    scenario: Scenario,
    budget: float,
    hardware: Sequence[EntrantSpec] = (),
    *,
    jobs: int | None = None,
    progress: Done | None = None,
) -> list[Bought]:
    """What ``budget`` [USD/h] buys, the shortest end-to-end latency first; for tenants the highest load.

    Raises
    ------
    InputError
        Where the design space makes no sense; for tenants, where none has objectives or one has no rate.
    """
    if scenario.tenants:
        refuse_without_objectives(scenario, "the load of tenants that a budget buys")
        rate_of(scenario)
    rules = rules_of(scenario)
    refuse_changing_machines(scenario)
    families, refusals = families_of(scenario, hardware)
    demand = demand_of(scenario)
    affordable: list[tuple[Family, Estimate, int]] = []
    bought = [_nothing(name, "", 0, None, scenario, reason) for name, reason in refusals.items()]
    for family in families:
        try:
            found = estimate(family, demand)
        except InputError as error:
            bought.append(_nothing(family.hardware, family.label, 0, None, scenario, error.message))
            continue
        price = found.usd_per_hour
        units = 0 if price is None else int(budget / price.mid + _ROUNDING) - rules.spare
        if price is None:
            bought.append(_nothing(family.hardware, family.label, 0, None, scenario, "no price is known"))
        elif units < 1:
            reason = f"one unit costs {price.mid:.2f} USD/h" + (" beside its spare" if rules.spare else "")
            bought.append(_nothing(family.hardware, family.label, 0, price.mid, scenario, reason))
        else:
            affordable.append((family, found, units))
    bought += in_processes(
        partial(_bought, scenario, rules, budget), affordable, jobs=jobs, progress=progress
    )
    return sorted(
        bought, key=lambda one: (one.reason is not None, one.e2e_ms or 0.0, -(one.rate_per_s or 0.0))
    )


def _nothing(
    hardware: str, label: str, units: int, usd: float | None, scenario: Scenario, reason: str
) -> Bought:
    return Bought(hardware, label, units, usd, _share(scenario), reason=reason)


def _share(scenario: Scenario) -> float | None:
    """Share of the requests that thresholds are sought for [1]; None where tenants have theirs."""
    return None if scenario.tenants else scenario.slo.attainment


def _bought(scenario: Scenario, rules: Rules, budget: float, asked: tuple[Family, Estimate, int]) -> Bought:
    """The most units, of no more than asked, that cost no more than the budget as simulated.

    Their price alone leaves out the electricity of owned hardware, which only the simulation knows; that of
    spares is what they draw at rest.
    """
    family, about, units = asked
    nothing = partial(_nothing, family.hardware, family.label)
    try_out = _load_held if scenario.tenants else _thresholds_met
    spares = mid(times(about.resting_usd_per_hour, rules.spare))
    while True:
        try:
            found, costs = try_out(scenario, family, units, rules)
        except InputError as error:
            return nothing(units, None, scenario, error.message)
        known = [cost / units for cost in costs if cost is not None]
        if len(known) < len(costs) or spares is None:
            return nothing(units, None, scenario, "no price of its electricity is known")
        bill = max(known) * units + spares
        if bill <= budget * (1 + _ROUNDING):
            return replace(found, usd_per_hour=bill, spare=rules.spare)
        units = min(units - 1, int((budget - spares) / max(known)))
        if units < 1:
            return nothing(0, bill, scenario, "its electricity is beyond the budget")


#: What so many units came to, its cost left out, and the cost of each run that was made of them [USD/h].
_Tried = tuple[Bought, list[float | None]]


def _load_held(scenario: Scenario, family: Family, units: int, rules: Rules) -> _Tried:
    """The highest load at which every tenant holds its own objectives."""
    found = highest_rate(family.with_units(units), jobs=1)
    if found.verdict is None or found.verification is None:
        raise InputError(found.reason or "holds no load")
    runs = [*found.verdict.trials, found.verification]
    about = Bought(family.hardware, family.label, units, None, None)
    return (
        replace(about, load_factor=found.factor, rate_per_s=found.rate, limited_by=found.limited_by),
        [run.figures.get("cost_per_hour_usd") for run in runs],
    )


def _thresholds_met(scenario: Scenario, family: Family, units: int, rules: Rules) -> _Tried:
    """The tightest thresholds at the scenario's own load."""
    results = _results(family, units, rules)
    costs = [result.summary.cost.per_hour_usd for result in results]
    return _thresholds(scenario, family, units, results), costs


def _results(family: Family, units: int, rules: Rules) -> list[Result]:
    """Runs under a seed of the search and under a fresh one."""
    design = family.with_units(units)
    return [run_scenario(design, seed=seed) for seed in (rules.seed, rules.fresh_seed(0))]


def _thresholds(scenario: Scenario, family: Family, units: int, results: Sequence[Result]) -> Bought:
    about = (family.hardware, family.label, units, None, scenario.slo.attainment)
    found: list[tuple[float, ...]] = []
    for result in results:
        if result.summary.load.overloaded:
            return Bought(*about, reason="the queue grows without bound")
        thresholds = tightest(result, scenario.slo.attainment)
        if thresholds is None:
            return Bought(*about, reason="too few requests finish")
        found.append(thresholds)
    ttft, tpot, e2e = (max(values) for values in zip(*found, strict=True))
    return Bought(*about, ttft_ms=ttft, tpot_ms=tpot, e2e_ms=e2e)


def tightest(result: Result, attainment: float) -> tuple[float, float, float] | None:
    """TTFT, TPOT and E2E [ms] that the share ``attainment`` meets together; None where fewer finish."""
    requests = result.recording.requests
    kept = requests.arrival_ns >= result.context.warmup_ns
    finished = is_finished(requests)[kept]
    if not len(finished) or finished.mean() < attainment:
        return None
    latencies = latencies_of(requests)
    columns = [np.nan_to_num(getattr(latencies, name)[kept]) for name in ("ttft", "tpot", "e2e")]
    low, high = attainment, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = _together(columns, finished, _at(columns, finished, middle)) >= attainment
        low, high = (low, middle) if enough else (middle, high)
    ttft, tpot, e2e = _at(columns, finished, high)
    return ttft, tpot, e2e


def _at(columns: Sequence[Floats], finished: Any, quantile: float) -> tuple[float, ...]:
    return tuple(float(np.quantile(column[finished], quantile, method="higher")) for column in columns)


def _together(columns: Sequence[Floats], finished: Any, limits: Sequence[float]) -> float:
    within = finished.copy()
    for column, limit in zip(columns, limits, strict=True):
        within &= column <= limit
    return float(within.mean())
