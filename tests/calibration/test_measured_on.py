"""Measurements are of one device, model and layout: what they state, and what the user says of them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.calibration.measured_on import what_was_measured
from simulator.calibration.points.load import open_loop
from simulator.calibration.reports.measurement import Measurement
from simulator.errors import InputError
from simulator.latency.measured_on import MeasuredOn


def of(**on) -> Measurement:
    tokens = np.full(2, 5, dtype=np.int32)
    return Measurement("made", "test", open_loop(tokens, tokens, 1.0, 0), {}, on=MeasuredOn(**on))


def test_what_the_data_state_is_joined_and_the_user_goes_before():
    found = what_was_measured([of(model="m"), of(device="nvidia-l4")], {"device": "h100", "tensor": 2})
    assert found == MeasuredOn(model="m", device="h100", tensor=2)
    assert found.unsaid == ["format of weights"]


def test_a_layout_that_the_user_says_replaces_the_stated_one_as_a_whole():
    found = what_was_measured([of(tensor=4, pipeline=2)], {"tensor": 8})
    assert found.layout == {"tensor": 8, "pipeline": 1, "data": 1, "expert": 1, "context": 1}


@pytest.mark.parametrize(
    ("one", "other", "complaint"),
    [
        ({"device": "a"}, {"device": "b"}, "2 devices: a, b"),
        ({"tensor": 2}, {"tensor": 4}, "2 layouts: tensor 2, tensor 4"),
        ({"weight_dtype": "bf16"}, {"weight_dtype": "fp8"}, "2 formats of weights: bf16, fp8"),
    ],
)
def test_data_of_two_machines_are_refused(one, other, complaint):
    with pytest.raises(InputError, match=complaint):
        what_was_measured([of(**one), of(**other)], {})


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"devise": "h100"}, "devise"),
        ({"weight_dtype": "fp9"}, "fp9"),
        ({"tensor": 0}, "tensor"),
        ({"device": "missing.yaml"}, "missing.yaml"),
    ],
)
def test_a_wrong_key_or_value_is_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        what_was_measured([of(model="m")], given)
