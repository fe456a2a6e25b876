"""Draw over time beside what a run measured."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.runs import power_trace
from simulator.calibration.runs.held_out import serving_for
from simulator.calibration.runs.measured import read_run
from simulator.calibration.runs.power_trace import DEVICES, WALL, PowerTrace, power_traces
from simulator.calibration.runs.server_power import PowerSeries, device_series, wall_figures, wall_series
from simulator.calibration.runs.simulated import simulate_run
from simulator.calibration.runs.validation import report_on
from simulator.errors import InputError
from simulator.results.recording import Recording

PULSES = Path(__file__).resolve().parents[4] / "shared" / "traces" / "runs" / "ispass26-fig6-tp1"
OWN = Path(__file__).resolve().parents[3] / "workloads" / "vllm-cpu-chat"

needs_pulses = pytest.mark.skipif(not PULSES.is_dir(), reason=f"the measured run is not here ({PULSES})")

PARTS = {
    "base_node_power": 200,
    "npu": {"A6000": {"idle_power": 30, "standby_power": 90, "standby_duration": 2}},
}


@pytest.fixture(scope="module")
def own() -> Recording:
    """A run of a machine whose draw nobody knows, with a draw of 50 W wherever it steps."""
    run = read_run(OWN)
    recording = simulate_run(run, serving_for(run))
    for pool in recording.pools:
        busy = pool.windows.steps > 0
        pool.windows.prefill_j[:] = 0.0
        pool.windows.decode_j[:] = np.where(busy, 50.0 * pool.windows.width_ns / 1e9, 0.0)
    return recording


def trace(predicted: list[float], measured: list[float]) -> PowerTrace:
    return PowerTrace(WALL, np.array(predicted), np.array(measured))


def test_errors_in_longer_windows_cancel_and_the_mean_is_that_of_all() -> None:
    swapped = trace([100.0, 300.0] * 10, [300.0, 100.0] * 10)
    assert swapped.mean_error == pytest.approx(0.0)
    assert swapped.error_over(1) == pytest.approx(1.0)
    assert swapped.error_over(10) == pytest.approx(0.0)
    assert [start for start, _, _ in swapped.windows(8)] == [0, 8, 16]


def test_a_device_draws_idle_standby_or_what_its_steps_take(own: Recording) -> None:
    series = device_series(own, PARTS, 30.0, 1)
    assert series is not None
    steps = own.pools[0].windows.steps[: len(series.watts)]
    assert set(np.round(series.watts).tolist()) <= {30.0, 80.0, 90.0}
    assert np.allclose(series.watts[: len(steps)][steps > 0], 80.0)


def test_the_wall_adds_the_host_and_its_figures_are_those_of_the_series(own: Recording) -> None:
    devices, wall = device_series(own, PARTS, 30.0, 1), wall_series(own, PARTS, 1)
    assert devices is not None and wall is not None
    assert np.allclose(wall.watts - devices.watts, 200.0)
    figures = wall_figures(own, PARTS, 1)
    assert figures["energy_j"] == pytest.approx(wall.energy_j)
    assert figures["power_mean_w"] == pytest.approx(wall.energy_j / (len(wall.watts) * wall.width_s))


def test_nothing_is_known_where_idle_or_the_host_is_not(own: Recording) -> None:
    assert device_series(own, {}, None, 1) is None
    assert wall_series(own, {"npu": PARTS["npu"]}, 1) is None


def _logged(folder: Path, rows: list[tuple[float, str, float]]) -> None:
    with gzip.open(folder / "power.csv.gz", "wt", encoding="utf-8") as file:
        file.write("t_s,sensor,power_w\n")
        file.writelines(f"{t},{sensor},{power}\n" for t, sensor, power in rows)


def test_a_late_log_of_devices_is_shifted_to_the_run_and_the_wall_is_not(
    own: Recording, tmp_path: Path
) -> None:
    series = device_series(own, PARTS, 30.0, 2)
    assert series is not None
    per_second = series.watts.reshape(-1, round(1 / series.width_s)).mean(axis=1)
    rows = [(t, "server_wall", 200.0 + watts) for t, watts in enumerate(per_second.tolist())]
    rows += [(float(t), f"gpu{n}", 30.0) for t in range(7) for n in (0, 1)]
    rows += [(t + 7.0, f"gpu{n}", watts / 2) for t, watts in enumerate(per_second.tolist()) for n in (0, 1)]
    _logged(tmp_path, rows)
    run = read_run(OWN)
    hardware = run.hardware.model_copy(update={"count": 2})
    changed = {"folder": tmp_path, "server_power": PARTS, "hardware": hardware}
    wall, devices = power_traces(run.model_copy(update=changed), own)
    assert (wall.sensor, wall.lag_s) == (WALL, 0)
    assert (devices.sensor, devices.lag_s) == (DEVICES, 7)
    assert wall.error_over(1) == pytest.approx(0.0, abs=1e-9)
    assert devices.error_over(1) == pytest.approx(0.0, abs=1e-9)


def _devices_beside(
    monkeypatch: pytest.MonkeyPatch, folder: Path, own: Recording, simulated: PowerSeries, log: list[float]
) -> PowerTrace:
    """The trace of devices with a clock of their own that logged these readings, one a second."""
    monkeypatch.setattr(power_trace, "device_series", lambda *_: simulated)
    monkeypatch.setattr(power_trace, "wall_series", lambda *_: None)
    rows = [(0.0, "server_wall", 400.0)]
    _logged(folder, rows + [(float(t), "gpu0", w) for t, w in enumerate(log) if np.isfinite(w)])
    run = read_run(OWN).model_copy(update={"folder": folder, "server_power": PARTS})
    (found,) = power_traces(run, own)
    return found


def test_a_constant_draw_is_not_shifted(
    own: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constant = PowerSeries(0.1, np.full(300, 90.1))
    found = _devices_beside(monkeypatch, tmp_path, own, constant, [100.0] * 30)
    assert (found.lag_s, len(found.measured)) == (0, 30)
    assert found.mean_error == pytest.approx(-0.099)


def test_sides_are_aligned_only_where_they_cover_half_of_the_shorter(
    own: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last seconds of one look just like the first ones of the other, and nothing else does."""
    random = np.random.default_rng(3)
    alike = np.linspace(100.0, 300.0, 12)
    simulated = PowerSeries(1.0, np.concatenate([alike, random.uniform(100, 300, 58)]))
    log = [*random.uniform(100, 300, 58), *alike]
    found = _devices_beside(monkeypatch, tmp_path, own, simulated, log)
    assert found.known.sum() >= 35
    assert found.lag_s != 58


