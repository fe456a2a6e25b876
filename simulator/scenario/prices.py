"""Which prices and which electricity grid a result is reckoned with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.scenario.spec import Spec
from simulator.units.quantity import GramsPerKilowattHour, USDPerKilowattHour


class PricesSpec(Spec):
    """Choices among the shipped, dated prices, and replacements for them.

    What is neither given here nor shipped is unknown in the result, never zero.
    """

    tier: str | None = None
    """Rental tier of the shipped prices: on-demand, reserved, ...; default: all tiers, as a range."""

    region: str | None = None
    """Region whose electricity price and grid carbon are used."""

    electricity: USDPerKilowattHour | None = None
    """Price of electricity; default: that of the region."""

    grid_carbon: GramsPerKilowattHour | None = None
    """Carbon intensity of the grid [CO2 equivalent]; default: that of the region."""

    pue: Annotated[float, Field(ge=1.0)] | None = None
    """Power usage effectiveness: energy of the site over energy of its computers."""
