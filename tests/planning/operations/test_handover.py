"""What is handed over runs the design that was chosen."""

from __future__ import annotations

import re
from math import ceil

import pytest
import yaml

from simulator.planning.operations.handover import handover_files, handover_of
from simulator.planning.size.size import size
from simulator.scenario.vllm.args import pool_from_vllm_args


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
    targets = handover_of(best)["targets"]["main"]
    verdict = best.found.verdict
    in_system = verdict.mean("request_throughput") * verdict.mean("mean_e2el_ms") / 1e3 / best.found.units
    assert targets["concurrency"] == pytest.approx(in_system, abs=1)
    assert targets["replicas"] == best.units
    assert 1 < targets["least"] <= targets["replicas"]


def test_autoscalers_scale_between_the_floor_and_the_design(best):
    found = handover_of(best)
    threshold = found["keda"]["main"]["spec"]["triggers"][0]["metadata"]["threshold"]
    assert threshold == str(found["targets"]["main"]["concurrency"])
    assert found["hpa"]["main"]["spec"]["maxReplicas"] == best.units


def test_files_hold_the_same(best):
    files = handover_files(best)
    assert list(yaml.safe_load_all(files["keda.yaml"])) == [handover_of(best)["keda"]["main"]]
    assert f"# main: {best.units} replicas" in files["serve.sh"]


def test_the_pod_autoscaler_is_on_running_and_waiting_together(best):
    found = handover_of(best)
    (metric,) = found["hpa"]["main"]["spec"]["metrics"]
    (rule,) = found["prometheus_adapter"]["rules"]["custom"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    assert {"running", "waiting"} <= set(re.findall(r"vllm:num_requests_(\w+)", rule["metricsQuery"]))


def test_each_side_of_a_split_has_its_own_target(chat):
    pools = [
        {"name": "in", "role": "prefill", "hardware": "nvidia-l4"},
        {"name": "out", "role": "decode", "hardware": "nvidia-l4", "replicas": 2},
    ]
    link = {"bandwidth": "50 GB/s", "latency": "10 us"}
    scenario = chat(rate=12.0, requests=400, cluster={"pools": pools, "transfer": link})
    best = size(scenario, jobs=1).best
    found, mean = handover_of(best), best.found.verdict.mean
    first_s, whole_s = mean("mean_ttft_ms") / 1e3, mean("mean_e2el_ms") / 1e3
    for name, replicas, stay_s in (("in", 1, first_s), ("out", 2, whole_s - first_s)):
        target = found["targets"][name]
        in_replica = mean("request_throughput") * stay_s / (replicas * best.found.units)
        assert target["concurrency"] == ceil(in_replica)
        assert target["replicas"] == found["replicas"][name]
        (trigger,) = found["keda"][name]["spec"]["triggers"]
        assert trigger["metadata"]["threshold"] == str(target["concurrency"])
        assert f'pod=~"vllm-{name}-.*"' in trigger["metadata"]["query"]
    assert found["targets"]["in"]["concurrency"] != found["targets"]["out"]["concurrency"]
