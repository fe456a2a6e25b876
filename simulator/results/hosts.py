"""The hosts of devices: processors, memory, network cards, switches and fans of their servers.

Hosts draw what is known of the server, whether the devices work or not. Where the draw of a pool's hosts is
not known, sums are those of the others, and what holds a sum names whose hosts it leaves out: an unknown
counts as nothing nowhere without being said.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.results.context import RunContext
from simulator.results.fleet import mean_on
from simulator.results.ranges import Range, times
from simulator.results.recording import Recording


@dataclass(frozen=True, slots=True)
class HostlessPool:
    """A pool whose hosts' draw is not known; ``number`` is its place in the cluster."""

    number: int
    name: str
    device: str


@dataclass(frozen=True, slots=True)
class MissingHosts:
    """Whose hosts are left out, for their draw is not known: ``pools`` of so many."""

    pools: tuple[HostlessPool, ...] = ()
    of: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the pools, in the order of the cluster."""
        return tuple(pool.name for pool in self.pools)

    @property
    def devices(self) -> tuple[str, ...]:
        """Each kind once, in order of their names."""
        return tuple(sorted({pool.device for pool in self.pools}))

    @property
    def in_words(self) -> str:
        """``NVIDIA L4``, or ``NVIDIA L4 in pool 'decode'`` where there are several pools."""
        if self.of == 1:
            return ", ".join(self.devices)
        return ", ".join(f"{pool.device} in pool {pool.name!r}" for pool in self.pools)

    @property
    def keys(self) -> str:
        """What says their draw."""
        return ", ".join(f"cluster.pools.{pool.number}.power.host" for pool in self.pools)

    @property
    def mark(self) -> str:
        """Behind a draw: ``without hosts``, or whose where others are in it; empty where none is missing."""
        if not self.pools:
            return ""
        whose = "" if len(self.pools) == self.of else f" of {', '.join(self.devices)}"
        return f"without hosts{whose}"


NONE_MISSING = MissingHosts()


def missing_hosts(context: RunContext) -> MissingHosts:
    """Whose hosts' draw is not known."""
    missing = (
        HostlessPool(number, pool.name, pool.device)
        for number, pool in enumerate(context.pools)
        if pool.host_w is None
    )
    return MissingHosts(tuple(missing), len(context.pools))


def host_draws(context: RunContext, recording: Recording) -> list[Range | None]:
    """Mean draw of the hosts of each pool that were on [W]; None where it is unknown."""
    return [
        times(about.host_w, about.devices_per_replica * mean_on(pool, context.warmup_ns, recording.end_ns))
        for pool, about in zip(recording.pools, context.pools, strict=True)
    ]
