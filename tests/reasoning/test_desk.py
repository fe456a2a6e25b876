"""The desk: one task in, many calls out, one row per task, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.results.recording import STATUSES, UNKNOWN
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
