"""What a sweep found, ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.planning.sweep.designs import Design, designs_of
from simulator.planning.sweep.differences import differences_to
from simulator.planning.sweep.pareto import Goal, goals_of, is_sound, pareto_front
from simulator.planning.sweep.point import PointRecord
from simulator.reporting import numbers as show
from simulator.reporting.table import Table
from simulator.units.key_paths import parse_path

#: Most rows on the screen; the table of results holds all.
MOST_ROWS = 40
#: Columns on the screen: heading, key, how to write the value.
COLUMNS = (
    ("SLO", "slo_attainment", show.percent),
    ("req/s", "request_throughput", show.number),
    ("p99 TTFT", "p99_ttft_ms", show.milliseconds),
    ("p99 TPOT", "p99_tpot_ms", show.milliseconds),
    ("p99 E2E", "p99_e2el_ms", show.milliseconds),
    ("USD/h", "cost_per_hour_usd", show.dollars),
    ("USD/M out", "cost_per_million_output_tokens_usd", show.dollars),
    ("J/out", "energy_per_output_token_j", show.energy),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Designs, what was weighed, and the front."""

    designs: tuple[Design, ...]
    goals: tuple[Goal, ...]
    front: tuple[Design, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: one entry per design, in order."""
        first = self._first
        return {
            "goals": {goal.key: "large" if goal.large else "small" for goal in self.goals},
            "designs": [self._design_dict(design, first) for design in self.designs],
            "pareto": [design.settings for design in self.front],
            "points": sum(max(len(design.records), 1) for design in self.designs),
        }

    def tables(self) -> list[Table]:
        """For the screen: the front, all designs (or the first of them), differences and refusals."""
        ran = [design for design in self.designs if design.records]
        tables = []
        if ran:
            note = "" if len(ran) <= MOST_ROWS else f"the first {MOST_ROWS} of {len(ran)}"
            tables.append(self._table("Designs", ran[:MOST_ROWS], note))
        if self.front and len(ran) > 1:
            weighed = ", ".join(goal.key for goal in self.goals)
            tables.append(
                self._table(f"Pareto front ({weighed})", self.front[:MOST_ROWS], self._left_out(ran))
            )
        tables += self._differences(ran)
        refused = [design for design in self.designs if not design.records]
        if refused:
            rows = tuple((self.label(design), design.reason or "") for design in refused[:MOST_ROWS])
            tables.append(Table("Could not run", ("", "why"), rows))
        return tables

    def _left_out(self, ran: Sequence[Design]) -> str:
        """Why designs that nothing beats may be missing from the front; empty where none is."""
        short = [design for design in ran if not is_sound(design)]
        if not short:
            return ""
        if len(short) == len(ran):
            return "every design misses its objectives or is overloaded"
        noun = "design is" if len(short) == 1 else "designs are"
        return f"{len(short)} {noun} left out: overloaded, or short of the objectives"

    def label(self, design: Design) -> str:
        """What tells a design from the others, in short."""
        cells = zip(self._varied, self._settings(design), strict=True)
        return ", ".join(f"{_short(key)}={value}" for key, value in cells) or "as it is"

    @property
    def _varied(self) -> list[str]:
        """Keys whose value is not the same in all designs."""
        first = self.designs[0].settings
        return [key for key in first if any(one.settings.get(key) != first[key] for one in self.designs)]

    def _settings(self, design: Design) -> tuple[str, ...]:
        return tuple(_as_written(design.settings.get(key, show.NOTHING)) for key in self._varied)

    @property
    def _first(self) -> Design | None:
        return next((design for design in self.designs if design.records), None)

    def _design_dict(self, design: Design, first: Design | None) -> dict[str, Any]:
        found = {} if first is None else {d.metric: asdict(d) for d in differences_to(first, design)}
        keys = [key for key, value in design.figures().items() if isinstance(value, float)]
        halves = {key: design.half_width(key) for key in keys}
        return {
            "set": design.settings,
            "reason": design.reason,
            "seeds": [record.seed for record in design.records],
            "pareto": design in self.front,
            "figures": design.figures(),
            "half_width_95": {key: half for key, half in halves.items() if half is not None},
            "difference_to_first": [] if design is first else list(found.values()),
        }

    def _table(self, title: str, designs: Sequence[Design], note: str) -> Table:
        rows = []
        for design in designs:
            cells = [text(design.mean(key)) for _, key, text in COLUMNS]
            rows.append((*self._settings(design), *cells, "*" if design in self.front else ""))
        header = (*map(_short, self._varied), *(heading for heading, _, _ in COLUMNS), "front")
        return Table(title, header, tuple(rows), note)

    def _differences(self, ran: Sequence[Design]) -> list[Table]:
        """Mean differences to the first design; there must be another."""
        rows = []
        for design in ran[1:MOST_ROWS]:
            found = {one.metric: one for one in differences_to(ran[0], design)}
            if found:
                rows.append((self.label(design), *(_interval(found.get(name)) for name in _COMPARED)))
        if not rows:
            return []
        note = "same requests in both; 95 % intervals"
        header = ("", *(name.removeprefix("mean ") for name in _COMPARED))
        return [Table(f"Difference to {self.label(ran[0])}", header, tuple(rows), note)]


def _as_written(value: Any) -> str:
    """A value as it stands in a scenario: YAML's words for nothing, true and false."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


_COMPARED = ("mean TTFT [ms]", "mean TPOT [ms]", "mean E2E [ms]")


def outcome_of(records: Sequence[PointRecord], weighed: str | None = None) -> Outcome:
    """What the records say; ``weighed`` names the figures of the Pareto front.

    Raises
    ------
    InputError
        Where a figure to weigh does not exist.
    """
    designs = designs_of(records)
    goals = goals_of(weighed, designs)
    front = pareto_front(designs, goals) if goals else []
    return Outcome(tuple(designs), tuple(goals), tuple(front))


def _short(key: str) -> str:
    """The last name of a path."""
    return next(str(step) for step in reversed(parse_path(key)) if isinstance(step, str))


def _interval(difference: Any) -> str:
    if difference is None:
        return show.NOTHING
    if difference.low is None:
        return f"{difference.mean:+.3g}"
    return f"{difference.mean:+.3g} [{difference.low:+.3g}, {difference.high:+.3g}]"
