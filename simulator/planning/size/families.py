"""Clusters of one kind in growing numbers: what is counted, and what one of it costs.

A *unit* is one replica, or where prompts and outputs are served apart a group such as one prefill replica
with two decode replicas. A family is everything about a cluster but how many units it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.planning.designs import OF_ONE_LAYOUT, changed, exchanged, layouts_on, said, with_engine
from simulator.planning.entrant_names import named
from simulator.planning.layouts import LayoutChoice, in_words
from simulator.planning.lengths import Lengths, lengths_of
from simulator.scenario.cluster import ClusterSpec, ParallelismSpec, PoolSpec
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.size import SizeSpec
from simulator.units.explain import validate


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of cluster.

    Attributes
    ----------
    hardware
        What the hardware is called (`entrant_names`): families of one kind compete with each other first.
    label
        What tells the family from others of its hardware.
    unit
        The scenario on one unit.
    replicas
        Replicas of each pool in one unit.
    """

    hardware: str
    label: str
    unit: Scenario
    replicas: tuple[int, ...]

    @property
    def pools(self) -> tuple[PoolSpec, ...]:
        """Pools of one unit."""
        return self.unit.cluster.pools

    @property
    def devices(self) -> int:
        """Devices of one unit [1]."""
        return sum(pool.devices_per_replica * pool.replicas for pool in self.pools)

    def with_units(self, units: int) -> Scenario:
        """The scenario on so many units."""
        pools = tuple(
            pool.model_copy(update={"replicas": count * units})
            for pool, count in zip(self.pools, self.replicas, strict=True)
        )
        return changed(self.unit, cluster=self.unit.cluster.model_copy(update={"pools": pools}))


def families_of(
    scenario: Scenario, hardware: Sequence[EntrantSpec] = ()
) -> tuple[list[Family], dict[str, str]]:
    """All families of a scenario's design space, and by hardware why it has none.

    Parameters
    ----------
    hardware
        Instead of what the scenario lists.

    Raises
    ------
    InputError
        Where a name stands for nothing, two profiles have one id, or the space itself makes no sense.
    """
    spec = scenario.size or SizeSpec()
    lengths = lengths_of(scenario)
    families: list[Family] = []
    refusals: dict[str, str] = {}
    for name, entrant in _entrants(scenario, spec, hardware).items():
        try:
            families += _of_hardware(scenario, spec, name, entrant, lengths)
        except InputError as error:
            if error.key is not None and error.key.startswith("size"):
                raise
            refusals[name] = error.message
    return families, refusals


def _entrants(
    scenario: Scenario, spec: SizeSpec, hardware: Sequence[EntrantSpec]
) -> Mapping[str, EntrantSpec | None]:
    """What may be chosen among by its name; None for the cluster as it is, where nothing is listed."""
    listed = hardware or spec.hardware
    return named(listed) if listed else {_devices(scenario.cluster): None}


def _devices(cluster: ClusterSpec) -> str:
    """What a cluster of its own hardware is called: all of its devices."""
    return " + ".join(dict.fromkeys(load_device(pool.hardware).id for pool in cluster.pools))


def _of_hardware(
    scenario: Scenario, spec: SizeSpec, name: str, entrant: EntrantSpec | None, lengths: Lengths
) -> Iterator[Family]:
    seen: list[ClusterSpec] = []
    for layout in _layouts(scenario, spec, entrant, lengths):
        for engine in spec.engine or (None,):
            for split in spec.disaggregation or (None,):
                cluster = _cluster(scenario, entrant, layout, engine, split, spec, lengths)
                if cluster in seen:
                    continue
                seen.append(cluster)
                unit = changed(scenario, cluster=cluster)
                replicas = tuple(pool.replicas for pool in cluster.pools)
                # Rearranged, a mixed cluster may have lost one of its devices.
                called = _devices(cluster) if entrant is None else name
                yield Family(called, _label(cluster, engine, split), unit, replicas)


