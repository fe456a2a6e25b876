"""Where a cluster stands: electricity, carbon intensity of the grid, PUE and water, read from ``prices/``.

What is not known is None, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from statistics import median
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field

from simulator.errors import InputError, nearest
from simulator.hardware.device import Sourced
from simulator.hardware.price_lists import PriceRange, provenance, read_list
from simulator.units.quantity import GramsPerKilowattHour, LitresPerKilowattHour, USDPerKilowattHour


class Regional(Sourced):
    """A figure of a region; ``national`` rows stand for their whole country (ISO code of three letters)."""

    region: str
    country: str
    national: bool = False


class ElectricityRow(Regional):
    """Price of electricity in a region [USD/kWh]."""

    price: USDPerKilowattHour
    kind: str


class CarbonRow(Regional):
    """Carbon intensity of the grid in a region [g CO2e/kWh]."""

    carbon: GramsPerKilowattHour


class Pue(Sourced):
    """Power usage effectiveness of an operator: energy of the site over that of its computers."""

    operator: str
    pue: Annotated[float, Field(ge=1.0)]


class GridWater(Sourced):
    """Water used to make electricity in a country [l/kWh]."""

    country: str
    name: str
    water: LitresPerKilowattHour


class SiteWater(Sourced):
    """Water an operator evaporates for cooling, per energy of the computers [l/kWh]."""

    operator: str
    low: LitresPerKilowattHour
    high: LitresPerKilowattHour


RegionalRow = TypeVar("RegionalRow", bound=Regional)
OperatorRow = TypeVar("OperatorRow", Pue, SiteWater)


class _ElectricityFile(BaseModel):
    as_of: str
    rows: tuple[ElectricityRow, ...]


class _GridFile(BaseModel):
    as_of: str
    carbon: tuple[CarbonRow, ...]
    pue: tuple[Pue, ...]
    grid_water: tuple[GridWater, ...]
    site_water: tuple[SiteWater, ...]


@cache
def electricity_rows() -> tuple[ElectricityRow, ...]:
    """Every electricity price that ships."""
    return read_list("electricity.yaml", _ElectricityFile).rows


@cache
def _grid() -> _GridFile:
    return read_list("grid.yaml", _GridFile)


def region_names() -> tuple[str, ...]:
    """Names that electricity prices and carbon intensities are known by: regions, countries, their codes."""
    return tuple(dict.fromkeys(name for row in _regional() for name in (row.region, row.country)))


def _regional() -> tuple[Regional, ...]:
    return (*_grid().carbon, *electricity_rows())


def check_region(region: str) -> str:
    """The country code of a region.

    Raises
    ------
    InputError
        Where neither an electricity price nor a carbon intensity is known for it.
    """
    for row in _regional():
        if region.lower() in (row.region.lower(), row.country.lower()):
            return row.country
    names = region_names()
    raise InputError(
        f"unknown region {region!r}{nearest(region, names)}; known are countries ('Germany', 'DEU'), "
        f"US states ('Virginia') and cloud regions ('us-east4')"
    )


def _about(rows: Sequence[RegionalRow], region: str) -> list[RegionalRow]:
    """The rows of a region, or where it has none those of its whole country.

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    country = check_region(region)
    own = [row for row in rows if row.region.lower() == region.lower()]
    return own or [row for row in rows if row.country == country and row.national]


def electricity_price(region: str) -> PriceRange | None:
    """Price of electricity in a region, or of its country where it has none [USD/kWh].

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    rows = _about(electricity_rows(), region)
    if not rows:
        return None
    prices = [row.price for row in rows]
    return PriceRange(
        low=min(prices), mid=median(prices), high=max(prices), unit="USD/kWh", **provenance(rows)
    )


def grid_carbon(region: str) -> CarbonRow | None:
    """Carbon intensity of the grid in a region, or of its country [g CO2e/kWh]; None where not known.

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    return next(iter(_about(_grid().carbon, region)), None)


def grid_water(region: str) -> GridWater | None:
    """Water used to make the electricity of a region's country [l/kWh]; None where not known.

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    country = check_region(region)
    return next((row for row in _grid().grid_water if row.country == country), None)


def site_water() -> tuple[SiteWater, ...]:
    """Water for cooling, by operator."""
    return _grid().site_water


def pue_figures() -> tuple[Pue, ...]:
    """Power usage effectiveness, by operator."""
    return _grid().pue


def pue_of(operator: str) -> Pue:
    """Power usage effectiveness of this operator.

    Raises
    ------
    InputError
        Where none is known.
    """
    rows = _grid().pue
    found = _of_operator(rows, operator)
    if found is None:
        names = [row.operator for row in rows]
        raise InputError(
            f"no power usage effectiveness is known of operator {operator!r}{nearest(operator, names)};"
            f" known are {', '.join(names)}"
        )
    return found


def site_water_of(operator: str) -> SiteWater | None:
    """Water that this operator evaporates for cooling; None where it is not known."""
    return _of_operator(_grid().site_water, operator)


def typical_pue() -> Pue:
    """The figure where no operator is named: a typical colocation site."""
    return next(row for row in _grid().pue if row.operator.startswith("typical"))


def _of_operator(rows: Iterable[OperatorRow], operator: str) -> OperatorRow | None:
    """The first row whose operator's name holds this one."""
    return next((row for row in rows if operator.lower() in row.operator.lower()), None)
