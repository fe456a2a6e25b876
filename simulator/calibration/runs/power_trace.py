"""Draw over time as a run measured it, beside the simulated draw.

Sensors are grouped by what they see: ``server_wall`` everything, ``gpu0``, ``gpu1``, ... the devices, whose
readings are summed. Loggers of devices may have clocks of their own (`traces/README.md`): their series is
shifted by whole seconds to where it looks most like the simulated one, as little as possible among equals.
That changes no reading, but it decides which seconds both sides cover, and with them the mean error too. The
wall is taken as it is. Both sides are averaged over windows, in each over the seconds that both cover; a
window without such a second is left out.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
#: Share of the shorter side that both must cover at a lag: a few seconds at the ends look alike by chance.
LEAST_OVERLAP = 0.5
#: A draw that varies by no more than this share of itself stands still, rounding aside.
STILL = 1e-9


@dataclass(frozen=True, slots=True)
class PowerTrace:
    """Draw [W] in each second of a run, shape (seconds,) both; ``measured`` is NaN where nothing was read.

    ``lag_s`` is how far the measured clock was shifted.
    """

    sensor: str
    predicted: Floats
    measured: Floats
    lag_s: int = 0

    @property
    def known(self) -> NDArray[np.bool_]:
        """Seconds that both sides cover."""
        return np.isfinite(self.measured)

    @property
    def mean_error(self) -> float:
        """Relative error of the mean draw [1]."""
        return float(self.predicted[self.known].mean() / np.nanmean(self.measured) - 1.0)

    def windows(self, width_s: int) -> Iterator[tuple[int, float, float]]:
        """Start [s], predicted and measured mean draw [W] of each window, the last one maybe shorter."""
        known = self.known
        for start in range(0, len(known), width_s):
            inside = start + np.flatnonzero(known[start : start + width_s])
            if inside.size:
                yield start, float(self.predicted[inside].mean()), float(self.measured[inside].mean())

    def error_over(self, width_s: int) -> float:
        """Mean absolute error of windows over the mean measured draw [1]."""
        off = [abs(predicted - measured) for _, predicted, measured in self.windows(width_s)]
        return float(np.mean(off) / np.nanmean(self.measured))


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
    return tuple(trace for trace in traces if trace.known.any())


def _set_beside(sensor: str, predicted: Floats, measured: Floats, own_clock: bool) -> PowerTrace:
    unmoved = _shifted(sensor, predicted, measured, 0)
    if not own_clock:
        return unmoved
    # The first of equals is taken: the one with the least lag.
    lags = sorted(range(-MOST_LAG_S, MOST_LAG_S + 1), key=abs)
    shifted = (_shifted(sensor, predicted, measured, lag) for lag in lags)
    least = LEAST_OVERLAP * min(len(predicted), int(np.isfinite(measured).sum()))
    return min((one for one in shifted if one.known.sum() >= least), key=_unlike, default=unmoved)


def _shifted(sensor: str, predicted: Floats, measured: Floats, lag_s: int) -> PowerTrace:
    """Both sides from the run's start, which is second ``lag_s`` of the log, as far as both go."""
    measured = measured[lag_s:] if lag_s >= 0 else np.concatenate([np.full(-lag_s, np.nan), measured])
    length = min(len(predicted), len(measured))
    return PowerTrace(sensor, predicted[:length], measured[:length], lag_s)


def _unlike(trace: PowerTrace) -> float:
    """One minus the correlation of both sides; most where one of them stands still."""
    sides = trace.predicted[trace.known], trace.measured[trace.known]
    if sides[0].size < 2 or any(np.std(side) <= STILL * np.mean(side) for side in sides):
        return 2.0
    return 1.0 - float(np.corrcoef(*sides)[0, 1])


def _seconds(series: PowerSeries) -> Floats:
    """Mean draw in each whole second [W], from windows of any width: each draws evenly inside."""
    edges_s = np.arange(len(series.watts) + 1) * series.width_s
    energy_j = np.concatenate([[0.0], np.cumsum(series.watts) * series.width_s])
    seconds = np.arange(int(edges_s[-1] + 1e-9) + 1)
    return np.asarray(np.diff(np.interp(seconds, edges_s, energy_j)), dtype=np.float64)


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
