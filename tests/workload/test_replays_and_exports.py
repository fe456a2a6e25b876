"""Traces are replayed as they stand, changed only where asked, and written to be read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload import Traffic, build_workload, read_trace, write_traffic
from simulator.workload.chunking import joined

ROWS = "arrival_s,prompt_tokens,output_tokens,priority\n0,5,50,1\n3,6,60,0\n3,7,70,0\n9,8,80,0\n"


@pytest.fixture
def trace(tmp_path) -> Path:
    file = tmp_path / "trace.csv"
    file.write_text(ROWS)
    return file


def source(trace, requests=None, duration_s=None, base_dir=None, seed=0, **spec):
    arrivals = {"process": "replay", "file": str(trace)} | spec.pop("arrivals", {})
    described = WorkloadSpec.model_validate({"arrivals": arrivals} | spec)
    return build_workload(described, RandomStreams(seed), requests, duration_s, base_dir)


def replayed(*args, **kwargs) -> Traffic:
    return joined(list(source(*args, **kwargs).chunks()))


def seconds(traffic):
    return (traffic.arrival_ns / 1e9).tolist()


def test_a_replay_is_the_trace(trace):
    traffic = replayed(trace)
    assert seconds(traffic) == [0, 3, 3, 9]
    assert traffic.prompt_tokens.tolist() == [5, 6, 7, 8]
    assert traffic.output_tokens.tolist() == [50, 60, 70, 80]
    assert traffic.priority.tolist() == [1, 0, 0, 0]
    assert source(trace).max_total_tokens == 88
    assert source(trace).ends_on_stop
    assert source(trace).concurrency is None


def test_a_relative_name_starts_from_the_given_folder(trace):
    assert len(replayed(trace.name, base_dir=trace.parent)) == 4


def test_speedup_shortens_the_times(trace):
    assert seconds(replayed(trace, arrivals={"speedup": 2.0})) == [0, 1.5, 1.5, 4.5]


def test_ticks_are_spread_within_their_width_and_stay_in_order(trace):
    traffic = replayed(trace, arrivals={"spread": "3 s"})
    assert np.all(np.diff(traffic.arrival_ns) >= 0)
    ticks = np.array([0, 3, 3, 9])
    assert np.all((np.sort(seconds(traffic)) >= ticks) & (np.sort(seconds(traffic)) < ticks + 3))
    assert len(set(traffic.arrival_ns)) == 4


def test_requests_and_duration_cut_a_trace(trace):
    assert len(replayed(trace, requests=2)) == 2
    assert len(replayed(trace, duration_s=9)) == 3


def test_asking_for_more_rows_than_there_are_is_an_error(trace):
    with pytest.raises(InputError, match="4 rows"):
        source(trace, requests=5)


def test_a_closed_loop_over_a_trace_ignores_its_times(trace):
    closed = source(trace, duration_s=1, arrivals={"concurrency": 2})
    assert closed.concurrency == 2
    assert sum(len(chunk) for chunk in closed.chunks()) == 4


def test_lengths_and_priority_can_be_replaced(trace):
    traffic = replayed(trace, output_tokens={"distribution": "fixed", "tokens": 9}, priority=3)
    assert traffic.prompt_tokens.tolist() == [5, 6, 7, 8]
    assert set(traffic.output_tokens) == {9}
    assert set(traffic.priority) == {3}


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
@pytest.mark.parametrize("kind", ["plain", "sessions"])
def test_what_is_written_reads_back_the_same(make, tmp_path, name, kind):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    sessions = {"turns": {"distribution": "uniform", "low": 1, "high": 4}, "gap": {"median": "9 s"}}
    extra = {"sessions": sessions, "thinking": {"shares": [1, 1]}} if kind == "sessions" else {"priority": 2}
    traffic = make(300, **extra)
    file = tmp_path / name
    assert write_traffic([traffic], file) == 300
    back = read_trace(file).traffic
    for column in ("arrival_ns", "prompt_tokens", "output_tokens", "thinking_tokens", "priority"):
        assert np.array_equal(getattr(back, column), getattr(traffic, column)), column
    assert back.pieces == traffic.pieces
    assert back.names == traffic.names
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_export_leaves_nothing_behind(make, tmp_path):
    def breaking():
        yield make(10)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_traffic(breaking(), tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_is_refused(make, tmp_path):
    with pytest.raises(InputError, match="parquet"):
        write_traffic([make(1)], tmp_path / "out.xlsx")
