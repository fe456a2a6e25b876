"""A sweep on a Ray cluster gives what it gives on this machine, and survives the death of a worker."""

from __future__ import annotations

import os
import signal

import pytest

from simulator.planning.sweep import sweep as sweeping
from simulator.planning.sweep.journal import FILE
from simulator.planning.sweep.sweep import sweep
from tests.planning.sweep.test_sweep import SCENARIO, points

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
run_point = sweeping.run_point


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A local cluster of two workers."""
    import logging

    ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    yield
    ray.shutdown()


def kill_once(source, base, point):
    """Runs a point; the worker of one in the middle is killed the first time it is tried."""
    if dict(point.settings).get("cluster.pools.0.replicas") == 6 and not os.path.exists(source["name"]):
        with open(source["name"], "w"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return run_point(source, base, point)


def test_two_workers_give_the_same_records(tmp_path):
    asked = points("cluster.pools.0.replicas=1..6")
    here = sweep(SCENARIO, asked, tmp_path / "here", jobs=1)
    there = sweep(SCENARIO, asked, tmp_path / "there", backend="ray")
    assert [one.figures for one in there] == [one.figures for one in here]


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "run_point", kill_once)
    marker = tmp_path / "killed"
    asked = points("cluster.pools.0.replicas=1..12")
    records = sweep({**SCENARIO, "name": str(marker)}, asked, tmp_path / "sweep", backend="ray")
    assert marker.exists()
    assert [one.settings["cluster.pools.0.replicas"] for one in records] == list(range(1, 13))
    assert all(one.figures["completed"] == 100 for one in records)
    assert len((tmp_path / "sweep" / FILE).read_text().splitlines()) == 13
