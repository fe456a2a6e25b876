"""Replicas that change sides: xPyD adapted to the traffic at run time.

Every so often both sides are looked at. The prefill side is short where more than so many prompts wait per
replica; the decode side is short where requests wait for room, or where more than a share of its KV blocks
is in use. Where one side is short and the other is not, the least loaded replica of the other is drained, and
comes into service on the short side after the time that the change takes (other settings, a warm-up). One
replica changes at a time.

In the manner of Splitwise's mixed pool and of Dynamo's planner, with thresholds instead of predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.timing import Background
from simulator.results.recording import FleetRecording

if TYPE_CHECKING:
    from simulator.engine.cluster import Cluster


@dataclass(frozen=True, slots=True)
class AdaptationPlan:
    """When replicas change sides.

    Attributes
    ----------
    interval_ns, change_ns
        Between two looks, and how long a change takes once the replica is drained [ns].
    most_waiting
        Prompts waiting per prefill replica beyond which that side is short.
    most_kv_use
        Share of KV blocks in use beyond which the decode side is short.
    least_prefill, least_decode
        Replicas that stay on each side.
    """

    interval_ns: int
    change_ns: int = 0
    most_waiting: float = 1.0
    most_kv_use: float = 0.9
    least_prefill: int = 1
    least_decode: int = 1


class Adaptation:
    """Moves replicas between the prefill and the decode pool of a cluster."""

    def __init__(self, cluster: Cluster, plan: AdaptationPlan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._prefill, self._decode = (
            next(pool for pool in cluster.pools if pool.plan.role == role) for role in ("prefill", "decode")
        )
        self._sides = {pool: _Side(len(pool.serving)) for pool in (self._prefill, self._decode)}
        self._changing = False
        self._appoint()

    def begin_to_count(self) -> None:
        """Changes so far are left out."""
        for side in self._sides.values():
            side.begin_to_count()

    def recording(self, pool: Pool) -> FleetRecording | None:
        """The replicas of a side over time; None for pools that do not take part."""
        side = self._sides.get(pool)
        if side is None:
            return None
        return side.recording(sum(other.plan.replicas for other in self._sides))

    def _appoint(self) -> None:
        Background(self._cluster.env, self._plan.interval_ns, self._look)

    def _look(self) -> None:
        self._appoint()
        if self._changing:
            return
        prompts_short, outputs_short = self._prompts_are_short(), self._outputs_are_short()
        if prompts_short and not outputs_short and len(self._decode.serving) > self._plan.least_decode:
            self._change(self._decode, self._prefill)
        elif outputs_short and not prompts_short and len(self._prefill.serving) > self._plan.least_prefill:
            self._change(self._prefill, self._decode)

    def _prompts_are_short(self) -> bool:
        serving = self._prefill.serving
        waiting = sum(replica.waiting_now() for replica in serving)
        return waiting > self._plan.most_waiting * len(serving)

    def _outputs_are_short(self) -> bool:
        if self._cluster.in_line(self._decode):
            return True
        serving = self._decode.serving
        free = sum(replica.free_blocks_now() for replica in serving)
        usable = self._decode.plan.settings.usable_blocks * len(serving)
        return free < (1.0 - self._plan.most_kv_use) * usable

    def _change(self, origin: Pool, target: Pool) -> None:
        self._changing = True
        now = self._cluster.env.now
        self._sides[origin].note(now, serving=-1)
        least = min(origin.serving, key=lambda replica: replica.outstanding)
        self._cluster.drain(least, lambda replica: self._drained(replica, target))

    def _drained(self, replica: Replica, target: Pool) -> None:
        now = self._cluster.env.now
        self._sides[self._cluster.pools[replica.pool]].note(now, on=-1, computing=-1, stops=1)
        self._sides[target].note(now, on=1)
        Background(self._cluster.env, self._plan.change_ns, lambda: self._arrive(replica, target))

    def _arrive(self, former: Replica, target: Pool) -> None:
        self._sides[target].note(self._cluster.env.now, serving=1, computing=1, starts=1)
        self._changing = False
        self._cluster.add(target, former)


class _Side:
    """Replicas of one side over time."""

    def __init__(self, replicas: int) -> None:
        self._rows = [(0, replicas, replicas, replicas)]
        self.begin_to_count()

    def begin_to_count(self) -> None:
        """Starts and stops so far are left out; times have rows to be told apart by."""
        self._starts = self._stops = 0

    def note(
        self, now: int, on: int = 0, serving: int = 0, computing: int = 0, starts: int = 0, stops: int = 0
    ) -> None:
        """What has changed at this moment."""
        _, was_on, was_serving, was_computing = self._rows[-1]
        self._rows.append((now, was_on + on, was_serving + serving, was_computing + computing))
        self._starts += starts
        self._stops += stops

    def recording(self, slots: int) -> FleetRecording:
        """All of it."""
        times, on, serving, computing = np.array(self._rows, dtype=np.int64).T
        return FleetRecording(
            slots=slots,
            time_ns=times,
            on=on,
            serving=serving,
            computing=computing,
            down=np.zeros(len(times), dtype=np.int64),
            starts=self._starts,
            stops=self._stops,
            failures=0,
            lost_requests=0,
            lost_kv_tokens=0,
            changes_sides=True,
        )
