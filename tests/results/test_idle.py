"""Who is told that machines have room left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.results.idle import has_room, idle_machines, room_left
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

FEW = {
    "cluster.pools.0.engine.max_num_seqs": 8,
    "reasoning.strategy": {"kind": "chain"},
    "workload.thinking.tokens": {"distribution": "fixed", "tokens": 500},
}


def summary(**changes):
    return run_scenario(load_scenario("reasoning-frontier", {**FEW, **changes})).summary


@pytest.fixture(scope="module")
def waiting():
    return summary(**{"workload.arrivals.concurrency": 2, "requests": 12})


def said(of):
    return idle_machines(of.context, of.pools, of.load, of.tasks)


def test_a_closed_loop_that_leaves_seats_empty_says_how_many(waiting):
    assert any("of 8 seats and" in message for message in waiting.messages)
    assert "raise workload.arrivals.concurrency, and requests with it" in said(waiting)


def test_a_closed_loop_that_fills_its_seats_says_nothing():
    full = summary(**{"workload.arrivals.concurrency": 8, "requests": 40})
    assert said(full) is None


def test_more_tasks_at_once_do_cost_less_each_where_it_is_said(waiting):
    fuller = summary(**{"workload.arrivals.concurrency": 4, "requests": 24})
    assert fuller.tasks.cost.mid < 0.7 * waiting.tasks.cost.mid


def test_room_is_judged_by_seats_cache_queue_and_time(waiting):
    (about,), (use,) = waiting.context.pools, waiting.pools
    assert has_room(about, use)
    assert not has_room(about, replace(use, mean_batch=4.0))
    assert not has_room(about, replace(use, mean_kv_use=0.6))
    assert not has_room(about, replace(use, mean_waiting=2.0))
    assert not has_room(replace(about, role="prefill"), use)
    assert not has_room(replace(about, seats=None), use)
    assert not has_room(about, replace(use, utilisation=None, mean_batch=None))
    seldom = replace(use, mean_batch=8.0, utilisation=0.2)
    assert has_room(about, seldom) and room_left(about, seldom).endswith("20% of the time")


def test_who_serves_no_tasks_or_has_no_price_is_told_nothing(waiting):
    about, pools, load, tasks = waiting.context, waiting.pools, waiting.load, waiting.tasks
    assert idle_machines(about, pools, load, None) is None
    assert idle_machines(about, pools, load, replace(tasks, cost=None)) is None
