"""A sweep runs every point once, and goes on where it stopped."""

from __future__ import annotations

import os
import signal

import pytest

from simulator.errors import InputError
from simulator.planning.sweep import sweep as sweeping
from simulator.planning.sweep.axes import grid, parse_axis
from simulator.planning.sweep.journal import FILE
from simulator.planning.sweep.outcome import outcome_of
from simulator.planning.sweep.pareto import MORE_IS_BETTER, WEIGHED, Goal, goal_of, pareto_front
from simulator.planning.sweep.point import PointRecord, single_figures
from simulator.planning.sweep.sweep import sweep
from simulator.planning.sweep.table import rows_of, write_table
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario
from simulator.units.data_files import data_folder

SCENARIO = {
    "name": "chat",
    "workload": {
        "arrivals": {"process": "poisson", "rate": "4 /s"},
        "prompt_tokens": {"distribution": "fixed", "tokens": 300},
        "output_tokens": {"distribution": "fixed", "tokens": 50},
    },
    "model": "llama-3.1-8b",
    "cluster": {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm"}]},
    "slo": {"ttft": "2 s", "tpot": "100 ms"},
    "requests": 100,
}


def points(*sets: str, seeds=(0,)):
    return list(grid([parse_axis(text) for text in sets], seeds=seeds))


def test_records_stand_in_the_order_of_the_points(tmp_path):
    asked = points("cluster.pools.0.replicas=1,2", seeds=(0, 1))
    records = sweep(SCENARIO, asked, tmp_path, jobs=1)
    assert [(one.settings["cluster.pools.0.replicas"], one.seed) for one in records] == [
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    assert all(one.figures["completed"] == 100 for one in records)


def test_finished_points_do_not_run_again(tmp_path, monkeypatch):
    asked = points("cluster.pools.0.replicas=1..3")
    sweep(SCENARIO, asked[:2], tmp_path, jobs=1)
    ran = []
    once = sweeping.run_point
    monkeypatch.setattr(sweeping, "run_point", lambda *args: ran.append(args[2]) or once(*args))
    records = sweep(SCENARIO, asked, tmp_path, jobs=1)
    assert ran == asked[2:]
    assert len(records) == 3
    assert len((tmp_path / FILE).read_text().splitlines()) == 4


def test_another_scenario_has_other_points(tmp_path):
    (one,) = sweep(SCENARIO, points("requests=50"), tmp_path, jobs=1)
    (other,) = sweep({**SCENARIO, "model": "qwen3-8b"}, points("requests=50"), tmp_path, jobs=1)
    assert one.identity != other.identity
    assert one.traffic == other.traffic


def test_a_relative_path_is_the_file_of_the_folder_that_the_sweep_was_started_in(tmp_path, monkeypatch):
    card = (data_folder("model_cards") / "llama-3.1-8b.yaml").read_text()
    for folder, layers in (("here", 16), ("there", 32)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(card.replace("layers: 32", f"layers: {layers}"))
    found = []
    for folder in ("here", "there", "here"):
        monkeypatch.chdir(tmp_path / folder)
        found += sweep(SCENARIO, points("model=mine.yaml"), tmp_path / "out", jobs=1)
    assert found[0].identity == found[2].identity != found[1].identity
    assert found[0].settings == found[1].settings == {"model": "mine.yaml"}
    assert found[0].figures["mean_tpot_ms"] < found[1].figures["mean_tpot_ms"]


def test_a_point_that_can_not_run_says_why_and_stops_no_other(tmp_path):
    bad, good = sweep(SCENARIO, points("model=llama-3.1-405b,llama-3.1-8b"), tmp_path, jobs=1)
    assert "does not fit" in bad.reason
    assert good.reason is None
    outcome = outcome_of([bad, good])
    assert [design.reason is None for design in outcome.designs] == [False, True]
    assert outcome.tables()[-1].title == "Could not run"


def test_processes_give_the_same_records(tmp_path):
    asked = points("cluster.pools.0.replicas=1..3")
    here = sweep(SCENARIO, asked, tmp_path / "here", jobs=1)
    there = sweep(SCENARIO, asked, tmp_path / "there", jobs=2)
    assert [one.figures for one in here] == [one.figures for one in there]


def kill_once(source, base, point):
    """Runs a point; the second one's worker is killed the first time it is tried."""
    marker = source["name"]
    if dict(point.settings).get("cluster.pools.0.replicas") == 2 and not os.path.exists(marker):
        with open(marker, "w"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return sweeping_run_point(source, base, point)


sweeping_run_point = sweeping.run_point


def test_a_killed_worker_costs_nothing_but_time(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "run_point", kill_once)
    marker = tmp_path / "killed"
    scenario = {**SCENARIO, "name": str(marker)}
    records = sweep(scenario, points("cluster.pools.0.replicas=1..6"), tmp_path / "sweep", jobs=2)
    assert marker.exists()
    assert [one.settings["cluster.pools.0.replicas"] for one in records] == [1, 2, 3, 4, 5, 6]
    assert all(one.figures["completed"] == 100 for one in records)


def kill_always(source, base, point):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_are_lost_again_and_again_end_the_sweep_with_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "run_point", kill_always)
    with pytest.raises(InputError, match="workers were lost 3 times"):
        sweep(SCENARIO, points("cluster.pools.0.replicas=1,2"), tmp_path, jobs=2)


def test_differences_are_taken_over_the_same_requests(tmp_path):
    hardware = "cluster.pools.0.hardware=nvidia-h100-sxm,nvidia-l4"
    outcome = outcome_of(sweep(SCENARIO, points(hardware, seeds=(0, 1)), tmp_path, jobs=1))
    slower = outcome.to_dict()["designs"][1]
    by_metric = {one["metric"]: one for one in slower["difference_to_first"]}
    means = [design.mean("mean_tpot_ms") for design in outcome.designs]
    assert by_metric["mean TPOT [ms]"]["low"] > 0
    assert by_metric["mean TPOT [ms]"]["mean"] == pytest.approx(means[1] - means[0], rel=1e-6)
    assert by_metric["cost_per_hour_usd"]["mean"] < 0
    assert slower["half_width_95"]["mean_tpot_ms"] > 0


def test_designs_under_other_traffic_have_no_difference(tmp_path):
    records = sweep(SCENARIO, points("workload.arrivals.rate=2 /s,4 /s"), tmp_path, jobs=1)
    assert outcome_of(records).to_dict()["designs"][1]["difference_to_first"] == []


def test_the_front_holds_what_nothing_beats(tmp_path):
    records = sweep(SCENARIO, points("cluster.pools.0.replicas=1..3"), tmp_path, jobs=1)
    outcome = outcome_of(records, "cost_per_hour_usd")
    assert [design.settings["cluster.pools.0.replicas"] for design in outcome.front] == [1]
    both = [Goal("cost_per_hour_usd", False), Goal("request_goodput", True)]
    assert outcome.designs[0] in pareto_front(outcome.designs, both)
    with pytest.raises(InputError, match="no figure 'p99_tftt_ms'"):
        outcome_of(records, "p99_tftt_ms")


def test_every_figure_with_a_direction_is_one_of_a_summary():
    drafting = {
        **SCENARIO["cluster"]["pools"][0],
        "engine": {"num_speculative_tokens": 2, "speculative_acceptance": 0.5},
    }
    scenario = load_scenario({**SCENARIO, "requests": 20, "cluster": {"pools": [drafting]}})
    known = single_figures(run_scenario(scenario))
    assert MORE_IS_BETTER | set(WEIGHED) <= set(known)
    assert goal_of("spec_decode_acceptance_length").large
    assert not goal_of("slo_attainment_target").large


def test_a_dearer_design_that_is_right_more_often_is_on_the_front_by_default():
    figures = {"energy_per_output_token_j": 1.0, "p99_e2el_ms": 100.0}
    offers = {"small": (1.0, 0.5), "large": (3.0, 0.8), "worse": (4.0, 0.7)}
    records = [
        PointRecord(name, {"model": name}, 0, figures=figures | {WEIGHED[0]: cost, "accuracy": accuracy})
        for name, (cost, accuracy) in offers.items()
    ]
    assert [design.settings["model"] for design in outcome_of(records).front] == ["small", "large"]


@pytest.mark.parametrize(
    ("met", "note"),
    [
        ((True, True), ""),
        ((False, True), "1 design is left out: overloaded, or short of the objectives"),
        ((False, False), "every design misses its objectives or is overloaded"),
    ],
)
def test_the_front_says_how_many_designs_it_leaves_out(met, note):
    records = [
        PointRecord(f"{cost}", {"model": f"{cost}"}, 0, figures={"cost_per_hour_usd": cost, "slo_met": one})
        for cost, one in zip((1.0, 2.0), met, strict=True)
    ]
    tables = {table.title: table for table in outcome_of(records, "cost_per_hour_usd").tables()}
    assert tables["Pareto front (cost_per_hour_usd)"].note == note


def test_a_key_taken_back_to_its_default_is_shown_in_the_words_of_a_scenario(tmp_path):
    records = sweep(SCENARIO, points("warmup=null,5 s"), tmp_path, jobs=1)
    outcome = outcome_of(records)
    assert [outcome.label(design) for design in outcome.designs] == ["warmup=null", "warmup=5 s"]


def test_the_table_has_a_row_per_point(tmp_path):
    records = sweep(SCENARIO, points("slo={ttft: 1 s},{ttft: 2 s}"), tmp_path, jobs=1)
    rows = rows_of(records)
    assert [row["slo"] for row in rows] == ["{'ttft': '1 s'}", "{'ttft': '2 s'}"]
    csv, parquet = write_table(records, tmp_path)
    import pandas as pd

    assert len(pd.read_csv(csv)) == len(pd.read_parquet(parquet)) == 2
