"""The fast engine: vLLM's V1 scheduler on running sums instead of lists.

All running decodes advance by one token per step, so a decode is a pair (step at which it
joined, length then) and is not touched until something happens to it. In step ``s`` a decode
has context ``base + s``; the batch is its size, the sum of the bases, and a count of decodes
per residue class of the block size, which says how many need a new block in each step.
Requests that will end sit in buckets by step. Between an admission, an end, a lack of
blocks and the next arrival the batch only ages: the durations of such a run of steps are an
arithmetic progression, which is planned and logged as its first term and its growth, and one event
is scheduled at its end. An arrival in between moves the event forward to the boundary of the step
that is executing; where it is known when the next one comes, the event is there from the beginning.

It covers the default policy (first come first served, chunked prefill or not, prefix caching,
preemption, synchronous and asynchronous scheduling) where the budget holds a full batch;
`engine.build` picks the list-walking engine for everything else. Both make the same decisions:
the golden traces and a property test hold them equal, with and without jumps.

Step numbers count the steps that schedule at least one token. With ``lag`` 0 (synchronous) a
step is composed when the one before it has ended; with ``lag`` 1 when it starts.

``_on_wake``, ``_compose`` and ``_run_on`` are the hot path (`python -m benchmarks`, figures
``engine.*``): they are flat on purpose.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from operator import attrgetter
from typing import Any

from simulator.engine.kv_cache import Hits, KVCache
from simulator.engine.replica import Counts, Replica
from simulator.engine.request import FINISHED, NEVER, PREEMPTED, RUNNING, Request
from simulator.engine.runs import BEGIN, FIRST, GROWTH, PHASE, ROW, STEPS, Run, end_of, executing, lasting_ns
from simulator.engine.scheduler.plan import Entry
from simulator.engine.settings import EngineSettings
from simulator.engine.witness import Admissions, Witness
from simulator.errors import SimulatorError
from simulator.latency.pricer import shares_context
from simulator.results.step_log import NO_GROWTH, packed_decodes, packed_row

#: Straight pieces of the pricer's decode curve that a plan reaches over: an arrival makes the rest vain.
MOST_PIECES = 8
FOREVER = 1 << 62  # [steps]

NO_HITS: tuple[Hits, int, int] = ([], 0, 0)
BY_ORDER = attrgetter("order")


def covers(settings: EngineSettings) -> bool:
    """True where the sums suffice: every running request gets its tokens in every step."""
    return (
        settings.scheduler == "vllm"
        and settings.policy == "fcfs"
        and settings.num_speculative_tokens == 0
        and settings.long_prefill_token_threshold == 0
        and settings.seats <= settings.token_budget
    )


class _GrowingCache(KVCache):
    """A KV cache that can ask how far decoding requests have grown.

    Attributes
    ----------
    step
        That is being composed.
    lag
        Steps by which the output is behind.
    """

    __slots__ = ("lag", "step")

    def __init__(self, settings: EngineSettings, lag: int) -> None:
        super().__init__(settings.usable_blocks, settings.block_size, settings.enable_prefix_caching)
        self.step = 0
        self.lag = lag

    def grown_tokens(self, request: Request) -> int:
        return request.base + min(self.step, request.leave_step) - self.lag


class AggregateReplica(Replica):
    """A replica that jumps over steps in which nothing changes.

    ``jumping=False`` takes one event per step; results are bit-identical.
    """

    __slots__ = (
        "_admissions",
        "_answers_at",
        "_awake",
        "_bases",
        "_budget",
        "_chunked",
        "_decodes",
        "_ends_at",
        "_events",
        "_first",
        "_former_pricer",
        "_in_vain",
        "_lag",
        "_leaves_after",
        "_longest",
        "_pace_step",
        "_partial",
        "_plan_end",
        "_planned",
        "_ready",
        "_reserve",
        "_residues",
        "_retry",
        "_running",
        "_runs",
        "_seats",
        "_shared",
        "_shares_context",
        "_size",
        "_stepwise",
        "_taken_meanwhile",
        "_waiting",
        "_wake_step",
        "_watermark",
        "_witness",
        "cache",
    )

    def __init__(self, *args: Any, jumping: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.settings
        self._lag = 1 if settings.async_scheduling else 0
        self.cache = _GrowingCache(settings, self._lag)
        self._size = settings.block_size
        self._budget = settings.token_budget
        self._seats = settings.seats
        self._longest = settings.max_model_len
        self._chunked = settings.enable_chunked_prefill
        self._reserve = settings.scheduler_reserve_full_isl
        self._watermark = settings.watermark_blocks
        self._shares_context = shares_context(self.pricer)
        self._stepwise = not jumping or self.observer is not None

        self._waiting: deque[Request] = deque()
        self._ready = 0  # those in front who have their blocks: nobody who needs blocks may hold them up
        self._running: dict[Request, None] = {}  # in order of admission
        self._admissions = 0
        self._partial: Request | None = None  # the one request whose prompt is not all scheduled

        # The decodes of the next step to be composed.
        self._decodes = 0
        self._bases = 0
        self._shared = 0  # context taken out of the bases because another decode reads it too
        self._residues = array(
            "I", bytes(4 * self._size)
        )  # decodes that need a block in steps of that residue

        # What will happen in which step, once its output is processed.
        self._ends_at: dict[int, list[Request]] = {}
        self._answers_at: dict[int, list[Request]] = {}
        self._leaves_after: dict[int, list[Request]] = {}  # without those whose end is seen a step late
        self._in_vain = 0  # decodes in the first planned step whose token nobody gets
        self._events = [FOREVER]  # a heap of the steps whose output ends or answers a request

        # Planned steps, from `_first` up to before `_planned`. Runs of decodes take their blocks when they
        # have run.
        self._first = self._planned = 0
        self._runs: list[Run] = []
        self._plan_end = 0  # when the last of them ends [ns]
        self._wake_step = 0
        self._retry = False
        self._awake = False
        self._taken_meanwhile = 0  # blocks reserved since the steps under way were composed
        self._pace_step = NEVER  # the step in whose time the pace changed last, and what priced steps before
        self._former_pricer = self.pricer

        self._witness = None if self.observer is None else Witness(self, self.observer)

    def counts(self) -> Counts:
        self.cache.settle_all()
        return Counts(len(self._running), len(self._waiting), self.cache.free, self.cache.cached)

    # -- from outside --------------------------------------------------------------------------

    def change_pace(self, factor: float) -> None:
        if factor != self._pace and self._runs:
            step = self._executing(self.env.now)
            if step != self._pace_step:
                self._pace_step, self._former_pricer = step, self.pricer
        super().change_pace(factor)

    def waiting_now(self) -> int:
        return len(self._waiting) + len(self._inbox)

    def free_blocks_now(self) -> int:
        return self.cache.free - self._blocks_to_take()

    def has_room_now(self, blocks: int) -> bool:
        # Most often a bound is enough: every run takes a block of each decode for each block size begun.
        steps = self._planned - self._first
        most = self._decodes * (steps // self._size + len(self._runs) + 1)
        return blocks <= self.cache.free - most or blocks <= self.free_blocks_now()

    def cached_tokens_now(self, request: Request) -> int:
        cache = self.cache
        if not cache.caching or request.content is None:
            return 0
        composed, cache.step = cache.step, self._composed_last()
        found = cache.peek(request, self._blocks_to_take())
        cache.step = composed
        return found * self._size

    def queued_tokens_now(self) -> int:
        queued = sum(r.known_tokens - r.remote_tokens for r in (*self._waiting, *self._inbox))
        partial = self._partial
        return queued if partial is None else queued + partial.known_tokens - partial.computed

    def _take(self, blocks: int) -> None:
        self.cache.take(blocks)
        if self._runs and not self._awake:
            self._taken_meanwhile += blocks

    def _release(self, request: Request) -> None:
        self.cache.release(request)

    def _is_idle(self) -> bool:
        return not self._runs and not self._awake

    def _composed_last(self) -> int:
        """The step that would have been composed last by now if every step were an event."""
        if not self._runs:
            return self.cache.step
        return self._executing(self.env.now) + self._lag

    def _blocks_to_take(self) -> int:
        """Blocks that planned steps have taken by now although `_commit` has not come to them yet."""
        if not self._runs:
            return 0
        last = self._composed_last()
        size = self._size
        residues = self._residues
        begin = self._first
        taken = 0
        for run in self._runs:
            steps = min(run[STEPS], last - begin + 1)
            if run[PHASE] != NO_GROWTH and steps > 0:
                taken += steps // size * self._decodes
                taken += sum(residues[s % size] for s in range(begin, begin + steps % size))
            begin += run[STEPS]
        if begin == last:  # it is known to age only, so it was not planned: without those who leave before
            leaving = self._leaves_after.get(last - 1, ())
            seen_late = (r for r in self._ends_at.get(last - 2, ()) if r.leave_step == last - 1)
            leaving = [*leaving, *(request for request in seen_late if request.status == RUNNING)]
            taken += residues[last % size]
            taken -= sum((1 - request.base - last) % size == 0 for request in leaving)
        return taken

    # -- events --------------------------------------------------------------------------------

    def _notice(self) -> None:
        if self._awake:
            return
        if not self._runs:
            self._wake_at(self.env.now)
            return
        first = self._first
        if self._wake_step == first:
            return
        passed, ends_ns = executing(self._runs, self.env.now)
        step = first + passed
        if step < self._wake_step:
            self._wake_step = step
            self._wake_at(ends_ns)

    def _on_wake(self, now: int) -> None:
        self._awake = True
        if self._runs:
            step = self._wake_step
            self._commit(step)
            self._taken_meanwhile = 0
            aborted = self._take_aborts(now, step) if self._aborts else []
            self._complete(step, now, aborted)
        if self._to_free:
            self._free_blocks()
        if self._inbox:
            if self.tiers is not None:
                self._fetch(self.tiers)
            for request in self._inbox:
                request.enqueued_ns = now
            if self._bring_blocks:
                self._line_up()
            else:
                self._waiting.extend(self._inbox)
            self._inbox.clear()
        if self._aborts:
            aborted = self._take_aborts(now, self._planned - 1 - self._lag)
            if aborted and self._witness is not None:
                self._witness.aborted(aborted, now)
        self._plan_ahead(now)
        self._awake = False
        if self._inbox or self._to_free:  # an end led to it
            self._notice()

    def _held_requests(self, now: int) -> list[Request]:
        done = self._executing(now) - 1  # the last step that ended before now
        if done >= self._first:
            self._commit(done)
        for request in self._running:
            if request is not self._partial:
                request.outputs = max(request.outputs, request.base + done + 1 - request.prompt_tokens)
        for request in self._waiting:
            if request.status == PREEMPTED:  # its last token may be in flight
                delivered = request.base + done + 1 - request.prompt_tokens
                request.outputs = max(0, min(request.outputs, delivered))
        held = [*self._running, *self._waiting]
        self._running.clear()
        self._waiting.clear()
        self._in_vain = 0
        self._runs = []
        self._planned = self._first
        return held

    def _line_up(self) -> None:
        """Arrivals go to the end, but those with reserved blocks come before all who have none."""
        for request in self._inbox:
            if request.blocks:
                self._waiting.insert(self._ready, request)
                self._ready += 1
            else:
                self._waiting.append(request)
        self._bring_blocks = False

    def _plan_ahead(self, now: int) -> None:
        """Compose the steps that are due and plan the run of equal steps behind them."""
        lag = self._lag
        step = self._planned
        ages = False
        stepwise = self._stepwise
        while step - self._first <= lag:
            if step - 1 in self._leaves_after:
                self._leave(step - 1)
            if not self._waiting and self._partial is None and self._decodes and not stepwise:
                # Nobody to admit: the batch ages from this step on.
                self._retry = False
                ages = self._run_on(step, now)
                planned = self._planned
                if ages or planned > step:
                    step = planned
                    if ages:
                        break
                    continue
            composed = self._compose(step, now)
            if not composed and self._ready and not self._running:
                # The last that ran has given way to itself: whoever has blocks can go on.
                composed = self._compose(step, now)
            if not composed:
                break
            step += 1
            if not self._retry and not stepwise:
                ages = self._run_on(step, now)
                step = self._planned
                if ages:
                    break
        if not self._runs:
            if self._waiting and not self._is_lending():
                raise SimulatorError(
                    f"requests wait but none can be scheduled: {len(self._waiting)} waiting, "
                    f"{self.cache.free} of {self.cache.usable} KV blocks free"
                )
            if self._witness is not None:
                self._witness.pass_empty()
            return
        # The step behind the last planned one is composed `lag` steps before, unless it is
        # known to age only.
        wake = step - 1 if ages else step - 1 - lag
        event = self._events[0]
        if event < wake:
            wake = event
        if wake < self._first:
            wake = self._first
        wake_ns = self._plan_end if wake == step - 1 else end_of(self._runs, wake + 1 - self._first)
        if wake_ns > self.expected_ns > now:
            passed, wake_ns = executing(self._runs, self.expected_ns)
            wake = self._first + passed
        self._wake_step = wake
        self._wake_at(wake_ns)

    def _executing(self, now: int) -> int:
        """The planned step that executes at a time, one that ends then included."""
        return self._first + executing(self._runs, now)[0]

    # -- composing steps -------------------------------------------------------------------------

    def _compose(self, step: int, now: int) -> bool:
        """Compose one step and append it to the plan; False where nothing can be scheduled."""
        cache = self.cache
        cache.step = step
        size = self._size
        decodes = self._decodes
        budget = self._budget - decodes
        needed = self._residues[step % size] if decodes else 0
        partial = self._partial
        chunk = 0
        preempted: list[Request] = []
        if partial is not None:
            if self._shares_context:
                self._count_shared_once()
            chunk = min(partial.prompt_tokens + partial.outputs - partial.computed, budget)
            partial_needed = -(-(partial.computed + chunk) // size) - partial.blocks
            if needed + partial_needed > cache.free:
                preempted = self._relieve(step, partial_needed)
                partial = self._partial
                decodes = self._decodes
                needed = 0
            else:
                cache.take(partial_needed)
                partial.blocks += partial_needed
        elif needed > cache.free:
            preempted = self._relieve(step, 0)
            decodes = self._decodes
            needed = 0
        if needed:
            cache.take(needed)
        decode_context = self._bases + decodes * step
        decode_sequences = decodes

        tokens = sequences = context = products = 0
        witness = self._witness
        entries: list[Entry] = [] if witness is None else self._decode_entries(step, chunk)
        joining: list[Request] = []
        if partial is not None:
            start = partial.computed
            end = start + chunk
            budget -= chunk
            cache.register(partial, end)
            if partial.outputs and start >= partial.prompt_tokens + partial.outputs - 1:
                decode_sequences += 1
                decode_context += end
            else:
                tokens, sequences, context, products = chunk, 1, end, chunk * end
            partial.computed = end
            if end == partial.prompt_tokens + partial.outputs:
                joining.append(partial)
                self._partial = None
        hits: Hits
        waiting = self._waiting
        admitted: Admissions = []
        short = False
        if waiting and not preempted:
            running = self._running
            seats = self._seats
            caching = cache.caching
            while budget > 0 and waiting and len(running) < seats:
                request = waiting[0]
                known = request.prompt_tokens + request.outputs
                if request.remote_tokens:
                    hits, hit_blocks, ownerless = [], request.blocks, 0  # maybe reserved for it
                    start = request.remote_tokens
                elif caching:
                    hits, hit_blocks, ownerless = cache.lookup(request)
                    start = hit_blocks * size
                else:
                    hits, hit_blocks, ownerless = NO_HITS
                    start = 0
                scheduled = known - start
                if scheduled > budget:
                    if not self._chunked:
                        short = True
                        break
                    scheduled = budget
                end = start + scheduled
                free_needed = -(-(known if self._reserve else end) // size) - hit_blocks + ownerless
                if running:
                    free_needed += self._watermark
                if free_needed > cache.free:
                    short = cache.prefix_may_grow
                    break
                if hits:
                    cache.adopt(request, hits)
                elif hit_blocks:
                    self._ready -= 1
                blocks = -(-end // size)
                cache.take(blocks - hit_blocks)
                request.blocks = blocks
                if caching:
                    cache.register(request, end)
                    if not request.remote_tokens:
                        self.prefix_stats.record(request, start)
                waiting.popleft()
                running[request] = None
                self._admissions += 1
                request.order = self._admissions
                if request.first_scheduled_ns == NEVER:
                    request.first_scheduled_ns = now
                    request.cached_tokens = start
                if witness is not None:
                    admitted.append((request, start, request.status == PREEMPTED))
                    is_decode = request.outputs > 0 and start >= known - 1
                    entries.append(Entry(request, scheduled, start, is_decode, 0))
                request.status = RUNNING
                budget -= scheduled
                if request.outputs and start >= known - 1:
                    decode_sequences += 1
                    decode_context += end
                else:
                    tokens += scheduled
                    sequences += 1
                    context += end
                    products += scheduled * end
                request.computed = end
                if end == known:
                    joining.append(request)
                else:
                    self._partial = request
        # What else could admit more, an end or an arrival, is an event of its own.
        self._retry = short or bool(preempted) or self._partial is not None or budget <= 0 < len(waiting)
        if not decode_sequences and not sequences:
            if witness is not None and (self._running or waiting):
                witness.composed_empty(preempted, now, self._plan_end if self._runs else now)
            return False

        runs = self._runs
        begin = self._plan_end if runs else now
        if sequences or decode_sequences != decodes:
            duration = self.pricer.step_ns(
                tokens, sequences, context, products, decode_sequences, decode_sequences, decode_context
            )
        else:
            line = self.pricer.decode_line(decodes, decode_context)
            duration = line.step_ns(decodes, decode_context)
        row = packed_row(
            self.number,
            begin,
            1,
            duration,
            0,
            cache.usable - cache.free,
            NO_GROWTH,
            tokens,
            sequences,
            context,
            products,
            decode_sequences,
            decode_sequences,
            decode_context,
            len(waiting),
        )
        runs.append((begin, 1, duration, 0, NO_GROWTH, row))
        self._plan_end = end_ns = begin + duration
        self._planned = step + 1
        passage_ns = 0
        if self._has_passage and sequences and joining:
            passage_ns = self._passage_ns(duration, tokens, sequences, context, products)
        for request in joining:
            if passage_ns and request.first_token_ns == NEVER and not request.remote_tokens:
                request.passage_ns = passage_ns
            self._join(request, step, end_ns)
        if witness is not None:
            witness.composed(step, entries, admitted, preempted, now, begin, end_ns)
        return True

    def _join(self, request: Request, step: int, end_ns: int) -> None:
        """All known tokens of a request are scheduled by ``step``: it decodes from the next step on."""
        if request.first_token_ns == NEVER:
            request.first_token_ns = end_ns + request.passage_ns
            if not request.thinking_tokens:
                request.first_answer_ns = request.first_token_ns
        request.base = base = request.computed - step
        wanted = min(request.output_tokens, self._longest - request.prompt_tokens)
        done = step + wanted - request.outputs - 1
        leave = done
        if self._lag and request.stops and wanted == request.output_tokens:
            # The stop token is seen one step late, unless the model's length ends it anyway.
            leave += request.prompt_tokens + wanted < self._longest
        request.done_step = done
        request.leave_step = leave
        bucket = self._ends_at.get(done)
        if bucket is None:
            self._ends_at[done] = [request]
            heapq.heappush(self._events, done)
        else:
            bucket.append(request)
        if request.first_answer_ns == NEVER and request.thinking_tokens < wanted:
            answer = request.answer_step = step + request.thinking_tokens - request.outputs
            self._answers_at.setdefault(answer, []).append(request)
            heapq.heappush(self._events, answer)
        if leave > step:
            self._decodes += 1
            self._bases += base
            self._residues[(1 - base) % self._size] += 1
            if leave == done:  # else it leaves once its end is seen
                self._leaves_after.setdefault(leave, []).append(request)
            if self.cache.caching:
                self.cache.watch_growth(request)
        if self._shares_context:
            self._count_shared_once()

    def _leave(self, step: int) -> None:
        """Take those out of the sums whose last scheduled step is ``step``."""
        for request in self._leaves_after.pop(step):
            self._remove_decode(request)

    def _count_shared_once(self) -> None:
        """Keep context that several requests share in the bases once."""
        shared = self.cache.shared * self._size
        self._bases -= shared - self._shared
        self._shared = shared

    def _remove_decode(self, request: Request) -> None:
        self._decodes -= 1
        self._bases -= request.base
        self._residues[(1 - request.base) % self._size] -= 1

    def _run_on(self, step: int, now: int) -> bool:
        """Plan the run of decode-only steps from ``step`` on, in which the batch only ages.

        Returns whether the step behind the last planned one is sure to age too.
        """
        event = self._events[0]
        if event < step - 1 or event == FOREVER:
            return False
        last = self._last_with_blocks(step, event + self._lag)
        ages = last > event or not self._lag
        if last > event:
            last = event
        if self._decodes and last >= step:
            self._append_run(step, last, now)
        return ages and self._planned > event

    def _last_with_blocks(self, step: int, last: int) -> int:
        """The last step up to ``last`` for which the free blocks suffice."""
        free = self.cache.free
        if self._decodes * (-(-(last - step + 1) // self._size)) <= free:
            return last
        residues = self._residues
        size = self._size
        for s in range(step, last + 1):
            free -= residues[s % size]
            if free < 0:
                return s - 1
        return last

    def _append_run(self, step: int, last: int, now: int) -> None:
        """Append equal steps ``step`` to ``last`` to the plan; the first of all begins ``now``.

        Those that follow on the next request, whose time is known, are left out, and those that are too far.
        """
        runs = self._runs
        decodes = self._decodes
        size = self._size
        waiting = len(self._waiting)
        decode_line = self.pricer.decode_line
        context = self._bases + decodes * step
        begin = self._plan_end if runs else now
        left = last - step + 1
        if self.expected_ns > now:
            shortest = decode_line(decodes, context).step_ns(decodes, context)
            left = min(left, (self.expected_ns - now) // (shortest + 1) + 2 + self._lag)
        for _ in range(MOST_PIECES):
            start_ns, growth, context_start, context_end = decode_line(decodes, context)
            first = start_ns + growth * (context - context_start) // decodes
            steps = (context_end - context) // decodes + 1
            if steps > left:
                steps = left
            runs.append((begin, steps, first, growth, step % size, context, waiting))
            begin += steps * first + growth * (steps * (steps - 1) >> 1)
            step += steps
            left -= steps
            if not left:
                break
            context += decodes * steps
        self._planned = step
        self._plan_end = begin

    # -- passing step boundaries --------------------------------------------------------------------

    def _commit(self, step: int) -> None:
        """Steps up to ``step`` have run: log them and take their blocks.

        Of the steps planned beyond, asynchronous scheduling has composed one already.
        """
        count = left = step - self._first + 1
        for _ in range(self._in_vain):
            run = self._runs[0]
            self.log.waste(run[FIRST], run[BEGIN] + run[FIRST])
        self._in_vain = 0
        logged = b""
        grown = 0
        begin, duration = self._plan_end, None  # of the step behind
        kept: list[Run] = []
        for run in self._runs:
            steps = run[STEPS]
            if steps <= left:
                left -= steps
                if run[PHASE] == NO_GROWTH:
                    logged += run[ROW]
                else:
                    logged += self._take_run(run, steps)
                    grown += 1
                continue
            first, growth = run[FIRST], run[GROWTH]
            begin = run[BEGIN] + lasting_ns(left, first, growth)
            duration = first + growth * left
            if left:  # in the middle of a run
                logged += self._take_run(run, left)
                grown += 1
            elif run[PHASE] == NO_GROWTH:
                kept = [run]
            break
        self.log.add_runs(logged, count, self._residues, grown)
        self._first = self._planned = step + 1
        events = self._events
        while events[0] <= step:
            heapq.heappop(events)
        if step in self._leaves_after:
            self._leave(step)
        self._runs = kept if self._lag else []
        if not self._lag:
            return
        if kept:
            self._planned = step + 2
            self._plan_end = begin + kept[0][FIRST]
        elif self._decodes:
            self._compose_ageing(step + 1, begin, duration)

    def _compose_ageing(self, step: int, begin: int, duration: int | None) -> None:
        """Compose the step that was due when the last one began: the decodes, nobody else."""
        decodes = self._decodes
        context = self._bases + decodes * step
        if duration is None:
            pricer = self._former_pricer if step - 1 == self._pace_step else self.pricer
            duration = pricer.decode_line(decodes, context).step_ns(decodes, context)
        cache = self.cache
        needed = self._residues[step % self._size]
        if needed:
            cache.take(needed)
        used = cache.usable - cache.free - self._taken_meanwhile
        waiting = len(self._waiting)
        row = packed_decodes(
            self.number, begin, 1, duration, 0, used, NO_GROWTH, decodes, decodes, context, waiting
        )
        self._runs.append((begin, 1, duration, 0, NO_GROWTH, row))
        self._planned = step + 1
        self._plan_end = begin + duration

    def _take_run(self, run: Run, steps: int) -> bytes:
        """Take the blocks of the first so many steps of a run of decodes; their row for the log."""
        begin, _, first, growth, phase, context, waiting = run
        cache = self.cache
        decodes = self._decodes
        size = self._size
        used = cache.usable - cache.free - self._taken_meanwhile
        needed = steps // size * decodes
        end = phase + steps % size
        if end <= size:
            needed += sum(self._residues[phase:end])
        else:
            needed += decodes - sum(self._residues[end - size : phase])
        cache.take(needed)
        return packed_decodes(
            self.number, begin, steps, first, growth, used, phase, decodes, decodes, context, waiting
        )

    def _complete(self, step: int, now: int, aborted: list[Request]) -> None:
        """Process the output of ``step``: ends and first answers."""
        marks = self._answers_at.pop(step, None) if self._answers_at else None
        if marks is not None:
            for request in marks:
                request.first_answer_ns = now + request.passage_ns
        witness = self._witness
        emitted = [] if witness is None else witness.emissions(step)
        ended = self._ends_at.pop(step, ())
        if len(ended) > 1:
            ended = sorted(ended, key=BY_ORDER)
        for request in ended:
            if request.leave_step > step and request.status != PREEMPTED:
                self._in_vain += 1
                self._remove_decode(request)
            self._finish(request)
        if witness is not None:
            witness.completed(step, emitted, list(ended), aborted)
        for request in ended:
            self._ended(request, now)

    def _finish(self, request: Request) -> None:
        cache = self.cache
        total = min(request.output_tokens, self._longest - request.prompt_tokens)
        request.outputs = total
        request.finish_reason = "stop" if request.stops and total == request.output_tokens else "length"
        if request.status == PREEMPTED:
            self._waiting.remove(request)
        else:
            del self._running[request]
            computed = request.base + request.leave_step
            if cache.caching:
                cache.register(request, request.base + request.done_step)
            request.blocks = -(-computed // self._size)
            if not request.keeps_blocks:
                cache.release(request)
            if self._shares_context:
                self._count_shared_once()
        request.status = FINISHED

    # -- preemption and aborts -------------------------------------------------------------------------

    def _relieve(self, step: int, partial_needed: int) -> list[Request]:
        """Blocks run out while ``step`` is composed: scan the running list as vLLM does."""
        cache = self.cache
        cache.step = step - 1  # a victim's token of this step is not scheduled
        order = list(self._running)
        preempted: list[Request] = []
        size, ages = self._size, step - 1
        index = 0
        while index < len(order):
            request = order[index]
            index += 1
            if request is self._partial:
                needed = partial_needed
            elif (request.base + ages) % size or request.leave_step < step:
                continue
            else:
                needed = 1
            while needed > cache.free:
                victim = order.pop()
                self._preempt(victim, step)
                preempted.append(victim)
                if victim is request:
                    cache.step = step
                    return preempted
            cache.take(needed)
            if request is self._partial:
                request.blocks += needed
        cache.step = step
        return preempted

    def _preempt(self, request: Request, step: int) -> None:
        """Recompute later. ``step`` is being composed; a token in flight is still delivered."""
        del self._running[request]
        if request is self._partial:
            self._partial = None
            self.cache.identify(request)
            self.cache.release(request)
        else:
            last = min(step - 1, request.leave_step)
            self._hold(request, last)
            self.cache.identify(request)
            self.cache.release(request)
            if request.leave_step >= step:
                self._remove_decode(request)
            request.outputs = request.base + min(step - 1, request.done_step) + 1 - request.prompt_tokens
            self._cancel(request, step)
        if self._shares_context:
            self._count_shared_once()
        request.computed = 0
        request.remote_tokens = 0
        request.status = PREEMPTED
        request.preemptions += 1
        if self._ready:
            self._waiting.insert(self._ready, request)
        else:
            self._waiting.appendleft(request)

    def _hold(self, request: Request, last: int) -> None:
        """Write down the blocks of a decode whose last scheduled step is ``last``."""
        self.cache.register(request, request.base + last - self._lag)
        request.blocks = -(-(request.base + last) // self._size)

    def _cancel(self, request: Request, step: int) -> None:
        """What was to happen to a request from ``step`` on will not."""
        for table, when in (
            (self._leaves_after, request.leave_step),
            (self._ends_at, request.done_step),
            (self._answers_at, request.answer_step),
        ):
            if when >= step and request in table.get(when, ()):
                table[when].remove(request)

    def _take_aborts(self, now: int, step: int) -> list[Request]:
        """Drop requests before the output of ``step`` is processed."""
        dropped = []
        kept = []
        for request in self._aborts:
            if request.status == FINISHED:
                continue
            if request.enqueued_ns == NEVER:
                kept.append(request)
                continue
            if request not in self._running:
                self._waiting.remove(request)
                if request.blocks:  # reserved
                    self.cache.release(request)
                    self._ready -= 1
                if request.status == PREEMPTED:  # its last token may be in flight
                    delivered = request.base + step - request.prompt_tokens
                    request.outputs = max(0, min(request.outputs, delivered))
            else:
                del self._running[request]
                if request is self._partial:
                    self._partial = None
                else:
                    self._hold(request, min(step + self._lag, request.leave_step))
                    leave = request.leave_step
                    if leave > request.done_step or request in self._leaves_after.get(leave, ()):
                        self._remove_decode(request)
                    # What came with it or was delivered before a preemption stays delivered.
                    request.outputs = max(request.outputs, request.base + step - request.prompt_tokens)
                self.cache.release(request)
                if self._shares_context:
                    self._count_shared_once()
            if not request.outputs:
                request.first_token_ns = request.first_answer_ns = NEVER
            self._cancel(request, step)
            request.finish_reason = "abort"
            request.status = FINISHED
            dropped.append(request)
            self._ended(request, now)
        self._aborts = kept if self.keeps_early_aborts else []
        return dropped

    def _decode_entries(self, step: int, chunk: int) -> list[Entry]:
        """Entries of the running requests, as if the lists had been walked."""
        entries = []
        for request in self._running:
            if request is self._partial:
                start = request.computed
                known = request.prompt_tokens + request.outputs
                entries.append(Entry(request, chunk, start, request.outputs > 0 and start >= known - 1, 0))
            elif request.leave_step >= step:
                entries.append(Entry(request, 1, request.base + step - 1, True, 0))
        return entries
