"""Quantities: what users may write, and what comes back."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from simulator.errors import InputError
from simulator.units import quantity
from simulator.units.quantity import Bytes, Dollars, PerSecond, Seconds, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("80 GB", "byte", 80e9),
        ("80 GiB", "byte", 80 * 2**30),
        ("80GB", "byte", 80e9),
        ("3.35 TB/s", "byte/s", 3.35e12),
        ("400 Gb/s", "byte/s", 50e9),
        ("500 ms", "s", 0.5),
        ("10 us", "s", 1e-5),
        ("10 µs", "s", 1e-5),
        ("10 min", "s", 600.0),
        ("2 weeks", "s", 1209600.0),
        ("6.45 /s", "1/s", 6.45),
        ("387 requests/min", "1/s", 6.45),
        ("6 Hz", "1/s", 6.0),
        ("700 W", "W", 700.0),
        ("989 TFLOP/s", "FLOP/s", 989e12),
        ("750 TOP/s", "FLOP/s", 750e12),
        ("2.5 USD/hour", "USD/hour", 2.5),
        ("2.5 $/h", "USD/hour", 2.5),
        ("60 USD/day", "USD/hour", 2.5),
        ("30 k$", "USD", 30e3),
        ("1e3 GB", "byte", 1e12),
    ],
)
def test_text_with_a_unit_is_read(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("dimension", quantity.DIMENSIONS, ids=lambda dimension: dimension.name)
def test_the_table_of_everyday_units_agrees_with_pint(dimension: quantity.Dimension) -> None:
    for unit, factor in dimension.units.items():
        if unit.removesuffix("/s").endswith("b"):
            continue  # bits: pint reads a barn or a gilbert there
        assert quantity._factor_by_pint(unit, dimension.unit) == pytest.approx(float(factor), rel=1e-12), unit


@pytest.mark.parametrize(
    "text", ["5 GB", "5 m", "5 furlongs", "5 s s", "fast", "5 (((", "s", "", "1/3", "5 **"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="'500 ms'"):
        parse_quantity(text, "s")


@pytest.mark.parametrize("value", [500, 0.5, "500", True, None, ["1 s"]])
def test_a_number_without_a_unit_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="expected a time with its unit"):
        parse_quantity(value, "s")


def test_a_plain_number_counts_where_the_caller_allows_it() -> None:
    assert parse_quantity(80, "byte", plain=True) == 80.0
    assert parse_quantity("80", "byte", plain=True) == 80.0


@pytest.mark.parametrize("text", ["1e400 s", "1e300 week", "1e400 week"])
def test_what_no_float_can_hold_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="more than a floating-point number can hold"):
        parse_quantity(text, "ns")


def test_zero_needs_no_unit() -> None:
    assert parse_quantity(0, "s") == parse_quantity("0", "s") == 0.0


@given(st.floats(min_value=0, max_value=1e21, allow_nan=False), st.sampled_from(quantity.DIMENSIONS))
def test_what_is_written_reads_back_exactly(value: float, dimension: quantity.Dimension) -> None:
    assert parse_quantity(format_quantity(value, dimension.unit), dimension.unit) == value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (80e9, "byte", "80 GB"),
        (80 * 2**30, "byte", "80 GiB"),
        (0.5, "s", "500 ms"),
        (3.35e12, "byte/s", "3.35 TB/s"),
    ],
)
def test_numbers_are_written_in_the_unit_people_use(value: float, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


class _Box(BaseModel):
    memory: Bytes | None = None
    latency: Seconds = 0.5
    rate: PerSecond | None = None


def test_a_field_stores_si_and_writes_text() -> None:
    box = _Box.model_validate({"memory": "80 GB", "rate": "6.45 /s"})
    assert (box.memory, box.latency, box.rate) == (80e9, 0.5, 6.45)
    assert box.model_dump() == {"memory": "80 GB", "latency": "500 ms", "rate": "6.45 /s"}
    assert _Box.model_validate(box.model_dump()) == box


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"memory": "80 W"}, "memory size"),
        ({"latency": "-4 s"}, "cannot be negative"),
        ({"rate": 5}, "without a unit"),
    ],
)
def test_a_field_says_what_is_wrong(content: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _Box.model_validate(content)


def test_a_price_to_buy_may_come_without_its_unit() -> None:
    class Bought(BaseModel):
        price: Dollars

    for price in ("30000 USD", "30 kUSD", "30000", 30000, 30000.0):
        bought = Bought.model_validate({"price": price})
        assert bought.price == 30e3
        assert bought.model_dump() == {"price": "30000 USD"}


def test_everyday_units_do_not_load_pint() -> None:
    code = (
        "import sys; from simulator.units.quantity import parse_quantity;"
        "parse_quantity('80 GB', 'byte'); sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(108_000.0, "30 h"), (5400.0, "90 min"), (60.0, "1 min"), (90.0, "90 s"), (0.5, "500 ms")],
)
def test_a_time_is_told_in_the_unit_that_a_person_would_take(seconds: float, words: str) -> None:
    assert quantity.time_in_words(seconds) == words
