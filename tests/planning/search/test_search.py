"""The search finds what a grid would, in fewer simulations, and keeps to the objectives."""

from __future__ import annotations

import pytest

from simulator.planning.search.search import loss, search
from simulator.planning.sweep.axes import parse_axis
from simulator.planning.sweep.journal import FILE
from simulator.planning.sweep.pareto import goal_of
from simulator.planning.sweep.point import PointRecord
from simulator.planning.sweep.ranges import parse_range
from tests.planning.sweep.test_sweep import SCENARIO

optuna = pytest.importorskip("optuna")
COST = goal_of("cost_per_hour_usd")
BUSY = {
    **SCENARIO,
    "requests": 60,
    "slo": {"ttft": "1 s", "tpot": "40 ms", "attainment": 0.9},
}
AXES = [parse_axis("cluster.pools.0.hardware=nvidia-l4,nvidia-h100-sxm,nvidia-a10g")]
RANGES = [parse_range("cluster.pools.0.replicas=1,12")]


def test_the_cheapest_design_that_meets_its_objectives_is_found(tmp_path):
    found = search(BUSY, AXES, RANGES, COST, 24, 0, tmp_path, jobs=1)
    assert found.best.settings == {
        "cluster.pools.0.hardware": "nvidia-h100-sxm",
        "cluster.pools.0.replicas": 1,
    }
    assert found.best.figures["slo_met"]
    assert len(found.records) == 24


def test_a_search_that_is_run_again_simulates_nothing_again(tmp_path):
    first = search(BUSY, AXES, RANGES, COST, 8, 0, tmp_path, jobs=1)
    lines = (tmp_path / FILE).read_text()
    again = search(BUSY, AXES, RANGES, COST, 8, 0, tmp_path, jobs=1)
    assert (tmp_path / FILE).read_text() == lines
    assert [one.settings for one in again.records] == [one.settings for one in first.records]


def test_missing_the_objectives_is_worse_than_any_cost_and_not_running_worse_still():
    def record(**figures):
        return PointRecord("x", {}, 0, figures={COST.key: 1e6, "slo_met": True, **figures})

    losses = [
        loss(record(), COST),
        loss(record(slo_met=False, slo_attainment=0.9), COST),
        loss(record(slo_met=False, slo_attainment=0.1), COST),
        loss(PointRecord("x", {}, 0, reason="does not fit"), COST),
    ]
    assert losses == sorted(losses) and len(set(losses)) == 4


def test_where_nothing_is_allowed_there_is_no_best(tmp_path):
    found = search({**BUSY, "slo": {"tpot": "1 us"}}, AXES, RANGES, COST, 3, 0, tmp_path, jobs=1)
    assert found.best is None
    assert not found.to_dict()["solved"]
