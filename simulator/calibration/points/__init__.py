"""Operating points (steady states of a score of accelerators), simulated and set beside their measurements.

    >>> rows = validate_points(["../shared/traces/points/mlenergy.csv.gz"])  # doctest: +SKIP

A row of a file goes through `point` (what it says), `sources` (what its source leaves open), `setup`
(the server and load it becomes), `prediction` (simulated, with the production pricers) and `validation`
(beside the measured figures).
"""

from simulator.calibration.points.validation import validate_points

__all__ = ["validate_points"]
