"""What a scenario is compared over."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from simulator.scenario.cluster import PowerSpec
from simulator.scenario.spec import PositiveDollars, Spec
from simulator.units.quantity import USDPerHour


class EntrantSpec(Spec):
    """One kind of hardware, with what is not published about it, where someone knows or assumes it."""

    hardware: str
    """Name of a shipped hardware profile, or the path of one."""

    price: USDPerHour | None = None
    """Price of one device for an hour; default: the shipped prices."""

    purchase: PositiveDollars | None = None
    """Price of one device with its share of the server, `30000 USD` or `30000`, for `prices.own`; default:
    the shipped one."""

    power: PowerSpec = PowerSpec()
    """Draw of one device where the profile has none, or another."""


def entrant_from_name(entry: Any) -> Any:
    """``name`` stands for ``{hardware: name}``."""
    return {"hardware": entry} if isinstance(entry, str) else entry


class CompareSpec(Spec):
    """What `simulator compare` puts in the place of the cluster's hardware; how, `SizeSpec` says."""

    hardware: tuple[Annotated[EntrantSpec, BeforeValidator(entrant_from_name)], ...] = Field(min_length=1)
    """Names or paths of hardware profiles, or such with prices and powers."""
