"""Engines of a point as pools: how each lies on its devices, and the way from prefill to decode engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint, Workers
from simulator.engine.link import LinkPlan
from simulator.hardware.device import Device
from simulator.scenario.cluster import ParallelismSpec, PoolSpec, Role
from simulator.units.clock import ns_from_seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """How one engine lies on its devices."""

    tensor: int
    pipeline: int
    data: int
    expert: int

    @property
    def spec(self) -> ParallelismSpec:
        """The same for a pool."""
        return ParallelismSpec(tensor=self.tensor, pipeline=self.pipeline, data=self.data, expert=self.expert)

    @property
    def devices(self) -> int:
        """Devices of the engine."""
        return self.tensor * self.pipeline * self.data


@dataclass(frozen=True, slots=True)
class Engines:
    """Equal engines of a pool: its name and role, how many, how each is spread, and most requests in one."""

    name: str
    role: Role
    count: int
    spread: Spread
    running: int


def disaggregated(
    point: OperatingPoint, concurrency: int, pool: Callable[[Engines], PoolSpec]
) -> tuple[PoolSpec, ...]:
    """Prefill and decode pools of a point with so many requests in flight.

    Raises
    ------
    NotSimulated
        Where the row does not say how many engines there are.
    """
    pools = []
    sides: tuple[tuple[Role, Workers], ...] = (("prefill", point.prefill), ("decode", point.decode))
    for role, side in sides:
        if side.workers is None:
            raise NotSimulated("prefill and decode engines, but the row does not say how many of them")
        running = -(-concurrency // side.workers) if role == "decode" else concurrency
        pools.append(pool(Engines(role, role, side.workers, spread_of_side(side), max(running, 1))))
    return tuple(pools)


def spread_of_side(side: Workers) -> Spread:
    """How each engine of one side lies on its devices."""
    return Spread(side.tp or 1, side.pp or 1, side.dp or 1, max(side.ep or 1, 1))


def link_between(device: Device) -> LinkPlan:
    """The way of a KV cache: the network between nodes, else the link inside one."""
    for link in (device.scale_out, device.scale_up):
        if link is not None and link.bandwidth is not None:
            return LinkPlan(link.bandwidth, ns_from_seconds(link.latency or 10e-6))
    raise NotSimulated(f"{device.name} has no known link between prefill and decode engines")
