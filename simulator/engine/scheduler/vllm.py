"""vLLM's V1 scheduler, rule for rule, walking the lists of requests.

This is the general path: it covers priorities, thresholds, speculation, small budgets and
everything else at a cost that grows with the batch. For the common case (first come first
served, known lengths, a budget larger than the batch) `engine.aggregate` makes the same
decisions from running sums; a property test and the golden traces hold both equal.

Source: behaviour of vLLM 0.32.0 (vllm/v1/core/sched/scheduler.py, async_scheduler.py), read off its
step traces and code; names of settings are vLLM's. Not covered: KV connectors, encoders,
LoRA limits, structured output, hybrid KV groups, more than two steps under way (with two, the
tokens in flight of a preempted request are always delivered before it could resume).
"""

from __future__ import annotations

from simulator.engine.kv_cache import Hits, KVCache
from simulator.engine.request import FINISHED, PREEMPTED, RUNNING, WAITING, Request
from simulator.engine.scheduler.plan import Entry, PrefixStats, StepPlan
from simulator.engine.scheduler.queues import ArrivalOrder, KeyOrder, WaitingQueue
from simulator.engine.settings import EngineSettings
from simulator.engine.speculation import DraftStats


class Scheduler:
    """Decides which requests run for how many tokens in the next step.

    ``schedule`` is called when the next step is composed, ``complete`` when its output is
    there. With asynchronous scheduling one more step is composed in between.

    The variants beside this module override single rules: the methods with an underscore.
    """

    #: Whether a prompt may be computed over several steps, where the settings allow it.
    splits_prompts = True

    def __init__(self, settings: EngineSettings, cache: KVCache) -> None:
        self.settings = settings
        self.cache = cache
        self.running: list[Request] = []
        self.waiting: WaitingQueue = self._line()
        self.prefix_stats = PrefixStats()
        self.draft_stats = DraftStats(settings.num_speculative_tokens)
        self._ready = 0  # waiting requests with blocks that were reserved for them
        self._chunked = settings.enable_chunked_prefill and self.splits_prompts

    def _line(self) -> WaitingQueue:
        """The order of those who wait."""
        return KeyOrder(Request.urgency) if self.settings.policy == "priority" else ArrivalOrder()

    # -- from outside ------------------------------------------------------------------------

    def add(self, request: Request) -> None:
        """Enqueue an arrival."""
        request.status = WAITING
        if request.blocks:
            self._ready += 1
        self.waiting.add(request)

    def has_requests(self) -> bool:
        """True while anything runs or waits."""
        return bool(self.running) or len(self.waiting) > 0

    def abort(self, request: Request) -> bool:
        """Drop a request now; False where this scheduler does not hold it."""
        if request.status == FINISHED:
            return False
        self._forget(request)
        self._end(request, "abort")
        return True

    # -- composing a step ----------------------------------------------------------------------

    def schedule(self) -> StepPlan:
        """Compose the next step."""
        plan = StepPlan()
        self._fill(plan, self.settings.token_budget, self._prefill_cap())
        plan.add_up()
        self._advance(plan)
        return plan

    def _fill(self, plan: StepPlan, budget: int, cap: int) -> None:
        """First those who run, then, unless one of them had to go, those who wait."""
        budget = self._schedule_running(plan, budget, cap)
        if not plan.preempted:
            self._admit(plan, budget, cap)

    def _prefill_cap(self) -> int:
        """Most tokens of one request in this step; 0 where there is no cap."""
        settings = self.settings
        eligible = len(self.running) + len(self.waiting)
        cap = settings.long_prefill_token_threshold if eligible > 1 else 0
        if cap and settings.long_prefill_token_threshold_adaptive:
            cap = max(cap, settings.max_num_batched_tokens // eligible)
        return cap

    def _schedule_running(self, plan: StepPlan, budget: int, cap: int) -> int:
        """Give every running request its tokens, preempting where blocks run out."""
        longest = self.settings.max_model_len
        index = 0
        while index < len(self.running) and budget > 0:
            request = self.running[index]
            if self._all_in_flight(request):
                index += 1
                continue
            scheduled = request.known_tokens + request.drafts + request.placeholders - request.computed
            if 0 < cap < scheduled:
                scheduled = cap
            scheduled = min(scheduled, budget, longest - request.computed - 1)
            if scheduled <= 0:
                index += 1
                continue
            while not self._allocate(request, scheduled):
                victim = self._victim()
                position = self.running.index(victim)
                del self.running[position]
                if position < index:
                    index -= 1
                budget += self._unschedule(plan, victim)
                self._preempt(victim)
                plan.preempted.append(victim)
                if victim is request:
                    return budget
            drafts = 0
            if request.drafts:
                spare = scheduled + request.computed - request.known_tokens - request.placeholders
                drafts = max(0, min(request.drafts, spare))
                request.drafts = 0
            plan.entries.append(self._entry(request, scheduled, request.computed, drafts))
            budget -= scheduled
            index += 1
        return budget

    def _admit(self, plan: StepPlan, budget: int, cap: int) -> None:
        """Admit waiting requests, the first in line first, until one cannot be."""
        settings = self.settings
        cache = self.cache
        speculative = settings.num_speculative_tokens
        prefill_running = any(entry.request.is_prefill_chunk for entry in plan.entries)
        anything_running = bool(plan.entries)
        while budget > 0 and len(self.waiting) and self._has_seat(plan):
            request = self._first()
            hits, hit_blocks, ownerless, start = self._look_up(request)
            scheduled = request.known_tokens - start
            drafts = 0
            if speculative and scheduled == 1 and not prefill_running and (anything_running or start > 0):
                padded = 1 + speculative
                if start + padded + 1 <= settings.max_model_len:
                    if padded > budget:
                        break
                    scheduled, drafts = padded, speculative
            if 0 < cap < scheduled:
                scheduled = cap
            if not self._chunked and scheduled > budget:
                break
            scheduled = min(scheduled, budget)
            if not self._fits(request, start + scheduled, hit_blocks, ownerless):
                break
            had_blocks = request.blocks > 0
            if hits:
                cache.adopt(request, hits)
            request.computed = start
            self._grow(request, scheduled)
            if settings.enable_prefix_caching and not request.remote_tokens:
                self.prefix_stats.record(request, start)
            if request is self.waiting.peek():
                self.waiting.pop()
            else:
                self.waiting.remove(request)
            self._ready -= had_blocks
            self.running.append(request)
            plan.admitted.append((request, start, request.status == PREEMPTED))
            plan.entries.append(self._entry(request, scheduled, start, drafts))
            request.status = RUNNING
            budget -= scheduled

    def _first(self) -> Request:
        """Who is next: those with reserved blocks, whom nobody who needs blocks may hold up."""
        if self._ready:
            return next(request for request in self.waiting if request.blocks)
        return self.waiting.peek()

    def _has_seat(self, plan: StepPlan) -> bool:
        """True where one more request may run."""
        del plan
        return len(self.running) < self.settings.seats

    def _look_up(self, request: Request) -> tuple[Hits, int, int, int]:
        """What need not be computed: hits, their blocks, those of them without an owner, and tokens.

        Those are the cached prefix, or the tokens whose KV entries came from a prefill pool,
        which need blocks of their own (or have them, where these were reserved).
        """
        if request.remote_tokens:
            return [], request.blocks, 0, request.remote_tokens
        hits, blocks, ownerless = self.cache.lookup(request)
        return hits, blocks, ownerless, blocks * self.cache.block_size

    def _advance(self, plan: StepPlan) -> None:
        """Count the scheduled tokens as computed and, if asynchronous, as promised."""
        asynchronous = self.settings.async_scheduling
        for request, scheduled, _, _, drafts in plan.entries:
            request.computed += scheduled
            request.in_flight += scheduled
            request.is_prefill_chunk = request.computed < request.known_tokens + request.placeholders
            plan.sampling.append(not request.is_prefill_chunk)
            if asynchronous and not request.is_prefill_chunk:
                request.placeholders += 1 + drafts
                request.drafts = self.settings.num_speculative_tokens

    # -- taking a step's output ------------------------------------------------------------------

    def complete(self, plan: StepPlan) -> tuple[list[tuple[Request, int]], list[Request]]:
        """Process a step's output; returns (request, tokens delivered) and the finished ones."""
        emitted: list[tuple[Request, int]] = []
        finished: list[Request] = []
        admitted = {request for request, _, _ in plan.admitted}
        sampled: list[Request] = []
        for (request, scheduled, _, _, drafts), samples in zip(plan.entries, plan.sampling, strict=True):
            request.in_flight -= scheduled
            stale = request.stale > 0
            if stale:
                request.stale -= scheduled
            new = 0
            if samples:
                new = 1 + self._accepted(request, drafts, request in admitted)
                sampled.append(request)
            if request.status == FINISHED or not new:
                continue
            if drafts and not stale:
                rejected = drafts - (new - 1)
                if request.computed > 0:
                    request.computed -= rejected
                if request.placeholders > 0:
                    request.placeholders -= rejected
            was_running = request.status == RUNNING
            delivered, reason = self._deliver(request, new)
            if self.settings.async_scheduling:
                if not stale:
                    request.placeholders -= delivered
                if was_running:
                    self.cache.register(request, request.computed - request.placeholders)
            emitted.append((request, delivered))
            if reason:
                self._forget(request)
                self._end(request, reason)
                finished.append(request)
        if self.settings.num_speculative_tokens and not self.settings.async_scheduling:
            for request in sampled:
                if request.status != FINISHED:
                    request.drafts = 0 if request.is_prefill_chunk else self.settings.num_speculative_tokens
        return emitted, finished

    def _accepted(self, request: Request, drafts: int, just_admitted: bool) -> int:
        """Drafts that a verification accepts: placeholders of an admission never."""
        if not drafts or just_admitted:
            return 0
        pattern = request.accepted_drafts or (0,)
        accepted = min(pattern[request.verifications % len(pattern)], drafts)
        request.verifications += 1
        self.draft_stats.record(drafts, accepted)
        return accepted

    def limit_drafts(self, most: int) -> None:
        """Let running requests bring at most so many drafts into the next step."""
        for request in self.running:
            if request.drafts > most:
                request.drafts = most

    def _deliver(self, request: Request, new: int) -> tuple[int, str]:
        """Append up to ``new`` output tokens; returns how many, and why the request ended if it did."""
        for count in range(1, new + 1):
            request.outputs += 1
            if request.outputs == request.output_tokens:
                return count, "stop" if request.stops else "length"
            if request.known_tokens >= self.settings.max_model_len:
                return count, "length"
        return new, ""

    # -- rules that variants and both parts share ---------------------------------------------------

    def _all_in_flight(self, request: Request) -> bool:
        """True where the steps under way surely reach the request's ``max_tokens``."""
        if request.placeholders <= 0:
            return False
        ahead = request.computed + 2 - request.placeholders
        return ahead >= request.prompt_tokens + request.max_tokens

    def _entry(self, request: Request, scheduled: int, start: int, drafts: int) -> Entry:
        known = request.known_tokens + request.placeholders
        decode = request.outputs + request.placeholders > 0 and start >= known - 1
        return Entry(request, scheduled, start, decode, drafts)

    def _fits(self, request: Request, tokens: int, hit_blocks: int, ownerless: int) -> bool:
        """True where a request may be admitted: room for all of it, not only for its first chunk."""
        settings = self.settings
        size = self.cache.block_size
        if settings.scheduler_reserve_full_isl:
            tokens = max(tokens, request.known_tokens)
        tokens = min(tokens, settings.max_model_len)
        needed = max(-(-tokens // size) - hit_blocks, 0) + ownerless
        if self.running:
            needed += settings.watermark_blocks
        return needed <= self.cache.free

    def _allocate(self, request: Request, scheduled: int) -> bool:
        """Blocks for a running request's next tokens; False where there are too few."""
        size = self.cache.block_size
        slots = min(request.computed + scheduled, self.settings.max_model_len)
        if -(-slots // size) - request.blocks > self.cache.free:
            return False
        self._grow(request, scheduled)
        return True

    def _grow(self, request: Request, scheduled: int) -> None:
        """Take the blocks and enter full ones into the cache: when scheduled, not when computed."""
        cache = self.cache
        slots = min(request.computed + scheduled, self.settings.max_model_len)
        blocks = -(-slots // cache.block_size)
        if blocks > request.blocks:
            cache.take(blocks - request.blocks)
            request.blocks = blocks
        cache.register(request, min(request.computed + scheduled, request.known_tokens))

    def _victim(self) -> Request:
        """Whom to preempt: the newest, or the least urgent (ties: the earliest in the list)."""
        if self.settings.policy == "priority":
            return max(self.running, key=lambda r: (r.priority, r.arrival_ns))
        return self.running[-1]

    def _unschedule(self, plan: StepPlan, victim: Request) -> int:
        """Take a victim's entry out of the step that is being composed; returns its tokens."""
        for position, entry in enumerate(plan.entries):
            if entry.request is victim:
                del plan.entries[position]
                return entry.scheduled
        return 0

    def _preempt(self, request: Request) -> None:
        """Recompute later: all blocks go, the output stays, tokens in flight become stale."""
        self.cache.identify(request)
        self.cache.release(request)
        request.status = PREEMPTED
        request.computed = 0
        request.remote_tokens = 0
        request.drafts = 0
        request.stale = request.in_flight
        request.placeholders = 0
        request.preemptions += 1
        self.waiting.put_back(request)

    def _forget(self, request: Request) -> None:
        if request.status == RUNNING:
            self.running.remove(request)
        else:
            self.waiting.remove(request)
            self._ready -= request.blocks > 0

    def _end(self, request: Request, reason: str) -> None:
        if not request.keeps_blocks or reason == "abort":
            self.cache.release(request)
        request.status = FINISHED
        request.finish_reason = reason
