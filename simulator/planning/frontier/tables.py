"""The frontier as tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulator.planning.frontier.weigh import WEIGHED, Frontier, Weighed
from simulator.reporting import numbers as show
from simulator.reporting.frontier import Point, frontier_figure
from simulator.reporting.table import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SHORT_HEADER = ("", "right", "cost", "latency", "energy", "on the front of")
_UNJUDGED_HEADER = ("", "cost", "latency", "energy")
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
            f" --target or --budget picks one.{_left_out(frontier)}"
        )
    one = frontier.cheapest
    asked = " for ".join(wanted)
    unpriced = ", ".join(frontier.unpriced)
    of = f" Of those with a price; none is known of {unpriced}." if unpriced else ""
    of += _left_out(frontier) + _open(frontier) + _close(frontier) + _cautioned(frontier)
    if one is None:
        surely = "surely " if frontier.undecided else ""
        return f"No design {surely}gives {asked}.{of}"
    return (
        f"{'Cheapest' if frontier.target is not None else 'Best'} for {asked}: {one.name}, with"
        f" {show.percent(one.accuracy)} right at {show.dollars(one.cost_per_task_usd)} per task.{of}"
    )


def _left_out(frontier: Frontier) -> str:
    """How many designs serve less than they were asked to."""
    if frontier.all_fall_short:
        return " Every design of known accuracy is overloaded or misses the objectives."
    number = len(frontier.left_out)
    if not number:
        return ""
    are = "is" if number == 1 else "are"
    return f" {show.counted(number, 'design')} {are} left out: overloaded, or short of the objectives."


def _open(frontier: Frontier) -> str:
    """Which designs may or may not reach the target."""
    if not frontier.undecided:
        return ""
    those = "; ".join(f"{one.name}, {_right(one)}" for one in frontier.undecided)
    return f" Undecided, for the target lies within the interval of what was drawn: {those}."


def _close(frontier: Frontier) -> str:
    """Whether the published set is too small to tell an accuracy from the target, and what stands instead."""
    surer = frontier.runner_up
    below = [one for one in frontier.close_calls if one is not surer]
    near = [*below, *([frontier.cheapest] if frontier.cheapest and frontier.only_just else [])]
    if not near:
        return ""
    problems = near[0].task_set_problems or 1
    words = [
        f" A close call: the published figures rest on {problems} problems, one of which is"
        f" {100.0 / problems:.1f} points"
    ]
    if below:
        those = "; ".join(map(_at_its_cost, below))
        words.append(f"; cheaper, and less than that from the target, is {those}")
    if frontier.only_just:
        other = "no other design is" if surer is None else f"the cheapest that is: {_at_its_cost(surer)}"
        words.append(f"; the answer is not that far above the target, {other}")
    return f"{''.join(words)}."


def _at_its_cost(one: Weighed) -> str:
    return f"{one.name}, {_right(one)} at {show.dollars(one.cost_per_task_usd)} per task"


def _cautioned(frontier: Frontier) -> str:
    """Whether the costs that decide are those of machines that wait."""
    if not any(one.idle_machines for one in frontier.designs):
        return ""
    return " Machines wait in some designs, as the note says: a fuller load may choose another."


def front_tables(frontier: Frontier) -> list[Table]:
    """The designs on any front, those without an accuracy, and what could not run: for a terminal."""
    fronts = [one for one in frontier.designs if any(one in front for front in frontier.fronts.values())]
    rows = tuple(_row(one, frontier)[: len(_SHORT_HEADER)] for one in _by_cost(fronts))
    found = [Table("On the front", _SHORT_HEADER, rows, _note(frontier))]
    return [*found, *_unjudged(frontier), *_refused(frontier)]


def tables_of(frontier: Frontier) -> list[Table]:
    """All designs, the cheapest first; and what could not run."""
    rows = tuple(_row(one, frontier) for one in _by_cost(frontier.designs) if one.refusal is None)
    found = Table("Designs", _HEADER, rows, _note(frontier))
    return [found, *_unjudged(frontier), *_refused(frontier)]


def _unjudged(frontier: Frontier) -> list[Table]:
    """What designs cost of which nobody can say how often they are right, and why not."""
    energy = _energies(frontier)
    those = [one for one in frontier.designs if one.refusal is None and one.accuracy is None]
    rows = tuple(
        (
            one.name,
            show.dollars(one.cost_per_task_usd),
            _latency(one.p50_task_latency_s),
            energy(one.energy_per_task_j),
        )
        for one in _by_cost(those)
    )
    why: dict[str, dict[str, None]] = {}
    for one in those:
        why.setdefault(str(one.accuracy_unknown), {})[f"{one.label}, {one.model}"] = None
    note = "; ".join(f"{reason} ({'; '.join(names)})" for reason, names in why.items())
    return [Table("Accuracy unknown: on no front", _UNJUDGED_HEADER, rows, f"Why: {note}")] if rows else []


def _by_cost(designs: Sequence[Weighed]) -> list[Weighed]:
    return sorted(designs, key=lambda one: (one.cost_per_task_usd is None, one.cost_per_task_usd or 0.0))


def _note(frontier: Frontier) -> str:
    laid = dict.fromkeys(
        f"{one.model} on {one.hardware}: {one.layout}" for one in frontier.designs if one.layout
    )
    layouts = f". Layouts, the smallest that do: {'; '.join(laid)}" if laid else ""
    return _basis(frontier) + layouts + _idle(frontier)


def _idle(frontier: Frontier) -> str:
    """Which designs cost what they do because machines wait, and why."""
    those = [one for one in frontier.designs if one.idle_machines]
    if not those:
        return ""
    ran = sum(one.refusal is None for one in frontier.designs)
    named = "" if len(those) == ran else f" ({'; '.join(one.name for one in those)}); of the first"
    return f". In {len(those)} of {ran} designs{named}: {those[0].idle_machines}"


def _basis(frontier: Frontier) -> str:
    """What accuracies rest on: single answers once for each model, and what strategies make of them."""
    judged = [one for one in frontier.designs if one.accuracy_basis]
    if not judged:
        return "no published accuracy applies: cost, latency and energy only"
    single = dict.fromkeys(str(one.accuracy_of_single) for one in judged)
    laws = dict.fromkeys(
        f"{one.strategy.replace('_', ' ')}: {one.accuracy_law}" for one in judged if one.accuracy_law
    )
    return ". ".join(("Accuracy: " + "; ".join(single), *(["; ".join(laws)] if laws else [])))


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
    energy = _energies(frontier)
    fronts = [short for short, key in _SHORT.items() if one in frontier.fronts[key]]
    return (
        f"{'* ' if one is frontier.cheapest else ''}{one.name}",
        _right(one),
        show.dollars(one.cost_per_task_usd),
        _latency(one.p50_task_latency_s),
        energy(one.energy_per_task_j),
        ", ".join(fronts) or _why_not(one),
        _latency(one.p99_task_latency_s),
        show.number(one.calls_per_task),
        show.number(one.output_tokens_per_task),
    )


def _why_not(one: Weighed) -> str:
    """What keeps a design off all fronts but other designs; empty where nothing does."""
    if one.overloaded:
        return "none: overloaded"
    return "none: misses the objectives" if one.falls_short else ""


def _right(one: Weighed) -> str:
    """Its accuracy, with the interval where it was drawn."""
    share = show.percent(one.accuracy, "unknown")
    if one.accuracy_low == one.accuracy_high:
        return share
    low, high = one.accuracy_low or 0.0, one.accuracy_high or 0.0
    return f"{share} ({100.0 * low:.2f} to {100.0 * high:.2f} %)"


def _energies(frontier: Frontier) -> Callable[[float | None], str]:
    return show.energies(one.energy_per_task_j for one in frontier.designs)


def _latency(seconds: float | None) -> str:
    return show.milliseconds(None if seconds is None else seconds * 1e3)
