"""Single changes of a design, ranked by what they save.

Every change is judged by the highest rate that the changed cluster holds within the objectives and by what
it costs: the saving is the difference in cost per million requests at that rate. Where a price is unknown,
changes are ranked by the rate per device. Rates come from short trials (`planning.capacity`) under the
traffic of a few seeds, the same for all changes; what saves no more than two rates can be told apart by is
within noise, and what the seeds disagree about by more than that is not settled by them. Neither is ranked;
what costs more under every single seed stands with the losses, however wide its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, expm1, inf, log
from typing import Any, TypeVar

import numpy as np

from simulator.errors import InputError
from simulator.planning.capacity import RESOLUTION, Capacity, capacities_of
from simulator.planning.designs import changed, with_engine
from simulator.planning.intervals import half_width
from simulator.planning.load import rate_of
from simulator.planning.run_many import Done, in_processes
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.spec import Spec

AS_IT_IS = "as it is"
SAVES, COSTS_MORE = "saves", "costs more"
#: Traffic that every change is tried under: the scenario's own seed and those after it.
SEEDS = 3
#: A saving that is known to this factor is known closely: two rates, each told apart by `RESOLUTION` [1].
_CLOSELY = RESOLUTION**2
#: What limits at the gateway bound of the requests that are under way.
_UNDER_WAY = ("max_outstanding", "max_outstanding_tokens")
_PER_MILLION_H = 1e6 / 3600

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True, slots=True)
class Change:
    """One change and what it does.

    Attributes
    ----------
    rate
        Highest rate within the objectives [1/s], geometric mean over the seeds; None where any seed has none.
    usd_per_million
        Cost of a million requests at that rate [USD]; None where a price is unknown.
    saves
        Share of the cost of the design as it is (or of its devices per rate) that the change saves [1].
    saves_low, saves_high
        Interval of it (95 %); None where there is none.
    under_every_seed
        "saves" or "costs more" where all seeds say so by more than rates are told apart by; else None.
    reason
        Why there is no rate.
    """

    what: str
    rate: float | None
    usd_per_million: float | None
    saves: float | None
    saves_low: float | None = None
    saves_high: float | None = None
    under_every_seed: str | None = None
    reason: str | None = None

    @property
    def within_noise(self) -> bool:
        """Whether it makes no difference that anyone could tell: a narrow interval around nothing."""
        return self._open and self._close

    @property
    def not_settled(self) -> bool:
        """Whether it may make a large difference, but the seeds do not agree which: a wide interval."""
        return self._open and not self._close

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in (*self.__slots__, "within_noise", "not_settled")}

    @property
    def _open(self) -> bool:
        low, high = self.saves_low, self.saves_high
        return low is not None and high is not None and low <= 0 <= high

    @property
    def _close(self) -> bool:
        low, high = self.saves_low, self.saves_high
        return low is not None and high is not None and 1 - low <= (1 - high) * _CLOSELY**2


def ranked_changes(
    scenario: Scenario, *, jobs: int | None = None, progress: Done | None = None
) -> list[Change]:
    """All changes that are tried and the design as it is.

    Those that save come first, the most saving before the others; then the design as it is and what cannot be
    told from it or is not settled, then what costs more, and at last what is not possible.

    Raises
    ------
    InputError
        Where the scenario has no rate to turn up, or cannot run as it is.
    """
    rate = rate_of(scenario)
    tried = [(AS_IT_IS, scenario), *_changes(scenario)]
    outcomes = in_processes(partial(_judged, rate), tried, jobs=jobs, progress=progress)
    base = outcomes[0]
    if base.reason is not None:
        raise InputError(base.reason, file=scenario.file)
    return sorted((_compared(base, outcome) for outcome in outcomes), key=_order)


def why_not_ranked(scenario: Scenario) -> str | None:
    """What a scenario lacks for its changes to be ranked, in words; None: nothing."""
    lacks = []
    if not scenario.has_objectives:
        lacks.append(f"there are no objectives ({'slo, or that of a tenant' if scenario.tenants else 'slo'})")
    try:
        rate_of(scenario)
    except InputError as error:
        lacks.append(f"{error.key}: {error.message}")
    return "; ".join(lacks) or None


def _order(one: Change) -> tuple[float, float]:
    if one.saves is None:
        return (inf, 0.0)
    if one.within_noise or (one.not_settled and one.under_every_seed != COSTS_MORE):
        return (0.0, 0.0)
    return (-np.sign(one.saves), -one.saves)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``rates``: the highest rate of every seed [1/s], None where there is none."""

    what: str
    rates: tuple[float | None, ...]
    usd_per_hour: float | None
    devices: int
    reason: str | None = None

    @property
    def rate(self) -> float | None:
        """Geometric mean over the seeds [1/s]; None unless each has one.

        A design that misses its objectives under some traffic would else be told by the rest, which it
        happens to hold.
        """
        known = [log(rate) for rate in self.rates if rate is not None]
        return exp(float(np.mean(known))) if known and len(known) == len(self.rates) else None

    @property
    def why_no_rate(self) -> str:
        """In words."""
        if self.reason is not None:
            return self.reason
        without = sum(rate is None for rate in self.rates)
        if without == len(self.rates):
            return "misses the objectives at any rate"
        return f"misses the objectives under {without} of {len(self.rates)} seeds"


