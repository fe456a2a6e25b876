"""The place that houses a cluster: what the scenario says, else what is shipped for operator and region."""

from __future__ import annotations

from simulator.errors import InputError
from simulator.hardware.sites import (
    electricity_price,
    grid_carbon,
    grid_water,
    pue_figures,
    pue_of,
    site_water_of,
    typical_pue,
)
from simulator.results.context import Site
from simulator.results.ranges import Range
from simulator.scenario.prices import PricesSpec

G_PER_KG = 1000.0
#: The operator whose water stands in where none is named.
GENERIC_OPERATOR = "generic hosted"


def site_of(prices: PricesSpec) -> Site:
    """Power and water usage effectiveness, price, carbon and water of the electricity; unknown stays None."""
    sources: list[str] = []
    by_hour = prices.grid_carbon_by_hour
    return Site(
        pue=_pue(prices, sources),
        electricity_usd_per_kwh=_electricity(prices, sources),
        grid_kg_per_kwh=_grid_carbon(prices, sources),
        grid_kg_per_kwh_by_hour=None if by_hour is None else tuple(value / G_PER_KG for value in by_hour),
        first_hour=prices.first_hour,
        site_l_per_kwh=_site_water(prices, sources),
        grid_l_per_kwh=_grid_water(prices, sources),
        source="; ".join(sources),
    )


def _pue(prices: PricesSpec, sources: list[str]) -> Range:
    """As given, of the operator, or of a typical site between the best and the average of the industry."""
    if prices.pue is not None:
        return Range.exactly(prices.pue)
    if prices.operator is not None:
        try:
            row = pue_of(prices.operator)
        except InputError as error:
            raise InputError(error.message, key="prices.operator") from None
        sources.append(f"PUE {row.pue:g} ({row.operator}): {'; '.join(row.source)}")
        return Range.exactly(row.pue)
    typical, known = typical_pue(), [row.pue for row in pue_figures()]
    sources.append(f"PUE {typical.pue:g} ({typical.operator}): {'; '.join(typical.source)}")
    return Range(min(known), typical.pue, max(known))


def _electricity(prices: PricesSpec, sources: list[str]) -> Range | None:
    if prices.electricity is not None:
        return Range.exactly(prices.electricity)
    price = None if prices.region is None else electricity_price(prices.region)
    if price is None:
        return None
    sources.append(f"electricity: {price.citation}")
    return Range(price.low, price.mid, price.high)


def _grid_carbon(prices: PricesSpec, sources: list[str]) -> Range | None:
    if prices.grid_carbon is not None:
        return Range.exactly(prices.grid_carbon / G_PER_KG)
    row = None if prices.region is None else grid_carbon(prices.region)
    if row is None:
        return None
    sources.append(f"grid carbon: {'; '.join(row.source)}")
    return Range.exactly(row.carbon / G_PER_KG)


def _site_water(prices: PricesSpec, sources: list[str]) -> Range | None:
    if prices.site_water is not None:
        return Range.exactly(prices.site_water)
    row = site_water_of(prices.operator or GENERIC_OPERATOR)
    if row is None:
        return None
    sources.append(f"site water ({row.operator}): {'; '.join(row.source)}")
    return Range(row.low, (row.low + row.high) / 2, row.high)


def _grid_water(prices: PricesSpec, sources: list[str]) -> Range | None:
    if prices.grid_water is not None:
        return Range.exactly(prices.grid_water)
    row = None if prices.region is None else grid_water(prices.region)
    if row is None:
        return None
    sources.append(f"grid water: {'; '.join(row.source)}")
    return Range.exactly(row.water)
