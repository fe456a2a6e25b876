"""One serving engine in simulated time: what both ways of stepping it share.

A replica takes requests and aborts from outside, wakes at step boundaries, and reports
ended requests. It lives in SimPy's event queue through plain events rather than a generator:
one event per wake, and a wake can be moved forward without an interrupt (the old appointment is
cancelled).

At one instant, arrivals and aborts come before the wake of a replica, so that the step composed
at that instant sees them, as vLLM's loop does.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple, Protocol

from simulator.engine.kv_tiers import KvTiers
from simulator.engine.request import FINISHED, NEVER, Request
from simulator.engine.scheduler.plan import PrefixStats, StepPlan
from simulator.engine.settings import EngineSettings
from simulator.engine.speculation import DraftStats
from simulator.engine.timing import Alarm, Appointment, NsEnvironment
from simulator.errors import SimulatorError
from simulator.latency.pricer import StepPricer, passage_of
from simulator.latency.slowed import SlowedPricer
from simulator.results.step_log import StepLog

#: After SimPy's URGENT (0) and NORMAL (1).
AFTER_ARRIVALS = 2
#: More than there are replicas in a pool.
TURNS = 1 << 32


class Counts(NamedTuple):
    """Where a replica stands: requests and KV blocks."""

    running: int
    waiting: int
    free_blocks: int
    cached_blocks: int


class Observer(Protocol):
    """Sees every decision of a replica (conformance traces)."""

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        """A step was composed at ``now``."""

    def completed(
        self,
        replica: Replica,
        plan: StepPlan,
        emitted: list[tuple[Request, int]],
        finished: list[Request],
        aborted: list[Request],
    ) -> None:
        """A step's output was processed."""

    def aborted(self, replica: Replica, requests: list[Request], now: int) -> None:
        """Requests were aborted between steps."""


