"""The scenario that a planner would write to ask the same question of other hardware or size."""

from __future__ import annotations

from typing import Any

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.models.accounting import count_parameters
from simulator.models.catalogue import load_model
from simulator.planning.layouts import LayoutChoice, layout_choices
from simulator.planning.lengths import Lengths
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.routing import LeastOutstandingSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.spec import Spec

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
    """Layouts of a model that are worth trying on a device, fewest devices first.

    Parameters
    ----------
    model
        Default: the largest that the scenario's pools serve, for all of them get one layout.

    Raises
    ------
    DoesNotFitError
        Where no number of devices that was tried holds the model.
    """
    served = model or _largest_model(scenario)
    return layout_choices(
        load_model(served.card),
        device,
        lengths,
        scenario.cluster.pools[0].engine.max_num_seqs,
        served.weight_dtype,
        served.kv_dtype,
    )


def _largest_model(scenario: Scenario) -> ModelSpec:
    served = [scenario.model_of(pool) for pool in scenario.cluster.pools]
    return max(served, key=lambda model: count_parameters(load_model(model.card)).total)


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


def changed(scenario: Scenario, **changes: object) -> Scenario:
    """The scenario with other values at its top."""
    return scenario.model_copy(update=changes)
