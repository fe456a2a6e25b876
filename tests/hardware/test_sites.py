"""Where a cluster stands: electricity, carbon, PUE and water; unknown rather than zero."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.hardware import sites


def test_a_region_without_its_own_price_takes_its_countrys() -> None:
    virginia, cloud = sites.electricity_price("Virginia"), sites.electricity_price("us-east4")
    assert virginia is not None
    assert cloud is not None
    assert virginia.mid == 0.1301
    assert cloud.mid == 0.1437


def test_a_region_with_two_figures_gives_a_range() -> None:
    ohio = sites.electricity_price("Ohio")
    assert ohio is not None
    assert (ohio.low, ohio.high, ohio.rows) == (0.079, 0.143, 2)


def test_carbon_is_known_by_region_country_and_code() -> None:
    for region in ("Germany", "DEU", "germany"):
        row = sites.grid_carbon(region)
        assert row is not None
        assert row.carbon == 381
    oregon = sites.grid_carbon("us-west1")
    assert oregon is not None
    assert oregon.carbon == 94


def test_what_is_unknown_of_a_known_region_is_none() -> None:
    assert sites.electricity_price("GBR") is None
    assert sites.grid_carbon("EU average") is None


def test_an_unknown_region_brings_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'Virginia'"):
        sites.grid_carbon("Virgina")


def test_water_and_pue_are_there() -> None:
    water = sites.grid_water("us-west1")
    assert water is not None
    assert water.water == 3.1321
    assert sites.typical_pue().pue == 1.3
    assert all(figure.pue >= 1 for figure in sites.pue_figures())
    assert all(site.low <= site.high for site in sites.site_water())
