"""What happens to the machines of a cluster while it runs: fleets, autoscalers, failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.engine.autoscaler import Autoscaler, ScalerPlan
from simulator.engine.faults import FaultInjector, FaultPlan
from simulator.engine.fleet import ON_THE_WAY, Fleet, FleetPlan, State
from simulator.engine.request import Request
from simulator.units.random_streams import RandomStreams

if TYPE_CHECKING:
    from simulator.engine.cluster import Cluster


NOTHING_FAILS = FaultPlan()


@dataclass(frozen=True, slots=True)
class OperationsPlan:
    """Machines of every pool, who scales them (None: nobody), and what fails."""

    fleets: tuple[FleetPlan, ...]
    scalers: tuple[ScalerPlan | None, ...]
    faults: FaultPlan = NOTHING_FAILS


class Operations:
    """The fleets of a cluster, and all that acts on them."""

    def __init__(self, cluster: Cluster, plan: OperationsPlan, streams: RandomStreams) -> None:
        self._cluster = cluster
        self._again = plan.faults.again
        self.fleets = [
            Fleet(cluster, pool, about, self._lost)
            for pool, about in zip(cluster.pools, plan.fleets, strict=True)
        ]
        self._scalers = [
            Autoscaler(fleet, scaler, lambda pool=fleet.pool: cluster.in_line(pool), cluster.requests)  # type: ignore[misc]
            for fleet, scaler in zip(self.fleets, plan.scalers, strict=True)
            if scaler is not None
        ]
        self._faults = FaultInjector(cluster.env, self.fleets, plan.faults, streams)

    def begin_to_count(self) -> None:
        """What has happened so far is left out."""
        for fleet in self.fleets:
            fleet.begin_to_count()

    def may_go_on(self) -> bool:
        """Whether requests that wait for a replica may yet get one: somebody may come where nobody serves."""
        front = [fleet for fleet in self.fleets if fleet.pool.plan.role != "decode"]
        back = [fleet for fleet in self.fleets if fleet.pool.plan.role == "decode"]
        idle = [group for group in (front, back) if group and not any(map(_serves, group))]
        return bool(idle) and all(any(map(self._may_come, group)) for group in idle)

    def _may_come(self, fleet: Fleet) -> bool:
        if fleet.count(State.DRAINING, *ON_THE_WAY) or (self._faults.repairs and fleet.count(State.DOWN)):
            return True
        scaled = any(scaler.plan.most for scaler in self._scalers if scaler.of(fleet))
        return scaled and fleet.count(State.OFF, State.COMING, State.WARM) > 0

    def _lost(self, request: Request) -> None:
        if self._again:
            self._cluster.again(request)
        else:
            self._cluster.gateway.end(request, "failed")


def _serves(fleet: Fleet) -> bool:
    return fleet.count(State.SERVING) > 0
