"""Prices and what electricity does to the world, read from ``prices/``; every row is dated.

Rent per device-hour by tier, API token prices, purchase prices, electricity by region,
carbon intensity of the grid, PUE of operators and water. What is not known is None, never
zero. Rent includes electricity; ``owner-cost`` is a modelled cost of owning and no price
that can be rented at.
"""

from __future__ import annotations

from functools import cache
from statistics import median
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt, model_validator

from simulator.errors import InputError, nearest
from simulator.hardware.catalogue import FOLDER as DEVICES
from simulator.hardware.device import Sourced
from simulator.units.catalogue import find_entry, validated, with_citations
from simulator.units.data_files import data_folder
from simulator.units.quantity import (
    GramsPerKilowattHour,
    LitresPerKilowattHour,
    USDPerHour,
    USDPerKilowattHour,
    Watts,
)
from simulator.units.yaml_file import read_mapping

#: ``on-demand`` at the large clouds, ``neo-cloud`` on demand at GPU clouds, ``reserved`` for one to three
#: years, ``capacity-block`` for days, ``index`` of what is paid on average.
Tier = Literal["on-demand", "neo-cloud", "reserved", "spot", "capacity-block", "index", "owner-cost"]
TIERS: tuple[Tier, ...] = (
    "on-demand",
    "neo-cloud",
    "reserved",
    "spot",
    "capacity-block",
    "index",
    "owner-cost",
)
#: What "rent" means where no tier is chosen: what anyone can rent today, without a contract.
OPEN_TIERS: tuple[Tier, ...] = ("on-demand", "neo-cloud", "index")


class PriceRange(BaseModel, frozen=True):
    """A figure with its spread: lowest, median and highest of the rows it rests on.

    ``unit`` is that of the three figures; ``date`` the span of dates of the rows.
    """

    low: float
    mid: float
    high: float
    unit: str
    rows: int
    date: str
    source: tuple[str, ...]
    confidence: str
    tiers: tuple[str, ...] = ()

    @property
    def citation(self) -> str:
        """One line for a report: what, how many rows, when, from where."""
        kind = f"{', '.join(self.tiers)}, " if self.tiers else ""
        return f"{kind}{self.rows} price(s), {self.date}: {'; '.join(self.source)}"


