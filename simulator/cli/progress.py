"""A progress bar with simulated time and rate, for runs that take a while."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

#: A run shorter than this shows no bar [s].
_PATIENCE_S = 2.0
#: Time between two updates [s].
_INTERVAL_S = 0.1


class Progress:
    """Called by the simulation with how far it is; draws on stderr, and only on a terminal.

    Parameters
    ----------
    visible
        Whether to draw at all; by default whether stderr is a terminal.
    """

    def __init__(self, visible: bool | None = None) -> None:
        self._visible = sys.stderr.isatty() if visible is None else visible
        self._started = time.monotonic()
        self._next = self._started + _PATIENCE_S
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __call__(self, simulated_ns: int, fraction: float | None = None) -> None:
        """Report progress.

        Parameters
        ----------
        simulated_ns
            Simulated time so far [ns].
        fraction
            Share of the work that is done, None where unknown.
        """
        now = time.monotonic()
        if not self._visible or now < self._next:
            return
        self._next = now + _INTERVAL_S
        simulated_s = simulated_ns / 1e9
        bar, task = self._shown()
        bar.update(
            task,
            total=None if fraction is None else 1.0,
            completed=fraction or 0.0,
            simulated=_duration(simulated_s),
            rate=f"{simulated_s / (now - self._started):,.0f}",
        )

    def _shown(self) -> tuple[Bar, TaskID]:
        if self._bar is None or self._task is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("simulated {task.fields[simulated]}"),
                BarColumn(),
                TextColumn("{task.fields[rate]} times real time"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=None, simulated="", rate="")
            self._bar.start()
        return self._bar, self._task

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _duration(seconds: float) -> str:
    """A time as people say it: ``1:02:03`` or ``42.0 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
