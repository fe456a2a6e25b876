"""A result hands its columns out as tables in seconds and tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.errors import InputError
from tests.results.recordings import one_server, result, timed_out


def test_the_request_table_holds_latencies_in_seconds():
    requests = result(one_server([0.0, 0.0])).requests
    assert list(requests["ttft_s"]) == pytest.approx([0.1, 0.3])
    assert list(requests["tpot_s"]) == pytest.approx([0.01, 0.01])
    assert list(requests["status"]) == ["finished", "finished"]


def test_a_time_that_never_came_is_nan():
    requests = result(timed_out(one_server([0.0, 1.0]), 0)).requests
    assert requests["status"][0] == "timed_out"
    assert np.isnan(requests["first_token_s"][0])
    assert np.isnan(requests["e2e_s"][0])


def test_windows_add_up_to_the_run():
    windows = result(one_server([0.0, 0.5])).windows("main")
    assert windows["busy_s"].sum() == pytest.approx(0.4)
    assert windows["bound_compute_s"].sum() == pytest.approx(0.2)


def test_steps_are_there_where_they_were_recorded():
    finished = result(one_server([0.0]))
    assert len(finished.steps()) == 11
    pool = replace(finished.recording.pools[0], step_table=None)
    without = replace(finished, recording=replace(finished.recording, pools=(pool,)))
    with pytest.raises(InputError, match="record: steps"):
        without.steps()


def test_an_unknown_pool_gets_the_nearest_name():
    with pytest.raises(InputError, match="did you mean 'main'"):
        result(one_server([0.0])).windows("mian")


def test_figures_come_from_the_reporting_room():
    assert "latency" in result(one_server([0.0, 1.0])).figures()
