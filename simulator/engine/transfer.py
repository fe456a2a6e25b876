"""The link that carries KV caches from one prefill replica to the decode replicas.

Transfers go one after the other, first come first served: each occupies the link for its bytes
over the bandwidth, and arrives one latency after its last byte left. Left out: contention
between links, overlap of the transfer with the prefill (layer by layer), and the blocks that
a prefill replica would hold until its transfer is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.engine.timing import Appointment, NsEnvironment
from simulator.units.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """A link: its bandwidth, one way [bytes/s], and its latency [ns]."""

    bytes_per_s: float
    latency_ns: int = 0


class Link:
    """One link, with a queue in front of it."""

    def __init__(self, env: NsEnvironment, plan: LinkPlan) -> None:
        self.env = env
        self.plan = plan
        self.bytes_sent = 0.0
        self._free_at = 0

    def send(self, size: float, arrived: Callable[[], None]) -> int:
        """Queue ``size`` bytes; returns when the last of them is there [ns], and then calls ``arrived``."""
        now = self.env.now
        self._free_at = max(now, self._free_at) + round(size / self.plan.bytes_per_s * NS_PER_S)
        self.bytes_sent += size
        arrival_ns = self._free_at + self.plan.latency_ns
        Appointment(self.env, arrival_ns - now, lambda _: arrived())
        return arrival_ns
