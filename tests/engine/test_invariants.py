"""What holds for every scheduler, whatever the settings and the load."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from simulator.engine.content import canonical
from simulator.engine.replica import Counts
from simulator.engine.request import Request
from simulator.engine.scheduler import SCHEDULERS
from simulator.engine.scheduler.reserving import Reserving
from simulator.engine.settings import EngineSettings
from simulator.errors import SimulatorError
from simulator.scenario.engine import OWN_ORDER, WHOLE_PROMPTS
from tests.engine.steps import STEP_NS, Steps, request, settings, watch

SEEDS = st.integers(0, 2**32)


def random_settings(draw: random.Random, scheduler: str) -> EngineSettings:
    """All that a scenario may say, with small pools so that blocks run out."""
    block = draw.choice([1, 4, 16])
    longest = draw.choice([64, 200, 600])
    whole = scheduler in WHOLE_PROMPTS or draw.random() < 0.2
    budget = draw.choice([longest, 600] if whole else [16, 64, 200, 600])
    split = {} if whole else {"long_prefill_token_threshold": draw.choice([0, 0, 5, 40])}
    return EngineSettings(
        scheduler=scheduler,
        num_gpu_blocks=1 + int(-(-longest // block) * draw.choice([1, 1.3, 2, 4, 20])),
        block_size=block,
        max_model_len=longest,
        max_num_seqs=min(draw.choice([1, 2, 8, 64]), budget),
        max_num_active_seqs=draw.choice([None, None, None, 1, 5]),
        max_num_batched_tokens=budget,
        max_num_scheduled_tokens=None if whole else draw.choice([None, None, max(1, budget // 2)]),
        enable_chunked_prefill=not whole,
        enable_prefix_caching=scheduler == "longest_prefix_first" or draw.random() < 0.6,
        policy="fcfs" if scheduler in OWN_ORDER else draw.choice(["fcfs", "priority"]),
        long_prefill_token_threshold_adaptive=draw.random() < 0.5,
        scheduler_reserve_full_isl=draw.random() < 0.6,
        watermark=draw.choice([0.0, 0.0, 0.05]),
        async_scheduling=draw.random() < 0.5,
        num_speculative_tokens=draw.choice([0, 0, 1, 4]),
        **split,  # type: ignore[arg-type]
    )


def random_load(draw: random.Random, engine: EngineSettings) -> list[Request]:
    """Requests that share prompts and answers, no two of them arriving at one instant."""
    requests = []
    gap = draw.choice([1, STEP_NS, 30 * STEP_NS])
    time_ns = 0
    for index in range(draw.randint(1, 30)):
        time_ns += 1 + int(draw.expovariate(1.0) * gap)
        prompt = draw.randint(1, engine.max_model_len - 1)
        output = draw.randint(1, min(engine.max_model_len - prompt, 60))
        shared = min(prompt, draw.choice([0, 16, 48, 150]))
        stream = draw.choice(["system", f"out{draw.randrange(index + 1)}"])
        own = (f"own{index}", 0, prompt - shared)
        requests.append(
            Request(
                index,
                time_ns,
                prompt,
                output,
                name=f"{index:03}",
                content=canonical([(stream, 0, shared), own, (f"out{index}", 0, output)]),
                max_tokens=output + draw.choice([0, 0, 7]),
                priority=draw.choice([0, 0, 1, 9]),
                accepted_drafts=tuple(draw.randint(0, 4) for _ in range(3)),
            )
        )
    return requests


def random_run(seed: int, scheduler: str) -> tuple[EngineSettings, list[Request], Steps]:
    draw = random.Random(seed)
    engine = random_settings(draw, scheduler)
    load = random_load(draw, engine)
    return engine, load, watch(engine, load)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@hypothesis_settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_everyone_ends_with_all_tokens_and_no_block_leaks(scheduler: str, seed: int) -> None:
    engine, load, steps = random_run(seed, scheduler)
    assert sorted(r.index for r in steps.ended) == list(range(len(load)))
    assert all(r.outputs == r.output_tokens for r in load)
    assert all(r.finish_reason == ("stop" if r.stops else "length") for r in load)
    assert not any(r.blocks or r.held for r in load)
    assert steps.replica is not None
    at_end: Counts = steps.replica.counts()
    assert (at_end.running, at_end.waiting, at_end.free_blocks) == (0, 0, engine.usable_blocks)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@hypothesis_settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_no_step_exceeds_budget_seats_or_blocks(scheduler: str, seed: int) -> None:
    engine, _, steps = random_run(seed, scheduler)
    for batch, counts in zip(steps.batches, steps.counts, strict=True):
        assert all(tokens > 0 for tokens in batch.values())
        assert sum(batch.values()) <= engine.token_budget
        assert len(batch) <= counts.running <= engine.seats
        assert 0 <= counts.free_blocks <= engine.usable_blocks
        assert 0 <= counts.cached_blocks <= engine.usable_blocks


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@hypothesis_settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_nobody_is_admitted_in_a_step_that_preempts(scheduler: str, seed: int) -> None:
    _, _, steps = random_run(seed, scheduler)
    for admitted, preempted in zip(steps.admitted, steps.preempted, strict=True):
        assert not (admitted and preempted)


@pytest.mark.parametrize(
    "scheduler", [name for name, kind in SCHEDULERS.items() if issubclass(kind, Reserving)]
)
@hypothesis_settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
@example(seed=79)  # asynchronous with drafts: two steps of them are under way
@example(seed=419)
def test_reserved_memory_is_never_taken_away(scheduler: str, seed: int) -> None:
    _, _, steps = random_run(seed, scheduler)
    assert not any(steps.preempted)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@hypothesis_settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_aborts_leave_nothing_behind(scheduler: str, seed: int) -> None:
    draw = random.Random(seed)
    engine = random_settings(draw, scheduler)
    load = random_load(draw, engine)
    aborted = draw.sample(load, len(load) // 2)
    aborts = [(r.arrival_ns + int(draw.expovariate(1.0) * 40 * STEP_NS), r) for r in aborted]
    steps = watch(engine, load, aborts)
    assert sorted(r.index for r in steps.ended) == list(range(len(load)))
    assert all(r.outputs == r.output_tokens for r in load if r.finish_reason != "abort")
    assert steps.replica is not None
    at_end = steps.replica.counts()
    assert (at_end.running, at_end.waiting, at_end.free_blocks) == (0, 0, engine.usable_blocks)
    assert (steps.replica.outstanding, steps.replica.outstanding_tokens) == (0, 0)


def test_equally_urgent_requests_that_preempt_each_other_forever_are_noticed() -> None:
    """The real scheduler does this too: of a tie the earliest in the list gives way, in turn."""
    engine: dict[str, Any] = {"policy": "priority", "scheduler_reserve_full_isl": False, "num_gpu_blocks": 9}
    prompts = settings(
        max_model_len=128, max_num_batched_tokens=32, long_prefill_token_threshold=16, **engine
    )
    with pytest.raises(SimulatorError, match="preempt each other without end"):
        watch(prompts, [request(i, 120, 4, name=str(i)) for i in range(2)])
    # Any order between them ends it.
    ordered = [request(i, 120, 4, name=str(i), priority=i) for i in range(2)]
    assert len(watch(prompts, ordered).ended) == 2
