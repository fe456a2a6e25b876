"""What one simulation gives its caller: the figures, the columns behind them and what it was."""

from __future__ import annotations

import importlib
import platform
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError, nearest
from simulator.results import tables
from simulator.results.context import RunContext
from simulator.results.recording import PoolRecording, Recording
from simulator.results.summary import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What differs between two runs of the same scenario and seed: versions and wall times."""

    simulator_version: str = ""
    python_version: str = ""
    wall_s: float | None = None
    created: str | None = None

    @classmethod
    def here(cls, wall_s: float | None = None) -> RunMeta:
        """The versions of this process, the wall time of the run [s] and the time of day (UTC)."""
        from datetime import UTC, datetime

        created = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(_package_version(), platform.python_version(), wall_s, created)


@dataclass(frozen=True)
class Result:
    """One finished simulation.

    Attributes
    ----------
    scenario
        The scenario as plain YAML values.
    summary
        All figures.
    recording, context
        The columns they were computed from.
    meta
        Versions and wall times.
    """

    scenario: dict[str, Any]
    summary: Summary
    recording: Recording = field(repr=False)
    context: RunContext = field(repr=False)
    meta: RunMeta = field(default=RunMeta(), compare=False)

    @classmethod
    def of(
        cls, scenario: dict[str, Any], recording: Recording, context: RunContext, meta: RunMeta | None = None
    ) -> Result:
        """Sums a recording up."""
        return cls(scenario, summarise(recording, context), recording, context, meta or RunMeta.here())

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row per ended request; the columns are those of ``tables.request_columns``."""
        return tables.frame(tables.request_columns(self.recording.requests, self.recording.tasks))

    @cached_property
    def tasks(self) -> pd.DataFrame:
        """One row per ended task, where a strategy of test-time compute ran; ``tables.task_columns``."""
        if self.recording.tasks is None:
            raise InputError(
                "no strategy ran, so there are no tasks; add a section 'reasoning'", key="reasoning"
            )
        return tables.frame(tables.task_columns(self.recording.tasks.columns))

    def windows(self, pool: str | None = None) -> pd.DataFrame:
        """Sums per window of simulated time of one pool (default: the first); ``tables.window_columns``."""
        return tables.frame(tables.window_columns(self.pool(pool)))

    def steps(self, pool: str | None = None) -> pd.DataFrame:
        """Every engine step of one pool; needs ``record: steps``. ``tables.step_columns``."""
        table = self.pool(pool).step_table
        if table is None:
            raise InputError("the steps were not recorded; allowed is 'record: steps'", key="record")
        return tables.frame(tables.step_columns(table))

    def pool(self, name: str | None = None) -> PoolRecording:
        """The recording of a pool by name (default: the first). Raises InputError for an unknown name."""
        pools = {pool.name: pool for pool in self.recording.pools}
        if name is None:
            return self.recording.pools[0]
        if name not in pools:
            raise InputError(
                f"no pool {name!r} in this result; it has {', '.join(pools)}{nearest(name, pools)}"
            )
        return pools[name]

    def figures(self) -> dict[str, go.Figure]:
        """The report's figures by name."""
        # Drawing lies a floor above the results, which must not depend on it. As pandas does with its
        # plotting back ends, the one that draws is found by name when a picture is asked for.
        drawing = importlib.import_module("simulator.reporting.figures")
        figures: dict[str, go.Figure] = drawing.figures_of(self)
        return figures

    def to_dict(self) -> dict[str, Any]:
        """The summary under vLLM's keys, and the ``meta`` block."""
        return {"meta": asdict(self.meta), **self.summary.to_dict()}


def _package_version() -> str:
    try:
        return version("simulator")
    except PackageNotFoundError:
        return "not installed"
