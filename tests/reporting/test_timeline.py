"""The timeline is valid trace JSON and holds every step and request."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np

from simulator.reporting import timeline
from simulator.reporting.timeline import events_of, write_timeline
from tests.results.recordings import one_server, result, timed_out

RESULT = result(one_server(np.arange(4) * 0.1))


def test_the_file_is_json_in_chromes_trace_format(tmp_path):
    path = write_timeline(RESULT, tmp_path)
    trace = json.loads(path.read_text())
    assert path.name == "timeline.json"
    assert {event["ph"] for event in trace["traceEvents"]} == {"M", "X", "C", "b", "e"}


def test_every_step_is_drawn_with_its_duration_in_microseconds():
    steps = [event for event in events_of(RESULT) if event["ph"] == "X"]
    assert len(steps) == 4 * 11
    assert sum(step["dur"] for step in steps) == 4 * 200_000
    assert {step["name"] for step in steps} == {"prefill", "decode"}


def test_the_phases_of_a_request_follow_one_another():
    spans = defaultdict(dict)
    for event in events_of(RESULT):
        if event["ph"] in "be":
            spans[event["id"], event["name"]][event["ph"]] = event["ts"]
    assert spans[1, "queue"] == {"b": 100_000, "e": 200_000}
    assert spans[1, "prefill"]["b"] == spans[1, "queue"]["e"]
    assert spans[1, "decode"]["e"] == spans[1, "request 1"]["e"] == 400_000


def test_a_request_without_a_first_token_is_left_out():
    events = list(events_of(result(timed_out(RESULT.recording, 2))))
    assert {event["id"] for event in events if event["ph"] == "b"} == {0, 1, 3}


def test_without_recorded_steps_the_requests_remain():
    pool = replace(RESULT.recording.pools[0], step_table=None)
    events = list(events_of(result(replace(RESULT.recording, pools=(pool,)))))
    assert not [event for event in events if event["ph"] == "X"]
    assert [event for event in events if event["ph"] == "b"]


def test_a_long_run_is_cut_to_what_a_viewer_can_show(monkeypatch):
    monkeypatch.setattr(timeline, "MOST_STEPS", 5)
    monkeypatch.setattr(timeline, "MOST_REQUESTS", 2)
    events = list(events_of(RESULT))
    assert len([event for event in events if event["ph"] == "X"]) == 5
    assert len({event["id"] for event in events if event["ph"] == "b"}) == 2