def test_windows_longer_than_a_second_are_spread_over_seconds(
    own: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watts = 100.0 + np.arange(600) % 7
    simulated = PowerSeries(1.6, watts)
    found = _devices_beside(monkeypatch, tmp_path, own, simulated, [103.0] * 960)
    assert len(found.predicted) == 960 and np.isfinite(found.predicted).all()
    assert found.predicted.sum() == pytest.approx(simulated.energy_j)
    assert found.predicted[:4] == pytest.approx([100.0, 100.4, 101.0, 101.8])


def test_a_gap_in_the_log_moves_no_later_window(
    own: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rising = 100.0 + np.arange(60.0)
    log = [float("nan") if 10 <= t < 25 else w for t, w in enumerate(rising.tolist())]
    found = _devices_beside(monkeypatch, tmp_path, own, PowerSeries(1.0, rising), log)
    assert [start for start, _, _ in found.windows(10)] == [0, 20, 30, 40, 50]
    assert next(w for start, _, w in found.windows(10) if start == 20) == pytest.approx(127.0)
    assert found.error_over(10) == pytest.approx(0.0) and found.mean_error == pytest.approx(0.0)


def test_a_run_without_a_log_has_no_trace_and_a_damaged_log_is_named(own: Recording, tmp_path: Path) -> None:
    run = read_run(OWN)
    assert power_traces(run, own) == ()
    with gzip.open(tmp_path / "power.csv.gz", "wt", encoding="utf-8") as file:
        file.write("t_s,watts\n0,1\n")
    damaged = run.model_copy(update={"folder": tmp_path, "server_power": PARTS})
    with pytest.raises(InputError, match="readings of power"):
        power_traces(damaged, own)


def test_a_damaged_log_costs_a_run_no_other_figure(tmp_path: Path) -> None:
    shutil.copytree(OWN, tmp_path, dirs_exist_ok=True)
    (tmp_path / "power.csv.gz").write_bytes(b"no archive")
    report = report_on(read_run(tmp_path))
    assert report.error("tpot_mean_s") is not None
    assert any("power over time" in name for name in report.unpredicted)


@needs_pulses
def test_the_draw_of_a_server_follows_three_pulses_of_load() -> None:
    """Within 9 % of the mean draw second by second; constants of the card are those of other GPUs."""
    report = report_on(read_run(PULSES))
    wall, devices = report.power
    assert abs(wall.mean_error) < 0.09
    assert max(wall.error_over(1), wall.error_over(10)) < 0.09
    assert devices.error_over(10) < 0.17
    correlation = np.corrcoef(wall.predicted[wall.known], wall.measured[wall.known])[0, 1]
    assert correlation > 0.95
    windows = [row for row in report.rows() if row.get("metric", "").startswith("power_w of server_wall")]
    assert len(windows) == len(list(wall.windows(10)))
