"""Quantities with units: "80 GB", "3.35 TB/s", "500 ms", "6.45 /s", "2.5 USD/hour".

Users write numbers with their units; inside the simulator they are plain floats in one
unit per dimension. Prefixes are exact: GB = 10^9 bytes, GiB = 2^30 bytes, and a lower-case
b is a bit ("400 Gb/s" is 50 GB/s; pint would read a barn or a gilbert).

Units are defined by pint. As pint takes about half a second to load, the units that
scenarios and profiles use every day stand in a table here; anything else ("2 week",
"1.2 kBtu/h") goes through pint. A test holds the table equal to pint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import inf, isinf
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from simulator.errors import InputError

if TYPE_CHECKING:
    import pint

_DECIMAL = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
_NUMBER_THEN_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s.+\-*^].*?)?\s*")


@dataclass(frozen=True, slots=True)
class Dimension:
    """A kind of quantity: its name in messages, the unit it is stored in, and an example.

    ``units`` are the spellings known without pint, as multiples of ``unit``; ``readable``
    those that output is written in, smallest first.
    """

    name: str
    unit: str
    example: str
    units: dict[str, Fraction]
    readable: tuple[str, ...]


def _scaled(symbols: str, per: str = "") -> dict[str, Fraction]:
    """Decimal multiples of a unit, e.g. ``kW`` and ``MW`` for ``W``."""
    return {
        f"{prefix}{symbol}{per}": Fraction(10**power)
        for symbol in symbols.split()
        for prefix, power in _DECIMAL.items()
    }


def _bytes(per: str = "") -> dict[str, Fraction]:
    """Decimal and binary multiples of bytes, and decimal ones of bits."""
    units = {unit + per: factor for unit, factor in _scaled("B").items()}
    units |= {f"{prefix}B{per}": Fraction(2**power) for prefix, power in _BINARY.items()}
    return units | {unit + per: factor / 8 for unit, factor in _scaled("b").items() if unit != "b"}


_TIMES = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
    "hour": Fraction(3600),
    "day": Fraction(86400),
}
_PER_TIMES = {
    f"/{unit}": 1 / length for unit, length in _TIMES.items() if unit in ("s", "min", "h", "hour", "day")
}
_READABLE_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_READABLE_BINARY = ("MiB", "GiB")

BYTES = Dimension("memory size", "byte", "80 GB", _bytes(), _READABLE_BYTES)
BYTES_PER_SECOND = Dimension(
    "bandwidth", "byte/s", "3.35 TB/s", _bytes("/s"), tuple(f"{unit}/s" for unit in _READABLE_BYTES)
)
SECONDS = Dimension("time", "s", "500 ms", _TIMES, ("ns", "us", "ms", "s"))
WATTS = Dimension("power", "W", "700 W", _scaled("W") | {"mW": Fraction(1, 1000)}, ("W", "kW", "MW"))
FLOPS_PER_SECOND = Dimension(
    "compute rate",
    "FLOP/s",
    "989 TFLOP/s",
    _scaled("FLOP OP", "/s"),
    ("FLOP/s", "GFLOP/s", "TFLOP/s"),
)
PER_SECOND = Dimension(
    "rate",
    "1/s",
    "6.45 /s",
    _PER_TIMES
    | {f"req{per}": rate for per, rate in _PER_TIMES.items()}
    | {f"requests{per}": rate for per, rate in _PER_TIMES.items()},
    ("/s",),
)
USD = Dimension("price to buy", "USD", "30000 USD", {"USD": Fraction(1)}, ("USD",))
USD_PER_HOUR = Dimension(
    "price",
    "USD/hour",
    "2.5 USD/hour",
    {"USD/hour": Fraction(1), "USD/h": Fraction(1)},
    ("USD/hour",),
)
USD_PER_KILOWATT_HOUR = Dimension(
    "price of electricity", "USD/kWh", "0.08 USD/kWh", {"USD/kWh": Fraction(1)}, ("USD/kWh",)
)
GRAMS_PER_KILOWATT_HOUR = Dimension(
    "carbon intensity", "g/kWh", "350 g/kWh", {"g/kWh": Fraction(1)}, ("g/kWh",)
)
LITRES_PER_KILOWATT_HOUR = Dimension(
    "water use", "l/kWh", "1.8 l/kWh", {"l/kWh": Fraction(1), "L/kWh": Fraction(1)}, ("l/kWh",)
)

DIMENSIONS = (
    BYTES,
    BYTES_PER_SECOND,
    SECONDS,
    WATTS,
    FLOPS_PER_SECOND,
    PER_SECOND,
    USD,
    USD_PER_HOUR,
    USD_PER_KILOWATT_HOUR,
    GRAMS_PER_KILOWATT_HOUR,
    LITRES_PER_KILOWATT_HOUR,
)
_BY_UNIT = {dimension.unit: dimension for dimension in DIMENSIONS}


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    """pint's units and those of this field: USD, FLOP (OP for integer formats), requests and tokens."""
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(cache_folder=None)
    for definition in (
        "USD = [currency]",
        "FLOP = [operation]",
        "OP = FLOP",
        "request = [] = req",
        "token = []",
    ):
        registry.define(definition)
    return registry


