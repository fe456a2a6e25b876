"""The shapes of strategies: how many calls, in which order, on whose text."""

from __future__ import annotations

import pytest

from tests.reasoning.tasks import THINKING, columns, desk, work


def calls_of(strategy, **changes):
    target = desk(strategy)
    recording = work(target, tasks=1, **changes)
    return columns(target), recording.requests


def test_best_of_n_verifies_each_chain_once():
    tasks, _ = calls_of({"kind": "best_of_n", "samples": 6})
    assert tasks.calls[0] == 12


def test_a_beam_search_grows_all_beams_at_every_level_and_checks_each_step():
    tasks, _ = calls_of({"kind": "beam_search", "beams": 8, "width": 4, "depth": 5})
    assert tasks.calls[0] == 2 * 8 * 5 + 1
    # steps on the chosen path are not in vain
    assert tasks.thinking_tokens[0] - tasks.vain_tokens[0] == 5 * 100


def test_trees_of_dvts_do_not_wait_for_each_other():
    varied = {"distribution": "uniform", "low": 20, "high": 180}
    beam, _ = calls_of({"kind": "beam_search", "beams": 16, "depth": 6, "step_tokens": varied})
    dvts, _ = calls_of({"kind": "dvts", "beams": 16, "depth": 6, "step_tokens": varied})
    assert dvts.calls[0] == beam.calls[0]
    assert dvts.finish_ns[0] < beam.finish_ns[0]


def test_rebase_spends_its_budget_of_leaves_and_no_more():
    tasks, _ = calls_of({"kind": "rebase", "beams": 16, "depth": 5})
    assert tasks.calls[0] == 2 * 16 * 5 + 1


def test_mcts_takes_one_expansion_at_a_time():
    few, _ = calls_of({"kind": "mcts", "simulations": 4, "depth": 40})
    many, _ = calls_of({"kind": "mcts", "simulations": 16, "depth": 40})
    assert many.calls[0] > few.calls[0]


def test_the_depth_of_a_tree_follows_the_thinking_drawn():
    tasks, _ = calls_of(
        {"kind": "beam_search", "beams": 4, "step_tokens": {"distribution": "fixed", "tokens": 50}}
    )
    assert tasks.calls[0] == 2 * 4 * (THINKING // 50) + 1


def test_a_tree_thinks_as_long_as_the_chain_of_a_model_that_thinks_long():
    long = {"output": 9637 + 50, "thinking": 9637}
    tree, _ = calls_of({"kind": "beam_search", "beams": 4}, **long)
    chain, _ = calls_of({"kind": "chain"}, **long)
    on_path = tree.thinking_tokens[0] - tree.vain_tokens[0]
    assert chain.thinking_tokens[0] <= on_path < chain.thinking_tokens[0] + 100  # whole steps
    assert tree.cut_by_depth[0] == 0


@pytest.mark.parametrize("kind", ["beam_search", "dvts", "rebase", "mcts"])
@pytest.mark.parametrize(("most_depth", "cut"), [(3, 1), (4, 0)])
def test_a_tree_that_must_end_before_its_thinking_is_counted(kind, most_depth, cut):
    tasks, _ = calls_of({"kind": kind, "most_depth": most_depth})
    assert tasks.cut_by_depth[0] == cut
    assert tasks.thinking_tokens[0] - tasks.vain_tokens[0] == most_depth * 100


@pytest.mark.parametrize(("accepts", "calls"), [(1.0, 2), (0.0, 6)])
def test_self_verification_drafts_until_a_check_passes(accepts, calls):
    tasks, _ = calls_of({"kind": "self_verification", "rounds": 3, "accepts": accepts})
    assert tasks.calls[0] == calls


def test_threads_shorten_the_critical_path():
    alone, _ = calls_of({"kind": "threads", "activation": 0.0}, output=4050, thinking=4000)
    forked, _ = calls_of({"kind": "threads", "activation": 1.0}, output=4050, thinking=4000)
    assert alone.calls[0] == 1 < forked.calls[0]
    assert forked.finish_ns[0] < alone.finish_ns[0]
    assert forked.vain_tokens[0] == 0


def test_a_vote_with_fewer_at_once_takes_longer():
    wide, _ = calls_of({"kind": "majority_vote", "samples": 8})
    narrow, _ = calls_of({"kind": "majority_vote", "samples": 8, "at_once": 2})
    assert narrow.finish_ns[0] > 2 * wide.finish_ns[0]
