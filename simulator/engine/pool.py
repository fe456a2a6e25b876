"""A pool: replicas that are all alike, with one log of their steps. They come and go at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from simulator.engine.build import build_replica
from simulator.engine.chunks import Chunks
from simulator.engine.kv_tiers import KvTiers, Tier, TierPlan, recorded, tiers_of_pool
from simulator.engine.length_prediction import LengthPredictor
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.settings import EngineSettings
from simulator.engine.speculation import DraftAcceptance, DraftStats
from simulator.engine.timing import NsEnvironment
from simulator.engine.topology import Attachment
from simulator.latency.pricer import StepPricer
from simulator.results.recording import DraftingRecord, PoolRecording
from simulator.results.step_log import StepLog

Role = Literal["unified", "prefill", "decode"]
ALONE = Attachment()


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a pool is made of.

    Attributes
    ----------
    role
        ``unified`` serves whole requests; ``prefill`` hands the KV cache of a prompt to ``decode``.
    settings, pricer
        Of every replica: how it schedules and what its steps cost.
    kv_bytes_per_token
        What a token of KV cache weighs when it is moved [bytes].
    draft_positions
        Chance that at least 1, 2, ... drafts are accepted, where there is speculation.
    model
        Name of what it serves, where there are several.
    layers
        Of the model, over which a transfer can be spread.
    attachment
        How the devices are connected.
    usd_per_hour
        Price of one replica [USD/h], None where unknown.
    length_prediction_error
        Of predicted outputs, where the scheduler goes by them (see `engine.length_prediction`).
    kv_tiers
        Memory behind the KV cache of every replica, nearest first.
    """

    name: str
    settings: EngineSettings
    pricer: StepPricer
    replicas: int = 1
    role: Role = "unified"
    model: str = ""
    kv_bytes_per_token: float = 0.0
    draft_positions: tuple[float, ...] = ()
    layers: int = 1
    attachment: Attachment = ALONE
    usd_per_hour: float | None = None
    length_prediction_error: float = 0.0
    kv_tiers: tuple[TierPlan, ...] = ()

    @property
    def cache_tokens(self) -> int:
        """Tokens that the KV cache of one replica holds."""
        return self.settings.usable_blocks * self.settings.block_size


