"""From what a scenario says about machines to what the engine does with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.engine.autoscaler import ScalerPlan, policy_of
from simulator.engine.faults import FaultPlan, RandomFault, ScriptedFault
from simulator.engine.fleet import FleetPlan
from simulator.engine.operations import OperationsPlan
from simulator.errors import InputError
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.objectives import SloSpec
from simulator.scenario.operations import FailuresSpec, SloScalerSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation.pools import PreparedPool
from simulator.units.clock import NS_PER_S, ns_from_seconds


def operations_plan(scenario: Scenario, pools: Sequence[PreparedPool]) -> OperationsPlan | None:
    """Fleets, autoscalers and failures of a scenario; None where its machines neither come, go nor fail.

    Raises
    ------
    InputError
        Where a pool is to be scaled by objectives that the scenario does not have, or a scripted failure
        strikes what is not there.
    """
    failures = scenario.cluster.failures
    if failures is None and not any(pool.spec.autoscale for pool in pools):
        return None
    fleets = tuple(_fleet(pool, failures or FailuresSpec()) for pool in pools)
    scalers = tuple(
        _scaler(pool.spec, scenario.slo, f"cluster.pools[{number}].autoscale")
        for number, pool in enumerate(pools)
    )
    if failures is None:
        return OperationsPlan(fleets, scalers)
    return OperationsPlan(fleets, scalers, _faults(failures, pools, fleets))


def _fleet(pool: PreparedPool, failures: FailuresSpec) -> FleetPlan:
    spec, scaler = pool.spec, pool.spec.autoscale
    devices = pool.backend.placement.devices
    return FleetPlan(
        slots=spec.replicas if scaler is None else max(scaler.max, spec.replicas),
        warm=0 if scaler is None else scaler.warm,
        provisioning_ns=ns_from_seconds(spec.start.provisioning),
        start_ns=ns_from_seconds(start_s(pool)),
        devices=devices,
        node_devices=failures.node_devices or pool.device.devices_per_system,
        rack_nodes=failures.rack_nodes,
        restarts=scaler is None,
    )


def start_s(pool: PreparedPool) -> float:
    """From a machine that is on to a replica that serves [s]: weights over bandwidth, and the engine."""
    start = pool.spec.start
    weights = pool.backend.placement.weight_bytes_per_device
    loading = 0.0 if start.load_bandwidth is None else weights / start.load_bandwidth
    return loading + start.engine_start


def _scaler(spec: PoolSpec, slo: SloSpec, key: str) -> ScalerPlan | None:
    scaler = spec.autoscale
    if scaler is None:
        return None
    by_slo = isinstance(scaler, SloScalerSpec)
    if by_slo and slo.ttft is None and slo.tpot is None and slo.e2e is None:
        raise InputError("policy slo goes by the scenario's objectives, but it has none; give slo", key=key)
    return ScalerPlan(
        policy=policy_of(scaler),
        least=scaler.min,
        most=scaler.max,
        interval_ns=ns_from_seconds(scaler.interval),
        cool_down_ns=ns_from_seconds(scaler.cool_down),
        ttft_ns=_ns(slo.ttft),
        tpot_ns=_ns(slo.tpot),
        e2e_ns=_ns(slo.e2e),
    )


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else ns_from_seconds(seconds)


def _faults(failures: FailuresSpec, pools: Sequence[PreparedPool], fleets: Sequence[FleetPlan]) -> FaultPlan:
    names = [pool.spec.name for pool in pools]
    return FaultPlan(
        random=tuple(_random(failures, pools)),
        scripted=tuple(_scripted(failures, names, fleets)),
        again=failures.lost_requests == "again",
    )


def _random(failures: FailuresSpec, pools: Sequence[PreparedPool]) -> Iterator[RandomFault]:
    for fault in failures.random:
        for number, pool in enumerate(pools):
            if fault.pool not in (None, pool.spec.name):
                continue
            if fault.component == "link" and pool.spec.role != "prefill":
                continue
            yield RandomFault(
                fault.component, number, fault.mtbf * NS_PER_S, fault.mttr * NS_PER_S, fault.factor
            )


def _scripted(
    failures: FailuresSpec, names: Sequence[str], fleets: Sequence[FleetPlan]
) -> Iterator[ScriptedFault]:
    for index, fault in enumerate(failures.scripted):
        assert fault.pool is not None  # the spec holds this
        pool = names.index(fault.pool)
        there = fleets[pool].components(fault.component)
        if fault.number >= there:
            raise InputError(
                f"strikes {fault.component} {fault.number} of pool {fault.pool!r}, which has {there}"
                f" (0 to {there - 1})",
                key=f"cluster.failures.scripted[{index}].number",
            )
        lasts_ns = None if fault.lasts is None else ns_from_seconds(fault.lasts)
        yield ScriptedFault(
            fault.component, pool, ns_from_seconds(fault.at), fault.number, lasts_ns, fault.factor
        )
