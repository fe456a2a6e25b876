"""The general engine: one event per step, decisions by a list-walking scheduler.

Covers every setting and every batching policy. `engine.aggregate` covers the common case at a
cost that does not grow with the batch.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from simulator.engine.kv_cache import KVCache
from simulator.engine.replica import Counts, Replica
from simulator.engine.request import FINISHED, NEVER, Request
from simulator.engine.scheduler import SCHEDULERS
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.speculation import DraftLength
from simulator.errors import SimulatorError
from simulator.latency.pricer import shares_context
from simulator.results.step_log import NO_GROWTH

#: Empty steps in a row after which something is wrong (requests wait and nothing can run).
MOST_EMPTY_STEPS = 1000
#: Preemptions without a token in between after which nothing will ever come of them.
MOST_PREEMPTIONS_IN_VAIN = 10_000


class ListedReplica(Replica):
    """A replica whose scheduler composes every step from the lists of requests.

    Synchronous: compose, execute, process the output. Asynchronous: the next step is composed
    when one starts to execute, so two are under way.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.settings
        cache = KVCache(settings.usable_blocks, settings.block_size, settings.enable_prefix_caching)
        self.scheduler = SCHEDULERS[settings.scheduler](settings, cache)
        self.prefix_stats = self.scheduler.prefix_stats
        if settings.num_speculative_tokens:
            self.draft_stats = self.scheduler.draft_stats
        self._draft_length: DraftLength | None = None
        if settings.draft_positions:
            self._draft_length = DraftLength(settings.draft_positions, self.pricer)
        self._shares_context = shares_context(self.pricer)
        self._depth = 2 if settings.async_scheduling else 1
        self._under_way: deque[StepPlan] = deque()
        self._executing: StepPlan | None = None
        self._free_at = 0
        self._empty_steps = 0
        self._preemptions_in_vain = 0

    def counts(self) -> Counts:
        scheduler = self.scheduler
        cache = scheduler.cache
        return Counts(len(scheduler.running), len(scheduler.waiting), cache.free, cache.cached)

    def waiting_now(self) -> int:
        waiting: int = len(self.scheduler.waiting)
        return waiting + len(self._inbox)

    def free_blocks_now(self) -> int:
        free: int = self.scheduler.cache.free
        return free

    def cached_tokens_now(self, request: Request) -> int:
        blocks: int = self.scheduler.cache.peek(request)
        return blocks * self.settings.block_size

    def queued_tokens_now(self) -> int:
        waiting = [*self.scheduler.waiting, *self._inbox]
        queued = sum(request.known_tokens - request.remote_tokens for request in waiting)
        running = sum(max(r.known_tokens - r.computed - 1, 0) for r in self.scheduler.running)
        return int(queued + running)

    def _take(self, blocks: int) -> None:
        self.scheduler.cache.take(blocks)

    def _release(self, request: Request) -> None:
        self.scheduler.cache.release(request)

    def _is_idle(self) -> bool:
        return self._executing is None

    def _notice(self) -> None:
        if self._executing is None:
            self._wake_at(int(self.env.now))

    def _held_requests(self, now: int) -> list[Request]:
        del now  # a step's output is processed when it ends
        scheduler = self.scheduler
        held = [*scheduler.running]
        scheduler.running.clear()
        while len(scheduler.waiting):
            held.append(scheduler.waiting.pop())
        self._under_way.clear()
        self._executing = None
        return held

    def _on_wake(self, now: int) -> None:
        if self._executing is not None:
            self._complete(self._executing, now)
            self._executing = None
        if self._to_free:
            self._free_blocks()
        while True:
            self._take_inbox(now)
            aborted = self._take_aborts(now)
            if aborted and self.observer:
                self.observer.aborted(self, aborted, now)
            if self.scheduler.has_requests():
                composed = self._compose(now)
                if composed and len(self._under_way) < self._depth:
                    continue
                if not self._under_way:
                    return  # until blocks are freed
            elif not self._under_way:
                return
            plan = self._under_way.popleft()
            if plan.end_ns > now:
                self._executing = plan
                self._wake_at(plan.end_ns)
                return
            self._complete(plan, now)

    def _take_inbox(self, now: int) -> None:
        if self.tiers is not None:
            self._fetch(self.tiers)
        for request in self._inbox:
            request.enqueued_ns = now
            self.scheduler.add(request)
        self._inbox.clear()

    def _take_aborts(self, now: int) -> list[Request]:
        aborted = []
        kept = []
        for request in self._aborts:
            if request.enqueued_ns == NEVER:
                kept.append(request)
            elif self.scheduler.abort(request):
                aborted.append(request)
                self._ended(request, now)
        self._aborts = kept if self.keeps_early_aborts else []
        return aborted

    def _compose(self, now: int) -> bool:
        """Compose a step; False where nothing of it can be, for blocks are lent to others."""
        scheduler = self.scheduler
        if self._draft_length is not None:
            running = scheduler.running
            context = sum(request.known_tokens for request in running)
            scheduler.limit_drafts(self._draft_length(len(running), context))
        shared = scheduler.cache.shared
        plan = scheduler.schedule()
        if self._is_lending() and not (plan.tokens or plan.preempted or plan.entries):
            return False
        if self._shares_context:
            if plan.preempted:
                shared = scheduler.cache.shared
            plan.decode_context -= shared * scheduler.cache.block_size
        for request, start, _ in plan.admitted:
            if request.first_scheduled_ns == NEVER:
                request.first_scheduled_ns = now
                request.cached_tokens = start
        plan.start_ns = plan.end_ns = max(now, self._free_at)
        if plan.tokens:
            plan.end_ns += self.pricer.step_ns(*plan.step)
            if self._has_passage and plan.prefill_sequences:
                plan.passage_ns = self._passage_ns(plan.end_ns - plan.start_ns, *plan.step[:4])
            plan.row = self._row(plan)
        self._free_at = plan.end_ns
        self._under_way.append(plan)
        self._watch_progress(plan)
        if self.observer:
            self.observer.composed(self, plan, now)
        return True

    def _row(self, plan: StepPlan) -> tuple[int, ...]:
        """Its row for the log, which it comes to when it has run."""
        cache = self.scheduler.cache
        duration, used = plan.end_ns - plan.start_ns, cache.usable - cache.free
        waiting = len(self.scheduler.waiting)
        return (self.number, plan.start_ns, 1, duration, 0, used, NO_GROWTH, *plan.step, waiting)

    def _watch_progress(self, plan: StepPlan) -> None:
        self._empty_steps = 0 if plan.tokens or plan.preempted else self._empty_steps + 1
        if self._empty_steps > MOST_EMPTY_STEPS:
            raise SimulatorError(
                f"requests wait but none can be scheduled: {len(self.scheduler.waiting)} waiting, "
                f"{self.scheduler.cache.free} of {self.scheduler.cache.usable} KV blocks free"
            )
        self._preemptions_in_vain += len(plan.preempted)
        if self._preemptions_in_vain > MOST_PREEMPTIONS_IN_VAIN:
            # vLLM would go on forever: of equally urgent requests the older one gives way, in turn.
            raise SimulatorError(
                f"requests preempt each other without end: {self._preemptions_in_vain} preemptions"
                f" without a token; {self.scheduler.cache.usable} KV blocks are too few for them"
            )

    def _complete(self, plan: StepPlan, now: int) -> None:
        if plan.row is not None:
            for _ in range(plan.in_vain):
                self.log.waste(plan.end_ns - plan.start_ns, plan.end_ns)
            self.log.add_step(*plan.row)
        aborted = self._take_aborts(now)
        emitted, finished = self.scheduler.complete(plan)
        if emitted:
            self._preemptions_in_vain = 0
        for request, delivered in emitted:
            if request.first_token_ns == NEVER:
                if not request.remote_tokens:
                    request.passage_ns = plan.passage_ns
                request.first_token_ns = now + request.passage_ns
            if request.first_answer_ns == NEVER and request.outputs > request.thinking_tokens:
                request.first_answer_ns = now + request.passage_ns
            del delivered
        if self.observer:
            self.observer.completed(self, plan, emitted, finished, aborted)
        for request in finished:
            self._count_wasted(request)
            request.status = FINISHED
            self._ended(request, now)

    def _count_wasted(self, request: Request) -> None:
        """The steps that were composed before its stop token was seen bring it nothing."""
        for plan in self._under_way:
            plan.in_vain += any(entry.request is request for entry in plan.entries)
