"""Operating points (steady states of a score of accelerators), simulated and set beside their measurements.

    >>> rows = validate_points(["../shared/traces/points/mlenergy.csv.gz"])  # doctest: +SKIP

A row of a file goes through `point` (what it says), `sources` (what its source leaves open; `sources.other`
for any without conventions of its own), `setup` (the server and load it becomes), `prediction` (simulated,
with the production pricers) and `validation` (beside the measured figures). `tables` sums up whole files by
regime, and answers what only many points can: who wins at equal time per token, prefill and decode apart or
together (`disaggregation`), what batching saves (`batching`), how much a server can do (`saturation`).
"""

from simulator.calibration.points.validation import validate_points

__all__ = ["validate_points"]
