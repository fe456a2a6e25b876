"""Figures of a run beside what was measured, and medians over runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.calibration.runs.groups import groups_of, is_overloaded
from simulator.calibration.runs.held_out import serving_for
from simulator.calibration.runs.measured import Peer, read_run
from simulator.calibration.runs.medians import OURS, summarise
from simulator.calibration.runs.server_power import host_w, idle_of, wall_figures
from simulator.calibration.runs.simulated import simulate_run
from simulator.calibration.runs.tables import run_table, summary_tables
from simulator.calibration.runs.validation import Figure, PeerErrors, RunReport, errors_of, report_on

OWN = Path(__file__).resolve().parents[3] / "workloads" / "vllm-cpu-chat"


@pytest.fixture(scope="module")
def own() -> RunReport:
    return report_on(read_run(OWN))


def report(name: str, error: float, **more: object) -> RunReport:
    figures = (Figure("e2e_mean_s", 1.0 + error, 1.0),)
    peers = (PeerErrors("another", False, {"e2e_mean_s": 2 * error}),)
    return RunReport(name, groups=("one",), figures=figures, peers=peers, **more)  # type: ignore[arg-type]


def test_the_projects_own_run_is_predicted_within_its_noise(own: RunReport) -> None:
    """Repeats on a busy machine differ by 5 % (README of the runs); the step times are of other loads."""
    for metric in ("ttft_mean_s", "tpot_mean_s", "e2e_mean_s"):
        error = own.error(metric)
        assert error is not None and abs(error) < 0.05, metric


def test_every_measured_figure_is_predicted_or_named(own: RunReport) -> None:
    run = read_run(OWN)
    predicted = {figure.metric for figure in own.figures}
    assert predicted | set(own.unpredicted) == set(run.figures)
    assert {"itl_p99_s", "requests_per_s", "output_tokens_per_s"} <= predicted


def test_medians_leave_overloaded_and_refused_runs_out() -> None:
    reports = [
        report("a", 0.1),
        report("b", -0.3),
        report("c", 0.2),
        report("d", 9.0, overloaded=True),
        RunReport("e", groups=("one",), reason="why"),
    ]
    ours, theirs = summarise(reports)
    assert (ours.simulator, ours.medians["e2e_mean_s"].error) == (OURS, pytest.approx(0.2))
    assert (theirs.simulator, theirs.medians["e2e_mean_s"].runs) == ("another", 3)


def test_tables_show_peers_overload_and_reasons() -> None:
    reports = [report("a", 0.1), report("d", 9.0, overloaded=True), RunReport("e", reason="why")]
    assert "another" in run_table(reports[0]).header
    assert [table.rows[0][0] for table in summary_tables(reports)] == ["one", "d", "e"]


def test_a_peer_is_held_against_what_it_was_compared_with() -> None:
    run = read_run(OWN)
    peer = Peer(simulator="p", measured={"e2e_mean_s": 2.0}, predicted={"e2e_mean_s": 3.0, "itl_p50_s": 1.0})
    errors = errors_of(peer, run).errors
    assert errors["e2e_mean_s"] == pytest.approx(0.5)
    assert errors["itl_p50_s"] == pytest.approx(1.0 / run.measured["itl_p50_s"] - 1)


def test_a_load_that_drains_long_after_its_last_arrival_is_overloaded() -> None:
    run = read_run(OWN)
    assert not is_overloaded(run)
    late = run.model_copy(update={"measured": run.measured | {"duration_s": 80.0}})
    assert is_overloaded(late)


def test_a_run_of_an_unknown_source_forms_a_group_with_its_device() -> None:
    run = read_run(OWN)
    assert groups_of(run) == ("vLLM on a CPU",)
    assert groups_of(run.model_copy(update={"source": "new"})) == ("cpu-zen4-1-thread",)


PARTS = {
    "base_node_power": 200,
    "npu": {"A6000": {"idle_power": 30, "standby_power": 90, "active_power": 300, "standby_duration": 18}},
    "cpu": {"idle_power": 10, "active_power": 110, "util": 0.5},
    "link": {"num_links": 2, "idle_power": 5.0},
}


def test_a_hosts_parts_add_up() -> None:
    assert host_w(PARTS) == pytest.approx(200 + 60 + 10)
    assert idle_of(PARTS) == 30
    assert idle_of({}) is None


def test_power_at_the_wall_is_unknown_where_the_devices_is() -> None:
    run = read_run(OWN)
    recording = simulate_run(run, serving_for(run))
    assert wall_figures(recording, PARTS, 1) == {}
