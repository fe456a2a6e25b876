"""What a scenario asks for in vain is said in its result."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from tests.simulation.scenarios import SMALL, run

POOL = "cluster__pools__0__"


def about_purchases(result):
    return [message for message in result.summary.messages if "purchase price" in message]


def test_a_purchase_price_of_hardware_that_is_rented_has_no_effect():
    rented = run(requests=5, **{f"{POOL}purchase": "30000 USD"})
    assert rented.summary.cost == run(requests=5).summary.cost
    (told,) = about_purchases(rented)
    assert told == (
        "The purchase price of pool 'main' (cluster.pools.0.purchase, 30000 USD) has no effect: hardware is"
        " rented; to own it say prices.own: {}."
    )


def test_a_purchase_price_of_hardware_that_is_owned_is_no_news():
    assert about_purchases(run(requests=5, prices={"own": {}}, **{f"{POOL}purchase": 30000})) == []
    assert about_purchases(run(requests=5)) == []


@pytest.mark.parametrize("price", ["30000 USD", "30 kUSD", "30000 $", 30000, "30000"])
def test_a_purchase_price_is_read_with_its_unit_and_without(price):
    result = run(requests=5, prices={"own": {}}, **{f"{POOL}purchase": price})
    assert result.context.pools[0].purchase.mid == 30000.0
    assert result.scenario["cluster"]["pools"][0]["purchase"] == "30000 USD"


@pytest.mark.parametrize("price", [0, "0 USD", -3, "-3 USD", "3 USD/hour", "3 GB", "$3", True])
def test_what_is_no_purchase_price_is_refused_by_its_key(price):
    with pytest.raises(InputError, match=r"cluster\.pools\[0\]\.purchase: found"):
        run(SMALL, **{f"{POOL}purchase": price})
