"""What a run took, in tables: prices, the part of a cost that was used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.reporting.numbers import dollars
from simulator.reporting.resource_tables import cost_table, pool_table
from simulator.results.ranges import Range
from tests.results.recordings import S, context, one_server, result, with_fleet

RECORDING = one_server(np.arange(10.0))


def bought(prices: dict[str, float]) -> dict[str, str]:
    """Rows of the cost table about what was bought, for pools of one device at these prices."""
    pool, about = RECORDING.pools[0], context().pools[0]
    pools = tuple(replace(about, name=name, purchase=Range.exactly(usd)) for name, usd in prices.items())
    recording = replace(RECORDING, pools=tuple(replace(pool, name=name) for name in prices))
    rows = cost_table(result(recording, context(pools=pools))).rows
    return {label: text for label, text in rows if label.startswith("Purchase")}


def test_every_price_that_a_device_is_bought_at_is_shown_with_its_pools():
    assert bought({"main": 20000.0, "old": 40000.0, "spare": 20000.0}) == {
        "Purchase of one test-device in its server (pools 'main', 'spare')": "$20,000.00",
        "Purchase of one test-device in its server (pool 'old')": "$40,000.00",
    }


def test_one_price_of_a_device_needs_no_pools():
    assert bought({"main": 20000.0, "spare": 20000.0}) == {
        "Purchase of one test-device in its server": "$20,000.00"
    }


def test_a_pool_that_is_given_up_shows_what_its_last_replicas_used():
    drained = result(with_fleet(one_server(np.zeros(46)), [0, S], [1, 0], [0, 1]))
    rows = dict(cost_table(drained).rows)
    assert rows["of it while busy"] == rows["Measured time"]
    assert dict(pool_table(drained).rows)["Utilisation"] == "100 %"
    assert drained.summary.cost.usage.mid == pytest.approx(drained.summary.cost.total_usd)
    assert dollars(drained.summary.cost.total_usd) in rows["Measured time"]