def _layouts(
    scenario: Scenario, spec: SizeSpec, entrant: EntrantSpec | None, lengths: Lengths
) -> Sequence[LayoutChoice | ParallelismSpec | None]:
    """Layouts to try; None for the cluster's own."""
    if spec.parallelism and spec.parallelism != "auto":
        return spec.parallelism
    pools = scenario.cluster.pools
    if spec.parallelism != "auto" and (entrant is None or keeps_layout(pools, entrant)):
        return (None,)
    return layouts_on(load_device((entrant or pools[0]).hardware), scenario, lengths)


def keeps_layout(pools: Sequence[PoolSpec], entrant: EntrantSpec) -> bool:
    """Whether pools keep their layout among other hardware: on their own, where they say it.

    So does one whose step times were measured in it. A pool that says nothing has one device per replica for
    want of an answer, which need not hold the model.
    """
    device = load_device(entrant.hardware).id
    own = all(load_device(pool.hardware).id == device for pool in pools)
    return own and all(
        "parallelism" in pool.model_fields_set or pool.latency.backend in OF_ONE_LAYOUT for pool in pools
    )


def _cluster(
    scenario: Scenario,
    entrant: EntrantSpec | None,
    layout: LayoutChoice | ParallelismSpec | None,
    engine: EngineSpec | None,
    split: str | None,
    spec: SizeSpec,
    lengths: Lengths,
) -> ClusterSpec:
    """One unit of a combination."""
    pools = tuple(exchanged(pool, entrant, layout, lengths.longest) for pool in scenario.cluster.pools)
    if engine is not None:
        pools = tuple(with_engine(pool, **said(engine)) for pool in pools)
    if split is None:
        common = reduce(gcd, (pool.replicas for pool in pools))
        whole = tuple(pool.model_copy(update={"replicas": pool.replicas // common}) for pool in pools)
        return scenario.cluster.model_copy(update={"pools": whole})
    if split == "unified":
        one = next((pool for pool in pools if pool.role != "prefill"), pools[0])
        whole = (one.model_copy(update={"role": "unified", "replicas": 1}),)
        # Nothing is handed over, and no replica can change sides.
        return _rearranged(scenario, {"pools": whole, "transfer": None, "adapt": None, "decode_router": None})
    transfer = spec.transfer or scenario.cluster.transfer
    if transfer is None and scenario.cluster.network is None:
        raise InputError(
            'a split needs a link: size: {transfer: {bandwidth: "50 GB/s", latency: "10 us"}}',
            file=scenario.file,
            key="size.transfer",
        )
    prefill, decode = (int(part) for part in split.split(":"))
    prompts = next((pool for pool in pools if pool.role == "prefill"), pools[0])
    outputs = next((pool for pool in pools if pool.role == "decode"), pools[-1])
    parts = (
        _side(prompts, "prefill", prefill),
        _side(outputs, "decode", decode),
    )
    return _rearranged(scenario, {"pools": parts, "transfer": transfer})


def _side(pool: PoolSpec, role: str, replicas: int) -> PoolSpec:
    """The pool on one side of a split; one that was there before keeps its name."""
    name = pool.name if pool.role == role else role
    return pool.model_copy(update={"name": name, "role": role, "replicas": replicas})


def _rearranged(scenario: Scenario, changes: dict[str, object]) -> ClusterSpec:
    """The scenario's cluster with other pools; all else it says holds for them too.

    Raises
    ------
    InputError
        Where it does not fit them, such as a failure of a pool that is not there.
    """
    try:
        return validate(ClusterSpec, {**dict(scenario.cluster), **changes})
    except InputError as error:
        raise InputError(error.message, file=scenario.file, key="size.disaggregation") from None


def _label(cluster: ClusterSpec, engine: EngineSpec | None, split: str | None) -> str:
    layouts = dict.fromkeys(_layout(pool) for pool in cluster.pools)
    words = [" / ".join(layouts)]
    if engine is not None:
        words += [f"{name} {value}" for name, value in sorted(said(engine).items())]
    if split is not None:
        words.append(split)
    return ", ".join(words)


def _layout(pool: PoolSpec) -> str:
    return f"{in_words(pool.parallelism)}, {pool.engine.max_num_seqs} seats"
