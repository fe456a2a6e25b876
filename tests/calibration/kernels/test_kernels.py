"""Kernels that the project measured itself: an independent check of products and power."""

from __future__ import annotations

import json
import sys
from statistics import median

import pytest

from simulator.calibration.kernels import measure
from simulator.calibration.kernels.__main__ import main
from simulator.calibration.kernels.comparison import Comparison
from simulator.calibration.kernels.measured import FORMAT, read_measured, shipped
from simulator.errors import InputError

DEVICES = ("nvidia-h100-sxm", "nvidia-h200-sxm")


@pytest.fixture(scope="module")
def compared():
    return {path.stem: Comparison(read_measured(path)) for path in shipped()}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "most"), [("bf16", 0.06), ("fp8", 0.30)])
def test_products_take_about_as_long_as_predicted(compared, device, dtype, most):
    """8-bit constants contain the quantisation of activations, which these products do without."""
    errors = [abs(one.error) for one in compared[device].products if one.measured.dtype == dtype]
    assert len(errors) == 156
    assert median(errors) < most


def test_power_below_the_cap_is_about_as_predicted_although_it_was_fitted_to_serving_engines(compared):
    draws = compared["nvidia-h100-sxm"].draws
    below = [one for one in draws if one.predicted_w < 690]
    assert len(below) == 12
    assert median(abs(one.error) for one in below) < 0.09
    assert abs(median(one.error for one in below)) < 0.05
    assert max(abs(one.error) for one in draws) < 0.25


def test_the_power_of_a_device_without_a_fit_is_about_that_of_its_family(compared):
    draws = compared["nvidia-h200-sxm"].draws
    below = [one for one in draws if one.predicted_w < 690]
    assert len(below) == 10
    assert median(abs(one.error) for one in below) < 0.09
    assert max(abs(one.error) for one in draws) < 0.16


def test_the_program_prints_medians_and_json(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"{device}, 2026-11-27" in printed for device in DEVICES)
    assert "156 products in bf16: median" in printed
    file = next(path for path in shipped() if path.stem == DEVICES[0])
    assert main([str(file), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["device"] == DEVICES[0] and len(figures["draws"]) == 20


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Invalid JSON"),
        ('{"format": "measured-kernels/2"}', "format"),
        (json.dumps({"format": FORMAT, "device": "x", "source": "", "date": "", "products": []}), "products"),
    ],
)
def test_broken_files_are_refused_in_one_line(tmp_path, content, said):
    path = tmp_path / "measured.json"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_measured(path)


def test_a_device_without_a_roofline_cannot_be_compared(tmp_path):
    product = {"shape": "o", "n": 4096, "k": 4096, "tokens": 1, "dtype": "bf16", "us": 10.0}
    path = tmp_path / "measured.json"
    path.write_text(
        json.dumps(
            {"format": FORMAT, "device": "groq-lpu-v1", "source": "", "date": "", "products": [product]}
        )
    )
    with pytest.raises(InputError, match="not priced by a roofline"):
        Comparison(read_measured(path))


def test_measuring_says_what_it_needs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert measure.main(["nvidia-h100-sxm", str(tmp_path / "out.json")]) == 2
    assert "is needed to measure" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_an_unknown_device_is_refused_before_anything_is_measured(tmp_path, capsys):
    assert measure.main(["h100-smx", str(tmp_path / "out.json")]) == 2
    assert "unknown device 'h100-smx'" in capsys.readouterr().err
