"""The load from which on a cluster is cheaper than an API."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.results.context import ApiPrice
from simulator.results.summary import summarise
from tests.results.recordings import context, one_server, with_pool

RECORDING = one_server(np.arange(10.0))  # 10 requests of 100 + 11 tokens in 9.2 s, at 3.6 USD an hour
API = ApiPrice("some-api", input_usd=1.0, output_usd=10.0, source="test")
PER_REQUEST = (100 * 1.0 + 11 * 10.0) / 1e6


def test_at_break_even_the_api_costs_what_the_cluster_does():
    found = summarise(RECORDING, context(api=API)).break_even
    assert found.total == pytest.approx(10 * PER_REQUEST)
    assert found.requests_per_s.mid * 3600 * PER_REQUEST == pytest.approx(3.6)
    assert found.requests_per_s.low * 3600 * PER_REQUEST == pytest.approx(1.8)


def test_below_break_even_the_api_is_cheaper():
    summary = summarise(RECORDING, context(api=API))
    assert (summary.break_even.utilisation.mid > 1) == (summary.break_even.total < summary.cost.total_usd)


def test_an_unknown_rent_has_no_break_even_but_the_api_has_its_price():
    found = summarise(RECORDING, with_pool(context(api=API), price=None)).break_even
    assert found.total == pytest.approx(10 * PER_REQUEST)
    assert found.requests_per_s is None


def test_without_an_api_there_is_nothing_to_compare():
    assert summarise(RECORDING, context()).break_even is None
