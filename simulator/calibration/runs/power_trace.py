"""Draw over time as a run measured it, beside the simulated draw.

Sensors are grouped by what they see: ``server_wall`` everything, ``gpu0``, ``gpu1``, ... the devices, whose
readings are summed. Loggers of devices may have clocks of their own (`traces/README.md`): their series is
shifted by whole windows to where it looks most like the simulated one, which moves no watt. The wall is taken
as it is. Both sides are averaged over windows; a window that only one of them covers is left out.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.calibration.runs.measured import MeasuredRun
from simulator.calibration.runs.server import device_of
from simulator.calibration.runs.server_power import PowerSeries, device_series, idle_of, wall_series
from simulator.errors import InputError
from simulator.latency.machine import loaded_idle_w
from simulator.results.recording import Floats, Recording

POWER = "power.csv.gz"
WALL, DEVICES = "server_wall", "devices"
#: Windows in which errors are given [s]; rows of results have `ROW_S`.
WINDOWS_S = (1, 10, 60)
ROW_S = 10
#: Most that the clock of a device's logger may be off [s].
MOST_LAG_S = 60


@dataclass(frozen=True, slots=True)
class PowerTrace:
    """Draw [W] in each second, shape (seconds,) both; ``lag_s`` is how far the measured clock was shifted."""

    sensor: str
    predicted: Floats
    measured: Floats
    lag_s: int = 0

    @property
    def mean_error(self) -> float:
        """Relative error of the mean draw [1]."""
        return float(self.predicted.mean() / self.measured.mean() - 1.0)

    def windows(self, width_s: int) -> Iterator[tuple[int, float, float]]:
        """Start [s], predicted and measured mean draw [W] of each window, the last one maybe shorter."""
        for start in range(0, len(self.measured), width_s):
            inside = slice(start, start + width_s)
            yield start, float(self.predicted[inside].mean()), float(self.measured[inside].mean())

    def error_over(self, width_s: int) -> float:
        """Mean absolute error of windows over the mean measured draw [1]."""
        off = [abs(predicted - measured) for _, predicted, measured in self.windows(width_s)]
        return float(np.mean(off) / self.measured.mean())


def power_traces(run: MeasuredRun, recording: Recording) -> tuple[PowerTrace, ...]:
    """The traces of a run that the simulated draw can be held against; none where it noted no power.

    Raises
    ------
    InputError
        Where the file of its power is damaged.
    """
    file = run.folder / POWER
    if not file.is_file():
        return ()
    measured = _by_second(file)
    parts, devices = run.server_power, run.hardware.count
    idle_w = idle_of(parts)
    if idle_w is None:
        idle_w = loaded_idle_w(device_of(run.hardware))
    simulated = {
        WALL: wall_series(recording, parts, devices),
        DEVICES: device_series(recording, parts, idle_w, devices),
    }
    traces = []
    for sensor, series in simulated.items():
        if series is not None and sensor in measured:
            own_clock = sensor == DEVICES and WALL in measured
            traces.append(_set_beside(sensor, _seconds(series), measured[sensor], own_clock))
    return tuple(traces)


def _set_beside(sensor: str, predicted: Floats, measured: Floats, own_clock: bool) -> PowerTrace:
    lags = range(-MOST_LAG_S, MOST_LAG_S + 1) if own_clock else (0,)
    return min((_shifted(sensor, predicted, measured, lag) for lag in lags), key=_unlike)


def _shifted(sensor: str, predicted: Floats, measured: Floats, lag_s: int) -> PowerTrace:
    """Both sides over the seconds that both cover, second ``lag_s`` of the log being the run's start."""
    measured = measured[lag_s:] if lag_s >= 0 else np.concatenate([np.full(-lag_s, np.nan), measured])
    length = min(len(predicted), len(measured))
    known = np.isfinite(measured[:length])
    return PowerTrace(sensor, predicted[:length][known], measured[:length][known], lag_s)


def _unlike(trace: PowerTrace) -> float:
    """One minus the correlation of both sides; most where one of them stands still."""
    if len(trace.measured) < 2 or not (trace.predicted.std() and trace.measured.std()):
        return 2.0
    return 1.0 - float(np.corrcoef(trace.predicted, trace.measured)[0, 1])


def _seconds(series: PowerSeries) -> Floats:
    """Mean draw in each second [W]."""
    starts = np.arange(len(series.watts)) * series.width_s
    seconds = np.floor(starts + 1e-9).astype(np.int64)
    total = np.bincount(seconds, series.watts)
    return np.asarray(total / np.bincount(seconds), dtype=np.float64)


def _by_second(file: Path) -> dict[str, Floats]:
    """Mean reading in each second by group of sensors [W]; NaN in seconds without one."""
    sums: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    try:
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["power_w"]:
                    sums[row["sensor"]][int(float(row["t_s"]))].append(float(row["power_w"]))
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"no readings of power (t_s, sensor, power_w) to be read: {error}", file=file
        ) from None
    groups: dict[str, list[Floats]] = defaultdict(list)
    for sensor, seconds in sums.items():
        series = np.full(max(seconds) + 1, np.nan)
        for second, readings in seconds.items():
            series[second] = np.mean(readings)
        groups[WALL if sensor == WALL else DEVICES].append(series)
    return {name: _added(members) for name, members in groups.items()}


def _added(members: list[Floats]) -> Floats:
    length = min(len(member) for member in members)
    return np.asarray(np.sum([member[:length] for member in members], axis=0), dtype=np.float64)