@lru_cache(maxsize=256)
def _factor_by_pint(text: str, unit: str) -> float | None:
    """How many ``unit`` one ``text`` is, or None where it is another kind of quantity or no unit at all."""
    import pint

    registry = _registry()
    try:
        # "/s" alone is not an expression for pint
        quantity = registry.Quantity(1.0, f"1{text}" if text.startswith("/") else text)
        return float(quantity.to(unit).magnitude)
    except (pint.errors.PintError, AttributeError, TypeError, ValueError, ArithmeticError, AssertionError):
        return None
    except Exception as error:  # pint's tokenizer lets tokenize.TokenError through
        if type(error).__name__ in ("TokenError", "TokenizeError"):
            return None
        raise


def _known(unit: str) -> Dimension:
    return _BY_UNIT.get(unit) or Dimension(f"quantity in {unit}", unit, f"1 {unit}", {}, (unit,))


def parse_quantity(value: object, unit: str, *, plain: bool = False) -> float:
    """The value of a quantity in ``unit``.

    Parameters
    ----------
    value
        Text such as "80 GB" or, where the caller allows it, a plain number.
    unit
        Unit of the result in pint's spelling: "byte", "byte/s", "s", "W", "FLOP/s", "1/s", "USD/hour", ...
    plain
        Whether a plain number counts as already being in ``unit``. Zero always does.

    Raises
    ------
    InputError
        Where the text is no number with a unit, or the unit is of another kind.
    """
    dimension = _known(unit)
    expected = f"expected a {dimension.name} with its unit, such as {dimension.example!r}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if plain or value == 0:
            return float(value)
        raise InputError(f"found {value!r} without a unit; {expected}")
    match = _NUMBER_THEN_UNIT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(f"found {value!r}; {expected}")
    number, text = match.groups()
    if text is None:
        if plain or float(number) == 0:
            return float(number)
        raise InputError(f"found {value!r} without a unit; {expected}")
    text = text.replace("$", "USD")
    factor = dimension.units.get(text)
    if factor is None:
        by_pint = _factor_by_pint(text, unit)
        if by_pint is None:
            raise InputError(f"found {value!r}, whose unit {text!r} is not a {dimension.name}; {expected}")
        product = float(number) * by_pint
    else:
        product = _rounded(Fraction(number) * factor)
    if isinf(product):
        raise InputError(f"found {value!r}, more than a floating-point number can hold; {expected}")
    return product


def _rounded(exact: Fraction) -> float:
    """Exact arithmetic, rounded once: "10 us" is the float nearest to 1e-5. Infinite beyond all floats."""
    try:
        return float(exact)
    except OverflowError:
        return inf


def format_quantity(value: float, unit: str) -> str:
    """``value`` in ``unit`` as readable text, which ``parse_quantity`` reads back."""
    dimension = _known(unit)
    fitting = [
        scale for scale in dimension.readable if abs(value) >= dimension.units.get(scale, Fraction(1))
    ] or [dimension.readable[0]]
    text = _in_unit(value, fitting[-1], dimension)
    binary = [_in_unit(value, scale, dimension) for scale in _READABLE_BINARY if unit == BYTES.unit]
    # "80 GiB" rather than "85.89934592 GB"
    return min([text, *binary], key=len)


def time_in_words(seconds: float) -> str:
    """A time for a message: whole hours or minutes where it is some (``30 h``), else as `format_quantity`."""
    for unit in ("h", "min"):
        size = float(_known(SECONDS.unit).units[unit])
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return format_quantity(seconds, SECONDS.unit)


