"""What batching alone saves: energy per output token of the smallest batch against the best one.

For each server (task, model, weight format, device and layout) measured at several numbers of seats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.validation import Compared
from simulator.reporting.table import Table

JOULES = "joules_per_output_token"
#: Seats of the smallest batch.
SMALLEST = 8
#: Batches of a server, at least.
LEAST_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Saving:
    """Share of the energy per output token that the best batch saves against the smallest [1]."""

    measured: float
    predicted: float


def savings(compared: Sequence[Compared]) -> dict[str, Saving]:
    """By server, for those measured from `SMALLEST` seats on."""
    servers: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for one in compared:
        seats = one.point.load_value
        if JOULES in one.measured and seats is not None:
            servers[_server(one.point)].append((seats, one.measured[JOULES], one.predicted[JOULES]))
    found = {}
    for server, batches in servers.items():
        batches.sort()
        if len(batches) < LEAST_BATCHES or batches[0][0] != SMALLEST:
            continue
        (_, measured, predicted), best = batches[0], [min(batch[i] for batch in batches) for i in (1, 2)]
        found[server] = Saving(1.0 - best[0] / measured, 1.0 - best[1] / predicted)
    return found


def saving_table(compared: Sequence[Compared]) -> Table | None:
    """The medians, and what is off by most."""
    found = savings(compared)
    if not found:
        return None
    measured = median(saving.measured for saving in found.values())
    predicted = median(saving.predicted for saving in found.values())
    off = median(abs(saving.predicted - saving.measured) for saving in found.values())
    row = ("all servers", str(len(found)), f"{predicted:.1%}", f"{measured:.1%}", f"{off:.1%}")
    return Table(
        f"Energy per output token saved by batching, from {SMALLEST} seats to the best batch",
        ("", "servers", "predicted, median", "measured, median", "off by, median"),
        (row,),
    )


def _server(point: OperatingPoint) -> str:
    names = (point.extra.get("task"), point.model_source, point.weight_dtype, point.device, point.count)
    return " ".join(str(name) for name in (*names, point.tp, point.dp, point.ep))
