"""Rent or ownership, allocation and usage, input and output tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.results.context import Site, TenantContext
from simulator.results.ranges import Range
from simulator.results.summary import summarise
from tests.results.recordings import context, one_server, with_fleet, with_pool

RECORDING = one_server(np.arange(10.0))  # 9.2 s, 10 requests of 100 + 11 tokens; busy 0.2 s each
RENT = 3.6 * 9.2 / 3600


def test_rent_is_paid_for_all_devices_all_the_time():
    cost = summarise(RECORDING, context()).cost
    assert cost.basis == "rent"
    assert cost.total_usd == pytest.approx(RENT)
    assert cost.total.low == pytest.approx(RENT / 2)
    assert cost.total.high == pytest.approx(RENT * 2)
    assert cost.per_hour_usd == pytest.approx(3.6)
    assert cost.per_request_usd == pytest.approx(RENT / 10)
    assert cost.per_million_output_tokens_usd == pytest.approx(RENT / 110e-6)
    assert cost.per_million_tokens_usd == pytest.approx(RENT / 1110e-6)


def test_more_devices_in_a_replica_cost_more():
    four = summarise(RECORDING, with_pool(context(), devices_per_replica=4)).cost
    assert four.total_usd == pytest.approx(4 * RENT)


def test_usage_is_the_busy_share_of_the_allocation():
    cost = summarise(RECORDING, context()).cost
    assert cost.usage.mid == pytest.approx(RENT * 2.0 / 9.2)


def test_input_and_output_tokens_share_the_cost_by_the_time_they_took():
    cost = summarise(RECORDING, context()).cost
    # of 0.2 s a request the prompt takes 0.1 s
    assert cost.allocated.input.mid == pytest.approx(0.5 * RENT / 1000e-6)
    assert cost.allocated.output.mid == pytest.approx(0.5 * RENT / 110e-6)
    assert cost.used.output.mid == pytest.approx(0.5 * cost.usage.mid / 110e-6)
    whole = cost.allocated.input.mid * 1000e-6 + cost.allocated.output.mid * 110e-6
    assert whole == pytest.approx(cost.total_usd)


def test_owned_hardware_costs_its_price_over_its_life_and_the_electricity():
    owned = with_pool(context(life_years=4.0), purchase=Range(8766.0, 35064.0, 70128.0))
    summary = summarise(RECORDING, owned)
    electricity = 0.1 * summary.energy.facility_j.mid / 3.6e6
    assert summary.cost.basis == "own"
    # 35,064 USD over 4 x 8,766 hours is a dollar an hour
    assert summary.cost.total_usd == pytest.approx(9.2 / 3600 + electricity)
    assert summary.cost.total.low == pytest.approx(0.25 * 9.2 / 3600 + electricity)


def test_hardware_that_stands_still_half_its_life_costs_twice_as_much_in_service():
    owned = with_pool(context(life_years=4.0), purchase=Range.exactly(35064.0))
    always = summarise(RECORDING, owned).cost
    half = summarise(RECORDING, replace(owned, share_in_service=0.5)).cost
    assert half.total_usd - always.total_usd == pytest.approx(9.2 / 3600)


def test_upkeep_adds_a_yearly_share_of_the_price():
    owned = with_pool(context(life_years=4.0), purchase=Range.exactly(35064.0))
    free = summarise(RECORDING, owned).cost
    kept = summarise(RECORDING, replace(owned, upkeep_per_year=0.25)).cost
    assert kept.total_usd - free.total_usd == pytest.approx(9.2 / 3600)


def test_owned_hardware_with_unknown_electricity_has_an_unknown_cost():
    owned = with_pool(context(site=Site(pue=Range.exactly(1.2))), purchase=Range.exactly(1000.0))
    summary = summarise(RECORDING, owned)
    assert summary.cost.total is None
    assert any("that of the electricity is not known" in message for message in summary.messages)


def test_one_pool_without_a_price_makes_the_total_unknown_but_not_the_other_pool():
    pool, about = RECORDING.pools[0], context()
    recording = replace(RECORDING, pools=(pool, replace(pool, name="other")))
    free = replace(about.pools[0], name="other", price=None)
    cost = summarise(recording, replace(about, pools=(about.pools[0], free))).cost
    assert cost.total_usd is None
    assert cost.used.input is None
    assert cost.by_pool_usd["main"] == pytest.approx(RENT)
    assert cost.by_pool_usd["other"] is None


def two_owned_pools():
    """The recording twice: another pool of twice the devices, with hosts, stands beside the first."""
    about = with_pool(context(), purchase=Range.exactly(35064.0), host_w=Range.exactly(50.0))
    second = replace(about.pools[0], name="other", devices_per_replica=2)
    pool = RECORDING.pools[0]
    recording = replace(RECORDING, pools=(pool, replace(pool, name="other")))
    return recording, replace(about, pools=(about.pools[0], second))


def test_the_costs_of_owned_pools_with_their_electricity_add_up_to_the_total():
    recording, about = two_owned_pools()
    summary = summarise(recording, about)
    assert sum(summary.cost.by_pool_usd.values()) == pytest.approx(summary.cost.total_usd)
    parts = [part.facility_j.mid for part in summary.energy.pools]
    assert sum(parts) == pytest.approx(summary.energy.facility_j.mid)
    # The hosts of two more devices at 50 W make the difference: 9.2 s at a PUE of 1.5.
    assert parts[1] - parts[0] == pytest.approx(50.0 * 9.2 * 1.5)


def test_one_unknown_host_is_left_out_of_its_pool_and_the_total_alike():
    recording, about = two_owned_pools()
    hostless = replace(about, pools=(about.pools[0], replace(about.pools[1], host_w=None)))
    summary = summarise(recording, hostless)
    parts = [part.facility_j.mid for part in summary.energy.pools]
    assert sum(parts) == pytest.approx(summary.energy.facility_j.mid)
    assert parts[0] - parts[1] == pytest.approx(50.0 * 9.2 * 1.5)


def test_beside_an_owned_pool_a_rented_one_pays_no_electricity_beside_its_rent():
    recording, about = two_owned_pools()
    rented = replace(about.pools[0], purchase=None, no_purchase="none is known; say so")
    summary = summarise(recording, replace(about, pools=(rented, about.pools[1])))
    cost = summary.cost
    assert cost.by_pool_usd["main"] == pytest.approx(RENT)
    assert "Pool 'main' is rented, not owned: none is known; say so." in summary.messages
    told = summary.to_dict()
    assert (told["cost_basis"], told["owned_devices"]) == ("own and rent", 2)
    assert [pool["owned"] for pool in told["pools"]] == [False, True]
    # Of the electricity only that of the second pool is in the cost.
    per_j = 0.1 / 3.6e6
    own_j = summary.energy.pools[1].facility_j.mid
    assert told["electricity_in_cost_usd"] == pytest.approx(own_j * per_j)
    assert told["electricity_cost_usd"] == pytest.approx(summary.energy.facility_j.mid * per_j)
    hardware = 2 * 35064.0 / (3 * 8766) * 9.2 / 3600
    assert cost.total_usd == pytest.approx(RENT + hardware + told["electricity_in_cost_usd"])


def test_rent_has_no_electricity_beside_it_and_owning_has_all():
    recording, about = two_owned_pools()
    owned = summarise(recording, about).cost
    rented = summarise(RECORDING, context()).cost
    assert owned.electricity_of_owned.mid == pytest.approx(owned.electricity.mid) and owned.owned_devices == 3
    assert rented.electricity_of_owned.mid == 0.0 < rented.electricity.mid and rented.owned_devices == 0


def test_what_an_autoscaler_may_have_is_said_to_be_owned_where_it_is_not_always_on():
    owned = with_pool(context(), purchase=Range.exactly(35064.0), autoscale_max=3)
    pool = with_fleet(RECORDING, [0, 4_600_000_000], [1, 2]).pools[0]

    def said(about, slots):
        fleet = replace(pool.fleet, slots=slots)
        recording = replace(RECORDING, pools=(replace(pool, fleet=fleet),))
        return [text for text in summarise(recording, about).messages if "autoscale.max" in text]

    (message,) = said(owned, 3)
    assert "all 3 replicas of its autoscale.max are owned and paid for, though 1.5 were on" in message
    assert message.endswith("at most 2 served.")
    assert said(with_pool(owned, purchase=None), 3) == []
    assert said(with_pool(owned, autoscale_max=None), 3) == []


def test_the_costs_of_tenants_of_owned_hardware_add_up_to_the_total():
    owned = with_pool(context(), purchase=Range.exactly(35064.0))
    tenants = (TenantContext("one"), TenantContext("other"))
    turns = replace(RECORDING.requests, tenant=np.arange(10) % 2)
    summary = summarise(replace(RECORDING, requests=turns), replace(owned, tenants=tenants))
    assert sum(tenant.cost_usd for tenant in summary.tenants) == pytest.approx(summary.cost.total_usd)


def test_rent_follows_the_machines_that_are_on_and_ownership_those_there_are():
    owned = with_pool(context(life_years=4.0), purchase=Range.exactly(35064.0))

    def cost(about, slots, **changes):
        pool = with_fleet(RECORDING, [0], [1]).pools[0]
        fleet = replace(pool.fleet, slots=slots, **changes)
        return summarise(replace(RECORDING, pools=(replace(pool, fleet=fleet),)), about).cost

    assert cost(context(), 3).total_usd == cost(context(), 1).total_usd
    three, one = cost(owned, 3), cost(owned, 1)
    assert three.total_usd - one.total_usd == pytest.approx(2 * 9.2 / 3600)
    assert cost(owned, 3, changes_sides=True).total_usd == one.total_usd


def test_usage_is_that_of_the_replicas_in_service_and_not_of_machines_that_are_off():
    pool = with_fleet(RECORDING, [0], [1]).pools[0]
    off = replace(RECORDING, pools=(replace(pool, fleet=replace(pool.fleet, slots=3)),))
    starting = replace(RECORDING, pools=(replace(pool, fleet=replace(pool.fleet, on=np.array([2]))),))
    owned = with_pool(context(), purchase=Range.exactly(35064.0))
    owned = replace(owned, site=replace(context().site, electricity_usd_per_kwh=Range.exactly(0.0)))
    assert summarise(off, owned).cost.total_usd == pytest.approx(
        3 * summarise(RECORDING, owned).cost.total_usd
    )
    assert summarise(off, owned).cost.usage == summarise(RECORDING, owned).cost.usage
    assert summarise(starting, context()).cost.total_usd == pytest.approx(2 * RENT)
    assert summarise(starting, context()).cost.usage.mid == pytest.approx(RENT * 2.0 / 9.2)


def test_the_busy_part_of_a_rent_has_the_replicas_that_end_what_they_have_in_it():
    """Ten replicas go within a second, but each works through what it has: all that is paid for is used."""
    busy = one_server(np.zeros(46))  # 9.2 s without a gap
    pool = busy.pools[0]
    windows = replace(pool.windows, busy_ns=10 * pool.windows.busy_ns)
    ten = replace(busy, pools=(replace(pool, replicas=10, windows=windows),))
    drained = with_fleet(ten, [0, 1_000_000_000], [10, 1], [0, 9])
    about = with_pool(context(), replicas=10)
    cost = summarise(drained, about).cost
    assert cost.total_usd == pytest.approx(10 * RENT)
    assert cost.usage.mid == pytest.approx(10 * RENT)
    assert cost.usage_by_pool_usd == {"main": pytest.approx(10 * RENT)}


def test_the_busy_part_of_owned_machines_is_busy_time_over_all_that_is_paid_for():
    """One of four places has a machine; it has a step for 2 s of 9.2 s."""
    owned = with_pool(context(), purchase=Range.exactly(35064.0), autoscale_max=4)
    owned = replace(owned, site=replace(context().site, electricity_usd_per_kwh=Range.exactly(0.0)))
    pool = with_fleet(RECORDING, [0], [1]).pools[0]
    recording = replace(RECORDING, pools=(replace(pool, fleet=replace(pool.fleet, slots=4)),))
    cost = summarise(recording, owned).cost
    assert cost.usage.mid / cost.total_usd == pytest.approx(2.0 / (4 * 9.2))


def test_the_busy_parts_of_pools_add_up_to_that_of_all():
    recording, about = two_owned_pools()
    cost = summarise(recording, about).cost
    assert sum(cost.usage_by_pool_usd.values()) == pytest.approx(cost.usage.mid)
    for pool, usd in cost.usage_by_pool_usd.items():
        assert 0 < usd < cost.by_pool_usd[pool]


def test_what_prompts_used_is_that_of_the_pools_that_computed_them():
    """Two pools of the same rent, one for prompts that is seldom busy and one for outputs that often is."""
    pool, about = RECORDING.pools[0], context()
    busy_ns = pool.windows.busy_ns
    prompts = replace(pool.windows, busy_ns=busy_ns // 2, prefill_ns=busy_ns // 2)
    outputs = replace(pool.windows, busy_ns=4 * busy_ns, prefill_ns=0 * busy_ns)
    pools = (replace(pool, windows=prompts), replace(pool, name="other", windows=outputs))
    cost = summarise(
        replace(RECORDING, pools=pools),
        replace(about, pools=(about.pools[0], replace(about.pools[0], name="other"))),
    ).cost
    used = cost.usage_by_pool_usd
    assert used["other"] == pytest.approx(8 * used["main"])
    assert cost.used.input.mid * 1000e-6 == pytest.approx(used["main"])
    assert cost.used.output.mid * 110e-6 == pytest.approx(used["other"])
    # Both stand there all the time, whatever they do.
    assert cost.allocated.input.mid * 1000e-6 == pytest.approx(RENT)