def _judged(guess: float, tried: tuple[str, Scenario]) -> _Outcome:
    what, scenario = tried
    seeds = range(scenario.seed, scenario.seed + SEEDS)
    try:
        found: Sequence[Capacity] = capacities_of(scenario, guess, seeds)
    except InputError as error:
        return _Outcome(what, (), None, 0, error.message)
    design = found[0].alone
    rates = tuple(one.rate for one in found)
    devices = sum(pool.most_devices for pool in design.context.pools)
    return _Outcome(what, rates, design.cost.per_hour_usd, devices)


def _compared(base: _Outcome, other: _Outcome) -> Change:
    rate = other.rate
    if rate is None:
        return Change(other.what, None, None, None, reason=other.why_no_rate)
    usd = None if other.usd_per_hour is None else other.usd_per_hour / rate * _PER_MILLION_H
    if other is base:
        return Change(other.what, rate, usd, 0.0, 0.0, 0.0)
    if base.rate is None:
        return Change(other.what, rate, usd, 1.0)
    if other.usd_per_hour is None or base.usd_per_hour is None:
        dearer = log(other.devices / base.devices)
    else:
        dearer = log(other.usd_per_hour / base.usd_per_hour)
    pairs = zip(base.rates, other.rates, strict=True)
    logs = [dearer - log(mine / own) for own, mine in pairs if own is not None and mine is not None]
    mean, spread = float(np.mean(logs)), half_width(logs)
    if spread is None:
        return Change(other.what, rate, usd, -expm1(mean))
    # Equal on all seeds still means no closer than rates are told apart.
    half = max(spread, log(RESOLUTION))
    low, high = -expm1(mean + half), -expm1(mean - half)
    return Change(other.what, rate, usd, -expm1(mean), low, high, _under_every_seed(logs))


def _under_every_seed(logs: Sequence[float]) -> str | None:
    """What all seeds say of the cost, each by more than rates are told apart by."""
    if min(logs) > log(RESOLUTION):
        return COSTS_MORE
    return SAVES if max(logs) < -log(RESOLUTION) else None


