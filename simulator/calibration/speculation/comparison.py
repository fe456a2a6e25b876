"""Predicted against published, point by point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.speculation.prediction import Section, Speedups, solve
from simulator.calibration.speculation.published import PublishedPoint, Unread, read_published
from simulator.calibration.speculation.setups import SpeculativeSetup, setup_of
from simulator.calibration.speculation.silence import Silent, as_assumed

#: ``fitted``: the acceptance was chosen to meet it; ``scored``: predicted; ``shown``: predicted, but the
#: published figure is from memory or of a single load; ``not simulated``: see the reason.
Use = Literal["fitted", "scored", "shown", "not simulated"]


@dataclass(frozen=True, slots=True)
class SpeedupRow:
    """One published speed-up beside the predicted one.

    ``error`` is relative; ``right_sign`` tells whether both speed up or both slow down.
    """

    point: str
    use: Use
    published: float | None = None
    predicted: float | None = None
    error: float | None = None
    right_sign: bool | None = None
    acceptance: float | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without what is not known."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}


def compare_file(path: Path | str, silent: Silent = as_assumed) -> list[SpeedupRow]:
    """Every published point of a table of techniques, predicted.

    Parameters
    ----------
    silent
        What is done about all that a publication does not say.

    Raises
    ------
    InputError
        Where the file is missing or holds no such table.
    """
    rows: list[SpeedupRow] = []
    points: dict[str, list[PublishedPoint]] = {}
    for found in read_published(path):
        if isinstance(found, Unread):
            rows.append(SpeedupRow(found.setup, "not simulated", reason=found.reason))
        else:
            points.setdefault(found.setup, []).append(found)
    for name, of_setup in points.items():
        rows += _compare_setup(name, of_setup, silent)
    return rows


def _compare_setup(name: str, points: list[PublishedPoint], silent: Silent) -> Iterator[SpeedupRow]:
    known = setup_of(name)
    if known is None:
        for point in points:
            yield _refused(point, "nothing is known of this set-up but its name")
        return
    setup = silent(known)
    fitted: dict[int, float] = {}
    series = []
    for one in dict.fromkeys(point.series for point in points):
        try:
            setup.drafting(one)
        except ValueError:
            for point in points:
                if point.series == one:
                    yield _refused(point, f"nothing is known of the series {one!r}")
        else:
            series.append(one)
    # A series that adapts its drafts needs what the series with fixed numbers were fitted to.
    for one in sorted(series, key=lambda title: setup.drafting(title).get("length") == "adaptive"):
        of_series = sorted((point for point in points if point.series == one), key=lambda point: point.load)
        yield from _compare_series(setup, of_series, fitted)


def _compare_series(
    setup: SpeculativeSetup, points: list[PublishedPoint], fitted: dict[int, float]
) -> Iterator[SpeedupRow]:
    speedups = Speedups(setup, points[0].series)
    section = setup.drafting(points[0].series)
    drafts = section["num_speculative_tokens"]
    if points[0].tokens is not None:
        for point in points:
            given: Section = {"acceptance": chance_of(point.tokens or 1.0, drafts)}
            yield _predicted(speedups, point, given, "shown", f"tokens as published; {setup.assumed}")
        return
    lowest = next((point for point in points if not point.from_memory), points[0])
    adaptive = section.get("length") == "adaptive"
    if adaptive and not fitted:
        for point in points:
            yield _refused(point, "adapts a draft of which no fixed length was published")
        return
    try:
        acceptance: Section
        if adaptive:
            acceptance = {"acceptance_per_position": positions_of(fitted, drafts)}
        else:
            chance = speedups.fitted(lowest.load, lowest.speedup)
            acceptance = {"acceptance": chance}
            fitted[drafts] = sum(chance**position for position in range(1, drafts + 1))
    except NotSimulated as reason:
        for point in points:
            yield _refused(point, str(reason))
        return
    for point in points:
        use: Use = "fitted" if point is lowest and not adaptive else "scored"
        yield _predicted(speedups, point, acceptance, "shown" if point.from_memory else use, setup.assumed)


def chance_of(tokens: float, drafts: int) -> float:
    """The chance of a draft token that yields so many tokens per verification, or the nearest there is."""
    return solve(lambda chance: sum(chance**at for at in range(drafts + 1)), tokens)


def positions_of(accepted: dict[int, float], most: int) -> list[float]:
    """Chance that at least 1, 2, ... ``most`` drafts are accepted, from mean numbers accepted by drafts made.

    Between two numbers of drafts the gain is spread evenly; the chances must not rise.
    """
    positions: list[float] = []
    total, last = 0.0, 0
    for drafts in sorted(accepted):
        gain = max(accepted[drafts] - total, 0.0) / (drafts - last)
        positions += [gain] * (drafts - last)
        total, last = accepted[drafts], drafts
    positions += positions[-1:] * (most - len(positions))
    for at in range(1, len(positions)):
        positions[at] = min(positions[at], positions[at - 1])
    return [min(chance, 1.0) for chance in positions[:most]]


def _predicted(
    speedups: Speedups, point: PublishedPoint, acceptance: Section, use: Use, assumed: str
) -> SpeedupRow:
    try:
        predicted = speedups.at(point.load, acceptance)
    except NotSimulated as reason:
        return _refused(point, str(reason))
    return SpeedupRow(
        point=_name(point),
        use=use,
        published=point.speedup,
        predicted=predicted,
        error=predicted / point.speedup - 1.0,
        right_sign=_sign(predicted) == _sign(point.speedup) or _sign(point.speedup) == 0,
        acceptance=acceptance.get("acceptance"),
        reason=f"assumed: {assumed}" + ("; published figure from memory" if point.from_memory else ""),
    )


def _sign(speedup: float) -> int:
    """1 where it speeds up, -1 where it slows down, 0 where neither."""
    return 0 if abs(speedup - 1.0) <= 0.005 else (1 if speedup > 1.0 else -1)


def _refused(point: PublishedPoint, reason: str) -> SpeedupRow:
    return SpeedupRow(_name(point), "not simulated", published=point.speedup, reason=reason)


def _name(point: PublishedPoint) -> str:
    return f"{point.setup}/{point.series}/{point.load:g}"


def summary_of(rows: Iterable[SpeedupRow]) -> dict[str, Any]:
    """Median error of the scored rows, and how often a slow-down is predicted as one."""
    scored = [row for row in rows if row.use == "scored" and row.error is not None]
    slower = [row for row in scored if row.published is not None and _sign(row.published) < 0]
    errors = [abs(row.error) for row in scored if row.error is not None]
    return {
        "scored": len(scored),
        "median_error": median(errors) if errors else None,
        "within_15_percent": sum(error <= 0.15 for error in errors),
        "slow_downs": len(slower),
        "slow_downs_with_right_sign": sum(bool(row.right_sign) for row in slower),
    }
