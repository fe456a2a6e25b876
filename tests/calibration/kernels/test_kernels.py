"""Kernels that the project measured itself: an independent check of products and power."""

from __future__ import annotations

import json
from statistics import median

import pytest

from simulator.calibration.kernels.__main__ import main
from simulator.calibration.kernels.comparison import Comparison
from simulator.calibration.kernels.measured import FORMAT, read_measured, shipped
from simulator.errors import InputError


@pytest.fixture(scope="module")
def h100():
    (path,) = (path for path in shipped() if path.stem == "nvidia-h100-sxm")
    return Comparison(read_measured(path))


def test_products_in_16_bits_take_as_long_as_predicted(h100):
    errors = [abs(one.error) for one in h100.products if one.measured.dtype == "bf16"]
    assert len(errors) == 183
    assert median(errors) < 0.05


def test_power_is_as_predicted_although_it_was_fitted_to_serving_engines(h100):
    errors = [abs(one.error) for one in h100.draws]
    assert len(errors) == 20
    assert median(errors) < 0.04
    assert max(errors) < 0.16


def test_products_in_8_bits_are_quicker_where_nothing_is_quantised_on_the_way(h100):
    """Constants of 8-bit products contain scales per block and the quantisation of activations."""
    errors = [one.error for one in h100.products if one.measured.dtype == "fp8" and one.measured.tokens >= 64]
    assert median(errors) > 0.2


def test_the_program_prints_medians_and_json(capsys):
    assert main([]) == 0
    assert "183 products in bf16: median" in capsys.readouterr().out
    assert main(["--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["device"] == "nvidia-h100-sxm" and len(printed["draws"]) == 20


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


def test_measuring_says_what_it_needs(tmp_path, capsys):
    from simulator.calibration.kernels import measure

    pytest.importorskip("simpy")
    try:
        import torch  # noqa: F401
    except ImportError:
        assert measure.main(["nvidia-h100-sxm", str(tmp_path / "out.json")]) == 2
        assert "is needed to measure" in capsys.readouterr().err
        assert not (tmp_path / "out.json").exists()
