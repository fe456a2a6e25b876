"""Numbers read well and the unknown is called so."""

from __future__ import annotations

import pytest

from simulator.reporting import numbers as show
from simulator.results.ranges import Range


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0.1234, "0.123 ms"), (999.0, "999 ms"), (1500, "1.50 s"), (90_000, "1.50 min"), (None, "–")],
)
def test_latencies_take_the_unit_that_reads_best(ms, text):
    assert show.milliseconds(ms) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.99999, "> 99.99 %"),
        (0.9994, "99.94 %"),
        (0.9, "90 %"),
        (0.624, "62.4 %"),
        (0.0, "0 %"),
    ],
)
def test_nearly_all_is_not_shown_as_all(share, text):
    assert show.percent(share) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "unknown"), (0, "$0.00"), (1234.5, "$1,234.50"), (0.000244, "$0.000244")]
)
def test_money_is_unknown_or_exact_enough(usd, text):
    assert show.dollars(usd) == text


@pytest.mark.parametrize(
    ("joules", "text"), [(None, "unknown"), (2.5, "2.50 J"), (2500, "2.50 kJ"), (7.2e6, "2.00 kWh")]
)
def test_energy_takes_the_unit_that_reads_best(joules, text):
    assert show.energy(joules) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,234,567"), (0.5, "0.500"), (1.2e-9, "1.20e-09"), (None, "–")]
)
def test_plain_numbers_have_three_significant_digits(value, text):
    assert show.number(value) == text


def test_energies_of_a_table_have_one_unit():
    sums = show.energies([1.82e6, None, 2.76e6])
    assert show.span(Range(1.82e6, 2.76e6, 4.1e6), sums) == "2,760 kJ (1,820 kJ to 4,100 kJ)"
    assert show.energies([7.2e6, 36.0])(360_000.0) == "0.100 kWh"
    assert show.span(None, sums) == show.UNKNOWN


def test_energy_of_one_request_goes_with_the_unit_of_the_sums():
    assert show.energies_of_one([7.2e6])(36.0) == "0.0100 Wh"
    assert show.energies_of_one([7.2e5, None])(3600.0) == "3,600 J"


@pytest.mark.parametrize(
    ("text", "values", "written"),
    [
        (show.milliseconds, (80.0, None, 1500.0), ["0.0800 s", show.NOTHING, "1.50 s"]),
        (show.watts, (700.0, 5600.0), ["0.700 kW", "5.60 kW"]),
        (show.energy, (0.5, 2.0), ["0.500 J", "2.00 J"]),
        (show.count, (1, 2000), ["1", "2,000"]),
    ],
)
def test_what_stands_beside_one_another_has_one_unit(text, values, written):
    assert [show.alike(text, values)(value) for value in values] == written
