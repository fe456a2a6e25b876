"""The same seed gives the same traffic, whatever the chunk size, and a workload ends where asked."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.units.random_streams import RandomStreams
from simulator.workload import Traffic, build_workload
from simulator.workload.chunking import cut, joined, rechunked

KINDS = {
    "poisson": {},
    "gamma": {"arrivals": {"process": "gamma", "rate": "5 /s", "burstiness": 0.3}},
    "wandering": {
        "arrivals": {"process": "log_ar1", "rate": "5 /s", "log_sigma": 0.3, "ar1": 0.5, "step": "1 s"},
        "correlation": 0.3,
        "thinking": {"tokens": {"distribution": "exponential", "mean": 500}, "cap": 2000, "loops": 0.05},
    },
    "prefixes": {"shared_prefix": {"tokens": {"distribution": "fixed", "tokens": 64}, "share": 0.7}},
    "sessions": {
        "sessions": {"turns": {"distribution": "uniform", "low": 1, "high": 4}, "gap": {"median": "9 s"}}
    },
}


def same(one: Traffic, other: Traffic) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        if isinstance(getattr(one, field.name), np.ndarray)
        else getattr(one, field.name) == getattr(other, field.name)
        for field in fields(Traffic)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_chunk_size_does_not_show_in_the_traffic(make, kind):
    whole = make(3000, **KINDS[kind])
    assert len(whole) == 3000
    for chunk_size in (1, 7, 1000, 4096):
        count = 100 if chunk_size == 1 else 3000
        assert same(make(count, chunk_size=chunk_size, **KINDS[kind]), cut(whole, 0, count))


@pytest.mark.parametrize("kind", KINDS)
def test_every_iteration_is_fresh_and_identical(spec, kind):
    source = build_workload(spec(**KINDS[kind]), RandomStreams(1), 2000)
    assert same(joined(list(source.chunks())), joined(list(source.chunks())))


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_other_traffic(make, kind):
    one, other = make(100, seed=1, **KINDS[kind]), make(100, seed=2, **KINDS[kind])
    assert not np.array_equal(one.arrival_ns, other.arrival_ns)
    assert not np.array_equal(one.prompt_tokens, other.prompt_tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_more_requests_begin_with_the_same_ones(make, kind):
    assert same(make(500, **KINDS[kind]), cut(make(2500, **KINDS[kind]), 0, 500))


def test_a_duration_keeps_the_arrivals_before_it(make):
    by_time, by_number = make(None, duration_s=60), make(2000)
    assert by_time.arrival_ns[-1] < 60_000_000_000 <= by_number.arrival_ns[len(by_time)]
    assert same(by_time, cut(by_number, 0, len(by_time)))


def test_of_requests_and_duration_the_first_to_be_reached_ends_it(make):
    assert len(make(50, duration_s=60)) == 50
    assert len(make(10_000, duration_s=1)) < 50


def test_generated_traffic_needs_an_end(make):
    with pytest.raises(InputError, match="no end"):
        make(None)


def test_types_are_those_of_the_contract(make):
    traffic = make(10, thinking={"shares": [1, 1]}, priority=2)
    assert traffic.arrival_ns.dtype == np.int64
    for column in (traffic.prompt_tokens, traffic.output_tokens, traffic.thinking_tokens, traffic.priority):
        assert column.dtype == np.int32
    assert set(traffic.priority) == {2}
    assert traffic.pieces is None


def test_a_hundred_million_requests_need_no_more_memory_than_a_chunk(spec):
    source = build_workload(spec(), RandomStreams(0), 100_000_000)
    chunks = source.chunks()
    assert [len(next(chunks)) for _ in range(5)] == [16_384] * 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=12), size=st.integers(1, 10))
def test_rechunking_keeps_every_request_once_and_in_order(sizes, size):
    ends = np.cumsum(sizes)
    blocks = []
    for end, count in zip(ends, sizes, strict=True):
        column = np.arange(end - count, end)
        blocks.append(Traffic(column.astype(np.int64), column.astype(np.int32), column.astype(np.int32)))
    chunks = list(rechunked(blocks, size))
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * max(len(chunks) - 1, 0)
    assert [time for chunk in chunks for time in chunk.arrival_ns] == list(range(sum(sizes)))
