"""Which of two designs wins at equal time per token: prefill and decode apart, or together.

Where the same device, model, weight format, program and lengths were measured both ways, a disaggregated
point is set against the best aggregated engines: most output tokens per second and accelerator at the same
time per output token, interpolated between the measured points (logarithmically) and only between them. The
predicted winner is found in the same way among the predicted points, at the predicted time: nothing measured
enters. Where that lies outside of the predicted aggregated points, their line is followed on.

A winner is predicted well by chance where one side nearly always wins; the balanced accuracy, the mean of the
shares found of either side's wins, is 50 % for every rule that does not look at the point.

`python -m simulator.calibration.points.disaggregation FILE...` prints the table.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import numpy as np

from simulator.calibration.points.engines import spread_of_side
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.sources import other, silicon
from simulator.calibration.points.validation import Compared, compare_each
from simulator.errors import InputError, program
from simulator.reporting.table import Table

#: Time per output token [s] and output tokens per second and accelerator.
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Duel:
    """One disaggregated point against aggregated engines: who won, and who was predicted to."""

    point: OperatingPoint
    apart_won: bool
    apart_predicted: bool


@dataclass(frozen=True, slots=True)
class Score:
    """How often the winner was predicted.

    Attributes
    ----------
    duels, together
        How many, and how many of these aggregated engines won.
    balanced
        Balanced accuracy [1].
    """

    duels: int
    together: int
    balanced: float


def duels(compared: Sequence[Compared]) -> list[Duel]:
    """All disaggregated points that lie between aggregated ones as measured, and have any as predicted."""
    together: dict[tuple[object, ...], list[tuple[Place, Place]]] = defaultdict(list)
    apart: list[tuple[Compared, Place, Place]] = []
    for one in compared:
        places = _places(one)
        if places is None:
            continue
        if one.point.mode == "disagg":
            apart.append((one, *places))
        else:
            together[_kind(one.point)].append(places)
    found = []
    for one, measured, predicted in apart:
        rivals = together[_kind(one.point)]
        actual = at_time([rival for rival, _ in rivals], measured[0])
        expected = at_or_near_time([rival for _, rival in rivals], predicted[0])
        if actual is not None and expected is not None:
            found.append(Duel(one.point, measured[1] > actual, predicted[1] > expected))
    return found


def rivals(points: Sequence[OperatingPoint]) -> list[OperatingPoint]:
    """Those of which the same was measured both ways, with the number of engines stated."""
    apart = {_kind(point) for point in points if point.mode == "disagg" and point.prefill.workers is not None}
    both = apart & {_kind(point) for point in points if point.mode != "disagg"}
    return [point for point in points if _kind(point) in both]


def score(found: Sequence[Duel]) -> Score | None:
    """How often the winner was predicted; None where nobody or only one side ever won."""
    sides = Counter(duel.apart_won for duel in found)
    if len(sides) < 2:
        return None
    right = Counter(duel.apart_won for duel in found if duel.apart_won == duel.apart_predicted)
    shares = [right[side] / count for side, count in sides.items()]
    return Score(len(found), sides[False], sum(shares) / 2)


def winner_table(compared: Sequence[Compared]) -> Table | None:
    """Winners at equal time per token, by device, model and program."""
    found = duels(compared)
    total = score(found)
    if total is None:
        return None
    groups: dict[tuple[str, ...], list[Duel]] = defaultdict(list)
    for duel in found:
        point = duel.point
        lengths = f"{point.prompt_tokens:.0f}/{point.output_tokens:.0f}"
        names = (point.device, point.model, point.weight_dtype, point.engine)
        groups[(*(str(name) for name in names), lengths)].append(duel)
    rows = [(" ".join(group), *_counts(groups[group])) for group in sorted(groups)]
    rows.append(("all", *_counts(found)))
    share = total.together / total.duels
    return Table(
        "Prefill and decode apart or together: the winner at equal time per token",
        ("", "points", "apart won", "and was predicted", "together won", "and was predicted"),
        tuple(rows),
        f"balanced accuracy {total.balanced:.0%}; 'always together' is right in {share:.0%}",
    )


def at_time(places: Sequence[Place], tpot_s: float) -> float | None:
    """Most tokens per second and accelerator at this time per output token; None outside of all places.

    Interpolated along the best places, both axes logarithmic.
    """
    best = _frontier(places)
    if not best or not best[0][0] <= tpot_s <= best[-1][0]:
        return None
    times, rates = zip(*best, strict=True)
    return exp(float(np.interp(log(tpot_s), np.log(times), np.log(rates))))


def at_or_near_time(places: Sequence[Place], tpot_s: float) -> float | None:
    """The same, also outside; None where there is no place at all.

    Who may be slower than the slowest does as well as that one. Who must be faster than the fastest has fewer
    requests in flight: the line through the two fastest is followed on, so that a small difference in
    time stays a small one in rate.
    """
    best = _frontier(places)
    if not best:
        return None
    if tpot_s > best[-1][0]:
        return best[-1][1]
    if tpot_s >= best[0][0]:
        return at_time(places, tpot_s)
    if len(best) < 2:
        return 0.0
    (first, rate), (second, higher) = best[:2]
    slope = log(higher / rate) / log(second / first)
    return rate * exp(slope * log(tpot_s / first))


def _frontier(places: Sequence[Place]) -> list[Place]:
    """Places that none beats in both, by time."""
    best: list[Place] = []
    for place in sorted(places, key=lambda one: (one[0], -one[1])):
        if not best or place[1] > best[-1][1]:
            best.append(place)
    return best


def _counts(found: Sequence[Duel]) -> tuple[str, ...]:
    apart = [duel for duel in found if duel.apart_won]
    together = [duel for duel in found if not duel.apart_won]
    right = (sum(d.apart_predicted for d in apart), sum(not d.apart_predicted for d in together))
    return str(len(found)), str(len(apart)), str(right[0]), str(len(together)), str(right[1])


def _places(one: Compared) -> tuple[Place, Place] | None:
    """Where a point lies, measured and predicted; None where a figure is missing."""
    needed = ("tpot_s", "output_tokens_per_s")
    if not all(one.measured.get(name) and one.predicted.get(name) for name in needed):
        return None
    devices = _devices(one.point)
    measured = one.measured["tpot_s"], one.measured["output_tokens_per_s"] / devices
    return measured, (one.predicted["tpot_s"], one.predicted["output_tokens_per_s"] / devices)


def _devices(point: OperatingPoint) -> int:
    if point.mode == "disagg":
        return sum(
            (side.workers or 0) * spread_of_side(side).devices for side in (point.prefill, point.decode)
        )
    spread_of = silicon.spread_of if point.source == "aiconfigurator-silicon" else other.spread_of
    return spread_of(point).devices


def _kind(point: OperatingPoint) -> tuple[object, ...]:
    return (
        point.device,
        point.model,
        point.weight_dtype,
        point.engine,
        point.prompt_tokens,
        point.output_tokens,
    )


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of some files."""
    import argparse

    parser = argparse.ArgumentParser(prog="simulator tool disaggregation")
    parser.add_argument("file", type=Path, nargs="+", help="operating points, both ways")
    files = parser.parse_args(arguments).file
    from simulator.reporting.screen import print_table

    points = rivals([point for file in files for point in read_points(file)])
    table = winner_table(list(compare_each(points)))
    if table is None:
        raise InputError("no disaggregated point has an aggregated one to be set against")
    from rich.console import Console

    print_table(table, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
