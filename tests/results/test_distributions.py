"""Percentiles of histograms agree with those of the values that went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.results.distributions import (
    distribution_of,
    distribution_of_histogram,
    histogram_quantile,
    merge_histograms,
)
from tests.results.recordings import histogram


def test_percentiles_interpolate_linearly_as_numpy_and_vllm_do():
    found = distribution_of(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.p50 == 2.5
    assert found.p90 == pytest.approx(3.7)
    assert found.std == pytest.approx(np.std([1, 2, 3, 4]))


def test_no_values_have_no_distribution():
    assert distribution_of(np.zeros(0)) is None
    assert distribution_of_histogram(histogram(np.zeros(0, dtype=np.int64))) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(2_000, 10**10), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_of_the_histogram_lies_within_one_bin_of_the_order_statistic(values, share):
    values_ns = np.sort(np.array(values, dtype=np.int64))
    exact = values_ns[max(int(np.ceil(share * len(values_ns))) - 1, 0)]
    assert histogram_quantile(histogram(values_ns), share) == pytest.approx(exact, rel=0.0021)


def test_the_mean_of_a_histogram_is_exact():
    values_ns = np.array([1_234_567, 89_012_345, 7_000_001])
    assert distribution_of_histogram(histogram(values_ns)).mean == pytest.approx(
        values_ns.mean() / 1e6, rel=1e-12
    )


def test_histograms_of_other_bins_merge_within_their_bin_width():
    fine, coarse = histogram(np.full(10, 5_000_000)), histogram(np.full(30, 9_000_000), 500.0, 1.01)
    both = merge_histograms([fine, coarse])
    assert both.total == int(both.count.sum()) == 40
    assert histogram_quantile(both, 0.9) == pytest.approx(9_000_000, rel=0.01)
    assert histogram_quantile(both, 0.1) == pytest.approx(5_000_000, rel=0.01)
