"""The aggregate engine decides what the list-walking one decides, with jumps and without."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.aggregate import AggregateReplica, covers
from simulator.engine.listed import ListedReplica
from simulator.engine.timing import Appointment
from tests.engine import clusters
from tests.engine.engines import PipelinedPricer, SharedOncePricer, random_case, run_case, with_content


@pytest.mark.parametrize("jumping", [False, True], ids=["step by step", "jumping"])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_engines_record_the_same(jumping: bool, seed: int) -> None:
    case = random_case(seed)
    assert covers(case.settings)
    assert run_case(case, AggregateReplica, jumping=jumping) == run_case(case, ListedReplica)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_prompt_that_nobody_shares_needs_no_content(seed: int) -> None:
    case = random_case(seed)
    assert run_case(case, AggregateReplica) == run_case(with_content(case), ListedReplica)


# Cases that earlier versions got wrong: a request preempted in a step without tokens, a split
# node that a request grows from, a token in flight at an abort, an answer after a preemption.
@pytest.mark.parametrize("seed", [13, 41, 57, 72, 86, 125, 248, 1533])
def test_known_hard_cases(seed: int) -> None:
    case = random_case(seed)
    listed = run_case(case, ListedReplica)
    assert run_case(case, AggregateReplica, jumping=False) == listed
    assert run_case(case, AggregateReplica, jumping=True) == listed


@pytest.mark.parametrize("jumping", [False, True], ids=["step by step", "jumping"])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_engines_let_prompts_pass_a_pipeline(jumping: bool, seed: int) -> None:
    case = random_case(seed)
    listed = run_case(case, ListedReplica, PipelinedPricer)
    assert run_case(case, AggregateReplica, PipelinedPricer, jumping=jumping) == listed


@pytest.mark.parametrize("jumping", [False, True], ids=["step by step", "jumping"])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_engines_count_shared_context_once(jumping: bool, seed: int) -> None:
    case = random_case(seed)
    listed = run_case(case, ListedReplica, SharedOncePricer)
    assert run_case(case, AggregateReplica, SharedOncePricer, jumping=jumping) == listed


@pytest.mark.parametrize("at_ms", range(41, 80))
def test_free_blocks_are_the_same_while_an_aborted_request_is_handed_out(at_ms):
    """The stop token of another comes in the same step and is seen late: it takes no block for the next."""
    found = []
    for policy in ("fcfs", "priority"):  # the one engine and the other
        own = clusters.settings(async_scheduling=True, block_size=1, max_model_len=200, policy=policy)
        target = clusters.cluster(clusters.pool(settings=own))
        replica, hand_on = target.pools[0].replicas[0], target.pools[0].ended
        stops = clusters.request(0, prompt=10, output=5, max_tokens=9)
        given_up = clusters.request(1, prompt=10, output=50)

        def ended(one, replica=replica, hand_on=hand_on, given_up=given_up):
            if one is given_up:
                found.append((replica.env.now, replica.free_blocks_now()))
            hand_on(one)

        target.pools[0].ended = ended
        Appointment(target.env, at_ms * clusters.MS, lambda _, one=given_up: one.place.abort(one))
        clusters.run(target, [stops, given_up])
    assert found[0] == found[1]
