"""A fitted backend prices by its knots and coefficients, and bad files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.latency.fitted import FittedPricer, read_fitted

TEXT = """
format: fitted-backend/1
name: two knots
source: made up for this test
date: 2026-11-24
error: none
knots_ms: {1: 8.0, 3: 10.0, 7: 12.0}
sequence_us: 6
crowd_us: 100
crowd_from: 4
context_us: 1
product_us: 0.5
mixed_us: 80
"""


def pricer(tmp_path: Path) -> FittedPricer:
    path = tmp_path / "fit.yaml"
    path.write_text(TEXT.replace("date: 2026-11-24", "date: '2026-11-24'"))
    return FittedPricer(read_fitted(path), None)


def test_it_interpolates_between_knots_and_goes_on_beyond(tmp_path):
    price = pricer(tmp_path).step_ns
    assert price(0, 0, 0, 0, 2, 2, 0) == 9_000_000 + 12_000
    assert price(9, 1, 9, 0, 0, 0, 0) == 13_000_000


def test_terms_add_up(tmp_path):
    knots, products, sequences, mixed, context = 10_500_000, 50_000, 12_000, 160_000, 50_000
    total = knots + products + sequences + mixed + context
    assert pricer(tmp_path).step_ns(2, 1, 2, 100, 2, 2, 50) == total


def test_a_decode_step_lies_on_its_line(tmp_path):
    fitted = pricer(tmp_path)
    line = fitted.decode_line(6, 1234)
    assert fitted.step_ns(0, 0, 0, 0, 6, 6, 1234) == line.step_ns(6, 1234)


@pytest.mark.parametrize(
    ("change", "key"), [(("context_us: 1", "context_us: -1"), "context_us"), (("1: 8.0, 3", "3: 8.0, 1"), "")]
)
def test_a_bad_fit_is_refused_with_its_key(tmp_path, change, key):
    path = tmp_path / "bad.yaml"
    path.write_text(TEXT.replace("date: 2026-11-24", "date: '2026-11-24'").replace(*change))
    with pytest.raises(InputError) as error:
        read_fitted(path)
    assert key in str(error.value)
    assert "bad.yaml" in str(error.value)
