"""Predicted against measured for whole runs, beside the errors of other simulators.

Every run gives a figure for each measured key that the simulator has too, or the reason why it cannot
be simulated; measured keys that nothing here predicts are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.runs.figures import figures_of
from simulator.calibration.runs.groups import groups_of, is_overloaded
from simulator.calibration.runs.held_out import serving_for
from simulator.calibration.runs.measured import WHOLE_RUN, MeasuredRun, Peer, read_run, runs_at
from simulator.calibration.runs.power_trace import ROW_S, PowerTrace, power_traces
from simulator.calibration.runs.server_power import wall_figures
from simulator.calibration.runs.simulated import Serving, simulate_run
from simulator.errors import InputError

#: How runs are simulated: what is said about the server of each beyond its description.
ServingFor = Callable[[MeasuredRun], Serving]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run; seconds, tokens, joules, watts as its key says."""

    metric: str
    predicted: float
    measured: float

    @property
    def error(self) -> float | None:
        """Relative error of the prediction [1]; None where nothing was measured but zero."""
        return self.predicted / self.measured - 1.0 if self.measured else None


@dataclass(frozen=True, slots=True)
class PeerErrors:
    """Relative errors [1] of another simulator on the whole run, by metric.

    ``fitted`` says that its constants were fitted to this very run or device and model.
    """

    simulator: str
    fitted: bool
    errors: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run: its figures, or why it has none.

    Attributes
    ----------
    groups
        Titles of the groups that it is summed up in.
    overloaded
        Whether it stays out of the medians.
    unpredicted
        Measured keys that the simulator has no figure for.
    power
        Draw over time.
    note
        What to know about how it was simulated.
    in_flight
        Requests at one replica, as simulated (by Little's law).
    """

    name: str
    device: str = ""
    model: str = ""
    groups: tuple[str, ...] = ()
    overloaded: bool = False
    figures: tuple[Figure, ...] = ()
    unpredicted: tuple[str, ...] = ()
    peers: tuple[PeerErrors, ...] = ()
    power: tuple[PowerTrace, ...] = ()
    reason: str | None = None
    note: str = ""
    in_flight: float | None = None

    def error(self, metric: str) -> float | None:
        """Relative error of one metric [1]; None where the run does not have it."""
        return next((figure.error for figure in self.figures if figure.metric == metric), None)

    def rows(self) -> list[dict[str, Any]]:
        """As entries of a JSON list."""
        if self.reason is not None:
            return [{"run": self.name, "reason": self.reason}]
        rows: list[dict[str, Any]] = [
            {
                "run": self.name,
                "metric": figure.metric,
                "predicted": figure.predicted,
                "measured": figure.measured,
            }
            for figure in self.figures
        ]
        rows += [row for trace in self.power for row in self._rows_of(trace)]
        if self.unpredicted:
            rows.append({"run": self.name, "reason": f"not predicted: {', '.join(self.unpredicted)}"})
        return rows

    def _rows_of(self, trace: PowerTrace) -> Iterator[dict[str, Any]]:
        """Draw of a sensor, window by window [W]."""
        for start, predicted, measured in trace.windows(ROW_S):
            metric = f"power_w of {trace.sensor}, {start} to {start + ROW_S} s"
            yield {"run": self.name, "metric": metric, "predicted": predicted, "measured": measured}


def validate_runs(
    paths: Sequence[Path],
    serving_of: ServingFor = serving_for,
    progress: Callable[[int, int], None] | None = None,
) -> list[RunReport]:
    """Simulate the runs that ``paths`` mean (folders of runs, or folders of such folders).

    ``progress`` is told how many are done, and of how many.

    Raises
    ------
    InputError
        Where a path holds no run, or the folder of one run is damaged. A damaged run among others is
        reported with the reason.
    """
    folders = runs_at(paths)
    given = {path.resolve() for path in paths}
    reports = []
    for done, folder in enumerate(folders, start=1):
        try:
            run = read_run(folder)
        except InputError as error:
            if folder.resolve() in given:
                raise
            reports.append(RunReport(folder.name, reason=str(error)))
        else:
            reports.append(report_on(run, serving_of))
        if progress is not None:
            progress(done, len(folders))
    return reports


def report_on(run: MeasuredRun, serving_of: ServingFor = serving_for) -> RunReport:
    """Simulate one run, by default with nothing fitted to it, and set it beside what was measured."""
    serving = serving_of(run)
    try:
        groups, overloaded = groups_of(run), is_overloaded(run)
        recording = simulate_run(run, serving)
    except (NotSimulated, InputError) as reason:
        return RunReport(run.name, run.hardware.device, run.model.id, reason=str(reason))
    unpredicted: tuple[str, ...] = ()
    try:
        power = power_traces(run, recording)
    except InputError as damaged:
        power, unpredicted = (), (f"power over time ({damaged})",)
    predicted = figures_of(recording) | wall_figures(recording, run.server_power, run.hardware.count)
    figures = tuple(
        Figure(metric, predicted[metric], measured)
        for metric, measured in sorted(run.figures.items(), key=lambda item: _place(item[0]))
        if metric in predicted
    )
    return RunReport(
        run.name,
        run.hardware.device,
        run.model.id,
        groups=groups,
        overloaded=overloaded,
        figures=figures,
        unpredicted=tuple(metric for metric in run.figures if metric not in predicted) + unpredicted,
        peers=tuple(errors_of(peer, run) for peer in run.peers if peer.scope == WHOLE_RUN),
        power=power,
        reason=None if figures or power else "the run has no figure that is simulated",
        note=serving.note,
        in_flight=_in_flight(run, predicted),
    )


def _in_flight(run: MeasuredRun, predicted: Mapping[str, float]) -> float | None:
    rate, lasts = predicted.get("requests_per_s"), predicted.get("e2e_mean_s")
    replicas = run.parallelism.replicas if run.parallelism else 1
    return None if rate is None or lasts is None else rate * lasts / replicas


def errors_of(peer: Peer, run: MeasuredRun) -> PeerErrors:
    """How far another simulator was off, by what it was compared with or else by the run's own figures."""
    measured = run.figures | peer.measured
    errors = {
        metric: value / measured[metric] - 1.0
        for metric, value in peer.predicted.items()
        if measured.get(metric)
    }
    return PeerErrors(peer.simulator, peer.fitted_on_this_run or peer.profiled, errors)


#: Order of figures: as their keys begin, then as they end.
_KINDS = ("ttft", "tpot", "itl", "e2e", "requests_per_s", "output_tokens_per_s")
_STATISTICS = ("mean", "p50", "p90", "p95", "p99")


def _place(metric: str) -> tuple[int, int]:
    kind = next((i for i, name in enumerate(_KINDS) if metric.startswith(name)), len(_KINDS))
    statistic = next((i for i, name in enumerate(_STATISTICS) if f"_{name}_" in metric), len(_STATISTICS))
    return kind, statistic
