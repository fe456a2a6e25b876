"""Step times of a known server are found again from any program's report about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.calibration.calibrate import calibrate
from simulator.cli.main import main
from simulator.errors import InputError
from simulator.latency.fitted import read_fitted
from tests.calibration.reports import made_reports as made

#: Result of a closed loop of four, without details: one step of 10 ms per token.
SUMS = {
    "model_id": "m",
    "num_prompts": 40,
    "completed": 40,
    "request_rate": "inf",
    "max_concurrency": 4,
    "request_throughput": 19.0,
    "total_input_tokens": 40 * 50,
    "total_output_tokens": 40 * 20,
    "mean_ttft_ms": 20.0,
    "p50_ttft_ms": 20.0,
    "mean_tpot_ms": 10.0,
    "median_tpot_ms": 10.0,
    "mean_itl_ms": 10.0,
    "mean_e2el_ms": 210.0,
}

RUN = Path(__file__).parents[2] / "workloads" / "vllm-cpu-chat"


@pytest.fixture(scope="module")
def recordings():
    return [made.served(3.0), made.served(6.0, seed=1)]


def assert_true(found, *, within: float) -> None:
    step = found.backend.knots_ms[1]
    token_us = (found.backend.knots_ms[8192] - step) / 8191 * 1e3
    assert step == pytest.approx(10.0, rel=within)
    assert token_us == pytest.approx(200.0, rel=within)


@pytest.mark.parametrize(("with_requests", "within"), [(True, 0.03), (False, 0.12)])
def test_a_guidellm_report(recordings, tmp_path, with_requests, within):
    path = tmp_path / "benchmarks.json"
    path.write_text(made.guidellm(recordings, with_requests=with_requests))
    found = calibrate([path])
    assert_true(found, within=within)
    assert {one.data for one in found.backend.held_out} == {"benchmarks[0]", "benchmarks[1]"}
    assert any(line.startswith("context_us") for line in found.backend.not_identified)


def test_a_guidellm_report_of_the_first_version(recordings, tmp_path):
    """Times and tokens stand in the request itself."""
    path = tmp_path / "benchmarks.json"
    path.write_text(made.guidellm_1(recordings))
    assert_true(calibrate([path]), within=0.03)


@pytest.mark.parametrize(("with_requests", "within"), [(True, 0.03), (False, 0.12)])
def test_an_inference_perf_report(recordings, tmp_path, with_requests, within):
    made.inference_perf(tmp_path / "report", recordings, with_requests=with_requests)
    found = calibrate([tmp_path / "report"])
    assert_true(found, within=within)
    assert {one.data for one in found.backend.held_out} == {"report stage 0", "report stage 1"}


@pytest.mark.parametrize("named_by_time", [True, False])
def test_scrapes_of_the_metrics_page(recordings, tmp_path, named_by_time):
    files = made.scrapes(tmp_path, recordings, named_by_time=named_by_time)
    found = calibrate(files)
    assert_true(found, within=0.12)
    assert any("arrival rate is fitted" in note for note in found.notes) is not named_by_time


def test_a_vllm_benchmark_result(shared):
    sample = shared / "traces" / "vllm-cpu" / "bench-output-sample" / "serve.json"
    found = calibrate([sample], {"async_scheduling": False})
    assert found.backend.knots_ms[1] == pytest.approx(9.0, rel=0.1)  # iterations of this model: 8.7 ms
    assert {one.metric for one in found.backend.held_out} >= {"ttft_mean_s", "tpot_mean_s", "e2e_mean_s"}
    assert all(abs(one.error) < 0.2 for one in found.backend.held_out)


def test_measured_iterations(tmp_path):
    found = calibrate([RUN])
    assert found.backend.knots_ms[1] == pytest.approx(8.6, rel=0.03)
    held_out = {one.metric: one.error for one in found.backend.held_out}
    assert abs(held_out["e2e_mean_s"]) < 0.08
    assert abs(held_out["ttft_mean_s"]) < 0.08


def test_the_file_is_one_that_a_scenario_can_name(tmp_path, capsys):
    out = tmp_path / "my.yaml"
    assert main(["calibrate", str(RUN), "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    fitted = read_fitted(out)
    assert fitted.model_dump(mode="json") == printed["backend"]
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        "name: own\nworkload: {arrivals: {process: replay, file: "
        f"{RUN}, format: measured-run}}}}\nmodel: llama-27m\nrequests: 50\ncluster: {{pools: [{{name: main, "
        "hardware: nvidia-l4, engine: {max_num_seqs: 32, max_num_batched_tokens: 512}, "
        "latency: {backend: fitted, file: my.yaml}}]}\n"
    )
    assert main(["run", str(scenario), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["pools"][0]["backend"] == "fitted (llama-27m)"
    assert "left out of the fit" in result["pools"][0]["provenance"]
    assert fitted.measured_on.unsaid == []
    assert any(
        "'llama-27m' were fitted on cpu-zen4-1-thread, but price nvidia-l4" in one
        for one in result["messages"]
    )


def test_what_the_data_do_not_state_is_said_by_the_user(recordings, tmp_path, capsys):
    report, out = tmp_path / "benchmarks.json", tmp_path / "my.yaml"
    report.write_text(made.guidellm(recordings, with_requests=True))
    given = ["--on", "device=h100", "--on", "model=llama-3.1-8b", "--on", "tensor=2"]
    assert main(["calibrate", str(report), "--out", str(out), "--json", *given]) == 0
    (note,) = [one for one in json.loads(capsys.readouterr().out)["notes"] if "--on" in one]
    assert "do not state the format of weights that was measured" in note
    assert read_fitted(out).measured_on.tensor == 2


@pytest.mark.parametrize("wrong", ["device", "devise=h100"])
def test_a_wrong_word_about_what_was_measured_names_its_option(tmp_path, capsys, wrong):
    out = tmp_path / "my.yaml"
    assert main(["calibrate", str(RUN), "--out", str(out), "--on", wrong]) == 2
    assert "--on" in capsys.readouterr().err
    assert not out.exists()


def test_data_of_two_models_are_refused(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in RUN.iterdir():
        text = file.read_bytes()
        (other / file.name).write_bytes(text.replace(b"id: llama-27m", b"id: qwen3-221m"))
    with pytest.raises(InputError, match="2 models: llama-27m, qwen3-221m"):
        calibrate([RUN, other])


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("none.json", "{}", "of no known kind"),
        ("broken.json", "{", "is not JSON"),
        ("through.json", '{"elapsed_time": 1, "total_num_tokens": 5}', "use vllm bench serve"),
        (
            "empty.json",
            '{"num_prompts": 3, "request_throughput": 0, "completed": 0}',
            "no request was completed",
        ),
        ("page.txt", "# HELP go_gc\ngo_gc 1\n", "no metrics of a vLLM server"),
    ],
)
def test_what_is_no_measurement_is_refused_and_nothing_written(tmp_path, capsys, name, text, complaint):
    (tmp_path / name).write_text(text)
    out = tmp_path / "out.yaml"
    assert main(["calibrate", str(tmp_path / name), "--out", str(out)]) == 2
    assert complaint in capsys.readouterr().err
    assert not out.exists()


def test_a_vllm_result_without_details_and_all_sent_at_once(tmp_path):
    """A closed loop of four, told by sums alone: one step of 10 ms per token."""
    path = tmp_path / "sums.json"
    for rate in ("inf", float("inf")):
        path.write_text(json.dumps(SUMS | {"request_rate": rate}))
        found = calibrate([path], {"async_scheduling": False})
        assert 8.0 < found.backend.knots_ms[1] < 12.0
        assert found.backend.error.startswith("unknown")


def test_a_fit_that_misses_its_own_data_is_refused_and_nothing_written(tmp_path, capsys):
    """The median TTFT is 1 ms and the mean 2 s: no step time gives both."""
    path, out = tmp_path / "sums.json", tmp_path / "fit.yaml"
    path.write_text(json.dumps(SUMS | {"mean_ttft_ms": 2000.0, "p50_ttft_ms": 1.0}))
    asked = ["calibrate", str(path), "--out", str(out)]
    assert main([*asked, "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "% on its own data, at most 100% is taken, and nothing was written" in printed.err
    assert "the data do not state the engine's settings" in printed.err
    assert not out.exists()
    assert main([*asked, "--most-error", "100"]) == 0
    printed = capsys.readouterr()
    assert "on its own data means that the engine's settings are not those of the server" in printed.out
    assert out.exists()


def test_a_load_that_the_engine_cannot_hold_is_refused(recordings, tmp_path):
    path = tmp_path / "benchmarks.json"
    path.write_text(made.guidellm(recordings, with_requests=True))
    with pytest.raises(InputError, match="but the engine holds 100"):
        calibrate([path], {"max_model_len": 100})
