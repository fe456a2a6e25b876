"""The frontier as tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.planning.frontier.weigh import WEIGHED, Frontier, Weighed
from simulator.reporting import numbers as show
from simulator.reporting.frontier import Point, frontier_figure
from simulator.reporting.table import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SHORT_HEADER = ("", "right", "cost", "latency", "energy", "on the front of")
_HEADER = (*_SHORT_HEADER, "latency p99", "calls", "output tokens")
#: The weighed figures in a word.
_SHORT = dict(zip(("cost", "latency", "energy"), (key for key, _, _ in WEIGHED), strict=True))


def answer(frontier: Frontier) -> str:
    """The answer in one sentence."""
    wanted = []
    if frontier.target is not None:
        wanted.append(f"{show.percent(frontier.target)} right")
    if frontier.budget is not None:
        wanted.append(f"at most {show.dollars(frontier.budget)} per task")
    if not wanted:
        return (
            "No target was asked for: the column 'on the front of' says which designs none beats in what;"
            " --target or --budget picks one."
        )
    one = frontier.cheapest
    asked = " for ".join(wanted)
    unpriced = ", ".join(frontier.unpriced)
    of = f" Of those with a price; none is known of {unpriced}." if unpriced else ""
    if one is None:
        return f"No design gives {asked}.{of}"
    return (
        f"{'Cheapest' if frontier.target is not None else 'Best'} for {asked}: {one.name}, with"
        f" {show.percent(one.accuracy)} right at {show.dollars(one.cost_per_task_usd)} per task.{of}"
    )


def front_tables(frontier: Frontier) -> list[Table]:
    """The designs on any front, and what could not run: short enough for a terminal."""
    fronts = [one for one in frontier.designs if any(one in front for front in frontier.fronts.values())]
    shown = fronts or [one for one in frontier.designs if one.refusal is None]
    rows = tuple(_row(one, frontier)[: len(_SHORT_HEADER)] for one in _by_cost(shown))
    return [Table("On the front", _SHORT_HEADER, rows, _note(frontier)), *_refused(frontier)]


def tables_of(frontier: Frontier) -> list[Table]:
    """All designs, the cheapest first; and what could not run."""
    rows = tuple(_row(one, frontier) for one in _by_cost(frontier.designs) if one.refusal is None)
    return [Table("Designs", _HEADER, rows, _note(frontier)), *_refused(frontier)]


def _by_cost(designs: Sequence[Weighed]) -> list[Weighed]:
    return sorted(designs, key=lambda one: (one.cost_per_task_usd is None, one.cost_per_task_usd or 0.0))


def _note(frontier: Frontier) -> str:
    laid = dict.fromkeys(
        f"{one.model} on {one.hardware}: {one.layout}" for one in frontier.designs if one.layout
    )
    layouts = f". Layouts, the smallest that do: {'; '.join(laid)}" if laid else ""
    idle = next((f". {one.idle_machines}" for one in frontier.designs if one.idle_machines), "")
    return _basis(frontier) + layouts + idle


def _basis(frontier: Frontier) -> str:
    bases = dict.fromkeys(one.accuracy_basis for one in frontier.designs if one.accuracy_basis)
    if not bases:
        return "no published accuracy applies: cost, latency and energy only"
    return "Accuracy: " + "; ".join(str(basis) for basis in bases)


def _refused(frontier: Frontier) -> list[Table]:
    rows = tuple((one.name, str(one.refusal)) for one in frontier.designs if one.refusal is not None)
    return [Table("Not possible", ("", "why"), rows)] if rows else []


def figures_of(frontier: Frontier) -> dict[str, go.Figure]:
    """Accuracy over cost, latency and energy, where anything is known of both."""
    figures = {}
    for key, name, unit in WEIGHED:
        points = _points(frontier.designs, key)
        if points:
            chosen = _points([frontier.cheapest] if frontier.cheapest else [], key)
            figures[key] = frontier_figure(
                points,
                _points(frontier.fronts[key], key),
                chosen[0] if chosen else None,
                frontier.target,
                f"{name} [{unit}]",
            )
    return figures


def _points(designs: Sequence[Weighed], key: str) -> list[Point]:
    found = []
    for one in designs:
        spent = getattr(one, key)
        if spent is not None and one.accuracy is not None:
            found.append(Point(spent, one.accuracy, one.name, f"{one.model}, {one.hardware}"))
    return found


def _row(one: Weighed, frontier: Frontier) -> tuple[str, ...]:
    energy = show.energies(other.energy_per_task_j for other in frontier.designs)
    fronts = [short for short, key in _SHORT.items() if one in frontier.fronts[key]]
    return (
        f"{'* ' if one is frontier.cheapest else ''}{one.name}",
        show.percent(one.accuracy, "unknown"),
        show.dollars(one.cost_per_task_usd),
        _latency(one.p50_task_latency_s),
        energy(one.energy_per_task_j),
        ", ".join(fronts),
        _latency(one.p99_task_latency_s),
        show.number(one.calls_per_task),
        show.number(one.output_tokens_per_task),
    )


def _latency(seconds: float | None) -> str:
    return show.milliseconds(None if seconds is None else seconds * 1e3)
