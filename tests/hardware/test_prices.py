"""Prices: dated, with a spread, and unknown rather than zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.hardware import device_names, prices


def test_rent_of_an_h100_is_a_range_of_many_offers() -> None:
    rent = prices.rental_price("h100")
    assert rent is not None
    assert rent.low < rent.mid < rent.high
    assert rent.rows > 5
    assert 2 < rent.mid < 4
    assert "2026" in rent.date


def test_alias_and_id_have_the_same_price() -> None:
    assert prices.rental_price("h100") == prices.rental_price("nvidia-h100-sxm")


@pytest.mark.parametrize("device", ["groq", "apple-m4-max", "my-own-device"])
def test_an_unknown_price_is_none(device: str) -> None:
    assert prices.rental_price(device) is None


def test_tiers_are_kept_apart() -> None:
    spot, reserved = prices.rental_price("h100", "spot"), prices.rental_price("h100", "reserved")
    assert spot is not None
    assert reserved is not None
    assert spot.tiers == ("spot",)
    assert reserved.tiers == ("reserved",)
    assert prices.rental_price("wse-3", "on-demand") is None


def test_the_cost_of_owning_stands_in_only_where_nothing_can_be_rented() -> None:
    wafer = prices.rental_price("wse-3")
    assert wafer is not None
    assert wafer.tiers == ("owner-cost",)
    h100 = prices.rental_price("h100")
    assert h100 is not None
    assert "owner-cost" not in h100.tiers


def test_the_weakest_source_decides_the_confidence() -> None:
    b200 = prices.rental_price("b200")
    assert b200 is not None
    assert b200.confidence == "estimate"


def test_an_unknown_tier_brings_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'on-demand'"):
        prices.rental_price("h100", "ondemand")


def test_prices_are_of_known_devices_positive_and_dated() -> None:
    for row in prices.rental_rows():
        assert row.device in device_names()
        assert 0 < row.span[0] <= row.span[1]
        assert row.date


def test_token_prices_are_found_by_name_only() -> None:
    first = prices.token_prices()[0]
    assert prices.token_price(first.model.upper()) == first
    assert prices.token_price("no-such-model") is None


def test_purchase_prices_are_ranges() -> None:
    assert all(
        item.low is None or item.high is None or item.low <= item.high for item in prices.purchase_prices()
    )


def test_profiles_are_read_once_to_see_that_a_device_of_ones_own_has_no_price(monkeypatch) -> None:
    looked_up = []

    def find(folder: str, name: str, *, what: str) -> Path:
        looked_up.append(name)
        raise InputError("unknown")

    monkeypatch.setattr(prices, "find_entry", find)
    prices._device_id.cache_clear()
    for _ in range(3):
        assert prices.rental_price("acme-x1") is None and prices.priced_tiers("acme-x1") == ()
        assert prices.purchase_price("acme-x1") is None and prices.server_of("acme-x1") == ()
    assert looked_up == ["acme-x1"]


def test_making_a_device_counts_its_share_of_the_server_at_every_end_of_the_range() -> None:
    """Emissions of the device alone are no low estimate of those with the server."""
    eighth_of_server = 5700 / 8
    for device, alone in (("h100", 164), ("b200", 2274 / 8)):
        (made,) = [row.embodied for row in prices.server_of(device) if row.embodied is not None]
        assert made == pytest.approx((alone + eighth_of_server,) * 3, rel=1e-3)
