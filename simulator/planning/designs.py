"""The scenario that a planner would write to ask the same question of other hardware, load or size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.models.catalogue import load_model
from simulator.planning.layouts import LayoutChoice, layout_choices
from simulator.planning.lengths import Lengths
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.objectives import SloSpec, percentile_parts
from simulator.scenario.routing import LeastOutstandingSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.spec import Spec
from simulator.scenario.workload.arrivals import ConstantSpec, ReplaySpec
from simulator.scenario.workload.populations import ServeGenSpec

#: Requests of a trial without load, and the rate at which they hardly ever meet [1/s].
ALONE_REQUESTS = 40
ALONE_RATE = 1e-3
#: Backends whose step times are those of the layout that they were measured in.
OF_ONE_LAYOUT = ("fitted", "linear")


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


def layouts_on(
    device: Device, scenario: Scenario, lengths: Lengths, model: ModelSpec | None = None
) -> list[LayoutChoice]:
    """Layouts of the scenario's model, or another, that are worth trying on a device, fewest devices first.

    Raises
    ------
    DoesNotFitError
        Where no number of devices that was tried holds the model.
    """
    served = model or scenario.model
    return layout_choices(
        load_model(served.card),
        device,
        lengths,
        scenario.cluster.pools[0].engine.max_num_seqs,
        served.weight_dtype,
        served.kv_dtype,
    )


def on_hardware(scenario: Scenario, entrant: EntrantSpec, layout: LayoutChoice, longest: int) -> Scenario:
    """The scenario on one replica of hardware in a layout, as `exchanged` has it."""
    other = exchanged(only_pool(scenario), entrant, layout, longest)
    cluster = scenario.cluster.model_copy(
        update={
            "pools": (other.model_copy(update={"replicas": 1}),),
            "router": LeastOutstandingSpec(),
        }
    )
    return changed(scenario, cluster=cluster)


def exchanged(
    pool: PoolSpec, entrant: EntrantSpec | None, layout: LayoutChoice | ParallelismSpec | None, longest: int
) -> PoolSpec:
    """The pool on other hardware (None: its own) in another layout (None: its own).

    On its own hardware it keeps what it says about that: latency (unless it was measured in a layout that the
    pool no longer has), price, power.
    """
    own = entrant is None or load_device(entrant.hardware).id == load_device(pool.hardware).id
    if not own:
        assert entrant is not None and layout is not None
        pool = pool.model_copy(update=_of_hardware(entrant))
    elif entrant is not None:
        pool = pool.model_copy(update=said(entrant))
    if layout is None:
        return pool
    sizes = layout if isinstance(layout, ParallelismSpec) else _sizes(layout)
    moved = sizes != pool.parallelism and pool.latency.backend in OF_ONE_LAYOUT
    written_out = own and isinstance(layout, ParallelismSpec)  # as the engine settings are then
    return pool.model_copy(
        update={
            "parallelism": sizes,
            "engine": pool.engine if written_out else _in_layout(pool.engine, layout, longest),
            "latency": AutoBackendSpec() if moved else pool.latency,
        }
    )


def _of_hardware(entrant: EntrantSpec) -> dict[str, Any]:
    """What a pool says of its hardware, as it is of other hardware."""
    return {
        "hardware": entrant.hardware,
        "latency": AutoBackendSpec(),
        "price": entrant.price,
        "purchase": entrant.purchase,
        "power": entrant.power,
    }


def _in_layout(engine: EngineSpec, layout: LayoutChoice | ParallelismSpec, longest: int) -> EngineSpec:
    """Engine settings stay, but for seats, blocks and a longest request that the replica must take."""
    return engine.model_copy(
        update={
            "max_num_seqs": layout.seats if isinstance(layout, LayoutChoice) else engine.max_num_seqs,
            "max_num_active_seqs": None,
            "max_model_len": max(longest, engine.max_model_len or 0),
            "num_gpu_blocks": None,
        }
    )


def _sizes(layout: LayoutChoice) -> ParallelismSpec:
    return ParallelismSpec(tensor=layout.tensor, pipeline=layout.pipeline)


def with_engine(pool: PoolSpec, **settings: Any) -> PoolSpec:
    """The pool with engine settings laid over its own.

    Raises
    ------
    ValueError
        Where the engine refuses the combination.
    """
    engine = EngineSpec.model_validate({**said(pool.engine), **settings})
    return pool.model_copy(update={"engine": engine})


def said(spec: Spec) -> dict[str, Any]:
    """What a spec says itself, its defaults left out."""
    return {name: getattr(spec, name) for name in spec.model_fields_set}


def rate_of(scenario: Scenario) -> float:
    """Mean arrival rate of a scenario [1/s].

    Raises
    ------
    InputError
        Where its arrivals have none (closed loops, replays).
    """
    if scenario.tenants:
        raise InputError(
            "a load to turn up is that of one workload, but this scenario has tenants; change their rates"
            ' with --set tenants[0].workload.arrivals.rate="20 /s"',
            key="tenants",
        )
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


def apart(scenario: Scenario) -> Scenario | None:
    """A few of the scenario's requests so far apart that they do not meet.

    None where the requests come from a recording with times of its own, or from several tenants.
    """
    if scenario.tenants or isinstance(scenario.workload.arrivals, ReplaySpec | ServeGenSpec):
        return None
    arrivals = ConstantSpec(process="constant", rate=f"{ALONE_RATE} /s")
    workload = scenario.workload.model_copy(update={"arrivals": arrivals})
    count = min(scenario.requests or ALONE_REQUESTS, ALONE_REQUESTS)
    return changed(scenario, workload=workload, requests=count, duration=None, warmup=0.0, record="requests")


def too_slow(alone: Mapping[str, Any], slo: SloSpec) -> str:
    """What requests that do not meet miss, from the figures of their summary."""
    named = (
        ("p99_ttft_ms", "TTFT", slo.ttft),
        ("p99_tpot_ms", "TPOT", slo.tpot),
        ("p99_e2el_ms", "E2E", slo.e2e),
    )
    missed = [
        f"p99 {name} {alone[key]:,.0f} ms, allowed are {limit * 1e3:,.0f}"
        for key, name, limit in named
        if limit is not None and alone.get(key) is not None and alone[key] > limit * 1e3
    ]
    for name, limit in slo.percentiles.items():
        percent, latency = percentile_parts(name)
        found = alone.get(f"p{percent:g}_{latency.replace('e2e', 'e2el')}_ms")
        if found is not None and found > limit * 1e3:
            missed.append(f"p{percent:g} {latency.upper()} {found:,.0f} ms, allowed are {limit * 1e3:,.0f}")
    return (
        f"misses the objectives with one request alone: {'; '.join(missed) or 'too few requests meet them'}"
    )


def changed(scenario: Scenario, **changes: object) -> Scenario:
    """The scenario with other values at its top."""
    return scenario.model_copy(update=changes)
