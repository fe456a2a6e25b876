"""Length distributions are what their parameters say, in whole tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from simulator.scenario.workload import LengthSpec
from simulator.workload.lengths import length_table

SPEC = TypeAdapter(LengthSpec)


def table(**spec):
    return length_table(SPEC.validate_python(spec))


def sample(count=100_000, **spec):
    return table(**spec).draw((np.arange(count) + 0.5) / count)


def test_fixed_is_always_the_same():
    assert set(sample(distribution="fixed", tokens=128)) == {128}


def test_uniform_includes_both_ends_equally():
    values, counts = np.unique(sample(distribution="uniform", low=3, high=7), return_counts=True)
    assert values.tolist() == [3, 4, 5, 6, 7]
    assert counts == pytest.approx([20_000] * 5, abs=1)


def test_the_three_ways_to_give_a_lognormal_agree():
    mu, sigma = 5.0, 0.8
    mean = np.exp(mu + sigma**2 / 2)
    by_mu = sample(distribution="lognormal", mu=mu, sigma=sigma)
    by_median = sample(distribution="lognormal", median=np.exp(mu), sigma=sigma)
    by_mean = sample(distribution="lognormal", mean=mean, sd=mean * np.sqrt(np.exp(sigma**2) - 1))
    assert np.array_equal(by_mu, by_median)
    assert np.array_equal(by_mu, by_mean)
    assert by_mu.mean() == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize(
    ("spec", "mean", "sd"),
    [
        ({"distribution": "normal", "mean": 500, "sd": 50}, 500, 50),
        ({"distribution": "gamma", "shape": 4, "scale": 100}, 400, 200),
        ({"distribution": "weibull", "shape": 2, "scale": 1000}, 886.2, 463.3),
        ({"distribution": "exponential", "mean": 300}, 300, 300),
    ],
)
def test_continuous_distributions_keep_mean_and_spread(spec, mean, sd):
    lengths = sample(**spec)
    assert lengths.mean() == pytest.approx(mean, rel=0.01)
    assert lengths.std() == pytest.approx(sd, rel=0.01)


def test_what_lies_beyond_a_limit_gathers_on_the_limit():
    lengths = sample(distribution="exponential", mean=1000, max=2000, min=100)
    assert lengths.min() == 100
    assert np.mean(lengths == 100) == pytest.approx(1 - np.exp(-0.1005), abs=0.001)
    assert np.mean(lengths == 2000) == pytest.approx(np.exp(-1.9995), abs=0.001)


def test_a_mixture_has_each_part_by_weight():
    lengths = sample(
        distribution="mixture",
        parts=[
            {"weight": 3, "of": {"distribution": "fixed", "tokens": 10}},
            {"weight": 1, "of": {"distribution": "uniform", "low": 100, "high": 199}},
        ],
    )
    assert np.mean(lengths == 10) == pytest.approx(0.75)
    assert lengths[lengths > 10].mean() == pytest.approx(149.5)


def test_listed_lengths_occur_by_weight():
    lengths = sample(distribution="empirical", values=[7, 5, 7], weights=[1, 2, 1])
    assert np.mean(lengths == 5) == pytest.approx(0.5)
    assert np.mean(lengths == 7) == pytest.approx(0.5)


def test_a_table_of_percentiles_is_met_and_a_flat_stretch_is_a_point_mass():
    lengths = sample(distribution="quantiles", percent=[0, 10, 50, 60, 100], tokens=[2, 100, 400, 400, 900])
    assert np.percentile(lengths, [0, 10, 100]) == pytest.approx([2, 100, 900], abs=1)
    assert np.mean(lengths == 400) == pytest.approx(0.10, abs=0.005)
    assert np.mean(lengths < 400) == pytest.approx(0.50, abs=0.005)


def test_only_a_limit_makes_a_distribution_bounded():
    assert not table(distribution="lognormal", mu=5, sigma=1).bounded
    assert table(distribution="lognormal", mu=5, sigma=1, max=100).bounded
    assert table(distribution="fixed", tokens=9).bounded


@given(
    low=st.integers(1, 500),
    span=st.integers(0, 500),
    median=st.floats(1.0, 5000.0),
    sigma=st.floats(0.01, 3.0),
    uniform=st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=20),
)
def test_every_draw_respects_the_limits_and_rises_with_the_uniform_number(low, span, median, sigma, uniform):
    limited = table(distribution="lognormal", median=median, sigma=sigma, min=low, max=low + span)
    lengths = limited.draw(np.sort(np.array(uniform)))
    assert low <= lengths.min() <= lengths.max() <= low + span
    assert np.all(np.diff(lengths) >= 0)
    assert limited.cumulative[-1] == 1.0
    assert limited.last <= low + span
