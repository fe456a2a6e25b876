"""Prices, power and sources reach the result; what is unknown stays unknown."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.models.catalogue import name_shown
from simulator.results.ranges import Range
from tests.simulation.scenarios import SMALL, run

POOL = "cluster__pools__0__"


def test_the_shipped_price_with_its_range_and_source():
    price = run(requests=5).context.pools[0].price
    assert 0 < price.low <= price.mid <= price.high
    assert "median of 11 prices, 2025" in price.source


def test_a_price_in_the_scenario_goes_before():
    result = run(requests=5, **{f"{POOL}price": "3.00 USD/h"})
    price = result.context.pools[0].price
    assert (price.low, price.mid, price.high) == (3.0, 3.0, 3.0)
    assert result.summary.to_dict()["cost_per_hour_usd"] == pytest.approx(3.0)


def test_a_tier_narrows_the_price_and_an_unknown_one_is_refused():
    reserved = run(requests=5, prices__tier="reserved").context.pools[0].price
    assert reserved.source.startswith("reserved")
    with pytest.raises(InputError, match="tier"):
        run(requests=5, prices__tier="cheapest")


def test_a_price_that_the_tier_hides_is_said_to_be_there():
    result = run(requests=5, prices__tier="spot", cluster__pools__0__hardware="nvidia-l4")
    assert any(
        "no price for NVIDIA L4 (none in prices.tier 'spot', but in on-demand)" in message
        for message in result.summary.messages
    )


def test_a_device_without_a_price_costs_an_unknown_amount():
    result = run("azure-conv-groq", requests=5, warmup="0 s")
    assert result.context.pools[0].price is None
    assert result.summary.to_dict()["cost_per_hour_usd"] is None
    (message,) = [one for one in result.summary.messages if one.startswith("Cost is unknown")]
    assert message.endswith("(in no tier of the shipped lists; say cluster.pools.0.price).")


def test_owned_hardware_says_where_its_price_comes_from():
    shipped = run(requests=5, prices={"own": {}}).context.pools[0]
    assert shipped.purchase_source.startswith("1 price, 2026: ")
    given = run(requests=5, prices={"own": {}}, **{f"{POOL}purchase": 30000}).context.pools[0]
    assert given.purchase_source == "given in the scenario"
    assert run(requests=5).context.pools[0].purchase_source == ""


def test_what_was_to_be_owned_and_has_no_purchase_price_is_said_to_be_rented_and_by_which_key_to_own_it():
    result = run(requests=5, prices={"own": {}}, **{f"{POOL}hardware": "nvidia-l4"})
    pool, cost = result.context.pools[0], result.summary.cost
    assert pool.purchase is None and pool.price is not None
    assert cost.basis == "rent" and cost.per_hour is not None
    reason = "no purchase price of NVIDIA L4 is known; say cluster.pools.0.purchase"
    assert f"Pool 'main' is rented, not owned: {reason}." in result.summary.messages
    rented = run(requests=5, **{f"{POOL}hardware": "nvidia-l4"})
    assert not any("not owned" in message for message in rented.summary.messages)


def test_without_any_price_the_key_of_the_purchase_price_is_named_too_where_it_was_to_be_owned():
    owned = {"prices": {"own": {}}, f"{POOL}hardware": "nvidia-a100-80g-pcie"}
    messages = run(requests=5, **owned).summary.messages
    (message,) = [one for one in messages if one.startswith("Cost is unknown")]
    assert "say cluster.pools.0.price; to own it say cluster.pools.0.purchase" in message
    assert not any("not owned" in one for one in messages)


def test_the_life_of_hardware_says_where_it_comes_from():
    assumed = run(requests=5).context
    assert assumed.life_years == 3.0 and "ecologits" in assumed.life_source
    given = run(requests=5, prices__hardware_life_years=3.0).context
    assert given.life_source == "given in the scenario"


@pytest.mark.parametrize("power", [{"limit": "100 W", "idle": "120 W"}, {"limit": "10 W"}, {"idle": "9 kW"}])
def test_a_device_that_would_idle_above_its_limit_is_refused(power):
    with pytest.raises(
        InputError, match=r"cluster\.pools\[0\]\.power: .* without requests \(idle\), more than"
    ):
        run(requests=5, **{f"{POOL}power": power})


def test_the_region_brings_electricity_and_carbon():
    site = run(requests=5, prices__region="Germany").context.site
    assert 0.05 < site.electricity_usd_per_kwh.mid < 1.0
    assert 0.1 < site.grid_kg_per_kwh.mid < 1.0
    assert 1.0 < site.grid_l_per_kwh.mid < 10.0
    assert "electricity" in site.source and "carbon" in site.source


def test_without_a_region_electricity_and_carbon_are_unknown():
    site = run(requests=5).context.site
    assert (site.electricity_usd_per_kwh, site.grid_kg_per_kwh) == (None, None)
    assert 1.0 < site.pue.low < site.pue.mid < site.pue.high


def test_figures_of_the_scenario_go_before_those_of_the_region():
    own = {"region": "Germany", "pue": 1.07, "grid_carbon": "12 g/kWh", "electricity": "0.02 USD/kWh"}
    site = run(requests=5, prices=own).context.site
    assert site.pue == Range.exactly(1.07)
    assert site.grid_kg_per_kwh == Range.exactly(0.012)
    assert site.electricity_usd_per_kwh == Range.exactly(0.02)


def test_an_operator_brings_its_pue_and_an_unknown_one_is_refused():
    site = run(requests=5, prices__operator="Google fleet").context.site
    assert site.pue == Range.exactly(1.09)
    with pytest.raises(InputError, match="no power usage effectiveness is known of operator 'Gogle'"):
        run(requests=5, prices__operator="Gogle")


def test_carbon_by_hour_goes_before_that_of_the_region():
    hours = ["100 g/kWh"] * 23 + ["200 g/kWh"]
    site = run(requests=5, prices={"region": "Germany", "grid_carbon_by_hour": hours}).context.site
    assert site.grid_kg_per_kwh_by_hour[22:] == (0.1, 0.2)


def test_owned_hardware_costs_its_price_over_its_life_with_electricity():
    prices = {"own": {"upkeep_per_year": 0.05}, "region": "Virginia", "hardware_life_years": 4.0}
    result = run(requests=5, prices=prices, **{f"{POOL}purchase": 35000.0})
    cost = result.summary.cost
    assert cost.basis == "own"
    per_device_hour = 35000 * (1 / 4 + 0.05) / 8766
    devices = result.context.pools[0].devices
    assert cost.per_hour_usd == pytest.approx(devices * per_device_hour, rel=0.2)
    assert cost.per_hour_usd > devices * per_device_hour


def test_an_api_is_compared_at_its_list_price():
    result = run(requests=5, prices__api="groq/openai/gpt-oss-120b")
    figures = result.summary.to_dict()
    assert figures["api"] == "groq/openai/gpt-oss-120b"
    assert figures["break_even_requests_per_s"] > 0
    with pytest.raises(InputError, match="no API price"):
        run(requests=5, prices__api="nobody/nothing")


def test_power_of_the_scenario_makes_an_unknown_energy_known():
    quiet = {"requests": 5, "warmup": "0 s"}
    assert run("azure-conv-groq", **quiet).summary.energy.total_j is None
    power = {"idle": "100 W", "host": "50 W"}
    known = run("azure-conv-groq", **quiet, **{f"{POOL}power": power}).summary.energy
    assert known.total_j > 0
    assert known.host_j.mid > 0


def test_the_backend_says_how_far_it_was_off_and_where_its_numbers_come_from():
    pool = run(requests=5).context.pools[0]
    assert pool.backend == "roofline"
    assert "error" in pool.provenance and "Sources:" in pool.provenance


def test_estimates_in_the_profile_are_named():
    pool = run("azure-conv-groq", requests=5, warmup="0 s").context.pools[0]
    assert pool.estimates


def test_a_model_is_called_by_the_name_that_was_asked_for():
    def shown(card):
        return run(SMALL | {"model": card}, requests=5).context.model

    assert shown("llama-3.1-8b") == "Llama 3.1 8B"
    asked = "meta-llama/Llama-3.1-8B-Instruct"
    assert shown(asked) == f"{asked} (shape of Llama 3.1 8B)"
    assert name_shown("deepseek-r1") == "deepseek-r1 (shape of DeepSeek-V3 671B)"


def test_seats_that_graphs_are_compiled_for_are_to_be_chosen():
    def hints(device, **engine):
        pool = {"name": "main", "hardware": device, "engine": {"max_model_len": 8192, **engine}}
        result = run(SMALL | {"cluster": {"pools": [pool]}}, requests=5)
        return [one for one in result.summary.messages if "compiled for a fixed number of seats" in one]

    (hint,) = hints("aws-trainium2")
    assert "256 by default" in hint and "Say engine.max_num_seqs" in hint
    assert hints("aws-trainium2", max_num_seqs=16) == [] == hints("nvidia-h100-sxm")
