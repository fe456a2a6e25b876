"""The figures of a run agree with what can be worked out by hand."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from simulator.results.context import Slo
from simulator.results.counts import max_concurrent
from simulator.results.files import as_json
from simulator.results.measured import measured_part
from simulator.results.recording import RequestColumns, TaskColumns, TaskRecording
from simulator.results.summary import summarise
from tests.results.recordings import (
    MS,
    S,
    context,
    histogram,
    one_server,
    result,
    timed_out,
    with_pool,
    with_requests,
)

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.fixture
def summary():
    """Ten requests a second apart, each 100 ms of prefill and 10 further tokens of 10 ms."""
    return summarise(one_server(np.arange(10.0)), context())


def test_latencies_of_an_idle_server_are_its_service_times(summary):
    figures = summary.to_dict()
    assert figures["mean_ttft_ms"] == pytest.approx(100)
    assert figures["p99_tpot_ms"] == pytest.approx(10)
    assert figures["median_e2el_ms"] == pytest.approx(200)
    assert figures["std_e2el_ms"] == pytest.approx(0, abs=1e-9)
    assert figures["mean_queue_ms"] == 0
    assert figures["mean_itl_ms"] == pytest.approx(10)


def test_rates_are_totals_over_the_measured_time(summary):
    figures = summary.to_dict()
    assert figures["duration"] == pytest.approx(9.2)
    assert figures["completed"] == 10
    assert figures["request_throughput"] == pytest.approx(10 / 9.2)
    assert figures["output_throughput"] == pytest.approx(110 / 9.2)
    assert figures["total_token_throughput"] == pytest.approx((1000 + 110) / 9.2)


def test_every_figure_key_of_the_vllm_benchmark_is_there(summary):
    sample = SHARED / "traces/vllm-cpu/bench-output-sample/serve.json"
    if not sample.is_file():
        pytest.skip("../shared with the sample output of vLLM's benchmark is absent")
    settings = {"date", "endpoint_type", "backend", "label", "tokenizer_id", "request_rate", "burstiness"}
    per_request = {"max_concurrency", "generated_texts", "errors", "rtfx"}
    per_request |= {"input_lens", "output_lens", "ttfts", "itls", "latencies", "start_times", "queue_times"}
    wanted = set(json.loads(sample.read_text())) - settings - per_request
    assert wanted <= set(summary.to_dict())


def test_the_definitions_are_those_of_vllms_benchmark():
    sample = SHARED / "traces/vllm-cpu/bench-output-sample/serve.json"
    if not sample.is_file():
        pytest.skip("../shared with the sample output of vLLM's benchmark is absent")
    real = json.loads(sample.read_text())
    figures = summarise(_recording_of_benchmark(real), context(slo=Slo())).to_dict()
    for name in ("ttft", "tpot", "e2el"):
        for statistic in ("mean", "median", "std", "p50", "p90", "p99"):
            key = f"{statistic}_{name}_ms"
            assert figures[key] == pytest.approx(real[key], rel=2e-4), key
    for statistic, tolerance in (("mean", 1e-4), ("median", 5e-3), ("p90", 5e-3), ("p99", 3e-2)):
        key = f"{statistic}_itl_ms"
        assert figures[key] == pytest.approx(real[key], rel=tolerance), key
    for key in ("completed", "total_input_tokens", "total_output_tokens", "failed"):
        assert figures[key] == real[key]


def test_a_single_output_token_has_no_tpot_and_meets_any_tpot_objective():
    summary = summarise(one_server([0.0, 1.0], output=1), context(slo=Slo(tpot_s=1e-9)))
    assert summary.latency.tpot is None
    assert summary.to_dict()["mean_tpot_ms"] is None
    assert summary.attainment.overall == 1.0


def test_the_queue_delays_the_first_token():
    summary = summarise(one_server([0.0, 0.0, 0.0]), context())
    assert summary.latency.queue.mean == pytest.approx((0 + 200 + 400) / 3)
    assert summary.latency.ttft.p50 == pytest.approx(300)
    assert summary.counts.max_concurrent == 3


def test_thinking_delays_the_first_answer_token_only():
    recording = one_server([0.0])
    thinking = with_requests(
        recording,
        thinking_tokens=np.array([4]),
        first_answer_ns=recording.requests.first_token_ns + 40 * MS,
    )
    figures = summarise(thinking, context()).to_dict()
    assert figures["mean_ttft_ms"] == pytest.approx(100)
    assert figures["mean_ttfat_ms"] == pytest.approx(140)
    assert figures["total_thinking_tokens"] == 4


def test_requests_of_the_warm_up_are_left_out_of_the_latencies():
    arrivals = [0.0, 0.0, 0.0, 0.0, 5.0, 6.0]  # a crowd first, then single requests
    summary = summarise(one_server(arrivals), context(warmup_ns=2 * S))
    assert summary.counts.measured == 2
    assert summary.latency.ttft.p99 == pytest.approx(100)
    assert summary.duration_s == pytest.approx(6.2 - 2)
    assert summary.rate(summary.counts.completed) == pytest.approx(2 / 4.2)
    assert summary.pools[0].steps == 2 * 11


def test_a_request_that_straddles_the_end_of_the_warm_up_counts_for_rates_only():
    summary = summarise(one_server([0.9, 5.0]), context(warmup_ns=S))
    assert summary.counts.completed == 2
    assert summary.counts.measured == 1


def test_a_request_that_timed_out_is_a_missed_objective_and_has_no_latency():
    summary = summarise(timed_out(one_server(np.arange(4.0)), 1), context())
    assert summary.counts.by_status["timed_out"] == 1
    assert summary.counts.failed == 1
    assert summary.counts.completed == 3
    assert summary.attainment.overall == 0.75
    assert summary.attainment.met is False
    assert summary.latency.e2el.count == 3
    assert any("timed out" in message for message in summary.messages)


def test_goodput_counts_requests_within_all_objectives():
    summary = summarise(one_server([0.0, 0.0, 0.0]), context(slo=Slo(ttft_s=0.35, attainment=0.5)))
    assert summary.attainment.ttft == pytest.approx(2 / 3)
    assert summary.to_dict()["request_goodput"] == pytest.approx(2 / 0.6)
    assert summary.attainment.met is True


def test_without_objectives_there_is_no_goodput():
    figures = summarise(one_server([0.0]), context(slo=Slo())).to_dict()
    assert figures["request_goodput"] is None
    assert figures["slo_met"] is None


def test_use_of_the_pool_follows_from_its_steps(summary):
    use = summary.pools[0]
    assert use.utilisation == pytest.approx(10 * 0.2 / 9.2)
    assert use.mean_batch == pytest.approx(1.0)
    assert use.bottlenecks["compute"] == pytest.approx(0.5)
    assert use.bottlenecks["memory"] == pytest.approx(0.5)
    assert use.mean_kv_use == pytest.approx(7 / 1000)


def test_an_unknown_price_makes_the_cost_unknown_and_not_zero():
    summary = summarise(one_server([0.0]), with_pool(context(), price=None))
    figures = summary.to_dict()
    amounts = {value for key, value in figures.items() if key.startswith("cost_") and key != "cost_basis"}
    assert amounts == {None}
    assert any("no price for test-device" in message for message in summary.messages)


@pytest.mark.parametrize("finished", [0, 1])
def test_a_run_with_next_to_nothing_in_it_has_a_summary(finished):
    summary = summarise(one_server([0.0] * finished), context())
    assert summary.counts.completed == finished
    assert "NaN" not in as_json(summary.to_dict())


def test_a_run_in_which_nothing_finished_says_so():
    summary = summarise(one_server([0.0, 0.1], end_s=0.15), context())
    assert summary.counts.unfinished == 2
    assert summary.latency.ttft is None
    assert any("No request finished" in message for message in summary.messages)


def test_a_warm_up_longer_than_the_run_leaves_nothing_measured():
    summary = summarise(one_server([0.0, 1.0]), context(warmup_ns=60 * S))
    figures = summary.to_dict()
    assert figures["completed"] == 0
    assert figures["request_throughput"] is None
    assert figures["energy_per_output_token_j"] is None


def test_a_warm_up_longer_than_the_run_is_the_only_thing_said():
    about = with_pool(context(warmup_ns=60 * S), price=None, idle_w=None)
    (message,) = summarise(one_server([0.0, 1.0], known_power=False), about).messages
    assert message.startswith("No request arrived after the warm-up of 60 s (the last one came at 1 s)")


@pytest.mark.parametrize(("warmup_s", "said"), [(4, False), (7, True)])
def test_a_warm_up_that_takes_most_requests_says_how_many_are_left(warmup_s, said):
    messages = summarise(one_server(np.arange(10.0)), context(warmup_ns=warmup_s * S)).messages
    wanted = f"Only 3 of 10 requests are measured: the others arrived in the warm-up of {warmup_s} s."
    assert (wanted in messages) == said
    assert any("requests are measured" in message for message in messages) == said


def test_a_long_drain_is_said_and_a_short_one_is_not():
    def said(arrivals):
        return [one for one in summarise(one_server(arrivals), context()).messages if "last arrival" in one]

    assert not said(np.arange(10.0))  # 0.2 s of 9.2 s
    (message,) = said([0.0, 0.1, 0.2, 0.3])  # served until 0.8 s
    assert message.startswith("The run goes on for 0.5 s after the last arrival (62% of the measured time)")
    assert not said([0.0, 0.0, 0.0])  # a batch is nothing but its working off


def test_calls_that_a_task_makes_later_on_are_no_arrivals_but_working_off():
    """Four calls one after the other, of two tasks that came at 0 and 0.1 s: the drain is from 0.1 s on."""
    recording = one_server([0.0, 0.1, 0.2, 0.3])
    none = np.zeros(2, dtype=np.int64)
    columns = replace(
        TaskColumns(*(none for _ in fields(TaskColumns))),
        task=np.arange(2),
        arrival_ns=np.array([0, S // 10]),
        finish_ns=np.full(2, recording.end_ns),
    )
    tasks = TaskRecording(columns, np.array([0, 1, 0, 1]), 0, "chain", "")
    assert measured_part(replace(recording, tasks=tasks), 0).drain_s == pytest.approx(0.7)
    assert measured_part(recording, 0).drain_s == pytest.approx(0.5)
    assert measured_part(replace(recording, tasks=replace(tasks, unfinished=1)), 0).drain_s is None


def test_unknown_power_never_becomes_nan_in_json():
    text = as_json(summarise(one_server([0.0], known_power=False), context()).to_dict())
    assert json.loads(text)["energy_j"] is None
    assert "NaN" not in text


def test_most_requests_in_flight_counts_arrivals_minus_endings():
    recording = one_server([0.0, 0.05, 0.3, 0.3, 0.3])
    # The second starts at 0.2 s and ends at 0.4 s, so four are there when the last three arrive.
    assert max_concurrent(recording.requests, 0) == 4


def test_histograms_of_several_pools_are_added():
    recording = one_server([0.0, 1.0])
    pool = recording.pools[0]
    second = replace(pool, name="decode", inter_token=histogram(np.full(20, 30 * MS)))
    both = replace(recording, pools=(pool, second))
    about = context()
    about = replace(about, pools=(about.pools[0], replace(about.pools[0], name="decode")))
    assert summarise(both, about).latency.itl.mean == pytest.approx(20)


def test_a_million_requests_are_summed_up_in_two_seconds():
    recording = _many(1_000_000)
    start = time.process_time()  # not the clock: other programs may hold this one up
    summary = summarise(recording, context())
    assert time.process_time() - start < 2.0
    assert summary.counts.completed == 1_000_000


def test_the_same_recording_gives_the_same_summary():
    recording = one_server(np.arange(5.0))
    assert as_json(result(recording).to_dict()) == as_json(result(recording).to_dict())


def _many(n: int):
    rng = np.random.default_rng(0)
    arrival = np.sort(rng.integers(0, n * MS, n))
    first = arrival + rng.integers(50 * MS, 900 * MS, n)
    output = rng.integers(1, 500, n)
    ones = np.ones(n, dtype=np.int64)
    requests = RequestColumns(
        tenant=0 * ones,
        attempts=ones,
        request=np.arange(n),
        status=0 * ones,
        arrival_ns=arrival,
        first_scheduled_ns=arrival + 10 * MS,
        first_token_ns=first,
        first_answer_ns=first,
        finish_ns=first + output * 10 * MS,
        prompt_tokens=500 * ones,
        output_tokens=output,
        thinking_tokens=0 * ones,
        cached_tokens=0 * ones,
        preemptions=0 * ones,
        pool=0 * ones,
        replica=0 * ones,
    )
    small = one_server([0.0])
    return replace(small, requests=requests, end_ns=int(requests.finish_ns.max()))


def _recording_of_benchmark(real: dict):
    """The recording of a benchmark run: times of its requests, histogram of its inter-token latencies."""

    def ns(values: list[float]) -> np.ndarray:
        return np.rint(np.array(values) * 1e9).astype(np.int64)

    arrival = ns(real["start_times"]) - ns(real["start_times"])[0]
    small = one_server(arrival / 1e9, prompt=96, output=32)
    gaps = ns([gap for request in real["itls"] for gap in request])
    first = arrival + ns(real["ttfts"])
    recording = with_requests(
        small,
        first_token_ns=first,
        first_answer_ns=first,
        finish_ns=arrival + ns(real["latencies"]),
    )
    pool = replace(recording.pools[0], inter_token=histogram(gaps))
    return replace(recording, pools=(pool,))
