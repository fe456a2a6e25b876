"""The scenario that a planner would write to ask the same question of other hardware, load or size."""

from __future__ import annotations

from simulator.errors import InputError
from simulator.planning.layouts import LayoutChoice
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.routing import LeastOutstandingSpec
from simulator.scenario.scenario import Scenario


def only_pool(scenario: Scenario) -> PoolSpec:
    """The pool of a scenario with one.

    Raises
    ------
    InputError
        Where it has several: what would stand in for each of them is not known.
    """
    pools = scenario.cluster.pools
    if len(pools) != 1:
        raise InputError(
            f"hardware can be exchanged in a cluster of one pool, but there are {len(pools)}",
            file=scenario.file,
            key="cluster.pools",
        )
    return pools[0]


def on_hardware(scenario: Scenario, entrant: EntrantSpec, layout: LayoutChoice, longest: int) -> Scenario:
    """The scenario on one replica of other hardware, under that hardware's own execution model.

    Engine settings stay, but for the seats and for a longest request that the replica must take.
    """
    pool = only_pool(scenario)
    engine = pool.engine.model_copy(
        update={
            "max_num_seqs": layout.seats,
            "max_num_active_seqs": None,
            "max_model_len": max(longest, pool.engine.max_model_len or 0),
            "num_gpu_blocks": None,
        }
    )
    other = pool.model_copy(
        update={
            "hardware": entrant.hardware,
            "replicas": 1,
            "parallelism": ParallelismSpec(tensor=layout.tensor, pipeline=layout.pipeline),
            "engine": engine,
            "latency": AutoBackendSpec(),
            "price": entrant.price,
            "purchase": entrant.purchase,
            "power": entrant.power,
        }
    )
    cluster = scenario.cluster.model_copy(update={"pools": (other,), "router": LeastOutstandingSpec()})
    return changed(scenario, cluster=cluster)


def with_replicas(scenario: Scenario, replicas: int) -> Scenario:
    """The scenario with this many replicas of its only pool."""
    pool = only_pool(scenario).model_copy(update={"replicas": replicas})
    return changed(scenario, cluster=scenario.cluster.model_copy(update={"pools": (pool,)}))


def rate_of(scenario: Scenario) -> float:
    """Mean arrival rate of a scenario [1/s].

    Raises
    ------
    InputError
        Where its arrivals have none (closed loops, replays).
    """
    rate = getattr(scenario.workload.arrivals, "rate", None)
    if rate is None:
        raise InputError(
            f"a load to turn up needs arrivals with a rate, not {scenario.workload.arrivals.process!r}",
            file=scenario.file,
            key="workload.arrivals",
        )
    return float(rate)


def at_rate(scenario: Scenario, rate: float) -> Scenario:
    """The scenario at another mean arrival rate [1/s]."""
    arrivals = scenario.workload.arrivals.model_copy(update={"rate": rate})
    return changed(scenario, workload=scenario.workload.model_copy(update={"arrivals": arrivals}))


def changed(scenario: Scenario, **changes: object) -> Scenario:
    """The scenario with other values at its top, known to come from the same file."""
    return scenario.model_copy(update=changes).located(scenario.workload_dir, scenario.file)
