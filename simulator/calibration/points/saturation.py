"""Most requests per second that a server with an open loop finished, however many came.

A server counts where it was asked for more than it could do: the highest rate finished is then its capacity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from simulator.calibration.points.validation import Compared
from simulator.reporting.table import Table

RATE = "requests_per_s"
#: Share of the rate asked for below which a server is saturated [1].
SATURATED = 0.95


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests per second of one server at saturation: median over its saturated points."""

    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """Relative error of the prediction [1]."""
        return self.predicted / self.measured - 1.0


def capacities(compared: Sequence[Compared]) -> dict[str, Capacity]:
    """By server (device, model and configuration), for those that were saturated as measured."""
    servers: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in compared:
        point = one.point
        asked = point.extra.get("requested_rate") or point.load_value
        if point.load_kind != "open" or RATE not in one.measured or not asked:
            continue
        if one.measured[RATE] < SATURATED * float(asked):
            name = f"{point.device} {point.model} {point.extra.get('config', '')}".strip()
            servers[name].append((one.measured[RATE], one.predicted[RATE]))
    return {
        name: Capacity(median(measured for measured, _ in rates), median(predicted for _, predicted in rates))
        for name, rates in servers.items()
    }


def capacity_table(compared: Sequence[Compared]) -> Table | None:
    """Every saturated server; None where there is none."""
    found = capacities(compared)
    if not found:
        return None
    rows = tuple(
        (name, f"{one.predicted:.1f}", f"{one.measured:.1f}", f"{one.error:+.1%}")
        for name, one in found.items()
    )
    return Table("Requests per second at saturation", ("", "predicted", "measured", "error"), rows)
