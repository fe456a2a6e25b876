"""What a run is simulated with was not fitted to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.calibration.runs.held_out import held_out, serving_for, shipped_fit
from simulator.calibration.runs.measured import MeasuredRun, read_run
from simulator.calibration.runs.simulated import DEFAULT, ServingConstants
from simulator.latency.roofline.releases import KERNELS_OF_0_11, KERNELS_OF_0_15

OWN = Path(__file__).resolve().parents[3] / "workloads" / "vllm-cpu-chat"


def run(**changes: object) -> MeasuredRun:
    """A run on an H100 with some fields changed."""
    content = {
        "format": "measured-run/1",
        "name": "blis-x",
        "source": "blis-sim2real",
        "hardware": {"device": "nvidia-h100-sxm"},
        "model": {"id": "qwen3-14b"},
        "engine": {"name": "vllm", "version": "0.15.1"},
        "folder": Path("."),
    }
    return MeasuredRun.model_validate(content | changes)


def test_a_run_that_constants_were_fitted_to_takes_those_without_its_model() -> None:
    fold = held_out().models["qwen3-14b"]
    assert serving_for(run()).constants.attention_factor == fold.attention_factor
    assert "without runs of qwen3-14b" in serving_for(run()).note


def test_a_run_that_nothing_was_fitted_to_takes_what_ships() -> None:
    assert serving_for(run(name="somebody-else", source="elsewhere")) == DEFAULT


def test_a_machine_known_by_its_steps_is_predicted_from_other_loads() -> None:
    own = read_run(OWN)
    serving = serving_for(own)
    assert serving.fit is not None
    assert own.name not in serving.fit.source
    assert "vllm-cpu-s01" in serving.fit.source
    shipped = shipped_fit(own)
    assert shipped is not None and own.name in shipped.source


def test_a_new_run_of_that_machine_takes_the_fit_to_all_of_them() -> None:
    own = read_run(OWN).model_copy(update={"name": "vllm-cpu-h01-another-load"})
    assert serving_for(own).fit == shipped_fit(own)


@pytest.mark.parametrize(("version", "kernels"), [("0.11.1", KERNELS_OF_0_11), ("0.15.1", KERNELS_OF_0_15)])
def test_constants_of_serving_runs_touch_their_own_release_only(version: str, kernels: object) -> None:
    moved = ServingConstants(attention_factor=0.5)
    assert ServingConstants().kernels(version) == kernels
    assert (moved.kernels(version) == kernels) == (kernels is not KERNELS_OF_0_15)
