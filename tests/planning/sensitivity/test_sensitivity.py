"""Which input decides a figure."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.sensitivity.question import Question
from simulator.planning.sensitivity.sobol import sobol
from simulator.planning.sensitivity.tables import sobol_table, tornado_table
from simulator.planning.sensitivity.tornado import tornado
from simulator.planning.sweep.ranges import parse_range
from tests.planning.sweep.test_sweep import SCENARIO

COST = "cost_per_hour_usd"
SMALL = {**SCENARIO, "requests": 20}


def ranges(*texts: str):
    return tuple(parse_range(text) for text in texts)


def test_a_range_is_written_as_its_ends_were():
    (rate,) = ranges("workload.arrivals.rate=8 /s,16 /s")
    assert [rate.at(share) for share in (0.0, 0.5, 1.0)] == ["8.0 /s", "12.0 /s", "16.0 /s"]
    (seats,) = ranges("cluster.pools.0.engine.max_num_seqs=8,16")
    assert seats.at(0.5) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1", "expected key=low,high"),
        ("a=x,y", "expected key"),
        ("a=2,1", "not below"),
        ("a=1 s,2 ms", "units"),
    ],
)
def test_what_is_no_range_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_range(text)


def test_the_input_that_moves_the_figure_most_comes_first(tmp_path):
    asked = ranges("cluster.pools.0.price=2 USD/hour,2.2 USD/hour", "cluster.pools.0.replicas=1,5")
    swings = tornado(Question(SMALL, asked, COST, 0), tmp_path, jobs=1)
    assert [swing.key for swing in swings] == ["cluster.pools.0.replicas", "cluster.pools.0.price"]
    assert swings[0].at_low == pytest.approx(2.1)
    assert swings[0].at_high == pytest.approx(10.5)
    assert swings[0].middle == pytest.approx(6.3)
    assert tornado_table(swings, COST).rows[0][-1] == "█" * 12


@pytest.mark.slow
def test_sobol_shares_of_a_product_are_those_of_theory(tmp_path):
    """cost = price * replicas, both uniform: the shares of its variance are known."""
    pytest.importorskip("SALib")
    asked = ranges("cluster.pools.0.price=1 USD/hour,3 USD/hour", "cluster.pools.0.purchase=1000.0,2000.0")
    found = {one.key: one for one in sobol(Question(SMALL, asked, COST, 0), 16, tmp_path, jobs=1)}
    assert found["cluster.pools.0.price"].total == pytest.approx(1.0, abs=0.1)
    assert found["cluster.pools.0.purchase"].total == pytest.approx(0.0, abs=0.01)
    assert sobol_table(list(found.values()), COST).rows[0][0] == "cluster.pools.0.price"


def test_an_unknown_figure_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(InputError, match="did you mean 'cost_per_hour_usd'"):
        tornado(Question(SMALL, ranges("cluster.pools.0.replicas=1,2"), "cost_per_hour", 0), tmp_path, jobs=1)
