"""What is handed over runs the design that was chosen."""

from __future__ import annotations

import pytest
import yaml

from simulator.planning.operations.handover import handover_files, handover_of
from simulator.planning.size.size import size
from simulator.scenario.vllm_args import pool_from_vllm_args


@pytest.fixture
def best(chat):
    pool = {
        "name": "main",
        "hardware": "nvidia-l4",
        "parallelism": {"tensor": 2},
        "engine": {"max_num_seqs": 32, "max_model_len": 4096, "enable_prefix_caching": False},
    }
    scenario = chat(rate=12.0, requests=400, cluster={"pools": [pool]}, size={"spare": 1})
    return size(scenario, jobs=1).best


def test_the_command_line_is_read_back_as_the_same_pool(best):
    (pool,) = best.scenario.cluster.pools
    command = handover_of(best)["commands"]["main"]
    assert command.startswith("vllm serve ")
    read = pool_from_vllm_args(command, "nvidia-l4", pool.replicas).pool
    assert read["parallelism"]["tensor"] == 2
    for name in ("max_num_seqs", "max_model_len", "enable_prefix_caching", "max_num_batched_tokens"):
        assert read["engine"][name] == getattr(pool.engine, name)


def test_targets_are_those_of_the_proof(best):
    targets = handover_of(best)["targets"]
    verdict = best.found.verdict
    in_system = verdict.mean("request_throughput") * verdict.mean("mean_e2el_ms") / 1e3 / best.found.units
    assert targets["concurrency"] == pytest.approx(in_system, abs=1)
    assert targets["replicas"] == best.units
    assert 1 < targets["least"] <= targets["replicas"]


def test_autoscalers_scale_between_the_floor_and_the_design(best):
    found = handover_of(best)
    threshold = found["keda"]["spec"]["triggers"][0]["metadata"]["threshold"]
    assert threshold == str(found["targets"]["concurrency"])
    assert found["hpa"]["spec"]["maxReplicas"] == best.units


def test_files_hold_the_same(best):
    files = handover_files(best)
    assert yaml.safe_load(files["keda.yaml"]) == handover_of(best)["keda"]
    assert f"# main: {best.units} replicas" in files["serve.sh"]
