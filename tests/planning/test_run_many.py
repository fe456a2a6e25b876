"""Many simulations give in order what one after the other gives."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.run_many import Outcome, in_processes, keep_result, run_many
from simulator.results.result import Result


def mean_ttft(result: Result) -> float:
    found = result.summary.latency.ttft
    assert found is not None
    return found.mean


def test_processes_give_the_same_as_this_process_in_the_same_order(chat):
    scenarios = [chat(rate=rate, requests=60) for rate in (1.0, 4.0, 16.0)]
    here = run_many(scenarios, mean_ttft, jobs=1)
    there = run_many(scenarios, mean_ttft, jobs=2)
    assert [outcome.value for outcome in here] == [outcome.value for outcome in there]
    assert [outcome.scenario for outcome in there] == scenarios


def test_a_scenario_that_cannot_run_says_why_and_stops_no_other(chat):
    good = chat(requests=20)
    bad = chat(requests=20, model="llama-3.1-70b")
    refused, ran = run_many([bad, good], keep_result, jobs=1)
    assert refused.value is None
    assert "does not fit" in refused.refusal
    assert ran.value.summary.counts.completed == 20


def test_progress_counts_what_is_done(chat):
    seen = []
    run_many(
        [chat(requests=10)] * 3, mean_ttft, jobs=1, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_nothing_to_do_is_done_at_once():
    assert in_processes(str, [], jobs=2) == []


def test_ray_is_asked_for_by_name_and_missed_by_name(chat):
    pytest.importorskip("joblib")
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="pip install 'simulator"):
            run_many([chat(requests=10)], mean_ttft, backend="ray")
    else:
        outcomes: list[Outcome[float]] = run_many([chat(requests=10)], mean_ttft, backend="ray")
        assert outcomes[0].value is not None
