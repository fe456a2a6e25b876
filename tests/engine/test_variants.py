"""What sets the named schedulers apart from vLLM's, each on the smallest load that shows it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from simulator.engine.scheduler import SCHEDULERS
from simulator.errors import InputError
from simulator.scenario.engine import OWN_ORDER, WHOLE_PROMPTS, EngineSpec, SchedulerName
from simulator.units.explain import validate
from tests.engine.steps import request, settings, watch


def test_every_scheduler_that_a_scenario_can_name_is_there() -> None:
    assert set(get_args(SchedulerName)) == set(SCHEDULERS)


def test_scenario_and_engine_agree_on_who_computes_prompts_whole() -> None:
    assert {name for name, kind in SCHEDULERS.items() if not kind.splits_prompts} == set(WHOLE_PROMPTS)


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_every_scheduler_serves_everyone(name: str, asynchronous: bool) -> None:
    engine = settings(name, async_scheduling=asynchronous, enable_prefix_caching=True, num_gpu_blocks=64)
    load = [request(i, 50 + 37 * i % 400, 5 + 7 * i % 90, step=i) for i in range(30)]
    steps = watch(engine, load)
    assert len(steps.ended) == 30
    assert all(r.outputs == r.output_tokens for r in steps.ended)
    assert steps.counts[-1].free_blocks >= 63 - 25


# -- static batching -------------------------------------------------------------------------


def test_static_admits_nobody_before_the_batch_has_ended() -> None:
    load = [request(0, 10, 2), request(1, 10, 20), request(2, 10, 2, step=1)]
    assert watch(settings("vllm"), load).first(2) == 1
    load = [request(0, 10, 2), request(1, 10, 20), request(2, 10, 2, step=1)]
    steps = watch(settings("static"), load)
    assert steps.first(2) == steps.last(1) + 1 == 20


def test_static_forms_its_batch_over_several_steps_where_the_budget_is_small() -> None:
    load = [request(i, 60, 5) for i in range(3)] + [request(3, 60, 5, step=1)]
    steps = watch(settings("static", max_num_batched_tokens=100), load)
    assert steps.batches[0] == {0: 60, 1: 40}
    assert steps.batches[1] == {0: 1, 1: 20, 2: 60}
    # The fourth came while the batch was still being formed, but was not part of it.
    assert steps.first(3) == steps.last(2) + 1


def test_static_leaves_out_whom_memory_cannot_hold_at_its_longest() -> None:
    # 100 blocks: 55 + 40 fit, 30 more do not, though they would at first.
    load = [request(0, 80, 800), request(1, 80, 560), request(2, 80, 400), request(3, 10, 6)]
    steps = watch(settings("static"), load)
    assert steps.admitted[0] == [0, 1]
    assert steps.first(2) == steps.first(3) == 800


# -- Orca ------------------------------------------------------------------------------------


def test_orca_joins_between_steps_and_never_splits_a_prompt() -> None:
    load = [request(0, 30, 50), request(1, 90, 5, step=3)]
    engine: dict[str, Any] = {"max_num_batched_tokens": 90, "max_model_len": 90}
    # One decode leaves 89 tokens: vLLM computes them, Orca waits until all 90 fit.
    assert watch(settings("vllm", **engine), load).batches[3] == {0: 1, 1: 89}
    load = [request(0, 30, 50), request(1, 90, 5, step=3), request(2, 9, 5, step=3)]
    steps = watch(settings("orca", **engine), load)
    assert steps.batches[steps.first(1)] == {1: 90}
    assert steps.first(1) == 50
    short = [request(0, 30, 50), request(1, 80, 5, step=3)]
    assert watch(settings("orca", **engine), short).batches[3] == {0: 1, 1: 80}


def test_orca_reserves_memory_up_to_max_tokens() -> None:
    # 100 blocks of 16; each may need 60 blocks, and really needs 8.
    load = [request(i, 100, 20, max_tokens=860) for i in range(2)]
    assert watch(settings("vllm"), load).admitted[0] == [0, 1]
    load = [request(i, 100, 20, max_tokens=860) for i in range(2)]
    steps = watch(settings("orca"), load)
    assert steps.first(1) == 20


@pytest.mark.parametrize("name", ["orca", "static"])
def test_reserved_memory_is_never_taken_away(name: str) -> None:
    load = [request(i, 20, 200) for i in range(30)]
    assert any(watch(settings("vllm"), load).preempted)
    load = [request(i, 20, 200) for i in range(30)]
    assert not any(watch(settings(name), load).preempted)


# -- Sarathi ---------------------------------------------------------------------------------


def test_sarathi_lets_no_prompt_chunk_stand_before_a_decode() -> None:
    engine: dict[str, Any] = {
        "num_speculative_tokens": 3,
        "long_prefill_token_threshold": 8,
        "max_num_batched_tokens": 12,
    }
    load = [request(0, 3, 9), request(1, 80, 5), request(2, 1, 9)]
    # Drafts make decodes longer: 4 tokens, and 8 of the long prompt, leave the last none.
    assert watch(settings("vllm", **engine), load).batches[:2] == [{0: 3, 1: 8, 2: 1}, {0: 4, 1: 8}]
    load = [request(0, 3, 9), request(1, 80, 5), request(2, 1, 9)]
    assert watch(settings("sarathi", **engine), load).batches[:2] == [
        {0: 3, 1: 8, 2: 1},
        {0: 4, 2: 4, 1: 4},
    ]


def test_sarathi_without_such_a_prompt_is_vllm() -> None:
    def load() -> list[Any]:
        return [request(i, 50 + 31 * i % 300, 5 + 11 * i % 60, step=2 * i) for i in range(40)]

    engine: dict[str, Any] = {"max_num_batched_tokens": 64, "num_gpu_blocks": 80}
    assert watch(settings("sarathi", **engine), load()).batches == watch(settings(**engine), load()).batches


# -- prefill first ---------------------------------------------------------------------------


def test_prefill_first_stalls_decodes_while_prompts_come() -> None:
    load = [request(0, 10, 5)] + [request(i, 10, 5, step=i) for i in range(1, 4)]
    steps = watch(settings("prefill_first"), load)
    assert steps.batches[:5] == [{0: 10}, {1: 10}, {2: 10}, {3: 10}, {0: 1, 1: 1, 2: 1, 3: 1}]
    assert watch(settings("vllm"), [request(0, 10, 5), request(1, 10, 5, step=1)]).batches[1] == {0: 1, 1: 10}


def test_prefill_first_decodes_when_the_prompt_does_not_fit() -> None:
    load = [request(0, 800, 100), request(1, 900, 5, step=1)]
    steps = watch(settings("prefill_first"), load)
    assert steps.batches[1] == {0: 1}
    assert steps.first(1) == 100


def test_prefill_first_batches_whole_prompts_within_the_budget() -> None:
    load = [request(i, 400, 3) for i in range(3)]
    steps = watch(settings("prefill_first"), load)
    assert steps.batches[:2] == [{0: 400, 1: 400}, {2: 400}]


# -- shortest job first ----------------------------------------------------------------------


def test_shortest_job_first_admits_by_predicted_output() -> None:
    def load() -> list[Any]:
        return [
            request(0, 10, 10),
            *(request(i, 10, output, step=1) for i, output in ((1, 90), (2, 5), (3, 40))),
        ]

    one_seat: dict[str, Any] = {"max_num_seqs": 1}
    assert [r.index for r in watch(settings("vllm", **one_seat), load()).ended] == [0, 1, 2, 3]
    assert [r.index for r in watch(settings("shortest_job_first", **one_seat), load()).ended] == [0, 2, 3, 1]


def test_shortest_job_first_goes_by_what_is_predicted_not_by_what_is_true() -> None:
    load = [request(0, 10, 10), request(1, 10, 90, step=1), request(2, 10, 5, step=1)]
    load[1].predicted_tokens, load[2].predicted_tokens = 20.0, 30.0
    steps = watch(settings("shortest_job_first", max_num_seqs=1), load)
    assert [r.index for r in steps.ended] == [0, 1, 2]


def test_equal_predictions_keep_the_order_of_arrival() -> None:
    load = [request(i, 10, 10, step=i) for i in range(6)]
    steps = watch(settings("shortest_job_first", max_num_seqs=1), load)
    assert [r.index for r in steps.ended] == list(range(6))


# -- longest prefix first --------------------------------------------------------------------


def sharing(index: int, document: str, shared: int, step: int) -> Any:
    """A request whose prompt begins with so many tokens of a document."""
    content = ((document, 0, shared), (f"own{index}", 0, 96 - shared), (f"out{index}", 0, 4))
    return request(index, 96, 4, step, content=tuple(piece for piece in content if piece[2]))


def test_longest_prefix_first_admits_whoever_finds_most_in_the_cache() -> None:
    def load() -> list[Any]:
        # The first fills the cache with document a; then, in this order, b, half of a, and a.
        shares = [("a", 96, 0), ("b", 96, 1), ("a", 48, 1), ("a", 80, 1)]
        return [sharing(i, document, shared, step) for i, (document, shared, step) in enumerate(shares)]

    engine: dict[str, Any] = {"max_num_seqs": 1, "enable_prefix_caching": True}
    assert [r.index for r in watch(settings("vllm", **engine), load()).ended] == [0, 1, 2, 3]
    steps = watch(settings("longest_prefix_first", **engine), load())
    assert [r.index for r in steps.ended] == [0, 3, 2, 1]
    assert [r.cached_tokens for r in steps.ended] == [0, 80, 48, 0]


def test_longest_prefix_first_keeps_the_order_of_arrival_in_a_long_line() -> None:
    load = [sharing(0, "a", 96, 0), *(sharing(i, "b", 0, 1) for i in range(1, 130)), sharing(130, "a", 80, 1)]
    engine = settings("longest_prefix_first", max_num_seqs=1, enable_prefix_caching=True, num_gpu_blocks=1001)
    ended = [r.index for r in watch(engine, load).ended]
    # 130 wait at first: the next two go in order, then the line is short enough.
    assert ended[:4] == [0, 1, 2, 130]


# -- what a scenario may say -----------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scenario_may_name_it(name: str) -> None:
    assert EngineSpec(scheduler=name).scheduler == name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"scheduler": "sarati"}, "did you mean 'sarathi'"),
        ({"scheduler": "orca", "long_prefill_token_threshold": 64}, "computes them whole"),
        ({"scheduler": "orca", "max_model_len": 9000}, "a prompt must fit one step"),
        ({"scheduler": "prefill_first", "max_model_len": 9000}, "a prompt must fit one step"),
        (
            {"scheduler": "longest_prefix_first", "enable_prefix_caching": False},
            "needs enable_prefix_caching",
        ),
        ({"length_prediction_error": 0.5}, "no effect without scheduler 'shortest_job_first'"),
        *(
            ({"scheduler": name, "scheduling_policy": "priority"}, "has an order of its own")
            for name in OWN_ORDER
        ),
    ],
)
def test_settings_that_do_not_suit_a_scheduler_are_refused(engine: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate(EngineSpec, engine)
