"""What devices and tokens cost, read from ``prices/``; every row is dated.

Rent per device-hour by tier, API token prices, purchase prices, and what comes with a device in its server.
What is not known is None, never zero. Rent includes electricity; ``owner-cost`` is a modelled cost of owning
and no price that can be rented at.
"""

from __future__ import annotations

from functools import cache
from statistics import median
from typing import Literal, Self

from pydantic import BaseModel, NonNegativeFloat, PositiveInt, model_validator

from simulator.errors import InputError, nearest
from simulator.hardware.catalogue import FOLDER as DEVICES
from simulator.hardware.device import Sourced
from simulator.hardware.price_lists import PriceRange, provenance, read_list
from simulator.units.catalogue import find_entry
from simulator.units.quantity import USDPerHour, Watts

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


@cache
def rental_rows() -> tuple[RentalRow, ...]:
    """Every rental price that ships."""
    return read_list("rental.yaml", _RentalFile).rows


@cache
def token_prices() -> tuple[TokenPrice, ...]:
    """Every API token price that ships."""
    return read_list("api_tokens.yaml", _TokenFile).rows


@cache
def purchase_prices() -> tuple[PurchasePrice, ...]:
    """Every purchase price that ships."""
    return read_list("purchase.yaml", _PurchaseFile).rows


@cache
def server_rows() -> tuple[ServerRow, ...]:
    """Draw and embodied emissions of servers, by device."""
    return read_list("servers.yaml", _ServerFile).rows


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
    name = _device_id(device)
    rows = [row for row in rental_rows() if row.device == name]
    for tiers in wanted:
        fitting = [row for row in rows if row.tier in tiers]
        if fitting:
            return _rental_range(fitting)
    return None


def priced_tiers(device: str) -> tuple[Tier, ...]:
    """Tiers that a device has a shipped price in; none for a user's own device."""
    name = _device_id(device)
    found = {row.tier for row in rental_rows() if row.device == name}
    return tuple(tier for tier in TIERS if tier in found)


@cache
def _device_id(name: str) -> str:
    """Id of a shipped device, or the name itself; to see that none has it takes reading all profiles."""
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
        **provenance(rows),
    )


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
    return PriceRange(low=min(lows), mid=median(middles), high=max(highs), unit="USD", **provenance(whole))


def server_of(device: str) -> tuple[ServerRow, ...]:
    """What is known of the server that a device comes in."""
    name = _device_id(device)
    return tuple(row for row in server_rows() if name in row.devices)


def token_price(model: str) -> TokenPrice | None:
    """API price of this model [USD per million tokens], None where it is not listed."""
    return next((row for row in token_prices() if row.model.lower() == model.lower()), None)
