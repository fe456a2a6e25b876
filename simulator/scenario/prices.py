"""Which prices and which electricity grid a result is reckoned with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from simulator.scenario.spec import Spec
from simulator.units.quantity import GramsPerKilowattHour, LitresPerKilowattHour, USDPerKilowattHour


class OwnershipSpec(Spec):
    """Owning instead of renting: price over life, upkeep, and the electricity of the site."""

    share_in_service: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of its life that hardware is in service and earns [1]."""

    upkeep_per_year: NonNegativeFloat = 0.0
    """Maintenance, staff, space and capital per year, as a share of the price [1]."""


class PricesSpec(Spec):
    """Choices among the shipped, dated prices, and replacements for them.

    What is neither given here nor shipped is unknown in the result, never zero.
    """

    own: OwnershipSpec | None = None
    """Buy the hardware instead of renting it; default: rent."""

    tier: str | None = None
    """Rental tier of the shipped prices: on-demand, neo-cloud, index, reserved, capacity-block, spot or
    owner-cost. Default: what can be rented without a contract (the first three), as a range; where nothing
    can, any other."""

    region: str | None = None
    """Region whose electricity price and grid carbon are used."""

    electricity: USDPerKilowattHour | None = None
    """Price of electricity; default: that of the region."""

    grid_carbon: GramsPerKilowattHour | None = None
    """Carbon intensity of the grid [CO2 equivalent]; default: that of the region."""

    pue: Annotated[float, Field(ge=1.0)] | None = None
    """Power usage effectiveness: energy of the site over energy of its computers."""

    operator: str | None = None
    """Operator whose power and water usage effectiveness are used; default: a typical colocation site."""

    grid_carbon_by_hour: (
        Annotated[tuple[GramsPerKilowattHour, ...], Field(min_length=24, max_length=24)] | None
    ) = None
    """Carbon intensity of the grid for each hour of the day, 24 figures; goes before `grid_carbon`."""

    first_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour of the day at which the run starts, for `grid_carbon_by_hour`."""

    site_water: LitresPerKilowattHour | None = None
    """Water evaporated for cooling per energy of the computers; default: that of the operator."""

    grid_water: LitresPerKilowattHour | None = None
    """Water used to make the electricity; default: that of the region's country."""

    api: str | None = None
    """API whose list price for the same tokens is compared, e.g. `groq/openai/gpt-oss-120b`."""

    hardware_life_years: PositiveFloat = 3.0
    """Life that the emissions of making the hardware are spread over, and the price of owned hardware.
    Default: what EcoLogits assumes."""
