"""Figures show what was recorded and name their units."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest

from simulator.reporting.figures import figures_of
from simulator.reporting.series import TIME_POINTS, attainment_over_time, cumulative, pool_series
from simulator.results.context import Slo
from simulator.results.waiting import waiting_of
from tests.results.recordings import S, context, one_server, result, with_pool, with_requests


def values(column) -> np.ndarray:
    """Values of a trace, which plotly may keep as base64."""
    data = column if isinstance(column, dict) else {}
    if "bdata" in data:
        return np.frombuffer(base64.b64decode(data["bdata"]), dtype=data["dtype"])
    return np.asarray(column)


def test_every_axis_says_what_it_shows_and_in_which_unit():
    for name, figure in figures_of(result(one_server(np.arange(10.0)))).items():
        layout = figure.to_plotly_json()["layout"]
        x_axes = [axis for key, axis in layout.items() if key.startswith("xaxis")]
        assert all("[" in axis["title"]["text"] for axis in x_axes), name
        assert layout["title"]["text"], name


def test_what_is_unknown_or_not_asked_for_is_not_drawn():
    drawn = figures_of(result(one_server([0.0]), with_pool(context(slo=Slo()), price=None, idle_w=None)))
    assert not {"cost", "energy", "attainment"} & set(drawn)
    known = figures_of(result(one_server([0.0])))
    assert {"cost", "energy", "attainment"} <= set(known)


def test_prefix_hits_are_drawn_over_time_where_there_are_any():
    recording = one_server(np.arange(10.0))
    prompt = recording.requests.prompt_tokens
    cached = np.where(np.arange(10) < 5, 0, prompt // 2)
    hit = with_requests(recording, cached_tokens=cached)
    hit = replace(hit, pools=tuple(replace(pool, prefix_hit_tokens=1) for pool in hit.pools))
    assert "prefix_hits" not in figures_of(result(recording))
    (line,) = figures_of(result(hit))["prefix_hits"].data
    share = values(line.y)
    assert share[np.isfinite(share)].tolist() == pytest.approx([0.0] * 5 + [50.0] * 5)


@pytest.mark.parametrize("arrivals", [[], [0.0]])
def test_a_run_with_next_to_nothing_in_it_can_be_drawn(arrivals):
    assert figures_of(result(one_server(arrivals)))["latency"].to_json()


def test_the_objective_is_marked_in_the_latency_figure():
    figure = figures_of(result(one_server([0.0])))["latency"]
    assert [shape["x0"] for shape in figure.to_plotly_json()["layout"]["shapes"]] == [0.5, 0.05]


def test_the_energy_figure_adds_up_to_the_energy():
    finished = result(one_server(np.arange(5.0)))
    parts = figures_of(finished)["energy"].to_plotly_json()["data"]
    assert sum(float(values(part["x"])[0]) for part in parts) == pytest.approx(
        finished.summary.energy.total_j / 1e3
    )


def test_the_cost_figure_adds_up_to_the_cost():
    finished = result(one_server(np.arange(5.0)))
    parts = figures_of(finished)["cost"].to_plotly_json()["data"]
    assert sum(float(values(part["x"])[0]) for part in parts) == pytest.approx(
        finished.summary.cost.total_usd
    )


def test_thinning_keeps_the_tokens():
    recording = one_server(np.arange(400) * 0.25)
    pool = recording.pools[0]
    series = pool_series(waiting_of(recording).lines[0])
    assert len(pool.windows.steps) > 2 * TIME_POINTS >= 2 * len(series.time_s) > 0
    length = np.diff(series.time_s)[0]
    assert series.decode_tokens_per_s[:-1].sum() * length == pytest.approx(4000, rel=0.02)


def test_a_step_longer_than_a_window_is_no_crowd():
    """One request waits all the time; the window a long step ends in must not show more."""
    recording = one_server([0.0, 0.0], width_ns=S // 100)
    assert pool_series(waiting_of(recording).lines[0]).waiting.max() <= 1.0 + 1e-9
    assert result(recording).summary.pools[0].peak_waiting <= 1.0 + 1e-9


def test_the_distribution_line_ends_at_the_extremes():
    sample = np.random.default_rng(0).exponential(1.0, 5000)
    x, y = cumulative(sample)
    assert (x[0], x[-1]) == (sample.min(), sample.max())
    assert (y[0], y[-1]) == (0.0, 100.0)
    assert len(x) <= 400


def test_attainment_over_time_shows_when_objectives_were_missed():
    arrivals = np.concatenate((np.arange(20.0), 20 + np.zeros(40), 60 + np.arange(20.0)))
    time_s, share = attainment_over_time(result(one_server(arrivals)))
    known = ~np.isnan(share)
    assert share[known & (time_s < 19)].min() == 100
    assert share[known & (time_s > 19) & (time_s < 22)].min() < 50
    assert share[known & (time_s > 62)].min() == 100


def test_pools_are_told_apart():
    recording = one_server(np.arange(5.0))
    two = replace(recording, pools=(recording.pools[0], replace(recording.pools[0], name="decode")))
    about = context()
    about = replace(about, pools=(about.pools[0], replace(about.pools[0], name="decode")))
    names = [trace.name for trace in figures_of(result(two, about))["batch"].data]
    assert names == ["main", "decode"]