def _changes(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Changes that the scenario leaves room for."""
    yield "one replica more in every pool", _pools(scenario, lambda p: _with(p, replicas=p.replicas + 1))
    pools = scenario.cluster.pools
    if len(pools) > 1:
        for one in pools:
            yield (
                f"one replica more in pool {one.name!r}",
                _pools(scenario, partial(_one_more, name=one.name)),
            )
    yield from _outside(scenario)
    yield "twice the tensor parallelism", _pools(scenario, lambda p: _sizes(p, 2.0))
    if all(pool.parallelism.tensor % 2 == 0 for pool in scenario.cluster.pools):
        yield "half the tensor parallelism", _pools(scenario, lambda p: _sizes(p, 0.5))
    for name, factor, words in (
        ("max_num_seqs", 2.0, "twice the seats"),
        ("max_num_seqs", 0.5, "half the seats"),
        ("max_num_batched_tokens", 2.0, "twice the tokens in a step"),
        ("max_num_batched_tokens", 0.25, "a quarter of the tokens in a step"),
    ):
        try:
            yield words, _pools(scenario, partial(_engine, name=name, factor=factor))
        except ValueError:
            continue  # the engine refuses the combination
    served = [scenario.model_of(pool) for pool in scenario.cluster.pools]
    if all(model.weight_dtype == "auto" for model in served):
        yield "weights in FP8", _models(scenario, weight_dtype="fp8")
    if all(model.kv_dtype == "auto" for model in served):
        yield "KV cache in FP8", _models(scenario, kv_dtype="fp8")


def _outside(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Changes of what keeps requests outside replicas: links, limits of the gateway."""
    cluster = scenario.cluster
    if cluster.transfer is not None and cluster.transfer.bandwidth is not None:
        wider = _doubled(cluster.transfer, "bandwidth")
        yield "links twice as wide", changed(scenario, cluster=_with(cluster, transfer=wider))
    elif cluster.network is not None:
        network = cluster.network
        wide = _with(
            network,
            node=_doubled(network.node, "bandwidth"),
            port=_doubled(network.port, "bandwidth"),
            rack=None if network.rack is None else _doubled(network.rack, "uplink"),
        )
        if wide != network:
            yield "links twice as wide", changed(scenario, cluster=_with(cluster, network=wide))
    if cluster.admission is not None:
        more = _doubled(cluster.admission, *_UNDER_WAY)
        if more != cluster.admission:
            let_in = _with(cluster, admission=more)
            yield "twice as many requests let in", changed(scenario, cluster=let_in)
    tenants = tuple(
        one if one.limits is None else _with(one, limits=_doubled(one.limits, *_UNDER_WAY))
        for one in scenario.tenants
    )
    if tenants != scenario.tenants:
        yield "twice as many requests of each tenant let in", changed(scenario, tenants=tenants)


def _with(spec: S, **update: Any) -> S:
    return spec.model_copy(update=update)


def _doubled(spec: S, *names: str) -> S:
    """Twice of each that is said."""
    said = {name: getattr(spec, name) for name in names}
    return _with(spec, **{name: 2 * value for name, value in said.items() if value is not None})


def _one_more(pool: PoolSpec, name: str) -> PoolSpec:
    return _with(pool, replicas=pool.replicas + 1) if pool.name == name else pool


def _pools(scenario: Scenario, change: Callable[[PoolSpec], PoolSpec]) -> Scenario:
    pools = tuple(change(pool) for pool in scenario.cluster.pools)
    return changed(scenario, cluster=scenario.cluster.model_copy(update={"pools": pools}))


def _sizes(pool: PoolSpec, factor: float) -> PoolSpec:
    tensor = int(pool.parallelism.tensor * factor)
    return _with(pool, parallelism=pool.parallelism.model_copy(update={"tensor": tensor}))


def _engine(pool: PoolSpec, name: str, factor: float) -> PoolSpec:
    value = max(int(getattr(pool.engine, name) * factor), 1)
    return with_engine(pool, **{name: value})


def _models(scenario: Scenario, **update: Any) -> Scenario:
    """The scenario with its model and those that pools name for themselves changed alike."""
    own = _pools(
        scenario, lambda p: p if p.model is None else _with(p, model=p.model.model_copy(update=update))
    )
    return changed(own, model=scenario.model.model_copy(update=update))