class RentalRow(Sourced):
    """Rent of one device for one hour at one provider."""

    device: str
    tier: Tier
    price: USDPerHour | None = None
    low: USDPerHour | None = None
    high: USDPerHour | None = None
    provider: str
    offer: str

    @model_validator(mode="after")
    def _price_or_range(self) -> Self:
        if (self.price is None) == (self.low is None or self.high is None):
            raise ValueError("give either price, or low and high")
        return self

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest price of the row [USD/hour]."""
        if self.price is not None:
            return self.price, self.price
        assert self.low is not None and self.high is not None
        return self.low, self.high


class TokenPrice(Sourced):
    """List price of an API [USD per million tokens]."""

    model: str
    family: str
    input: NonNegativeFloat | None = None
    output: NonNegativeFloat | None = None
    cached_input: NonNegativeFloat | None = None


class PurchasePrice(Sourced):
    """What a device, server or rack costs to buy [USD].

    ``device`` is the profile it belongs to and ``devices`` how many of it the item holds; None where the item
    is no number of devices.
    """

    item: str
    device: str | None = None
    devices: PositiveInt = 1
    low: NonNegativeFloat | None = None
    high: NonNegativeFloat | None = None


class ServerRow(Sourced):
    """What comes with a device in its server: draw and emissions of making it, a device's share.

    ``host`` is low, mid and high draw of processors, memory, network and fans, the devices aside [W];
    ``embodied`` low, mid and high emissions of making a device and its share of the server [kg CO2e].
    """

    devices: tuple[str, ...]
    host: tuple[Watts, Watts, Watts] | None = None
    embodied: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] | None = None


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


class _RentalFile(BaseModel):
    as_of: str
    rows: tuple[RentalRow, ...]


class _TokenFile(BaseModel):
    as_of: str
    rows: tuple[TokenPrice, ...]


class _PurchaseFile(BaseModel):
    as_of: str
    rows: tuple[PurchasePrice, ...]


class _ServerFile(BaseModel):
    as_of: str
    rows: tuple[ServerRow, ...]


class _ElectricityFile(BaseModel):
    as_of: str
    rows: tuple[ElectricityRow, ...]


class _GridFile(BaseModel):
    as_of: str
    carbon: tuple[CarbonRow, ...]
    pue: tuple[Pue, ...]
    grid_water: tuple[GridWater, ...]
    site_water: tuple[SiteWater, ...]


_File = TypeVar("_File", bound=BaseModel)


def _read(name: str, type_: type[_File]) -> _File:
    path = data_folder("prices") / name
    content: dict[str, Any] = with_citations(read_mapping(path, what="price list"))
    return validated(content, type_, file=path)


@cache
def rental_rows() -> tuple[RentalRow, ...]:
    """Every rental price that ships."""
    return _read("rental.yaml", _RentalFile).rows


@cache
def token_prices() -> tuple[TokenPrice, ...]:
    """Every API token price that ships."""
    return _read("api_tokens.yaml", _TokenFile).rows


@cache
def purchase_prices() -> tuple[PurchasePrice, ...]:
    """Every purchase price that ships."""
    return _read("purchase.yaml", _PurchaseFile).rows


@cache
def server_rows() -> tuple[ServerRow, ...]:
    """Draw and embodied emissions of servers, by device."""
    return _read("servers.yaml", _ServerFile).rows


@cache
def electricity_rows() -> tuple[ElectricityRow, ...]:
    """Every electricity price that ships."""
    return _read("electricity.yaml", _ElectricityFile).rows


@cache
def _grid() -> _GridFile:
    return _read("grid.yaml", _GridFile)


def check_tier(tier: str) -> Tier:
    """The tier of this name.

    Raises
    ------
    InputError
        Where there is no such tier.
    """
    found = next((known for known in TIERS if known == tier.lower()), None)
    if found is None:
        raise InputError(f"unknown price tier {tier!r}{nearest(tier, TIERS)}; known are {', '.join(TIERS)}")
    return found


def rental_price(device: str, tier: str | None = None) -> PriceRange | None:
    """Rent of one device [USD/hour], None where no price is known.

    Parameters
    ----------
    device
        Id or alias of a shipped device, or the id of a user's own (which has no price here).
    tier
        One of ``TIERS``; default: whatever can be rented without a contract (``OPEN_TIERS``)
        or, where a device has no such price, any other tier that can be rented, or the cost
        of owning at last. The result says which.
    """
    wanted: tuple[tuple[Tier, ...], ...] = (
        (OPEN_TIERS, ("reserved", "capacity-block", "spot"), ("owner-cost",))
        if tier is None
        else ((check_tier(tier),),)
    )
    rows = [row for row in rental_rows() if row.device == _device_id(device)]
    for tiers in wanted:
        fitting = [row for row in rows if row.tier in tiers]
        if fitting:
            return _rental_range(fitting)
    return None


def _device_id(name: str) -> str:
    try:
        return find_entry(DEVICES, name, what="device").stem
    except InputError:
        return name


def _rental_range(rows: list[RentalRow]) -> PriceRange:
    return PriceRange(
        low=min(row.span[0] for row in rows),
        mid=median(sum(row.span) / 2 for row in rows),
        high=max(row.span[1] for row in rows),
        unit="USD/hour",
        tiers=tuple(dict.fromkeys(row.tier for row in rows)),
        **_provenance(rows),
    )


def _provenance(rows: list[Any]) -> dict[str, Any]:
    """Number, dates, citations and the weakest confidence of rows."""
    dates = sorted({row.date for row in rows if row.date})
    order = ("datasheet", "third-party-measurement", "vendor-claim", "press", "estimate")
    return {
        "rows": len(rows),
        "date": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "undated",
        "source": tuple(dict.fromkeys(text for row in rows for text in row.source)),
        "confidence": max((row.confidence for row in rows), key=order.index),
    }


def purchase_price(device: str) -> PriceRange | None:
    """Price of one device with its share of the server [USD], None where none is known.

    Servers and racks go before single devices, which cannot run alone.
    """
    name = _device_id(device)
    rows = [row for row in purchase_prices() if row.device == name and row.low is not None]
    whole = [row for row in rows if row.devices > 1] or rows
    if not whole:
        return None
    lows = [(row.low or 0.0) / row.devices for row in whole]
    highs = [(row.high or row.low or 0.0) / row.devices for row in whole]
    middles = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
    return PriceRange(low=min(lows), mid=median(middles), high=max(highs), unit="USD", **_provenance(whole))


def server_of(device: str) -> tuple[ServerRow, ...]:
    """What is known of the server that a device comes in."""
    name = _device_id(device)
    return tuple(row for row in server_rows() if name in row.devices)


def token_price(model: str) -> TokenPrice | None:
    """API price of this model [USD per million tokens], None where it is not listed."""
    return next((row for row in token_prices() if row.model.lower() == model.lower()), None)


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


def electricity_price(region: str) -> PriceRange | None:
    """Price of electricity in a region, or of its country where it has none [USD/kWh].

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    country = check_region(region)
    rows = [row for row in electricity_rows() if row.region.lower() == region.lower()]
    rows = rows or [row for row in electricity_rows() if row.country == country and row.national]
    if not rows:
        return None
    prices = [row.price for row in rows]
    return PriceRange(
        low=min(prices), mid=median(prices), high=max(prices), unit="USD/kWh", **_provenance(rows)
    )


def grid_carbon(region: str) -> CarbonRow | None:
    """Carbon intensity of the grid in a region, or of its country [g CO2e/kWh]; None where not known.

    Raises
    ------
    InputError
        Where the region is not known at all.
    """
    country = check_region(region)
    rows = _grid().carbon
    own = next((row for row in rows if row.region.lower() == region.lower()), None)
    return own or next((row for row in rows if row.country == country and row.national), None)


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
    return _of_operator(_grid().pue, operator, "power usage effectiveness")


def site_water_of(operator: str) -> SiteWater | None:
    """Water that this operator evaporates for cooling; None where it is not known."""
    wanted = operator.lower()
    return next((row for row in _grid().site_water if wanted in row.operator.lower()), None)


_Operated = TypeVar("_Operated", Pue, SiteWater)


def _of_operator(rows: tuple[_Operated, ...], operator: str, what: str) -> _Operated:
    found = next((row for row in rows if operator.lower() in row.operator.lower()), None)
    if found is None:
        names = [row.operator for row in rows]
        raise InputError(
            f"no {what} is known of operator {operator!r}{nearest(operator, names)}; known are"
            f" {', '.join(names)}"
        )
    return found


def typical_pue() -> Pue:
    """The figure where no operator is named: a typical colocation site."""
    return next(row for row in _grid().pue if row.operator.startswith("typical"))
