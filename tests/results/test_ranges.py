"""Figures with a spread."""

from __future__ import annotations

import pytest

from simulator.results.ranges import Range, per, times, total


def test_sums_and_products_take_the_outermost():
    one, other = Range(1, 2, 3), Range(10, 20, 40)
    assert one + other == Range(11, 22, 43)
    assert one * other == Range(10, 40, 120)
    assert other / 10 == Range(1, 2, 4)


def test_what_is_unknown_makes_what_follows_unknown():
    assert total([Range(1, 2, 3), None]) is None
    assert times(None, 2.0) is None
    assert times(Range(1, 2, 3), None) is None
    assert per(Range(1, 2, 3), 0) is None
    assert total([]) is None


@pytest.mark.parametrize("values", [(2, 1, 3), (1, 3, 2), (-1, 0, 1)])
def test_figures_out_of_order_or_negative_are_a_mistake(values):
    with pytest.raises(ValueError, match="in order"):
        Range(*values)