class Pool:
    """The replicas of one pool in simulated time.

    ``ended`` is called with every request that ends in one of them; whoever sends requests
    here sets it. ``random`` is for draws of the engine itself; ``chunks`` sees what its replicas compute
    of which prompt when, where somebody wants to know. ``counted_from_ns`` is the end of the warm-up: waits
    between tokens that end before are left out [ns].

    Attributes
    ----------
    replicas
        All there ever were, by number; a number is never used again.
    serving
        Those that take requests now.
    on_room
        Called with a replica in which blocks are free again that were set aside; set by whoever does that.
    gaps
        Between tokens that no decode step shows (see `engine.losses`) [ns].
    """

    def __init__(
        self,
        env: NsEnvironment,
        plan: PoolPlan,
        number: int,
        random: np.random.Generator,
        *,
        jumping: bool = True,
        keep_steps: bool = False,
        chunks: Chunks | None = None,
        counted_from_ns: int = 0,
    ) -> None:
        self.env = env
        self.plan = plan
        self.number = number
        self.log = StepLog(plan.pricer, keep_steps, counted_from_ns)
        self.ended: Callable[[Request], None] = _nobody
        self.on_room: Callable[[Replica], None] | None = None
        self.preemptions = 0
        self.gaps: list[int] = []
        self._counted_from_ns = counted_from_ns
        self._jumping = jumping
        self.chunks = chunks
        self.replicas: list[Replica] = []
        self.serving: dict[Replica, None] = {}
        self._leaving: dict[Replica, Callable[[Replica], None]] = {}
        self._tiers: list[Tier] = []
        self._tiers_of_replica = tiers_of_pool(plan.kv_tiers, plan.settings.block_size)
        for _ in range(plan.replicas):
            self.add()

        self._acceptance: DraftAcceptance | None = None
        if plan.draft_positions:
            self._acceptance = DraftAcceptance(plan.draft_positions, random)
        self._predictor: LengthPredictor | None = None
        if plan.length_prediction_error and plan.role != "prefill":  # there, an output is one token
            self._predictor = LengthPredictor(plan.length_prediction_error, random)

    def add(self) -> Replica:
        """One replica more, in service from now on."""
        replica = build_replica(
            self.env,
            self.plan.settings,
            self.plan.pricer,
            self.log,
            self._on_end,
            number=len(self.replicas),
            observer=self.chunks,
            pool=self.number,
            jumping=self._jumping,
        )
        if self.plan.kv_tiers:
            tiers = self._tiers_of_replica()
            self._tiers += tiers
            replica.tiers = KvTiers(self.env, tiers, self.plan.kv_bytes_per_token)
        replica.usd_per_hour = self.plan.usd_per_hour
        replica.on_room = self._on_room
        self.replicas.append(replica)
        self.serving[replica] = None
        return replica

    def drain(self, replica: Replica, then: Callable[[Replica], None]) -> None:
        """Take a replica out of service; ``then`` is called once nobody needs it, maybe now."""
        del self.serving[replica]
        if replica.outstanding or replica.lent:
            self._leaving[replica] = then
        else:
            then(replica)

    def halt(self, replica: Replica) -> list[Request]:
        """A replica is gone at once; returns the requests that it had (see `Replica.halt`)."""
        self.serving.pop(replica, None)
        self._leaving.pop(replica, None)
        return replica.halt()

    def send(self, request: Request, replica: Replica) -> None:
        """Hand a request to one of the replicas."""
        if self._acceptance is not None:
            request.accepted_drafts = self._acceptance.pattern()
        if self._predictor is not None:
            request.predicted_tokens = self._predictor.predict(request.output_tokens)
        replica.submit(request)

    def free(self, request: Request, replica: Replica) -> None:
        """Free the blocks that one of the replicas kept or set aside for a request."""
        replica.free(request)
        if self._leaving:
            self._see_off(replica)

    def _on_end(self, request: Request) -> None:
        self.preemptions += request.preemptions
        self.ended(request)
        if self._leaving:
            self._see_off(self.replicas[request.replica])

    def _on_room(self, replica: Replica) -> None:
        if self.on_room is not None:
            self.on_room(replica)

    def _see_off(self, replica: Replica) -> None:
        """A replica that is to leave goes once nothing of it is needed any more."""
        if replica in self._leaving and not replica.outstanding and not replica.lent:
            self._leaving.pop(replica)(replica)

    def add_gap(self, begin_ns: int, token_ns: int) -> None:
        """Between the tokens of an output was so long that no decode step shows it."""
        if token_ns >= self._counted_from_ns:
            self.gaps.append(token_ns - begin_ns)

    def begin_to_count(self) -> None:
        """What has been counted so far is left out; time and energy have windows to be told apart by."""
        self.preemptions = 0
        for replica in self.replicas:
            replica.prefix_stats.begin_to_count()
            if replica.draft_stats is not None:
                replica.draft_stats.begin_to_count()
        for tier in dict.fromkeys(self._tiers):
            tier.begin_to_count()

    def recording(self) -> PoolRecording:
        """What the pool did so far."""
        stats = [replica.prefix_stats for replica in self.replicas]
        settings = self.plan.settings
        drafts = [replica.draft_stats for replica in self.replicas if replica.draft_stats is not None]
        return PoolRecording(
            name=self.plan.name,
            replicas=self.plan.replicas,
            kv_blocks_per_replica=settings.usable_blocks,
            block_size=settings.block_size,
            windows=self.log.windows(),
            inter_token=self.log.inter_token().with_more(self.gaps),
            steps=self.log.steps,
            prefix_queried_tokens=sum(s.queries for s in stats),
            prefix_hit_tokens=sum(s.hits for s in stats),
            preemptions=self.preemptions,
            drafting=_drafting(drafts),
            step_table=self.log.step_table(),
            kv_tiers=recorded(self._tiers),
        )


def _drafting(stats: list[DraftStats]) -> DraftingRecord | None:
    """What came of the drafts of all replicas."""
    if not stats:
        return None
    accepted = zip(*(one.accepted_by_position for one in stats), strict=True)
    return DraftingRecord(
        verifications=sum(one.verifications for one in stats),
        drafted=sum(one.drafted for one in stats),
        accepted_by_position=tuple(map(sum, accepted)),
    )


def _nobody(request: Request) -> None:
    raise AssertionError(f"request {request.index} ended in a pool that nobody sends requests to")
