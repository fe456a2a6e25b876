"""The screen shows the answer, its caveats and what is unknown, at any width."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from simulator.reporting.numbers import dollars
from simulator.reporting.screen import print_summary
from simulator.results.ranges import Range
from tests.results.recordings import S, context, one_server, result, with_pool

STABLE = one_server(np.arange(10.0))


def printed(finished, width: int = 150) -> str:
    out = io.StringIO()
    print_summary(finished, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_figures_are_there_at_any_width(width):
    text = printed(result(STABLE), width)
    assert "TTFT" in text
    assert "200 ms" in text  # end to end
    assert "$3.60 per hour" in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_an_unknown_price_is_shown_as_unknown():
    text = printed(result(STABLE, with_pool(context(), price=None)))
    assert "price unknown" in text
    assert "no price for test-device" in text
    assert not re.search(r"\$0\.00\D", text)


def test_only_abbreviations_stand_for_their_names_on_a_narrow_screen():
    text = printed(result(STABLE), 80)
    assert "Time to first token" not in text and "TTFT" in text
    assert "Mean batch (sequences)" in text
    assert "Time in queue" in text


def test_an_overload_is_said():
    text = printed(result(one_server(np.arange(600) * 0.1, width_ns=S)))
    assert "the queue grew without bound" in text


def test_square_brackets_in_names_are_not_markup():
    assert "[red]lpu[/]" in printed(result(STABLE, with_pool(context(), device="[red]lpu[/]")))


def test_a_run_in_which_nothing_finished_is_shown():
    assert "No request finished" in printed(result(one_server([0.0], end_s=0.05)))


def test_the_cost_of_owning_shows_what_it_is_reckoned_from_and_not_the_rent():
    owned = with_pool(
        context(life_years=4.0, life_source="a maker's warranty", upkeep_per_year=0.1),
        purchase=Range(20000.0, 30000.0, 40000.0),
        purchase_source="a maker's list",
    )
    text = printed(result(STABLE, owned), 200)
    assert "Owning all devices (1)" in text
    assert "$30,000.00 ($20,000.00 to $40,000.00)" in text
    assert "4.00 years, 100 %" in text
    assert re.search(r"Upkeep per year, of the purchase price +10 %", text)
    assert "test-device, to buy: a maker's list; life of 4 years: a maker's warranty" in text
    assert "price list of the test" not in text


def test_what_is_rented_beside_what_is_owned_is_named():
    pool, about = STABLE.pools[0], context()
    recording = replace(STABLE, pools=(pool, replace(pool, name="other")))
    owned = replace(about.pools[0], purchase=Range.exactly(30000.0), devices_per_replica=4)
    other = replace(about.pools[0], name="other", device="other-device", devices_per_replica=2)
    shown = result(recording, replace(about, pools=(owned, other)))
    text = printed(shown, 200)
    assert "Owning 4 devices, renting 2 × other-device (pool 'other')" in text
    in_cost = shown.summary.cost.electricity_of_owned.mid
    assert f"Electricity of what is owned, in the cost  {dollars(in_cost)}" in re.sub("   +", "  ", text)
    assert in_cost < shown.summary.cost.electricity.mid


def test_sums_over_hosts_say_whose_they_leave_out():
    pool, about = STABLE.pools[0], context()
    recording = replace(STABLE, pools=(pool, replace(pool, name="other")))
    known = replace(about.pools[0], host_w=Range.exactly(20.0))
    other = replace(about.pools[0], name="other", device="other-device")
    text = printed(result(recording, replace(about, pools=(known, other))), 200)
    for row in ("Hosts", r"Facility \(with PUE\)"):
        assert re.search(rf"{row} +[\d.,]+ \w+ without hosts of other-device in pool 'other'", text)
    assert "without hosts" not in printed(result(STABLE, with_pool(context(), host_w=Range.exactly(1.0))))
