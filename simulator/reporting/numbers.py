"""Numbers as text for people: three significant digits, the right unit, "unknown" for what is unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from simulator.results.energy import J_PER_KWH
from simulator.results.hosts import NONE_MISSING, MissingHosts
from simulator.results.ranges import Range

UNKNOWN = "unknown"
NOTHING = "–"


def number(value: float | None, unit: str = "", otherwise: str = NOTHING) -> str:
    """A number with three significant digits and thousands separators."""
    if value is None:
        return otherwise
    return f"{_digits(value)} {unit}".rstrip()


def count(value: int | None) -> str:
    """A whole number with thousands separators."""
    return NOTHING if value is None else f"{value:,}"


def counted(number: int, noun: str) -> str:
    """So many of something: one unit, two units."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float | None, otherwise: str = NOTHING) -> str:
    """A share as a percentage; nearly all is never shown as all, nor a little as nothing."""
    if share is None:
        return otherwise
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    if share < 0.0001 or 0.9999 < share < 1:
        return "< 0.01 %" if share < 0.5 else "> 99.99 %"
    return f"{f'{share * 100:.{2 if share < 0.01 or share > 0.99 else 1}f}'.removesuffix('.0')} %"


def milliseconds(ms: float | None) -> str:
    """A latency given in [ms], in the unit that reads best."""
    return latencies([ms])(ms)


def latencies(table_ms: Iterable[float | None]) -> Callable[[float | None], str]:
    """How to write the latencies of one row or column [ms]: all in ms, s or min, as suits the largest."""
    largest = max((ms for ms in table_ms if ms is not None), default=0.0)
    size, unit = (6e4, "min") if largest >= 6e4 else (1e3, "s") if largest >= 1e3 else (1.0, "ms")
    return lambda ms: NOTHING if ms is None else f"{_digits(ms / size)} {unit}"


def dollars(usd: float | None) -> str:
    """An amount of money [USD]."""
    if usd is None:
        return UNKNOWN
    return f"${usd:,.2f}" if abs(usd) >= 1 or usd == 0 else f"${_digits(usd)}"


def energy(joules: float | None) -> str:
    """An energy given in [J], in J, kJ or kWh."""
    return energies([joules])(joules)


def energies(table_j: Iterable[float | None]) -> Callable[[float | None], str]:
    """How to write the energies of one table [J]: all in J, kJ or kWh, as suits the largest."""
    largest = max((joules for joules in table_j if joules is not None), default=0.0)
    if largest >= J_PER_KWH:
        return _energies_in(J_PER_KWH, "kWh")
    return _energies_in(1e3, "kJ") if largest >= 1e3 else _energies_in(1.0, "J")


def energies_of_one(table_j: Iterable[float | None]) -> Callable[[float | None], str]:
    """How to write what a single request took [J] in a table with these sums: Wh beside kWh, else J."""
    hours = any(joules is not None and joules >= J_PER_KWH for joules in table_j)
    return _energies_in(J_PER_KWH / 1e3, "Wh") if hours else _energies_in(1.0, "J")


def _energies_in(size: float, unit: str) -> Callable[[float | None], str]:
    return lambda joules: UNKNOWN if joules is None else f"{_digits(joules / size)} {unit}"


def watts(value: float | None) -> str:
    """A power given in [W], in W or kW."""
    return powers([value])(value)


def powers(table_w: Iterable[float | None]) -> Callable[[float | None], str]:
    """How to write the powers of one row or column [W]: all in W or kW, as suits the largest."""
    largest = max((value for value in table_w if value is not None), default=0.0)
    size, unit = (1e3, "kW") if largest >= 1e3 else (1.0, "W")
    return lambda value: UNKNOWN if value is None else f"{_digits(value / size)} {unit}"


def alike(text: Callable[[Any], str], values: Sequence[Any]) -> Callable[[Any], str]:
    """``text`` for values beside one another: all in one unit, where it would choose one for each."""
    together: dict[Callable[[Any], str], Callable[[Sequence[Any]], Callable[[Any], str]]] = {
        milliseconds: latencies,
        watts: powers,
        energy: energies,
    }
    return together[text](values) if text in together else text


def site_draw(drawn_w: float | None, limit_w: float | None, missing: MissingHosts = NONE_MISSING) -> str:
    """Draw of the site [W]; where it is unknown, what the chips may draw at most, marked as that.

    So is a draw that leaves out hosts.
    """
    if drawn_w is not None:
        return f"{watts(drawn_w)} {missing.mark}".rstrip()
    return UNKNOWN if limit_w is None else f"chips ≤ {watts(limit_w)}"


def grams(value: float | None) -> str:
    """Emissions given in [g CO2e]."""
    return number(value, "g CO2e", UNKNOWN)


def span(value: Range | None, text: Callable[[float | None], str]) -> str:
    """A figure, with its low and high in parentheses where they differ."""
    if value is None:
        return text(None)
    if not value.spreads:
        return text(value.mid)
    return f"{text(value.mid)} ({text(value.low)} to {text(value.high)})"


def seconds(value: float) -> str:
    """A duration given in [s]."""
    if value >= 7200:
        return f"{_digits(value / 3600)} h"
    return f"{_digits(value / 60)} min" if value >= 120 else f"{_digits(value)} s"


def _digits(value: float) -> str:
    """Three significant digits, without an exponent down to a millionth."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    size = math.floor(math.log10(abs(value)))
    if size < -6:
        return f"{value:.2e}"
    return f"{value:,.{max(2 - size, 0)}f}"
