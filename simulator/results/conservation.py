"""Invariants that every recording holds: nothing is lost and nothing comes from nowhere.

``check_conservation`` holds for every run. ``check_tokens`` adds the equality of tokens computed and tokens
delivered, which holds where each output token is decoded exactly once: one unified pool, no speculation, no
asynchronous scheduling, no preemption, every request finished.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.results.latencies import is_finished
from simulator.results.recording import NEVER, STATUSES, PoolRecording, Recording, RequestColumns

#: Relative rounding allowed between float sums of integer nanoseconds.
ROUNDING = 1e-9


class InternalError(AssertionError):
    """The simulator contradicts itself: a defect in it, not in the input."""


def check_conservation(recording: Recording) -> None:
    """Raises InternalError where a recording contradicts itself."""
    _check_requests(recording.requests, recording.end_ns, len(recording.pools))
    _require(recording.unfinished >= 0, f"unfinished requests: {recording.unfinished}")
    waits = recording.waits
    _require(bool((waits.end_ns >= waits.begin_ns).all()), "a wait is over before it begins")
    _require(bool((waits.begin_ns >= 0).all()), "a wait begins before the run")
    for pool in recording.pools:
        _check_windows(pool)
        _check_histogram(pool)
        _check_step_table(pool)
    _check_totals(recording)


def check_tokens(recording: Recording) -> None:
    """Raises InternalError where tokens computed and tokens delivered differ in a plain run (see above).

    Plain is also: without a warm-up, whose inter-token latencies are left out.
    """
    check_conservation(recording)
    requests = recording.requests
    decoded = sum(int(pool.windows.decode_tokens.sum()) for pool in recording.pools)
    prefilled = sum(int(pool.windows.prefill_tokens.sum()) for pool in recording.pools)
    gaps = sum(pool.inter_token.total for pool in recording.pools)
    after_first = int((requests.output_tokens - 1).sum())
    uncached = int((requests.prompt_tokens - requests.cached_tokens).sum())
    _require(decoded == after_first, f"{decoded} tokens decoded, {after_first} delivered after the first")
    _require(prefilled == uncached, f"{prefilled} tokens prefilled, {uncached} prompt tokens not cached")
    _require(gaps == after_first, f"{gaps} inter-token latencies for {after_first} tokens after the first")


def _check_requests(requests: RequestColumns, end_ns: int, pools: int) -> None:
    if len(requests.request) == 0:
        return
    _require(len(np.unique(requests.request)) == len(requests.request), "a request ended twice")
    _require(bool(np.isin(requests.status, range(len(STATUSES))).all()), "a request has an unknown status")
    _require(bool((requests.finish_ns <= end_ns).all()), "a request ended after the end of the run")
    _require(bool((requests.finish_ns >= requests.arrival_ns).all()), "a request ended before it arrived")
    _require(bool((requests.cached_tokens <= requests.prompt_tokens).all()), "more cached than prompt tokens")
    _require(bool((requests.cached_tokens >= 0).all()), "negative cached tokens")
    _require(
        bool((requests.thinking_tokens <= requests.output_tokens).all()), "more thinking than output tokens"
    )
    _check_finished(requests, pools)


def _check_finished(requests: RequestColumns, pools: int) -> None:
    done = is_finished(requests)
    answering = done & (requests.thinking_tokens < requests.output_tokens)
    _check_order(requests, done, ("arrival_ns", "first_scheduled_ns", "first_token_ns", "finish_ns"))
    _check_order(requests, answering, ("first_token_ns", "first_answer_ns", "finish_ns"))
    _require(bool((requests.output_tokens[done] >= 1).all()), "a finished request has no output")
    known = (requests.pool[done] >= 0) & (requests.pool[done] < pools)
    _require(bool(known.all()), "a finished request names no pool")


def _check_order(requests: RequestColumns, which: NDArray[np.bool_], stages: tuple[str, ...]) -> None:
    times = [getattr(requests, stage)[which] for stage in stages]
    for stage, earlier, later in zip(stages[1:], times, times[1:], strict=False):
        _require(bool((later != NEVER).all()), f"a finished request has no {stage}")
        _require(bool((later >= earlier).all()), f"{stage} lies before the stage that precedes it")


def _check_windows(pool: PoolRecording) -> None:
    windows = pool.windows
    _require(
        int(windows.steps.sum()) == pool.steps,
        f"pool {pool.name}: {pool.steps} steps, other sum over windows",
    )
    for name in (
        "steps",
        "busy_ns",
        "prefill_tokens",
        "decode_tokens",
        "batch_ns",
        "kv_blocks_ns",
        "waiting_ns",
    ):
        _require(bool((getattr(windows, name) >= 0).all()), f"pool {pool.name}: negative {name}")
    busy = windows.busy_ns.astype(float)
    _require(
        bool(np.allclose(windows.bound_ns.sum(axis=1), busy, rtol=ROUNDING, atol=1.0)),
        f"pool {pool.name}: the bounds do not add up to the busy time",
    )
    most = busy * pool.kv_blocks_per_replica * (1 + ROUNDING)
    _require(
        bool((windows.kv_blocks_ns <= most).all()), f"pool {pool.name}: more blocks in use than there are"
    )
    _require(
        pool.prefix_hit_tokens <= pool.prefix_queried_tokens, f"pool {pool.name}: more hits than look-ups"
    )


def _check_histogram(pool: PoolRecording) -> None:
    histogram = pool.inter_token
    _require(
        int(histogram.count.sum()) == histogram.total,
        f"pool {pool.name}: the bins do not hold the {histogram.total} inter-token latencies",
    )


def _check_step_table(pool: PoolRecording) -> None:
    table = pool.step_table
    if table is None:
        return
    _require(len(table.replica) == pool.steps, f"pool {pool.name}: the step table lacks steps")
    for name, column, window in (
        ("prefill tokens", table.prefill_tokens, pool.windows.prefill_tokens),
        ("decode tokens", table.decode_tokens, pool.windows.decode_tokens),
        ("busy time", table.duration_ns, pool.windows.busy_ns),
    ):
        _require(
            int(column.sum()) == int(window.sum()), f"pool {pool.name}: {name} of steps and windows differ"
        )
    _require(
        bool((table.kv_blocks <= pool.kv_blocks_per_replica).all()),
        f"pool {pool.name}: a step uses more blocks than there are",
    )


def _check_totals(recording: Recording) -> None:
    """Every token after the first needs a decode, but for the one that a recomputing prefill makes."""
    requests = recording.requests
    computed = sum(int((p.windows.decode_tokens + p.windows.prefill_tokens).sum()) for p in recording.pools)
    done = is_finished(requests)
    needed = int((requests.prompt_tokens - requests.cached_tokens + requests.output_tokens - 1)[done].sum())
    _require(computed >= needed, f"{computed} tokens computed, at least {needed} needed")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InternalError(otherwise)
