"""ServeGen's clients, in both file layouts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload
from simulator.workload.chunking import joined
from simulator.workload.importers.servegen import read_servegen

UPSTREAM = {
    "chunk-0-trace.csv": "0,0.5,1.2,Gamma,0.7,2.9\n600,0,,,,\n1200,0.25,1,Weibull,1,4\n",
    "chunk-0-dataset.json": json.dumps(
        {
            "0": {"input_tokens": "{100: 0.5, 200: 0.5}", "output_tokens": "{7: 1.0}"},
            "21600": {"input_tokens": "{}", "output_tokens": "{}"},
        }
    ),
    "chunk-1-trace.csv": "0,1.0,1,Gamma,1,1\n600,1.0,1,Gamma,1,1\n1200,1.0,1,Gamma,1,1\n",
    "chunk-1-dataset.json": json.dumps(
        {"0": {"input_tokens": "{50: 1}", "output_tokens": "{400: 1}", "reason_ratio": "{0.75: 1}"}}
    ),
    "chunk-2-trace.csv": "0,9.0,1,Gamma,1,1\n",
}
WINDOWS = """client,window_start_s,rate_rps,iat_cv,pattern,shape,scale_s
0,0,0.5,1.2,Gamma,0.7,2.9
0,1200,0.25,1,Weibull,1,4
"""
LENGTHS = json.dumps(
    {
        "client": 0,
        "window_start_s": 0,
        "input_tokens": {"v": [100, 200], "p": [0.5, 0.5]},
        "output_tokens": {"v": [7], "p": [1]},
    }
)


@pytest.fixture
def folder(tmp_path):
    for name, content in UPSTREAM.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def requests(file, seed=0, **arrivals):
    spec = WorkloadSpec.model_validate({"arrivals": {"process": "servegen", "file": str(file), **arrivals}})
    return joined(list(build_workload(spec, RandomStreams(seed), duration_s=1800).chunks()))


def test_each_window_holds_what_was_measured_in_it(folder):
    by_window = np.bincount(requests(folder).arrival_ns // 600_000_000_000)
    assert by_window.tolist() == pytest.approx([900, 600, 750], abs=2)


def test_clients_draw_from_their_own_histograms(folder):
    traffic = requests(folder)
    terse = traffic.output_tokens == 7
    assert set(traffic.prompt_tokens[terse].tolist()) == {100, 200}
    assert set(traffic.prompt_tokens[~terse].tolist()) == {50}
    assert set(traffic.thinking_tokens[~terse].tolist()) == {300}
    assert not traffic.thinking_tokens[terse].any()


def test_a_client_without_lengths_is_left_out(folder):
    assert sorted(read_servegen(folder)) == [0, 1]


def test_the_rate_can_be_scaled_and_the_quiet_clients_left_out(folder):
    assert len(requests(folder, rate="10 /s")) == pytest.approx(18_000, rel=0.01)
    assert set(requests(folder, top=1).output_tokens.tolist()) == {400}


def test_time_starts_where_it_is_told_and_begins_again_after_the_last_window(folder):
    by_window = np.bincount(requests(folder, start="1200 s").arrival_ns // 600_000_000_000)
    assert by_window.tolist() == pytest.approx([750, 900, 600], abs=2)


def test_both_layouts_say_the_same(folder, tmp_path):
    (tmp_path / "x_windows.csv").write_text(WINDOWS)
    (tmp_path / "x_lengths.jsonl").write_text(LENGTHS)
    one, two = read_servegen(tmp_path / "x_windows.csv")[0], read_servegen(folder)[0]
    assert one.windows == two.windows
    uniform = np.array([0.1, 0.6])
    fields = [client.histograms(0)["input_tokens"].draw(uniform).tolist() for client in (one, two)]
    assert fields == [[100, 200], [100, 200]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("chunk-0-trace.csv", "0,fast,1,Gamma,1,1\n", "not a row"),
        ("chunk-0-trace.csv", "0,1,1,Pareto,1,1\n", "not a row"),
        ("chunk-0-dataset.json", "{", "not a ServeGen dataset"),
    ],
)
def test_a_corrupt_file_is_named(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_servegen(folder)
    assert str(caught.value.file).endswith(name)


def test_real_clients_give_the_published_means(shared):
    file = shared / "traces/workloads/servegen/deepseek-r1_windows.csv.gz"
    spec = WorkloadSpec.model_validate({"arrivals": {"process": "servegen", "file": str(file)}})
    traffic = joined(list(build_workload(spec, RandomStreams(0), duration_s=86_400).chunks()))
    assert len(traffic) == pytest.approx(1_383_669, rel=1e-4)
    assert traffic.output_tokens.mean() == pytest.approx(1527, rel=0.01)
    assert np.percentile(traffic.output_tokens, [50, 90, 99]) == pytest.approx([792, 3432, 12607], rel=0.01)
