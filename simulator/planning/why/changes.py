"""Single changes of a design, ranked by what they save.

Every change is judged by the highest rate that the changed cluster holds within the objectives and by what
it costs: the saving is the difference in cost per million requests at that rate. Where a price is unknown,
changes are ranked by the rate per device. Rates come from short trials (`planning.capacity`), so savings of
a few percent are no savings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from simulator.errors import InputError
from simulator.planning.capacity import capacity_of
from simulator.planning.designs import changed, rate_of, with_engine
from simulator.planning.run_many import in_processes
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.scenario import Scenario

AS_IT_IS = "as it is"
_PER_MILLION_H = 1e6 / 3600


@dataclass(frozen=True, slots=True)
class Change:
    """One change and what it does.

    Attributes
    ----------
    rate
        Highest rate within the objectives [1/s]; None where there is none.
    usd_per_million
        Cost of a million requests at that rate [USD]; None where a price is unknown.
    saves
        Share of the cost of the design as it is (or of its devices per rate) that the change saves [1].
    reason
        Why the change is not possible.
    """

    what: str
    rate: float | None
    usd_per_million: float | None
    saves: float | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def ranked_changes(scenario: Scenario, *, jobs: int | None = None) -> list[Change]:
    """All changes that are tried and the design as it is, the most saving first.

    Raises
    ------
    InputError
        Where the scenario has no rate to turn up, or cannot run as it is.
    """
    rate = rate_of(scenario)
    tried = [(AS_IT_IS, scenario), *_changes(scenario)]
    outcomes = in_processes(partial(_judged, rate), tried, jobs=jobs)
    base = outcomes[0]
    if base.reason is not None:
        raise InputError(base.reason, file=scenario.file)
    found = [_compared(base, outcome) for outcome in outcomes]
    return sorted(found, key=lambda one: -(one.saves if one.saves is not None else -1e9))


@dataclass(frozen=True, slots=True)
class _Outcome:
    what: str
    rate: float | None
    usd_per_hour: float | None
    devices: int
    reason: str | None = None


def _judged(guess: float, tried: tuple[str, Scenario]) -> _Outcome:
    what, scenario = tried
    try:
        capacity = capacity_of(scenario, guess)
    except InputError as error:
        return _Outcome(what, None, None, 0, error.message)
    figures = capacity.alone
    return _Outcome(what, capacity.rate, figures["cost_per_hour_usd"], figures["devices"])


def _compared(base: _Outcome, other: _Outcome) -> Change:
    if other.rate is None:
        return Change(other.what, None, None, None, other.reason or "misses the objectives at any rate")
    usd = None if other.usd_per_hour is None else other.usd_per_hour / other.rate * _PER_MILLION_H
    if base.rate is None:
        return Change(other.what, other.rate, usd, 1.0)
    if usd is None or base.usd_per_hour is None:
        ratio = (other.devices / other.rate) / (base.devices / base.rate)
    else:
        ratio = usd / (base.usd_per_hour / base.rate * _PER_MILLION_H)
    return Change(other.what, other.rate, usd, 1.0 - ratio)


def _changes(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Changes that the scenario leaves room for."""
    yield "one replica more in every pool", _pools(scenario, lambda p: _with(p, replicas=p.replicas + 1))
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
    if scenario.model.weight_dtype == "auto":
        yield "weights in FP8", _model(scenario, weight_dtype="fp8")
    if scenario.model.kv_dtype == "auto":
        yield "KV cache in FP8", _model(scenario, kv_dtype="fp8")


def _pools(scenario: Scenario, change: Callable[[PoolSpec], PoolSpec]) -> Scenario:
    pools = tuple(change(pool) for pool in scenario.cluster.pools)
    return changed(scenario, cluster=scenario.cluster.model_copy(update={"pools": pools}))


def _with(pool: PoolSpec, **update: Any) -> PoolSpec:
    return pool.model_copy(update=update)


def _sizes(pool: PoolSpec, factor: float) -> PoolSpec:
    tensor = int(pool.parallelism.tensor * factor)
    return _with(pool, parallelism=pool.parallelism.model_copy(update={"tensor": tensor}))


def _engine(pool: PoolSpec, name: str, factor: float) -> PoolSpec:
    value = max(int(getattr(pool.engine, name) * factor), 1)
    return with_engine(pool, **{name: value})


def _model(scenario: Scenario, **update: Any) -> Scenario:
    return changed(scenario, model=scenario.model.model_copy(update=update))
