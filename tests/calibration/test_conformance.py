"""Schedules of the real vLLM, replayed: golden traces of its scheduler, runs of its engine on a CPU."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.calibration.conformance import (
    Difference,
    check_conformance,
    compare,
    first_difference,
    read_recording,
    recordings_at,
)
from simulator.calibration.oracle import read_scenario
from simulator.engine.build import build_replica
from simulator.engine.listed import ListedReplica
from simulator.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
GOLDEN = PROJECT / "tests" / "golden"
CPU_RUN = PROJECT / "workloads" / "vllm-cpu-chat"
ENGINES = pytest.mark.parametrize(
    "engine", [build_replica, ListedReplica], ids=["as simulations build it", "list-walking"]
)

Tamper = Callable[[list[dict[str, Any]]], None]


def golden(name: str) -> Path:
    return GOLDEN / f"{name}.scenario.json"


@pytest.fixture
def tampered(tmp_path: Path) -> Callable[[Tamper], Path]:
    """A golden scenario whose trace was changed."""

    def change(tamper: Tamper) -> Path:
        name = "02-burst-simultaneous"
        shutil.copy(golden(name), tmp_path)
        with gzip.open(GOLDEN / f"{name}.trace.jsonl.gz", "rt") as lines:
            records = [json.loads(line) for line in lines]
        tamper(records)
        text = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / f"{name}.trace.jsonl").write_text(text)
        return tmp_path / f"{name}.scenario.json"

    return change


def steps_of(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == "step"]


@ENGINES
@pytest.mark.parametrize("place", recordings_at(GOLDEN), ids=lambda place: place.name.split(".")[0])
def test_every_step_of_the_real_scheduler_is_made_again(place: Path, engine: Any) -> None:
    report = compare(read_recording(place), engine)
    assert report.difference is None
    assert report.identical_steps == report.steps > 0


def test_the_golden_set_is_whole() -> None:
    names = {place.name[:2] for place in recordings_at(GOLDEN)}
    assert {f"{number:02}" for number in range(1, 29)} <= names


@ENGINES
def test_every_iteration_of_the_shipped_cpu_run_is_made_again(engine: Any) -> None:
    report = compare(read_recording(CPU_RUN), engine)
    assert report.difference is None
    assert report.identical_steps == report.steps == 3494


@ENGINES
def test_every_iteration_of_all_measured_cpu_runs_is_made_again(shared: Path, engine: Any) -> None:
    runs = sorted((shared / "traces" / "runs").glob("vllm-cpu-*"))
    if not runs:
        pytest.skip("needs the measured runs ../shared/traces/runs/vllm-cpu-*")
    report = check_conformance(runs, engine)
    assert report.headline == "11 of 11 scenarios, 25049 of 25049 steps identical"


def test_a_step_that_differs_is_shown_with_the_fields_that_differ(tampered: Any) -> None:
    def one_block_less(records: list[dict[str, Any]]) -> None:
        steps_of(records)[5]["free_blocks"] -= 1

    report = check_conformance([tampered(one_block_less)])
    (scenario,) = report.scenarios
    assert not report.identical
    assert report.headline == f"0 of 1 scenarios, {scenario.steps - 1} of {scenario.steps} steps identical"
    assert scenario.difference is not None
    assert scenario.difference.where == "step 5"
    assert scenario.difference.expected is not None and scenario.difference.found is not None
    assert list(scenario.difference.expected) == ["free_blocks"]
    assert scenario.difference.found["free_blocks"] == scenario.difference.expected["free_blocks"] + 1


def test_a_token_time_of_one_nanosecond_more_is_a_difference(tampered: Any) -> None:
    def late(records: list[dict[str, Any]]) -> None:
        next(record for record in records if record["type"] == "request")["token_ns"][3] += 1

    difference = first_difference(read_recording(tampered(late)))
    assert difference is not None
    assert difference.where == "request r00"
    assert list(difference.expected or ()) == ["token_ns"]


def test_a_record_too_few_is_a_difference(tampered: Any) -> None:
    def cut(records: list[dict[str, Any]]) -> None:
        del records[-2]  # the last request; the summary comes behind it

    difference = first_difference(read_recording(tampered(cut)))
    assert difference is not None
    assert difference.expected is None
    assert difference.found is not None


def test_an_engine_that_gets_stuck_differs_there(tmp_path: Path) -> None:
    name = "04-chunked-off"
    scenario = json.loads(golden(name).read_text())
    shutil.copy(GOLDEN / f"{name}.trace.jsonl.gz", tmp_path)
    # The budget of tokens that are handed out is below the longest prompt: it can never be admitted.
    scenario["engine"]["max_num_scheduled_tokens"] = 100
    place = tmp_path / golden(name).name
    place.write_text(json.dumps(scenario))
    engines = (build_replica, ListedReplica)
    stuck = [compare(read_recording(place), engine).difference for engine in engines]
    assert all(isinstance(difference, Difference) for difference in stuck)


def test_a_scenario_may_be_yaml_and_its_trace_unpacked(tmp_path: Path) -> None:
    import yaml

    name = "02-burst-simultaneous"
    scenario = json.loads(golden(name).read_text())
    (tmp_path / f"{name}.scenario.yaml").write_text(yaml.safe_dump(scenario))
    packed = GOLDEN / f"{name}.trace.jsonl.gz"
    (tmp_path / f"{name}.trace.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    assert check_conformance([tmp_path]).identical


def test_a_folder_may_hold_measured_runs(tmp_path: Path) -> None:
    shutil.copytree(CPU_RUN, tmp_path / "run")
    assert recordings_at(tmp_path) == [tmp_path / "run"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": {"block_sise": 8}}, r"engine\.block_sise: unknown key.*block_size"),
        ({"engine": {"num_gpu_blocks": 3}}, "must hold one request of max_model_len tokens"),
        ({"requests": []}, "requests: found an empty list"),
        (
            {"requests": [{"id": "a", "arrival_ns": 0, "prompt": [["u", 0]], "output_tokens": 1}]},
            "at least 1",
        ),
        ({"step_time": {"base_ns": -1}}, r"step_time\.base_ns: found -1"),
        ({"aborts": [[0, "nobody"]]}, "aborts name 'nobody', which is no request"),
    ],
)
def test_a_wrong_scenario_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    scenario = json.loads(golden("02-burst-simultaneous").read_text()) | change
    file = tmp_path / "wrong.scenario.json"
    file.write_text(json.dumps(scenario))
    with pytest.raises(InputError, match=message):
        read_scenario(file)


def test_a_prompt_beyond_the_context_is_refused(tmp_path: Path) -> None:
    scenario = json.loads(golden("02-burst-simultaneous").read_text())
    scenario["requests"][0]["prompt"] = [["long", 100_000]]
    file = tmp_path / "long.scenario.json"
    file.write_text(json.dumps(scenario))
    with pytest.raises(InputError, match="prompt of 'r00' has 100000 tokens"):
        read_scenario(file)


def test_a_scenario_without_its_trace_is_refused(tmp_path: Path) -> None:
    shutil.copy(golden("02-burst-simultaneous"), tmp_path)
    with pytest.raises(InputError, match=r"02-burst-simultaneous\.trace\.jsonl\.gz is missing"):
        check_conformance([tmp_path])


def test_a_damaged_trace_is_refused(tmp_path: Path) -> None:
    place = shutil.copy(golden("02-burst-simultaneous"), tmp_path)
    (tmp_path / "02-burst-simultaneous.trace.jsonl.gz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(InputError, match="damaged"):
        check_conformance([Path(place)])


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recorded schedule here"):
        recordings_at(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        recordings_at(tmp_path / "absent")


def test_an_asynchronous_run_cannot_be_replayed_by_its_iterations(tmp_path: Path) -> None:
    run = shutil.copytree(CPU_RUN, tmp_path / "run")
    about = (run / "run.yaml").read_text()
    (run / "run.yaml").write_text(about.replace("async_scheduling: false", "async_scheduling: true"))
    with pytest.raises(InputError, match="only synchronous runs"):
        read_recording(run)


def test_an_arrival_after_the_last_iteration_is_refused(tmp_path: Path) -> None:
    run = shutil.copytree(CPU_RUN, tmp_path / "run")
    lines = gzip.decompress((run / "requests.csv.gz").read_bytes()).decode().splitlines()
    lines[1] = lines[1].rpartition(",")[0] + ",9999"
    (run / "requests.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(InputError, match="enqueue_iteration: found 9999, but there are 3494 iterations"):
        read_recording(run)
