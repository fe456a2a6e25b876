"""The machines of one pool: when each is on, starts, serves, leaves and fails.

A pool has a slot for every replica that it can have; a slot has its place in nodes and racks for good.

    off -> (provisioning) -> warm or starting -> serving -> draining -> off or warm
    warm, starting, serving or draining -> down -> off

A machine is on, and costs, from the end of its provisioning to the end of its last request; while it is down
it is off. Replicas come and go with the slots' states; a replica's number is never used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.timing import Background
from simulator.results.recording import FleetRecording

if TYPE_CHECKING:
    from simulator.engine.cluster import Cluster


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a pool's machines take, and where they stand.

    Attributes
    ----------
    slots
        Most replicas at once.
    warm
        Machines kept on without the model.
    provisioning_ns, start_ns
        Until a machine is there, and from there until its replica serves [ns].
    devices, node_devices, rack_nodes
        Devices of a replica, of a node, and nodes of a rack.
    restarts
        Whether a repaired machine serves again by itself (nobody else starts it).
    """

    slots: int
    warm: int = 0
    provisioning_ns: int = 0
    start_ns: int = 0
    devices: int = 1
    node_devices: int = 8
    rack_nodes: int = 4
    restarts: bool = True

    def component_devices(self, kind: str) -> int:
        """Devices in a component of a kind: those of a replica where it is no set of devices."""
        node = self.node_devices
        return {"device": 1, "node": node, "rack": node * self.rack_nodes}.get(kind, self.devices)

    def components(self, kind: str) -> int:
        """How many components of a kind there are."""
        return -(-self.slots * self.devices // self.component_devices(kind))


class State(Enum):
    """Of a slot."""

    OFF = "off"
    COMING = "coming"  # being provisioned, to be warm
    WARM = "warm"
    PROVISIONING = "provisioning"  # to serve
    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    DOWN = "down"


ON = frozenset({State.WARM, State.STARTING, State.SERVING, State.DRAINING})
ON_THE_WAY = frozenset({State.PROVISIONING, State.STARTING})


class Slot:
    """One machine; ``token`` tells an appointment whether it still counts.

    ``pace`` and ``link_pace`` are how many times as long its steps and what its links out carry take;
    ``former`` is the replica that it had last.
    """

    __slots__ = ("former", "link_pace", "number", "pace", "replica", "state", "token")

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = State.OFF
        self.replica: Replica | None = None
        self.former: Replica | None = None
        self.token = 0
        self.pace = self.link_pace = 1.0

    @property
    def has_machine(self) -> bool:
        """Whether a machine stands here, working or broken."""
        return self.state in ON or self.state is State.DOWN


class Fleet:
    """The slots of one pool.

    Parameters
    ----------
    lost
        Called with every request whose replica has stopped under it.
    """

    def __init__(
        self, cluster: Cluster, pool: Pool, plan: FleetPlan, lost: Callable[[Request], None]
    ) -> None:
        self.env = cluster.env
        self.pool = pool
        self.plan = plan
        self._cluster = cluster
        self._lost = lost
        self.slots = [Slot(number) for number in range(plan.slots)]
        self.begin_to_count()
        self._times: list[int] = []
        self._counts: list[tuple[int, int, int, int]] = []
        for slot, replica in zip(self.slots, pool.replicas, strict=False):
            slot.state = State.SERVING
            slot.replica = slot.former = replica
        for slot in self.slots[len(pool.replicas) : len(pool.replicas) + plan.warm]:
            slot.state = State.WARM
        self._note()

    # -- what others ask ------------------------------------------------------------------------

    def count(self, *states: State) -> int:
        """Slots in any of these states."""
        return sum(slot.state in states for slot in self.slots)

    @property
    def intended(self) -> int:
        """Replicas that serve or are on their way to."""
        return self.count(State.SERVING, *ON_THE_WAY)

    def serving(self) -> list[Replica]:
        """The replicas in service."""
        return [slot.replica for slot in self.slots if slot.state is State.SERVING and slot.replica]

    # -- starting and stopping ------------------------------------------------------------------

    def launch(self, replicas: int) -> None:
        """Start so many more, as far as there are machines: warm ones first."""
        for state in (State.WARM, State.COMING, State.OFF):
            for slot in self.slots:
                if replicas and slot.state is state:
                    self._launch(slot)
                    replicas -= 1
        self._refill()

    def retire(self, replicas: int) -> None:
        """Let so many go: those on their way first, then those with the fewest requests."""
        coming = [slot for slot in reversed(self.slots) if slot.state in ON_THE_WAY]
        serving = [slot for slot in reversed(self.slots) if slot.state is State.SERVING]
        serving.sort(key=lambda slot: slot.replica.outstanding if slot.replica else 0)
        for slot in (*coming, *serving)[:replicas]:
            self.stops += 1
            if slot.state is State.SERVING:
                self._drain(slot)
            else:
                slot.token += 1
                self._rest(slot)

    def _launch(self, slot: Slot) -> None:
        self.starts += 1
        waited = slot.state is State.WARM
        self._change(slot, State.STARTING if waited else State.PROVISIONING)
        if waited:
            self._after(slot, self.plan.start_ns, self._serve)
        else:
            self._after(slot, self.plan.provisioning_ns, self._start)

    def _start(self, slot: Slot) -> None:
        self._change(slot, State.STARTING)
        self._after(slot, self.plan.start_ns, self._serve)

    def _serve(self, slot: Slot) -> None:
        slot.replica = slot.former = self._cluster.add(self.pool, slot.former)
        self.pace(slot, slot.pace)
        self.pace_links(slot, slot.link_pace)
        self._change(slot, State.SERVING)

    def _drain(self, slot: Slot) -> None:
        replica = slot.replica
        assert replica is not None
        self._change(slot, State.DRAINING)
        slot.token += 1
        token = slot.token

        def empty(replica: Replica) -> None:
            if slot.token == token:
                slot.replica = None
                self._rest(slot)

        self._cluster.drain(replica, empty)

    def _rest(self, slot: Slot) -> None:
        """A machine that nobody needs stays on where too few are warm."""
        keeps = self.count(State.WARM, State.COMING) < self.plan.warm
        self._change(slot, State.WARM if keeps else State.OFF)

    def _refill(self) -> None:
        """Provision machines until enough are warm or on their way."""
        for slot in self.slots:
            if self.count(State.WARM, State.COMING) >= self.plan.warm:
                return
            if slot.state is State.OFF:
                self._change(slot, State.COMING)
                self._after(slot, self.plan.provisioning_ns, lambda slot: self._change(slot, State.WARM))

    # -- failing ------------------------------------------------------------------------------

    def fail(self, *slots: Slot) -> None:
        """Machines that are on stop at once, all together; what their replicas had is lost."""
        stopped = [slot for slot in slots if slot.state in ON]
        replicas = [slot.replica for slot in stopped if slot.replica is not None]
        for slot in stopped:
            slot.token += 1
            slot.replica = None
            self._change(slot, State.DOWN)
        settings = self.pool.plan.settings
        held = sum(settings.usable_blocks - replica.free_blocks_now() for replica in replicas)
        lost = self._cluster.kill(*replicas)
        self.failures += len(stopped)
        self.lost_kv_tokens += held * settings.block_size
        self.lost_requests += len(lost)
        for request in lost:
            self._lost(request)

    def repair(self, slot: Slot) -> None:
        """A machine that was down can be used again; it loads the model anew."""
        if slot.state is not State.DOWN:
            return
        self._change(slot, State.OFF)
        if self.plan.restarts:
            self._change(slot, State.STARTING)
            self._after(slot, self.plan.start_ns, self._serve)
        else:
            self._refill()

    def pace(self, slot: Slot, factor: float) -> None:
        """From the next step on, the steps of a machine last so many times as long as its kind's."""
        slot.pace = factor
        if slot.replica is not None:
            slot.replica.change_pace(slot.pace)

    def pace_links(self, slot: Slot, factor: float) -> None:
        """From now on the links out of a prefill machine are so many times slower."""
        slot.link_pace = factor
        if slot.replica is not None:
            self._cluster.change_link_pace(slot.replica, slot.link_pace)

    # -- places -------------------------------------------------------------------------------

    def within(self, kind: str, number: int) -> Sequence[Slot]:
        """The slots with a device in a component."""
        size = self.plan.component_devices(kind)
        devices = self.plan.devices
        return self.slots[number * size // devices : ((number + 1) * size - 1) // devices + 1]

    # -- records ------------------------------------------------------------------------------

    def begin_to_count(self) -> None:
        """What has happened so far is left out; time has states to be told apart by."""
        self.failures = self.lost_requests = self.lost_kv_tokens = 0
        self.starts = self.stops = 0

    def recording(self) -> FleetRecording:
        """States over time, and what was lost."""
        counts = np.array(self._counts, dtype=np.int64).reshape(-1, 4)
        return FleetRecording(
            slots=self.plan.slots,
            time_ns=np.array(self._times, dtype=np.int64),
            on=counts[:, 0].copy(),
            serving=counts[:, 1].copy(),
            down=counts[:, 2].copy(),
            starts=self.starts,
            stops=self.stops,
            failures=self.failures,
            lost_requests=self.lost_requests,
            lost_kv_tokens=self.lost_kv_tokens,
            computing=counts[:, 3].copy(),
        )

    def _change(self, slot: Slot, state: State) -> None:
        slot.state = state
        self._note()

    def _note(self) -> None:
        """Write down the counts; changes at one instant are one."""
        on = sum(slot.state in ON for slot in self.slots)
        serving, draining = self.count(State.SERVING), self.count(State.DRAINING)
        counts = (on, serving, self.count(State.DOWN), serving + draining)
        if self._times and self._times[-1] == self.env.now:
            self._counts[-1] = counts
        else:
            self._times.append(self.env.now)
            self._counts.append(counts)

    def _after(self, slot: Slot, delay_ns: int, then: Callable[[Slot], None]) -> None:
        slot.token += 1
        token = slot.token

        def due() -> None:
            if slot.token == token:
                then(slot)

        Background(self.env, delay_ns, due)
