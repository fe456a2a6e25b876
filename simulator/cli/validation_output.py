"""What ``simulator validate`` found: shown at once, and kept for JSON and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from simulator.calibration.runs.validation import RunReport
    from simulator.reporting.table import Table


@dataclass
class Findings:
    """Rows for JSON, tables and figures for the report; every addition is printed.

    ``summary_only`` leaves the figures of single runs out of what is printed and holds medians against the
    stored bounds.
    """

    summary_only: bool = False
    within_bounds: bool = True
    rows: list[dict[str, Any]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: dict[str, go.Figure] = field(default_factory=dict)

    def add_runs(self, paths: Sequence[Path]) -> None:
        """Measured runs."""
        from simulator.calibration.runs.tables import run_figures, run_table, summary_tables
        from simulator.calibration.runs.validation import validate_runs
        from simulator.cli.counting import Counting

        with Counting("runs") as progress:
            reports = validate_runs(paths, progress=progress)
        if not self.summary_only:
            self._print([run_table(report) for report in reports if report.reason is None])
        summary = summary_tables(reports)
        self._print(summary)
        self.tables += summary
        self.figures |= run_figures(reports)
        self.rows += [row for report in reports for row in report.rows()]
        if self.summary_only:
            self._judge(reports)

    def _judge(self, reports: Sequence[RunReport]) -> None:
        from simulator.calibration.runs.gate import judge
        from simulator.calibration.runs.tables import verdict_table

        verdicts = judge(reports)
        self._print([verdict_table(verdicts)])
        self.within_bounds = all(verdict.holds for verdict in verdicts)

    def add_points(self, files: Sequence[Path]) -> None:
        """Tables of operating points."""
        from simulator.calibration.points.tables import point_tables
        from simulator.calibration.points.validation import compare_points
        from simulator.cli.counting import Counting

        for file in files:
            with Counting("points") as progress:
                compared = compare_points([file], progress)
            tables = point_tables(file.name, compared)
            self._print(tables)
            self.tables += tables
            self.rows += [row for one in compared for row in one.rows]

    def add_facts(self, file: Path) -> None:
        """Public figures of other hardware."""
        from simulator.calibration.public_measurements import validate_measurements
        from simulator.cli.output import wide_console
        from simulator.cli.public_figures import print_public_figures

        rows = validate_measurements(file)
        print_public_figures(rows, wide_console())
        self.rows += [row.to_dict() for row in rows]

    def _print(self, tables: Sequence[Table]) -> None:
        from simulator.cli.output import wide_console
        from simulator.reporting.screen import print_table

        console = wide_console()
        for table in tables:
            print_table(table, console)
