"""A host that others keep busy: steps take what it takes, whatever the device does in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.calibration.points import busy_host, mlenergy_fit, search
from simulator.calibration.points.point import OperatingPoint, Workers
from simulator.calibration.points.setup import Host, Setup, pricer_of
from simulator.calibration.points.sources import mlenergy
from simulator.calibration.points.steady import steady_dynamic_j, steady_tpot_s

NOBODY = Workers(None, None, None, None, None)
THINKING = OperatingPoint(
    source="mlenergy",
    point_id="p",
    device="nvidia-b200-sxm",
    count=1,
    model="qwen3-8b",
    model_source="Qwen/Qwen3-8B",
    weight_dtype="bf16",
    kv_dtype=None,
    engine="vllm",
    engine_version="0.11.1",
    mode="agg",
    tp=1,
    pp=1,
    dp=1,
    ep=1,
    prefill=NOBODY,
    decode=NOBODY,
    prompt_tokens=None,
    output_tokens=7000.0,
    load_kind="closed",
    load_value=8.0,
    stat="mean",
    measured={"output_tokens_per_s": 8 / 0.036, "joules_per_output_token": 1.0},
    extra={"task": "gpqa", "avg_batch_size": 8.0},
)
BUSY = Host(30_000.0, 500.0)


def step_s(setup: Setup) -> float:
    pricer = pricer_of(setup)
    assert pricer is not None
    return steady_tpot_s(pricer, mlenergy.steady_load(THINKING, setup))


@pytest.mark.parametrize("model", ["qwen3-8b", "qwen3-32b", "qwen3-30b-a3b"])
def test_models_of_any_size_take_what_the_host_takes(model: str) -> None:
    setup = mlenergy.setup_at_rest(replace(THINKING, model=model))
    load = mlenergy.steady_load(THINKING, setup)
    assert step_s(setup) < 0.02
    assert step_s(busy_host.waiting(setup, load, BUSY)) == pytest.approx(0.034, rel=1e-3)


def test_a_device_that_needs_longer_is_not_delayed() -> None:
    setup = mlenergy.setup_at_rest(THINKING)
    assert busy_host.waiting(setup, mlenergy.steady_load(THINKING, setup), Host(100.0, 1.0)) == setup


def test_the_device_draws_no_more_for_waiting() -> None:
    at_rest, waits = mlenergy.setup_at_rest(THINKING), mlenergy.setup(THINKING)
    load = mlenergy.steady_load(THINKING, at_rest)
    joules = [steady_dynamic_j(pricer, load) for one in (at_rest, waits) if (pricer := pricer_of(one))]
    assert step_s(waits) > 4 * step_s(at_rest)
    assert joules[1] == pytest.approx(joules[0], rel=1e-3)


@pytest.mark.parametrize(
    "other",
    [
        {"device": "nvidia-h100-sxm"},
        {"count": 2, "tp": 2},
        {"output_tokens": 1800.0},
        {"extra": {"task": "lm-arena-chat", "avg_batch_size": 8.0}},
    ],
)
def test_hosts_of_other_runs_are_at_rest(other: dict[str, object]) -> None:
    point = replace(THINKING, **other)  # type: ignore[arg-type]
    assert mlenergy.host_was_busy(THINKING) and not mlenergy.host_was_busy(point)
    assert mlenergy.setup(point).pools == mlenergy.setup_at_rest(point).pools


def test_the_least_time_is_found_again_in_steps_that_show_it() -> None:
    points = mlenergy_fit.points_of(
        replace(
            THINKING,
            load_value=float(seats),
            measured=THINKING.measured | {"output_tokens_per_s": seats / (0.03 + 0.0002 * seats)},
            extra=THINKING.extra | {"avg_batch_size": float(seats)},
        )
        for seats in (8, 16, 32, 64, 128)
    )
    found = search.fit(mlenergy_fit.BUSY_HOST, points, mlenergy_fit.busy_ratios)
    assert found["step_us"] == pytest.approx(30_000, rel=0.02)
    assert found["sequence_us"] == pytest.approx(200, rel=0.05)


def test_a_busy_host_tells_nothing_of_the_engine_and_is_predicted_without_its_wait() -> None:
    (point,) = mlenergy_fit.points_of([THINKING])
    assert point.busy_host and not mlenergy_fit.tells_time(point)
    (ratio,) = mlenergy_fit.time_ratios([point], {})
    assert ratio * point.tpot_s == pytest.approx(step_s(mlenergy.setup_at_rest(THINKING)))
