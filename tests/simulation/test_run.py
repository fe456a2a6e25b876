"""A scenario in, a Result out."""

from __future__ import annotations

import numpy as np
import pytest

import simulator
from simulator.errors import DoesNotFitError, InputError
from simulator.results.conservation import check_conservation, check_tokens
from simulator.results.files import read_result, write_result
from simulator.scenario.loading import load_scenario
from simulator.scenario.references import shipped_names
from simulator.simulation import run_scenario
from tests.simulation.scenarios import SMALL, run
from tests.simulation.test_jumping import assert_identical

POOL = "cluster__pools__0__"


@pytest.mark.parametrize("name", shipped_names("scenarios"))
def test_every_shipped_scenario_runs_and_contradicts_itself_nowhere(name):
    scenario = load_scenario(name)
    arrivals = 10 if scenario.reasoning else 150
    result = run(name, requests=arrivals, warmup="0 s")
    arrivals *= max(len(scenario.tenants), 1)  # each tenant sends as many
    check_conservation(result.recording)
    assert result.recording.unfinished == 0
    tasks = result.summary.tasks
    assert (result.summary.counts.completed if tasks is None else tasks.ended) == arrivals


def test_tokens_are_conserved():
    plain = {f"{POOL}engine__async_scheduling": False, f"{POOL}engine__enable_prefix_caching": False}
    check_tokens(run(**plain).recording)


@pytest.mark.parametrize("record", ["requests", "steps"])
def test_energy_of_windows_is_energy_of_steps(record):
    result = run(record=record)
    windows = result.recording.pools[0].windows
    total = windows.prefill_j.sum() + windows.decode_j.sum()
    assert total > 0
    energy = result.summary.energy
    assert energy.prefill_j + energy.decode_j == pytest.approx(total)
    idle_w = result.context.pools[0].idle_w
    assert energy.total_j == pytest.approx(total + idle_w * result.recording.end_ns / 1e9)


def test_steps_are_kept_only_if_asked_for():
    assert run().recording.pools[0].step_table is None
    assert len(run(record="steps").steps()) == run().recording.pools[0].steps


def test_the_same_seed_gives_the_same_result():
    one, other = run(), run()
    assert_identical(one.recording, other.recording)
    assert one.to_dict()["meta"] != {} and one.summary.to_dict() == other.summary.to_dict()


def test_another_seed_gives_another_result_and_is_recorded():
    scenario = load_scenario(SMALL)
    result = run_scenario(scenario, seed=7)
    assert result.summary.to_dict()["seed"] == result.scenario["seed"] == 7
    assert not np.array_equal(
        result.recording.requests.prompt_tokens, run_scenario(scenario).recording.requests.prompt_tokens
    )


def test_other_hardware_meets_the_same_traffic():
    def traffic(result):
        requests = result.recording.requests
        order = np.argsort(requests.request)
        return [
            getattr(requests, name)[order].tolist()
            for name in ("arrival_ns", "prompt_tokens", "output_tokens")
        ]

    other = run(
        **{
            f"{POOL}hardware": "nvidia-a100-80g-sxm",
            f"{POOL}replicas": 2,
            "cluster__router__policy": "random",
        }
    )
    assert traffic(run()) == traffic(other)


def test_a_run_ends_by_number_or_by_time():
    assert run(requests=20).summary.counts.issued == 20
    limited = run({**SMALL, "duration": "5 s"}, requests=10_000)
    arrivals = limited.recording.requests.arrival_ns
    assert 20 < len(arrivals) < 80 and arrivals.max() < 5e9
    assert limited.recording.end_ns > arrivals.max()


def test_an_overloaded_system_is_an_answer_and_no_error():
    result = run(requests=600, workload__arrivals__rate="60 /s", **{f"{POOL}engine__max_num_seqs": 4})
    assert result.summary.load.overloaded
    assert result.summary.counts.completed == 600