def _in_unit(value: float, scale: str, dimension: Dimension) -> str:
    """``value`` as a multiple of ``scale``, with as many digits as reading it back exactly needs."""
    scaled = float(Fraction(value) / dimension.units.get(scale, Fraction(1)))
    for text in (f"{scaled:.12g} {scale}", f"{scaled!r} {scale}"):
        if parse_quantity(text, dimension.unit) == value:
            return text
    base = next((unit for unit, factor in dimension.units.items() if factor == 1), dimension.unit)
    return f"{value!r} {base}"


def _quantity_type(
    dimension: Dimension, *, plain: bool = False
) -> tuple[BeforeValidator, PlainSerializer, WithJsonSchema]:
    """Lets a float field read and write text with a unit, ``plain`` numbers too. Refuses negative values."""

    def read(value: object) -> float:
        try:
            number = parse_quantity(value, dimension.unit, plain=plain)
        except InputError as error:
            raise ValueError(error.message) from None
        if number < 0:
            raise ValueError(f"found {value!r}; a {dimension.name} cannot be negative")
        return number

    def write(value: float | None) -> str | None:
        return None if value is None else format_quantity(value, dimension.unit)

    schema: dict[str, Any] = {
        **({"type": ["string", "number"], "minimum": 0} if plain else {"type": "string"}),
        "description": f"a {dimension.name} with its unit{f', or in {dimension.unit}' if plain else ''}",
        "examples": [dimension.example],
    }
    return BeforeValidator(read), PlainSerializer(write), WithJsonSchema(schema)


# Spelled out one by one: a type checker cannot see through Annotated[...] made by a function.
_bytes_type = _quantity_type(BYTES)
_bandwidth_type = _quantity_type(BYTES_PER_SECOND)
_time_type = _quantity_type(SECONDS)
_power_type = _quantity_type(WATTS)
_compute_type = _quantity_type(FLOPS_PER_SECOND)
_rate_type = _quantity_type(PER_SECOND)
_purchase_type = _quantity_type(USD, plain=True)
_price_type = _quantity_type(USD_PER_HOUR)
_electricity_type = _quantity_type(USD_PER_KILOWATT_HOUR)
_carbon_type = _quantity_type(GRAMS_PER_KILOWATT_HOUR)
_water_type = _quantity_type(LITRES_PER_KILOWATT_HOUR)

#: Amount of memory [bytes], written as "80 GB" or "80 GiB".
Bytes = Annotated[float, _bytes_type[0], _bytes_type[1], _bytes_type[2]]
#: Bandwidth above zero [bytes/s], written as "3.35 TB/s".
BytesPerSecond = Annotated[float, _bandwidth_type[0], _bandwidth_type[1], _bandwidth_type[2], Field(gt=0.0)]
#: Time [s], written as "500 ms".
Seconds = Annotated[float, _time_type[0], _time_type[1], _time_type[2]]
#: Power [W], written as "700 W".
Watts = Annotated[float, _power_type[0], _power_type[1], _power_type[2]]
#: Compute rate [FLOP/s; op/s for integer formats], written as "989 TFLOP/s".
FlopsPerSecond = Annotated[float, _compute_type[0], _compute_type[1], _compute_type[2]]
#: Rate [1/s], written as "6.45 /s".
PerSecond = Annotated[float, _rate_type[0], _rate_type[1], _rate_type[2]]
#: Price to buy [USD], written as "30000 USD" or 30000: no other unit is in question.
Dollars = Annotated[float, _purchase_type[0], _purchase_type[1], _purchase_type[2]]
#: Price [USD/hour], written as "2.5 USD/hour".
USDPerHour = Annotated[float, _price_type[0], _price_type[1], _price_type[2]]
#: Price of electricity [USD/kWh], written as "0.08 USD/kWh".
USDPerKilowattHour = Annotated[float, _electricity_type[0], _electricity_type[1], _electricity_type[2]]
#: Carbon intensity of electricity [g CO2e/kWh], written as "350 g/kWh".
GramsPerKilowattHour = Annotated[float, _carbon_type[0], _carbon_type[1], _carbon_type[2]]
#: Water use [l/kWh], written as "1.8 l/kWh".
LitresPerKilowattHour = Annotated[float, _water_type[0], _water_type[1], _water_type[2]]
