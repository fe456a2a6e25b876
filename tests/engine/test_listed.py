"""The list-walking engine where its own scheduler tests do not reach: requests of a prefill pool."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from simulator.engine.aggregate import AggregateReplica
from simulator.engine.listed import ListedReplica
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.settings import EngineSettings
from tests.engine.engines import Case, random_case, run_case


def decoding(engine: type[Replica], every: int = 1) -> Any:
    """Builds an engine to which every n-th prompt comes computed, with its first output token."""

    class Decoder(engine):  # type: ignore[valid-type, misc]
        def submit(self, request: Request) -> None:
            if request.index % every == 0 and request.output_tokens > 1:
                request.outputs = 1
                request.remote_tokens = request.prompt_tokens
                request.first_scheduled_ns = request.first_token_ns = self.env.now
                request.cached_tokens = 0
                if not request.thinking_tokens:
                    request.first_answer_ns = self.env.now
            super().submit(request)

    return Decoder


def one_of(prompt: int, output: int, **engine: Any) -> Case:
    settings = EngineSettings(num_gpu_blocks=101, **engine)
    return Case(settings, ({"arrival_ns": 0, "prompt_tokens": prompt, "output_tokens": output},))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_prompt_that_came_over_a_link_is_not_computed_again(asynchronous: bool) -> None:
    case = one_of(100, 5, async_scheduling=asynchronous, num_speculative_tokens=0)
    steps = run_case(case, decoding(ListedReplica))["steps"]
    computed = run_case(case, ListedReplica)["steps"]
    assert len(steps) == 4
    assert len(computed) == 5


def test_its_blocks_are_taken_at_once_and_returned() -> None:
    case = one_of(100, 5)
    for build in (ListedReplica, decoding(ListedReplica)):
        assert run_case(case, build)["end"][0].free_blocks == 100


def test_it_counts_neither_as_queried_nor_as_hit() -> None:
    case = one_of(100, 5)
    assert run_case(case, ListedReplica)["end"][1][:3] == [1, 100, 0]
    assert run_case(case, decoding(ListedReplica))["end"][1] == [0] * 6


@pytest.mark.parametrize("every", [1, 2, 3])
@hypothesis_settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=1201840)  # aborted after the step that admits it was composed, and before it ran
def test_both_engines_decode_for_a_prefill_pool_alike(every: int, seed: int) -> None:
    case = random_case(seed)
    assert run_case(case, decoding(ListedReplica, every)) == run_case(case, decoding(AggregateReplica, every))
