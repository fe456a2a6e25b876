"""Tables of what users got: every objective stands beside the latency that it asks something of."""

from __future__ import annotations

import numpy as np

from simulator.reporting.resource_tables import energy_table
from simulator.reporting.service_tables import latency_table
from simulator.results.context import PercentileLimit, Slo
from tests.results.recordings import context, one_server, result


def test_percentiles_asked_for_stand_beside_their_latency_with_the_share_within():
    limits = (PercentileLimit(99.0, "ttft", 0.5), PercentileLimit(50.0, "ttft", 0.2))
    about = context(slo=Slo(ttft_s=1.0, percentiles=limits))
    rows = {row[0]: row[-2:] for row in latency_table(result(one_server(np.arange(4.0)), about)).rows}
    asked, met = rows["Time to first token (TTFT)"]
    assert asked == "≤ 1.00 s, p99 ≤ 500 ms, p50 ≤ 200 ms"
    assert met == "100 %, 100 %, 100 %"
    assert rows["End to end (E2E)"] == ("–", "–")


def test_sums_of_energy_have_one_unit_and_what_one_request_took_another():
    rows = dict(row[:2] for row in energy_table(result(one_server(np.arange(40.0)))).rows)
    sums = ["Devices, measured time", "of it prefill", "of it decode", "of it idle draw"]
    units = {rows[name].split(" ")[1] for name in sums} | {rows["Facility (with PUE)"].split(" ")[1]}
    assert units == {"kJ"}
    assert rows["Per request"].endswith(" J") and rows["Per output token"].endswith(" J")