def test_progress_is_told_to_the_end(monkeypatch):
    monkeypatch.setattr("simulator.simulation.event_loop.PROGRESS_S", 0.0)
    monkeypatch.setattr("simulator.simulation.event_loop.PROGRESS_EVENTS", 64)
    told = []
    watched = run_scenario(load_scenario(SMALL), progress=lambda *call: told.append(call))
    assert_identical(watched.recording, run().recording)
    times, shares = zip(*told, strict=True)
    assert len(told) > 3
    assert list(times) == sorted(times) and times[-1] == watched.recording.end_ns
    assert list(shares) == sorted(shares) and shares[-1] == 1.0
    assert 0.0 < shares[len(shares) // 2] < 1.0


def test_speculation_shortens_the_time_per_token():
    drafts = {f"{POOL}engine__num_speculative_tokens": 3, f"{POOL}engine__speculative_acceptance": 0.7}
    plain, speculative = run(), run(**drafts)
    ratio = speculative.summary.latency.tpot.mean / plain.summary.latency.tpot.mean
    tokens = speculative.summary.to_dict()["spec_decode_acceptance_length"]
    assert tokens == pytest.approx(1 + 0.7 + 0.7**2 + 0.7**3, rel=0.03)
    # A step is a little dearer, and the batch of an open loop is smaller where requests end sooner.
    assert 0.95 / tokens < ratio < 0.6


def test_what_was_run_can_be_written_read_and_run_again(tmp_path):
    result = run("disaggregated-code", requests=60, warmup="0 s", seed=3)
    write_result(result, tmp_path / "out")
    assert read_result(tmp_path / "out").context == result.context
    again = run_scenario(load_scenario(tmp_path / "out" / "scenario.yaml"))
    assert_identical(again.recording, result.recording)


# -- refusals ------------------------------------------------------------------------------------


def test_a_workload_whose_longest_request_exceeds_the_context_is_refused_up_front():
    with pytest.raises(InputError, match=r"can have 3,500 tokens, but max_model_len of pool 'main' is 2,048"):
        run(**{f"{POOL}engine__max_model_len": 2048})


def test_a_workload_whose_longest_request_exceeds_the_cache_is_refused_up_front():
    with pytest.raises(InputError, match=r"holds 1,584 tokens \(99 blocks of 16\)"):
        run(**{f"{POOL}engine__num_gpu_blocks": 100})


def test_where_lengths_are_unbounded_the_request_itself_is_refused():
    endless = {"distribution": "lognormal", "mu": 6.0, "sigma": 3.0}
    with pytest.raises(
        InputError, match=r"^workload: request \d+ \(prompt .* has .* tokens, but max_model_len"
    ):
        run(workload__prompt_tokens=endless)


def test_an_empty_trace_is_refused(tmp_path):
    trace = tmp_path / "empty.csv"
    trace.write_text("arrival_s,prompt_tokens,output_tokens\n")
    with pytest.raises(InputError, match=r"empty\.csv"):
        run({**SMALL, "workload": {"arrivals": {"process": "replay", "file": str(trace)}}})


def test_a_model_that_does_not_fit_is_refused_with_the_pool_named_and_the_arithmetic():
    with pytest.raises(DoesNotFitError, match=r"does not fit .* weights .* smallest parallelism that fits"):
        run(model={"card": "llama-3.1-70b"})


def test_a_pools_impossible_layout_names_the_pool():
    with pytest.raises(InputError, match=r"^cluster\.pools\[0\]"):
        run(**{f"{POOL}parallelism": {"tensor": 3}})


@pytest.mark.parametrize("seed", [-1, 1.5, "3", True])
def test_a_seed_that_is_none_is_refused_from_python_too(seed):
    with pytest.raises(simulator.InputError, match=r"seed: found .*, expected a whole number, at least 0"):
        simulator.run("azure-conv-h100", seed=seed)


def test_a_duration_that_the_traffic_does_not_fill_is_remarked_upon():
    def said(**changes):
        return [one for one in run(**changes).summary.messages if one.startswith("duration")]

    (told,) = said(requests=20, duration="1000000 h")
    assert "had no effect: the last of 20 requests had ended at" in told
    assert said(requests=20, duration="4 s") == [] == said(requests=20)


@pytest.mark.parametrize("changes", [{"requests": None, "duration": "1000000 h"}, {"requests": "1e12"}])
def test_more_requests_than_a_run_can_keep_are_refused(changes):
    with pytest.raises(
        InputError, match=r"about .* requests would come.*: ask for less time or fewer requests"
    ):
        run(**changes)
