"""The shipped error figures, and the document that is written from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.accuracy.__main__ import DOCUMENT, ERRORS, as_yaml
from simulator.calibration.accuracy.comparisons import Comparison, Refused, errors_of, of_points
from simulator.calibration.accuracy.document import document
from simulator.calibration.accuracy.summary import spread_of, updated
from simulator.calibration.runs.power_trace import DEVICES, WALL, PowerTrace
from simulator.calibration.runs.validation import RunReport
from simulator.errors import InputError
from simulator.hardware.catalogue import device_names
from simulator.results.accuracy import Accuracy, load_class, read_accuracy, shipped_accuracy

EMPTY = Accuracy(format="validation-errors/1", date="2026-11-27")


def comparison(
    error: float, source: str = "a", metric: str = "tpot_mean", in_flight: float = 4.0
) -> Comparison:
    return Comparison(
        "points", source, "d", "m", "dense", in_flight, load_class(in_flight), "tpot_mean", error
    )


def test_the_document_is_what_the_command_writes_from_the_stored_figures():
    assert DOCUMENT.read_text(encoding="utf-8") == document(read_accuracy(ERRORS))


def test_the_stored_file_is_what_the_command_writes():
    assert ERRORS.read_text(encoding="utf-8") == as_yaml(read_accuracy(ERRORS))


def test_the_shipped_figures_cover_several_devices_and_both_classes_of_model():
    groups = shipped_accuracy().groups
    assert len({group.device for group in groups} & set(device_names())) >= 5
    assert {group.model_class for group in groups} == {"dense", "MoE"}
    assert {group.kind for group in groups} >= {"runs", "points"}


def test_only_figures_are_stored():
    """Medians, percentiles and counts: nothing from which a measured row could be had back."""
    text = ERRORS.read_text(encoding="utf-8")
    assert "ttft_s" not in text
    assert "predicted" not in text


def test_errors_are_grouped_by_load_and_their_sizes_summed_up():
    found = [comparison(0.1), comparison(-0.3), comparison(0.2, in_flight=100.0), Refused("too odd")]
    accuracy = updated(EMPTY, "a", found)
    light, heavy = accuracy.groups
    assert (light.load, light.errors["tpot_mean"].count) == ("light", 2)
    assert light.errors["tpot_mean"].median == pytest.approx(0.2)
    assert heavy.load == "heavy"
    assert accuracy.not_simulated == {"a": {"too odd": 1}}


HEADER = (
    "source,point_id,device,count,model,weight_dtype,engine,engine_version,tp,mode,prompt_tokens,output_tokens,"
    "load_kind,load_value,stat,ttft_s,tpot_s,total_tokens_per_s"
)
SERVED = "nvidia-h100-sxm,1,llama-3.1-8b,bf16,vllm,0.15.1,1,agg,64,8"


def figures_of(tmp_path: Path, line: str) -> dict[str, float]:
    """Requests in flight by metric of the one point in a file."""
    file = tmp_path / "points.csv"
    file.write_text(f"{HEADER}\nsomebody,one,{line}\n", encoding="utf-8")
    return {one.metric: one.in_flight for one in of_points(file) if isinstance(one, Comparison)}


def test_rates_with_and_without_prompts_are_metrics_of_their_own(tmp_path: Path):
    found = figures_of(tmp_path, f"{SERVED},closed,3,mean,0.05,0.008,900")
    assert found == {"ttft_mean": 3.0, "tpot_mean": 3.0, "total_token_throughput": 3.0}


def test_an_open_load_is_in_flight_as_long_as_its_answers_take(tmp_path: Path):
    found = figures_of(tmp_path, f"{SERVED},open,50,mean,0.05,0.01,")
    assert found["tpot_mean"] == pytest.approx(50 * (0.05 + 7 * 0.01))


def test_a_load_that_nobody_states_is_refused_not_made_up(tmp_path: Path):
    assert figures_of(tmp_path, f"{SERVED},open,50,mean,,0.01,") == {}


def test_draw_at_the_wall_and_of_the_devices_stand_apart():
    traces = tuple(
        PowerTrace(sensor, np.full(10, predicted), np.full(10, 100.0))
        for sensor, predicted in ((WALL, 110.0), (DEVICES, 70.0))
    )
    found = dict(errors_of(RunReport("r", power=traces)))
    assert found == {"wall_power": pytest.approx(0.1), "power": pytest.approx(-0.3)}


def test_a_unit_that_is_compared_anew_replaces_only_itself():
    both = updated(updated(EMPTY, "a", [comparison(0.1)]), "b", [comparison(0.2, source="b")])
    anew = updated(both, "a", [comparison(0.5)])
    assert {group.source: group.errors["tpot_mean"].median for group in anew.groups} == {"a": 0.5, "b": 0.2}


def test_a_spread_is_of_sizes():
    assert spread_of([-0.1, 0.1, -0.1]).median == pytest.approx(0.1)


def test_a_damaged_file_is_refused(tmp_path: Path):
    file = tmp_path / "errors.yaml"
    file.write_text("format: validation-errors/1\ndate: x\ngroups: [{device: d}]\n")
    with pytest.raises(InputError, match=r"groups\[0\]"):
        read_accuracy(file)
