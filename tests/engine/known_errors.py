"""The errors that golden traces must notice: a line each, in the scheduler, the KV cache and both engines."""

from __future__ import annotations

from tests.engine.mutations import Mutation

ERRORS = (
    # -- the waiting line and admission ------------------------------------------------------
    Mutation(
        "a preempted request resumes at the back of the line",
        "scheduler.vllm",
        "self.waiting.put_back(request)",
        "self.waiting.add(request)",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "aggregate: a preempted request resumes at the back of the line",
        "aggregate",
        "self._waiting.appendleft(request)",
        "self._waiting.append(request)",
        ("07-preempt-heavy", "extra-07-async-preempt"),
    ),
    Mutation(
        "a request is admitted when its first chunk fits",
        "scheduler.vllm",
        "if settings.scheduler_reserve_full_isl:",
        "if False:",
        ("11-prefix-eviction", "extra-05-priority-tie"),
    ),
    Mutation(
        "aggregate: a request is admitted when its first chunk fits",
        "aggregate",
        "(known if self._reserve else end)",
        "end",
        ("07-preempt-heavy", "11-prefix-eviction"),
    ),
    Mutation(
        "the whole of a request must fit where the settings say its first chunk",
        "scheduler.vllm",
        "if settings.scheduler_reserve_full_isl:",
        "if True:",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "no watermark",
        "scheduler.vllm",
        "needed += settings.watermark_blocks",
        "needed += 0",
        ("16-watermark", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "aggregate: no watermark",
        "aggregate",
        "free_needed += self._watermark",
        "free_needed += 0",
        ("16-watermark", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "the watermark holds on an empty engine too",
        "scheduler.vllm",
        "        if self.running:\n            needed",
        "        if True:\n            needed",
        ("extra-04-watermark-empty-engine", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "requests are admitted in a step that preempts",
        "scheduler.vllm",
        "if not plan.preempted:",
        "if True:",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "aggregate: requests are admitted in a step that preempts",
        "aggregate",
        "if waiting and not preempted:",
        "if waiting:",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "who does not fit goes to the back of the line",
        "scheduler.vllm",
        "            if not self._fits(request, start + scheduled, hit_blocks, ownerless):\n"
        "                break",
        "            if not self._fits(request, start + scheduled, hit_blocks, ownerless):\n"
        "                self.waiting.add(self.waiting.pop())\n                break",
        ("16-watermark", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "a prompt is split although chunked prefill is off",
        "scheduler.vllm",
        "if not self._chunked and scheduled > budget:",
        "if False:",
        ("04-chunked-off", "extra-12-chunked-off-watermark"),
    ),
    Mutation(
        "aggregate: a prompt is split although chunked prefill is off",
        "aggregate",
        "if not self._chunked:",
        "if False:",
        ("04-chunked-off", "extra-12-chunked-off-watermark"),
    ),
    # -- seats, budgets, thresholds ----------------------------------------------------------
    Mutation(
        "a lone request is held to the long-prefill threshold",
        "scheduler.vllm",
        "settings.long_prefill_token_threshold if eligible > 1 else 0",
        "settings.long_prefill_token_threshold",
        ("18-long-prefill-threshold", "extra-10-scheduled-token-cap"),
    ),
    Mutation(
        "the adaptive threshold is not adaptive",
        "scheduler.vllm",
        "if cap and settings.long_prefill_token_threshold_adaptive:",
        "if False:",
        ("19-long-prefill-adaptive", "extra-06-threshold-twins"),
    ),
    Mutation(
        "the threshold holds for new requests only",
        "scheduler.vllm",
        "            if 0 < cap < scheduled:\n                scheduled = cap\n            scheduled = min(",
        "            scheduled = min(",
        ("18-long-prefill-threshold", "extra-06-threshold-twins"),
    ),
    Mutation(
        "max_num_active_seqs is ignored",
        "scheduler.vllm",
        "len(self.running) < self.settings.seats",
        "len(self.running) < self.settings.max_num_seqs",
        ("20-active-seqs", "extra-11-active-seqs-drafts"),
    ),
    Mutation(
        "max_num_scheduled_tokens is ignored",
        "scheduler.vllm",
        "self._fill(plan, self.settings.token_budget, ",
        "self._fill(plan, self.settings.max_num_batched_tokens, ",
        ("21-scheduled-token-cap", "extra-10-scheduled-token-cap"),
    ),
    # -- preemption --------------------------------------------------------------------------
    Mutation(
        "the oldest request is preempted",
        "scheduler.vllm",
        "return self.running[-1]",
        "return self.running[0]",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "aggregate: the oldest request is preempted",
        "aggregate",
        "victim = order.pop()",
        "victim = order.pop(0)",
        ("17-no-full-isl-reserve", "extra-07-async-preempt"),
    ),
    Mutation(
        "of equally urgent requests the latest in the list is preempted",
        "scheduler.vllm",
        "return max(self.running, key",
        "return max(reversed(self.running), key",
        ("extra-03-priority-drafts-preempted", "extra-05-priority-tie"),
    ),
    Mutation(
        "among equal priorities arrival does not matter for the victim",
        "scheduler.vllm",
        "key=lambda r: (r.priority, r.arrival_ns)",
        "key=lambda r: r.priority",
        ("14-priority-preempt", "extra-06-threshold-twins"),
    ),
    Mutation(
        "a victim's tokens do not return to the budget",
        "scheduler.vllm",
        "budget += self._unschedule(plan, victim)",
        "self._unschedule(plan, victim)",
        ("extra-02-priority-victim-budget", "extra-03-priority-drafts-preempted"),
    ),
    Mutation(
        "drafts survive a preemption",
        "scheduler.vllm",
        "        request.remote_tokens = 0\n        request.drafts = 0\n",
        "        request.remote_tokens = 0\n",
        ("extra-03-priority-drafts-preempted", "extra-05-priority-tie"),
    ),
    # -- asynchronous scheduling -------------------------------------------------------------
    Mutation(
        "a stop token is foreseen: no wasted step behind it",
        "scheduler.vllm",
        "ahead >= request.prompt_tokens + request.max_tokens",
        "ahead >= request.prompt_tokens + request.output_tokens",
        ("24-async-eos", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "aggregate: a stop token is foreseen",
        "aggregate",
        "leave += request.prompt_tokens + wanted < self._longest",
        "leave += 0",
        ("24-async-eos", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "a preempted request loses nothing in flight from its placeholders",
        "scheduler.vllm",
        "                if not stale:\n                    request.placeholders",
        "                if True:\n                    request.placeholders",
        ("23-async-preempt-cached", "extra-05-priority-tie"),
    ),
    Mutation(
        "one step at a time, although scheduling is asynchronous",
        "listed",
        "self._depth = 2 if settings.async_scheduling else 1",
        "self._depth = 1",
        ("23-async-preempt-cached", "extra-07-async-preempt"),
    ),
    # -- speculation -------------------------------------------------------------------------
    Mutation(
        "rejected drafts count as computed",
        "scheduler.vllm",
        "request.computed -= rejected",
        "request.computed -= 0",
        ("25-spec-decode", "extra-05-priority-tie"),
    ),
    Mutation(
        "an admission with one token to compute is not padded with drafts",
        "scheduler.vllm",
        "if speculative and scheduled == 1 and not prefill_running",
        "if False and not prefill_running",
        ("extra-09-drafts-twins", "extra-11-active-seqs-drafts"),
    ),
    # -- the prefix cache --------------------------------------------------------------------
    Mutation(
        "a prompt may hit whole",
        "kv_cache",
        "limit = (request.prompt_tokens + request.outputs - 1) // size",
        "limit = (request.prompt_tokens + request.outputs) // size",
        ("12-prefix-duplicates", "extra-06-threshold-twins"),
    ),
    Mutation(
        "blocks enter the cache when computed, not when scheduled",
        "scheduler.vllm",
        "cache.register(request, min(request.computed + scheduled, request.known_tokens))",
        "cache.register(request, min(request.computed, request.known_tokens))",
        ("25-spec-decode", "extra-10-scheduled-token-cap"),
    ),
    Mutation(
        "aggregate: a new request's blocks enter the cache one step late",
        "aggregate",
        "cache.register(request, end)\n",
        "cache.register(request, start)\n",
        ("26-aborts", "extra-12-chunked-off-watermark"),
    ),
    Mutation(
        "aggregate: asynchronous, a sampled token's block enters when the token is scheduled",
        "aggregate",
        "_GrowingCache(settings, self._lag)",
        "_GrowingCache(settings, 0)",
        ("23-async-preempt-cached", "extra-08-watermark-async-stops"),
    ),
    Mutation(
        "hit blocks without an owner need no room",
        "scheduler.vllm",
        "- hit_blocks, 0) + ownerless",
        "- hit_blocks, 0)",
        ("11-prefix-eviction", "28-mixed-bursts"),
    ),
    Mutation(
        "aggregate: hit blocks without an owner need no room",
        "aggregate",
        "- hit_blocks + ownerless",
        "- hit_blocks",
        ("11-prefix-eviction", "28-mixed-bursts"),
    ),
    Mutation(
        "the younger of two twins is served",
        "kv_cache",
        "copy = child.copies[0]",
        "copy = child.copies[-1]",
        ("extra-06-threshold-twins", "extra-09-drafts-twins"),
    ),
    Mutation(
        "the head of a sequence is evicted before its tail",
        "kv_cache",
        "for copy in reversed(request.held):",
        "for copy in request.held:",
        ("11-prefix-eviction", "27-block-size-8"),
    ),
    Mutation(
        "cached blocks freed last are evicted first",
        "kv_cache",
        "self._enqueue(copy, self._queue)\n                self.free",
        "self._enqueue(copy, self._queue.after)\n                self.free",
        ("08-preempt-heavy-cached", "extra-03-priority-drafts-preempted"),
    ),
    Mutation(
        "cached blocks are evicted before those without content are used up",
        "kv_cache",
        "        self._blank -= blocks\n        if self._blank < 0:",
        "        evicted = min(blocks, self.free + blocks - self._blank)\n"
        "        self._evict(evicted)\n"
        "        self._blank -= blocks - evicted\n"
        "        if self._blank < 0:",
        ("25-spec-decode", "extra-04-watermark-empty-engine"),
    ),
    Mutation(
        "a block keeps its content when it is taken",
        "kv_cache",
        "self.cached -= node.blocks - longest",
        "self.cached -= 0",
        ("15-priority-cached-chunked", "extra-12-chunked-off-watermark"),
    ),
    # -- the loop ----------------------------------------------------------------------------
    Mutation(
        "an abort during a step waits for the next one",
        "listed",
        "        aborted = self._take_aborts(now)\n        emitted",
        "        aborted: list[Request] = []\n        emitted",
        ("26-aborts", "extra-07-async-preempt"),
    ),
)
