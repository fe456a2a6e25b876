"""What is handed over runs the design that was chosen."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from math import ceil

import pytest
import yaml

from simulator.planning.operations.handover import handover_files, handover_of
from simulator.planning.operations.split import split_of
from simulator.planning.size.size import size
from simulator.scenario.loading import load_scenario
from simulator.scenario.routing import RoundRobinSpec
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


IN_AND_OUT = (
    {"name": "in", "role": "prefill", "hardware": "nvidia-l4"},
    {"name": "out", "role": "decode", "hardware": "nvidia-l4", "replicas": 2},
)
LINK = {"bandwidth": "50 GB/s", "latency": "10 us"}


@pytest.fixture(scope="module")
def apart():
    """A design with prompts and outputs apart."""
    traffic = {
        "arrivals": {"process": "poisson", "rate": "12 /s"},
        "prompt_tokens": {"distribution": "lognormal", "mu": 6.0, "sigma": 0.5, "max": 2000},
        "output_tokens": {"distribution": "lognormal", "mu": 4.5, "sigma": 0.5, "max": 400},
    }
    content = {
        "workload": traffic,
        "model": "llama-3.1-8b",
        "cluster": {"pools": list(IN_AND_OUT), "transfer": LINK, "router": "least_outstanding"},
        "slo": {"ttft": "2 s", "tpot": "100 ms", "attainment": 0.95},
        "requests": 400,
    }
    return size(load_scenario(content), jobs=1).best


def test_each_side_of_a_split_is_started_in_its_role_and_on_ports_of_its_own(apart):
    found = handover_of(apart)
    configs, ports = {}, {}
    for pool, command in found["commands"].items():
        words = shlex.split(command)
        assert words[0] == "VLLM_NIXL_SIDE_CHANNEL_HOST=$(hostname -i)"
        configs[pool] = json.loads(words[words.index("--kv-transfer-config") + 1])
        side_channel = int(words[1].removeprefix("VLLM_NIXL_SIDE_CHANNEL_PORT="))
        ports[pool] = (int(words[words.index("--port") + 1]), side_channel)
    assert configs == {
        "in": {"kv_connector": "NixlConnector", "kv_role": "kv_producer"},
        "out": {"kv_connector": "NixlConnector", "kv_role": "kv_consumer"},
    }
    assert len({port for pair in ports.values() for port in pair}) == 4
    assert found["split"]["kv_roles"] == {"in": "kv_producer", "out": "kv_consumer"}


def test_the_proxy_knows_every_replica_of_both_sides(apart):
    (proxy,) = handover_of(apart)["split"]["proxies"]
    words = shlex.split(proxy)
    for side, pool in (("prefiller", "in"), ("decoder", "out")):
        start, middle = words.index(f"--{side}-hosts"), words.index(f"--{side}-ports")
        count = handover_of(apart)["replicas"][pool]
        assert words[start + 1 : middle] == [f"vllm-{pool}-{n}" for n in range(count)]
        port = str(handover_of(apart)["split"]["ports"][pool])
        assert words[middle + 1 : middle + 1 + count] == [port] * count


def test_the_script_of_a_split_says_what_its_commands_leave_open(apart):
    script = handover_files(apart)["serve.sh"]
    assert "docs/features/nixl_connector_usage.md" in script
    assert "# it was proved with 50 GB/s out of each prefill replica" in script
    assert "proved with least_outstanding: take a router that has it" in script
    assert script.count("VLLM_NIXL_SIDE_CHANNEL_PORT=") == 2
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert not any(line and not line.startswith(("#", "VLLM_", "python ")) for line in script.splitlines())


def test_the_command_line_of_a_side_is_read_back(apart):
    read = pool_from_vllm_args(handover_of(apart)["commands"]["in"], "nvidia-l4")
    assert read.pool["engine"]["max_num_seqs"] == apart.scenario.cluster.pools[0].engine.max_num_seqs
    assert [aside.flag for aside in read.unsupported] == ["--kv-transfer-config"]


def test_caches_that_leave_by_layers_are_not_what_the_connector_does(apart):
    cluster = apart.scenario.cluster
    layers = cluster.transfer.model_copy(update={"overlap": "layers"})
    changed = cluster.model_copy(update={"transfer": layers, "router": RoundRobinSpec()})
    found = split_of(apart.scenario.model_copy(update={"cluster": changed}))
    assert any("leave layer by layer" in remark for remark in found.remarks)
    assert not any("take a router" in remark for remark in found.remarks)
    assert not any("layer by layer" in remark for remark in split_of(apart.scenario).remarks)


def test_a_cluster_of_whole_requests_has_no_split(best):
    assert handover_of(best)["split"] is None
    assert "kv-transfer-config" not in handover_files(best)["serve.sh"]


def test_each_model_that_is_split_has_a_proxy():
    def side(name, role, model):
        return {"name": name, "role": role, "hardware": "nvidia-h100-sxm", "model": model}

    def tenant(name, model):
        lengths = {"distribution": "fixed", "tokens": 100}
        arrivals = {"process": "poisson", "rate": "1 /s"}
        traffic = {"arrivals": arrivals, "prompt_tokens": lengths, "output_tokens": lengths}
        return {"name": name, "model": model, "workload": traffic}

    models = ("llama-3.1-8b", "qwen3-8b")
    pools = [side(f"{role}-{model}", role, model) for model in models for role in ("prefill", "decode")]
    content = {
        "tenants": [tenant(model, model) for model in models],
        "cluster": {"pools": pools, "transfer": LINK},
        "requests": 10,
    }
    found = split_of(load_scenario(content))
    one, other = map(shlex.split, found.proxies)
    assert "vllm-prefill-llama-3.1-8b-0" in one and "vllm-prefill-qwen3-8b-0" in other
    assert one[3] != other[3]
    assert len({side.port for side in found.sides.values()}) == 4


def test_each_side_of_a_split_has_its_own_target(apart):
    best = apart
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
