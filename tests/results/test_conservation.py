"""A recording that contradicts itself is caught, whatever the contradiction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.results.conservation import InternalError, check_conservation, check_tokens
from tests.results.recordings import one_server, timed_out, with_requests

RECORDING = one_server(np.arange(5) * 0.1)
REQUESTS = RECORDING.requests


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 20), max_size=30).map(sorted), st.integers(1, 20))
def test_a_consistent_recording_passes(arrivals, output):
    check_tokens(one_server(arrivals, output=output))


def test_a_request_that_timed_out_before_its_first_token_is_consistent():
    check_conservation(timed_out(RECORDING, 2))


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"request": np.zeros(5, dtype=np.int64)}, "ended twice"),
        ({"status": np.full(5, 9)}, "unknown status"),
        ({"finish_ns": REQUESTS.finish_ns + 10**12}, "after the end of the run"),
        ({"first_token_ns": REQUESTS.first_scheduled_ns - 1}, "first_token_ns"),
        ({"first_scheduled_ns": np.full(5, -1)}, "no first_scheduled_ns"),
        ({"output_tokens": np.zeros(5, dtype=np.int64)}, "no output"),
        ({"cached_tokens": REQUESTS.prompt_tokens + 1}, "more cached"),
        ({"thinking_tokens": REQUESTS.output_tokens + 1}, "more thinking"),
        ({"pool": np.full(5, 3)}, "names no pool"),
        ({"prompt_tokens": REQUESTS.prompt_tokens * 2}, "tokens computed"),
    ],
)
def test_impossible_requests_are_caught(columns, complaint):
    with pytest.raises(InternalError, match=complaint):
        check_conservation(with_requests(RECORDING, **columns))


@pytest.mark.parametrize(
    ("column", "factor", "complaint"),
    [
        ("steps", 2, "steps"),
        ("busy_ns", -1, "negative busy_ns"),
        ("bound_ns", 0.5, "bounds do not add up"),
        ("kv_blocks_ns", 1000, "more blocks"),
        ("decode_tokens", 2, "decode tokens of steps and windows differ"),
    ],
)
def test_impossible_windows_are_caught(column, factor, complaint):
    pool = RECORDING.pools[0]
    windows = replace(pool.windows, **{column: getattr(pool.windows, column) * factor})
    with pytest.raises(InternalError, match=complaint):
        check_conservation(replace(RECORDING, pools=(replace(pool, windows=windows),)))


def test_a_token_delivered_without_being_decoded_is_caught():
    requests = with_requests(RECORDING, output_tokens=REQUESTS.output_tokens + 1)
    with pytest.raises(InternalError, match="delivered"):
        check_tokens(_with_plenty_of_prefill(requests))


def _with_plenty_of_prefill(recording):
    """Prefills so much that the coarse check has nothing to say, without a step table to compare with."""
    pool = recording.pools[0]
    windows = replace(pool.windows, prefill_tokens=pool.windows.prefill_tokens + 100)
    return replace(recording, pools=(replace(pool, windows=windows, step_table=None),))
