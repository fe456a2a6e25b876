"""The desk: one task in, many calls out, one row per task, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.tenant import TenantPlan
from simulator.reasoning.build import build_desk
from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.expected import expected_accuracy
from simulator.reasoning.quality.laws import law_of
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES, UNKNOWN
from simulator.scenario.loading import load_scenario
from simulator.scenario.reasoning import ReasoningSpec
from simulator.scenario.workload.arrivals import ClosedLoopSpec
from simulator.simulation import run_scenario
from simulator.units.random_streams import RandomStreams
from tests.engine.clusters import cluster, pool, settings
from tests.reasoning.tasks import ANSWER, THINKING, columns, desk, work

EVERY = [
    {"kind": "chain"},
    {"kind": "chain", "budget": 100, "extend": 2},
    {"kind": "best_of_n", "samples": 5},
    {"kind": "best_of_n", "samples": 5, "verifier": {"kind": "generative"}},
    {"kind": "majority_vote", "samples": 7},
    {"kind": "majority_vote", "samples": 7, "at_once": 2},
    {"kind": "majority_vote", "samples": 9, "early_stop": 0.7, "agreement": 0.8},
    {"kind": "beam_search", "beams": 8, "depth": 4},
    {"kind": "dvts", "beams": 8, "depth": 4},
    {"kind": "rebase", "beams": 8, "depth": 4},
    {"kind": "mcts", "simulations": 6, "depth": 4},
    {"kind": "self_verification"},
    {"kind": "threads"},
    {
        "kind": "agent",
        "turns": {"distribution": "fixed", "tokens": 4},
        "tool": {"median": "1 s", "sigma": 0.5},
        "tool_tokens": {"distribution": "uniform", "low": 20, "high": 80},
    },
]


@pytest.mark.parametrize("strategy", EVERY, ids=str)
def test_the_account_of_the_tasks_is_that_of_their_calls(strategy):
    target = desk(strategy)
    calls = work(target).requests
    tasks = columns(target)
    assert sorted(tasks.task) == [0, 1, 2, 3]
    assert tasks.calls.sum() == len(calls.request)
    assert tasks.prompt_tokens.sum() == calls.prompt_tokens.sum()
    assert tasks.output_tokens.sum() == calls.output_tokens.sum()
    assert tasks.thinking_tokens.sum() == calls.thinking_tokens.sum()
    assert (tasks.vain_tokens <= tasks.thinking_tokens).all()
    owner = target.recording().task_of_request[calls.request]
    assert np.array_equal(np.bincount(owner), tasks.calls[np.argsort(tasks.task)])


@pytest.mark.parametrize("strategy", EVERY, ids=str)
def test_a_task_ends_no_earlier_than_its_answer_begins(strategy):
    target = desk(strategy)
    work(target)
    tasks = columns(target)
    assert (tasks.answered == 1).all()
    assert (tasks.arrival_ns < tasks.first_token_ns).all()
    assert (tasks.first_token_ns <= tasks.first_answer_ns).all()
    assert (tasks.first_answer_ns <= tasks.finish_ns).all()


@pytest.mark.parametrize("strategy", EVERY, ids=str)
def test_the_same_seed_gives_the_same_tasks(strategy):
    first, second = desk(strategy), desk(strategy)
    work(first), work(second)
    assert all(
        np.array_equal(getattr(columns(first), name), getattr(columns(second), name))
        for name in columns(first).__slots__
    )


@pytest.mark.parametrize("strategy", EVERY, ids=str)
def test_without_a_published_figure_no_task_is_called_right_or_wrong(strategy):
    target = desk(strategy)
    work(target)
    assert (columns(target).right == UNKNOWN).all()
    assert target.recording().quality == ""


def test_a_chain_is_the_request_that_the_workload_drew():
    target = desk({"kind": "chain"})
    calls = work(target, tasks=1).requests
    assert (calls.output_tokens[0], calls.thinking_tokens[0]) == (THINKING + ANSWER, THINKING)
    tasks = columns(target)
    assert tasks.first_answer_ns[0] == calls.first_answer_ns[0] > tasks.first_token_ns[0]


def test_a_budget_cuts_thinking_and_leaves_the_answer():
    target = desk({"kind": "chain", "budget": 100})
    calls = work(target, tasks=1).requests
    assert (calls.output_tokens[0], calls.thinking_tokens[0]) == (100 + ANSWER, 100)


def test_branches_of_one_prompt_read_it_from_the_cache():
    target = desk({"kind": "best_of_n", "samples": 4})
    work(target, tasks=1)
    tasks = columns(target)
    # 4 verifiers find prompt and chain of 4 candidates there, but for the last block each
    assert tasks.cached_tokens[0] >= tasks.prompt_tokens[0] - 4 * 64 - 4 * 16


def test_dropped_chains_end_as_aborted_and_count_as_thought_in_vain():
    target = desk({"kind": "majority_vote", "samples": 12, "early_stop": 0.5, "least": 2, "agreement": 1.0})
    calls = work(target, tasks=1).requests
    dropped = calls.status == STATUSES.index("aborted")
    assert dropped.sum() == 10
    assert columns(target).vain_tokens[0] == calls.thinking_tokens[dropped].sum() > 0


def test_a_task_waits_for_its_tools():
    agent = {
        "kind": "agent",
        "turns": {"distribution": "fixed", "tokens": 3},
        "tool": {"median": "2 s"},
        "tool_tokens": {"distribution": "fixed", "tokens": 10},
    }
    target = desk(agent)
    work(target, tasks=1)
    tasks = columns(target)
    assert tasks.calls[0] == 3
    assert tasks.wait_ns[0] == 4 * 10**9 < tasks.finish_ns[0]


def test_a_verifier_reads_no_more_than_its_context_holds():
    target = desk({"kind": "best_of_n", "samples": 2})
    calls = work(target, tasks=1, thinking=30_000, output=30_050).requests
    assert (calls.prompt_tokens + calls.output_tokens).max() == 20_000
    assert columns(target).calls[0] == 4


def test_a_context_that_is_full_ends_an_agent():
    agent = {
        "kind": "agent",
        "turns": {"distribution": "fixed", "tokens": 50},
        "tool": {"median": "1 ms"},
        "tool_tokens": {"distribution": "fixed", "tokens": 100},
        "max_context": 1500,
    }
    target = desk(agent)
    calls = work(target, tasks=1).requests
    assert 1 < columns(target).calls[0] < 50
    assert (calls.prompt_tokens + calls.output_tokens).max() <= 1500


def scenario(strategy, **changes):
    base = {
        "workload": {
            "arrivals": {"process": "poisson", "rate": "2 /s"},
            "prompt_tokens": {"distribution": "lognormal", "median": 150, "sigma": 0.5, "max": 1000},
            "output_tokens": {"distribution": "fixed", "tokens": 40},
            "thinking": {"tokens": {"distribution": "lognormal", "median": 300, "sigma": 0.5, "max": 2000}},
        },
        "model": "llama-3.1-8b",
        "cluster": {
            "pools": [{"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_model_len": 8192}}]
        },
        "requests": 6,
        "reasoning": {"strategy": strategy},
    }
    return load_scenario({**base, **changes})


@pytest.mark.parametrize("strategy", EVERY, ids=str)
def test_jumping_changes_nothing(strategy):
    jumped, walked = (run_scenario(scenario(strategy, jumping=jumping)) for jumping in (True, False))
    for name in jumped.recording.tasks.columns.__slots__:
        assert np.array_equal(
            getattr(jumped.recording.tasks.columns, name), getattr(walked.recording.tasks.columns, name)
        )
    check_conservation(jumped.recording)


@pytest.mark.parametrize("strategy", EVERY[:7], ids=str)
def test_tasks_run_on_prompts_and_outputs_apart(strategy):
    half = {"hardware": "nvidia-h100-sxm", "engine": {"max_model_len": 8192}}
    cluster = {
        "pools": [{"name": "p", "role": "prefill", **half}, {"name": "d", "role": "decode", **half}],
        "transfer": {"bandwidth": "50 GB/s", "latency": "10 us"},
    }
    result = run_scenario(scenario(strategy, cluster=cluster))
    assert result.summary.tasks.answered == 6
    check_conservation(result.recording)


def test_other_hardware_meets_the_same_tasks():
    strategy = {"kind": "best_of_n", "samples": 4}
    other = {"pools": [{"name": "main", "hardware": "nvidia-h200-sxm", "engine": {"max_model_len": 8192}}]}
    first, second = run_scenario(scenario(strategy)), run_scenario(scenario(strategy, cluster=other))
    for name in ("thinking_tokens", "output_tokens", "calls"):
        assert sorted(first.tasks[name]) == sorted(second.tasks[name])


def test_a_closed_loop_sends_the_next_task_when_one_is_answered():
    asked = scenario({"kind": "chain"})
    loop = ClosedLoopSpec(process="closed_loop", concurrency=2)
    closed = asked.workload.model_copy(update={"arrivals": loop})
    result = run_scenario(asked.model_copy(update={"workload": closed}))
    tasks = result.tasks.sort_values("arrival_s")
    assert list(tasks["arrival_s"][2:]) == sorted(tasks["finish_s"])[:4]


def test_a_verifier_with_a_short_context_shortens_no_output_of_another_model():
    plans = [
        pool(model, model=model, settings=settings(num_gpu_blocks=10_001, max_model_len=longest))
        for model, longest in (("large", 20_000), ("small", 200))
    ]
    tenants = (TenantPlan("large", "large"), TenantPlan("small", "small"))
    strategy = {"kind": "best_of_n", "samples": 2, "verifier": {"kind": "discriminative", "model": "small"}}
    spec = ReasoningSpec.model_validate({"strategy": strategy, "run_spread": 0.0})
    target = build_desk(spec, cluster(*plans, tenants=tenants), RandomStreams(0), stops=False)
    calls = work(target, tasks=1).requests
    large = calls.pool == 0
    assert calls.output_tokens[large].tolist() == [THINKING + ANSWER] * 2
    assert (calls.prompt_tokens[~large] + calls.output_tokens[~large]).tolist() == [200, 200]


QUALITY = {"pass_at_1": 0.9, "cons_at_64": 0.95, "source": "a test"}
CASCADE = {"kind": "cascade", "small": "llama-3.1-8b", "large": "llama-3.1-70b"}
WITHOUT_LAW = [
    strategy
    for strategy in EVERY
    if strategy.get("extend") or strategy["kind"] in {"beam_search", "dvts", "rebase", "mcts", "agent"}
]
WITH_LAW = [{"kind": "chain", "budget": 100}, *(one for one in EVERY if one not in WITHOUT_LAW)]


@pytest.mark.parametrize("strategy", WITHOUT_LAW, ids=str)
def test_a_strategy_without_a_law_has_no_accuracy_whatever_is_known_of_single_answers(strategy):
    figures = run_scenario(scenario(strategy, reasoning={"strategy": strategy, "quality": QUALITY})).to_dict()
    assert (figures["accuracy"], figures["accuracy_basis"]) == (None, None)


@pytest.mark.parametrize("strategy", WITH_LAW, ids=str)
def test_a_strategy_with_a_law_has_accuracy_and_says_what_it_rests_on(strategy):
    figures = run_scenario(scenario(strategy, reasoning={"strategy": strategy, "quality": QUALITY})).to_dict()
    assert figures["accuracy"] is not None
    assert figures["accuracy_basis"].startswith("90.0% of single answers right (a test)")
    assert figures["accuracy_basis"].endswith(law_of(load_strategy(strategy)))


def load_strategy(strategy):
    return ReasoningSpec.model_validate({"strategy": strategy}).strategy


@pytest.mark.parametrize("strategy", [*WITHOUT_LAW, CASCADE], ids=str)
def test_the_frontier_knows_no_more_than_a_simulation(strategy):
    judge = TaskSetJudge(9.0, 1.0, 0.1, "a test")
    assert law_of(load_strategy(strategy)) is None
    assert expected_accuracy(load_strategy(strategy), judge, RandomStreams(0)) is None


def test_rates_that_nobody_measured_are_named_as_the_scenarios():
    assert "90% of right and 40% of wrong drafts" in law_of(load_strategy({"kind": "self_verification"}))
    assert "d' of 1.5 is the scenario's" in law_of(load_strategy({"kind": "best_of_n", "samples": 4}))


def test_output_of_dropped_chains_is_in_a_total_of_its_own():
    vote = {"kind": "majority_vote", "samples": 12, "early_stop": 0.5, "least": 2, "agreement": 1.0}
    figures = run_scenario(scenario(vote)).to_dict()
    assert figures["requests_by_status"]["aborted"] > 0
    assert figures["total_output_tokens"] < figures["total_output_tokens_with_cut_off"]
    per_task = figures["output_tokens_per_task"]
    assert figures["total_output_tokens_with_cut_off"] == pytest.approx(per_task * figures["num_tasks"])


@pytest.mark.parametrize("kind", ["chain", "majority_vote", "best_of_n"])
def test_a_chain_that_a_budget_cut_is_wrong_in_every_strategy(kind):
    quality = {"pass_at_1": 0.9, "cons_at_64": 0.95, "source": "a test"}
    samples = {} if kind == "chain" else {"samples": 4}

    def right(budget):
        target = desk({"kind": kind, "budget": budget, **samples}, quality, run_spread=0.0)
        work(target, tasks=20)
        tasks = columns(target)
        assert tasks.answered.all()
        return int(tasks.right.sum())

    assert right(THINKING) >= 14
    assert right(THINKING - 1) == 0
