"""Errors on what was left out of a fit: one family in turn, the constants fitted to the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from simulator.calibration.accuracy.summary import spread_of
from simulator.calibration.points.point import read_points
from simulator.results.accuracy import Protocol


def protocols(shared: Path) -> list[Protocol]:
    """All protocols whose data are there."""
    points = shared / "traces" / "points"
    found: list[Protocol] = []
    if (points / "aiconfigurator-silicon.csv.gz").is_file():
        found += _silicon(points / "aiconfigurator-silicon.csv.gz")
    return found


def _silicon(file: Path) -> Iterator[Protocol]:
    """Constants of whole engines, fitted to silicon points of the other models, or of the other devices."""
    from simulator.calibration.points import engine_fit, search

    servers = engine_fit.servers_of(read_points(file))
    for what, family in engine_fit.FAMILIES.items():
        errors = search.leave_one_out(engine_fit.EXPECTED, servers, engine_fit.ratios, family)
        off = np.concatenate(list(errors.values()))
        yield Protocol(
            title="silicon points, aggregated serving",
            what=f"each {what}",
            errors={"tpot_mean": spread_of(off[~np.isnan(off)].tolist())},
            targets={"tpot_mean": 0.12},
            note=f"{len(errors)} {what}s; closed form of a steady state, repeated measurements once.",
        )