class Replica:
    """An engine with its own scheduler, KV cache and devices.

    Parameters
    ----------
    env
        SimPy environment whose time is integer nanoseconds.
    settings, pricer
        How it schedules and what its steps cost.
    log
        Receives the steps.
    on_end
        Called with every request that ends here.
    number, pool
        Index of the replica within its pool, and of the pool.
    observer
        Optional witness of every step; it forces one event per step.
    """

    __slots__ = (
        "_aborts",
        "_alarm",
        "_bring_blocks",
        "_emerging",
        "_has_passage",
        "_inbox",
        "_loading",
        "_most_tokens",
        "_own_pricer",
        "_pace",
        "_to_free",
        "_turn",
        "_wake_ns",
        "_wake_number",
        "draft_stats",
        "env",
        "expected_ns",
        "keeps_early_aborts",
        "lent",
        "log",
        "number",
        "observer",
        "on_end",
        "on_room",
        "outstanding",
        "outstanding_tokens",
        "pool",
        "prefix_stats",
        "pricer",
        "settings",
        "tiers",
        "usd_per_hour",
    )

    def __init__(
        self,
        env: NsEnvironment,
        settings: EngineSettings,
        pricer: StepPricer,
        log: StepLog,
        on_end: Callable[[Request], None],
        number: int = 0,
        observer: Observer | None = None,
        pool: int = 0,
    ) -> None:
        self.env = env
        self.settings = settings
        self._most_tokens = settings.usable_blocks * settings.block_size
        self.pricer = self._own_pricer = pricer
        self._pace = 1.0
        self._has_passage = passage_of(pricer) is not None
        self.log = log
        self.on_end = on_end
        self.number = number
        self.pool = pool
        self.observer = observer
        #: Requests and tokens submitted and not ended: what routers look at.
        self.outstanding = 0
        self.outstanding_tokens = 0
        #: Called once blocks are free again that were kept or set aside for requests without a place here.
        self.on_room: Callable[[Replica], None] | None = None
        #: Whether an abort waits for a request that the engine loop has not seen yet (a real
        #: engine does); the scheduler oracle ignores such aborts.
        self.keeps_early_aborts = True
        #: Price of all devices of the replica [USD/h], None where unknown.
        self.usd_per_hour: float | None = None
        self.prefix_stats = PrefixStats()
        self.draft_stats: DraftStats | None = None
        #: When the next request is known to come to this replica [ns]: plans need not reach further. A time
        #: that is over says nothing.
        self.expected_ns = NEVER
        #: Memory behind the KV cache; None for none.
        self.tiers: KvTiers | None = None
        self._loading: dict[Request, None] = {}
        #: Requests without a place here that hold blocks: ended ones that keep them, and expected ones.
        self.lent = 0
        self._inbox: list[Request] = []
        self._bring_blocks = False  # somebody in the inbox has reserved blocks
        self._to_free: list[Request] = []
        self._aborts: list[Request] = []
        self._emerging: dict[Request, Appointment] = {}  # computed, but their last token is on its way
        self._alarm = Alarm(env, self._woken)
        self._wake_ns = NEVER  # when it rings
        self._wake_number = NEVER
        # Replicas that wake at the same instant do so in this order, whether they jumped there or not.
        self._turn = AFTER_ARRIVALS + pool * TURNS + number

    # -- from outside ------------------------------------------------------------------------

    @property
    def price_rank(self) -> float:
        """`usd_per_hour` to sort by: what has no known price comes last."""
        return inf if self.usd_per_hour is None else self.usd_per_hour

    def submit(self, request: Request) -> None:
        """Hand in a request; the next step that is composed can admit it."""
        tokens = request.prompt_tokens + request.output_tokens
        if tokens > self._most_tokens:
            self._refuse_unless_cut(tokens, request)
        self.outstanding += 1
        self.outstanding_tokens += tokens
        if request.blocks:
            self.lent -= 1
            self._bring_blocks = True
        request.place = self
        request.pool = self.pool
        request.replica = self.number
        self._inbox.append(request)
        self._notice()

    def _refuse_unless_cut(self, tokens: int, request: Request) -> None:
        """A request needs more tokens than all blocks hold, unless the model's length ends it before."""
        settings = self.settings
        needed = -(-min(tokens, settings.max_model_len) // settings.block_size)
        if needed > settings.usable_blocks:
            raise SimulatorError(
                f"request {request.index} needs {needed} KV blocks"
                f" and the engine has {settings.usable_blocks}"
            )

    def abort(self, request: Request) -> None:
        """Ask for a request to be dropped before the next step is composed."""
        emerges = self._emerging.pop(request, None)
        if emerges is not None:
            emerges.cancel()
            self._cut_short(request)
            return
        self._aborts.append(request)
        self._notice()

    def _cut_short(self, request: Request) -> None:
        """Its client gives up while its last token is on its way through the stages."""
        now = self.env.now
        request.finish_reason = "abort"
        if request.first_token_ns > now:
            request.outputs = 0
            request.first_token_ns = request.first_answer_ns = NEVER
        if request.keeps_blocks:
            self.lent += 1
            self.free(request)
        self._hand_out(request, now)

    def _is_lending(self) -> bool:
        """Whether blocks are held for requests without a place here, or for prompts on their way out."""
        return self.lent > 0 or any(request.keeps_blocks for request in self._emerging)

    def reserve(self, request: Request) -> bool:
        """Set blocks aside for a request whose KV cache comes from elsewhere; False without room.

        They are for all its known tokens and are its own when it is submitted.
        """
        blocks = -(-request.known_tokens // self.settings.block_size)
        if not self.has_room_now(blocks):
            return False
        self._take(blocks)
        request.blocks = blocks
        self.lent += 1
        self._notice()
        return True

    def free(self, request: Request) -> None:
        """Free the blocks that were kept or set aside for a request: at the end of the step that executes."""
        self.lent -= 1
        self._to_free.append(request)
        if self._is_idle():
            self._free_blocks()
        self._notice()

    def _passage_ns(self, duration_ns: int, *prompts: int) -> int:
        """How long the prompts of a step that lasts so long are still on their way when it has ended [ns]."""
        passage = passage_of(self.pricer)
        return 0 if passage is None else max(passage(*prompts) - duration_ns, 0)

    def _free_blocks(self) -> None:
        for request in self._to_free:
            self._release(request)
        self._to_free.clear()
        if self.on_room is not None:
            self.on_room(self)

    def change_pace(self, factor: float) -> None:
        """From the next step that is composed on, steps last so many times as long as the pricer says."""
        if factor != self._pace:
            self._pace = factor
            self.pricer = self._own_pricer if factor == 1.0 else SlowedPricer(self._own_pricer, factor)
            self._notice()

    def halt(self) -> list[Request]:
        """Stop for ever, in the middle of whatever is executing; returns all requests it had.

        Tokens of steps that ended before now are with the clients; all KV entries are lost. The
        requests come in the order in which they were admitted, those that waited behind them, and can be
        submitted elsewhere: prompt and delivered output are computed again there. Those whose client has
        given up end now.
        """
        now = self.env.now
        for request, emerges in list(self._emerging.items()):  # let through
            emerges.cancel()
            self._emerge(request)
        held = [*self._held_requests(now), *self._inbox, *self._loading]
        self._loading.clear()
        given_up, self._aborts = set(self._aborts), []
        self._inbox.clear()
        self._void_wake()
        lost = []
        for request in held:
            request.start_over()
            if request in given_up:
                request.finish_reason = "abort"
                self._ended(request, now)
            else:
                lost.append(request)
        self.outstanding = self.outstanding_tokens = self.lent = 0
        self._to_free.clear()
        return lost

    def counts(self) -> Counts:
        """Requests and KV blocks now."""
        raise NotImplementedError

    def _take(self, blocks: int) -> None:
        """Take free blocks now."""
        raise NotImplementedError

    def _release(self, request: Request) -> None:
        """Free the blocks of a request now."""
        raise NotImplementedError

    def _is_idle(self) -> bool:
        """Whether no step executes."""
        raise NotImplementedError

    # -- what routers can ask; the answers do not depend on jumps ----------------------------------

    def waiting_now(self) -> int:
        """Requests that no step has admitted yet."""
        raise NotImplementedError

    def free_blocks_now(self) -> int:
        """KV blocks that no request holds."""
        raise NotImplementedError

    def has_room_now(self, blocks: int) -> bool:
        """Whether so many KV blocks are free."""
        return blocks <= self.free_blocks_now()

    def cached_tokens_now(self, request: Request) -> int:
        """Tokens at the start of a prompt that a look-up would find in the prefix cache [tokens]."""
        raise NotImplementedError

    def queued_tokens_now(self) -> int:
        """Prompt tokens of its requests that no step has scheduled yet [tokens]."""
        raise NotImplementedError

    def _fetch(self, tiers: KvTiers) -> None:
        """Those of whom tiers hold more than the cache leave the inbox until that is loaded."""
        staying = []
        for request in self._inbox:
            held = self.cached_tokens_now(request)
            if not request.remote_tokens and tiers.fetch(request, held, self._loaded):
                self._loading[request] = None
                if self.settings.enable_prefix_caching:  # at its admission all of it will look remote
                    self.prefix_stats.record(request, held)
            else:
                staying.append(request)
        self._inbox[:] = staying

    def _loaded(self, request: Request) -> None:
        """What tiers held of a request has arrived."""
        if self._loading.pop(request, self) is not self:  # else the replica has halted meanwhile
            self._inbox.append(request)
            self._notice()

    # -- for the two engines --------------------------------------------------------------------

    def _notice(self) -> None:
        """Something came in: make sure that the next step boundary is attended."""
        raise NotImplementedError

    def _on_wake(self, now: int) -> None:
        raise NotImplementedError

    def _held_requests(self, now: int) -> list[Request]:
        """All requests beyond the inbox, with ``outputs`` as delivered; nothing of them is kept."""
        raise NotImplementedError

    def _wake_at(self, time_ns: int) -> None:
        before = self._wake_ns
        if before == time_ns:
            return
        env = self.env
        if before != NEVER:
            env.cancel(self._wake_number)
        self._wake_ns = time_ns
        self._wake_number = env.schedule_at(self._alarm, self._turn, time_ns)

    def _woken(self) -> None:
        now = self._wake_ns
        self._wake_ns = NEVER
        self._on_wake(now)

    def _void_wake(self) -> None:
        if self._wake_ns != NEVER:
            self.env.cancel(self._wake_number)
            self._wake_ns = NEVER

    def _ended(self, request: Request, now: int) -> None:
        request.status = FINISHED
        if request.passage_ns and request.finish_reason != "abort":
            self._emerging[request] = Appointment(
                self.env, request.passage_ns, lambda _: self._emerge(request)
            )
        else:
            self._hand_out(request, now)

    def _emerge(self, request: Request) -> None:
        """The last token of a request has passed all stages."""
        del self._emerging[request]
        self._hand_out(request, self.env.now)

    def _hand_out(self, request: Request, now: int) -> None:
        request.finish_ns = now
        if request.passage_ns:  # where it ends early, nothing comes out later
            request.first_token_ns = min(request.first_token_ns, now)
            request.first_answer_ns = min(request.first_answer_ns, now)
        self.outstanding -= 1
        self.outstanding_tokens -= request.prompt_tokens + request.output_tokens
        if self.tiers is not None:
            self.tiers.keep(request)
        if request.keeps_blocks and request.finish_reason != "abort":
            self.lent += 1
        self.on_end(request)
