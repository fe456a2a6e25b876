"""A wrong scenario gets one message: file, key, what was found, what is allowed, nearest name."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.scenario.loading import load_scenario


def refusal(source, overrides=()) -> InputError:
    with pytest.raises(InputError) as caught:
        load_scenario(source, overrides)
    return caught.value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"# only a comment\n", "holds only comments"),
        (b"- a\n- b\n", "expected a mapping of keys to values .* found a list"),
        (b"just text", "expected a mapping"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", "not a text file"),
        (b"\x00\x01\x02\x03", "not a text file|not valid YAML"),
        (b"name: a\nname: b\n", "name: the key stands twice, in line 1 and in line 2"),
        (b"name: [a\n", "not valid YAML in line"),
        (b"cluster:\n\tpools: []\n", "not valid YAML in line 2"),
    ],
)
def test_a_file_that_is_no_yaml_mapping(written, content, message):
    path = written(content)
    with pytest.raises(InputError, match=message) as caught:
        load_scenario(path)
    assert caught.value.file == str(path)


def test_a_missing_file(tmp_path):
    assert "no such file" in str(refusal(tmp_path / "none.yaml"))
    assert "folder" in str(refusal(tmp_path))


def test_a_missing_file_names_the_nearest_beside_it(written, tmp_path):
    written("name: first\n", "first.yaml")
    assert "no such file (did you mean 'first.yaml'?)" in str(refusal(tmp_path / "frist.yaml"))
    path = written("workload: mein.yaml\n", "scenario.yaml")
    written("arrivals: {}\n", "mine.yaml")
    assert "did you mean 'mine.yaml'" in str(refusal(path))


def test_an_unknown_shipped_scenario_names_the_nearest():
    assert "'azure-conv-h100'" in str(refusal("azure-conv-h10"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("cluster.pools[0].replicas", 0, "found 0, expected at least 1"),
        ("cluster.pools[0].replicas", -2, "found -2, expected at least 1"),
        ("cluster.pools[0].replicas", True, "expected a whole number, found a boolean"),
        ("cluster.pools[0].role", "prefil", "found 'prefil', expected .*did you mean 'prefill'"),
        ("cluster.pools[0].hardware", "nvidia-h100-sxn", "unknown device .*'nvidia-h100-sxm'"),
        ("cluster.pools[0].latency.backend", "rooflin", "found 'rooflin', expected .*'roofline'"),
        ("cluster.pools[0].engine.gpu_memory_utilization", 90, "found 90, expected at most 1"),
        ("cluster.pools[0].engine.max_model_len", 1_000_000, "reads at most 131072 tokens"),
        ("cluster.pools[0].engine.kv_cache_dtype", "fp7", "unknown number format 'fp7'"),
        ("cluster.pools[0].engine.block_sise", 16, "unknown key 'block_sise' .did you mean 'block_size'"),
        ("cluster.pools[0].max_num_seqs", 16, "it belongs under 'engine'"),
        ("cluster.pools[0].price", "2.5 EUR/hour", "is not a price"),
        ("cluster.pools", [], "found an empty list, expected at least 1"),
        ("cluster.router.policy", "roundrobin", "did you mean 'round_robin'"),
        ("workload.arrivals.process", "poison", "did you mean 'poisson'"),
        ("workload.arrivals.rate", "-1 /s", "cannot be negative"),
        ("workload.arrivals.rate", "6 GB", "whose unit 'GB' is not a rate"),
        ("slo.ttft", 500, "without a unit"),
        ("slo.ttft", "0 ms", "expected more than 0"),
        ("record", "step", "did you mean 'steps'"),
        ("seed", -1, "expected at least 0"),
        ("prices.pue", 0.5, "expected at least 1"),
        ("model.weight_dtype", "fp9", "unknown number format"),
    ],
)
def test_a_wrong_value_names_its_key_and_what_is_allowed(small, key, value, message):
    with pytest.raises(InputError, match=message) as caught:
        load_scenario(small, {key: value})
    assert caught.value.key == key


@pytest.mark.parametrize("value", ["0 GB/s", 0])
@pytest.mark.parametrize(
    ("key", "around"),
    [
        ("cluster.transfer.bandwidth", {}),
        ("cluster.network.node.bandwidth", {}),
        ("cluster.network.port.bandwidth", {}),
        ("cluster.network.rack.uplink", {"cluster.network.rack.nodes": 2}),
        ("cluster.pools[0].start.load_bandwidth", {}),
        (
            "cluster.pools[0].latency.bandwidth",
            {
                "cluster.pools[0].latency.backend": "decode_offload",
                "cluster.pools[0].latency.partner": "groq-lpu-v1",
                "cluster.pools[0].latency.devices": 700,
            },
        ),
        (
            "cluster.pools[0].kv_tiers[0].bandwidth",
            {"cluster.pools[0].kv_tiers": [{"name": "host", "capacity": "1 GB", "bandwidth": "1 GB/s"}]},
        ),
    ],
)
def test_a_link_that_carries_nothing_is_refused(small, key, around, value):
    with pytest.raises(InputError, match="expected more than 0") as caught:
        load_scenario(small, {**around, key: value})
    assert caught.value.key == key


def test_a_missing_key_says_what_it_is_for(written):
    path = written("workload: azure-conv-2023\nmodel: llama-3.1-8b\nrequests: 5\n")
    error = refusal(path)
    assert (error.file, error.key) == (str(path), "cluster")
    assert "required, but missing" in error.message


def test_several_mistakes_are_told_at_once(small):
    del small["model"]
    small["slos"] = {}
    message = str(refusal(small))
    assert "model: this key is required" in message
    assert "slos: unknown key 'slos' (did you mean 'slo'?)" in message


def test_a_mistake_inside_a_workload_file_names_that_file(written, small):
    import yaml

    workload = small.pop("workload")
    workload["arrivals"]["rat"] = "3 /s"
    mine = written(yaml.safe_dump(workload), "mine.yaml")
    path = written(yaml.safe_dump({**small, "workload": "mine.yaml"}))
    error = refusal(path)
    assert (error.file, error.key) == (str(mine.resolve()), "arrivals.rat")


def test_a_mistake_in_a_change_to_a_named_workload_names_the_scenario(small):
    changed = {"from": "azure-conv-2023", "arrivals": {"process": "poisson", "rate": "-3 /s"}}
    error = refusal(small | {"workload": changed})
    assert (error.file, error.key) == (None, "workload.arrivals.rate")
    assert "found '-3 /s'" in error.message


def test_a_trace_in_a_change_to_a_named_workload_lies_beside_the_scenario(written, small):
    import yaml

    changed = {"from": "vllm-cpu-chat", "arrivals": {"process": "replay", "file": "mine.csv"}}
    file = written(yaml.safe_dump(small | {"workload": changed}))
    assert load_scenario(file).workload.arrivals.file == str(file.parent.resolve() / "mine.csv")


def test_an_unknown_workload_names_the_nearest(written, small):
    error = refusal(small | {"workload": "azure-con-2023"})
    assert error.key == "workload"
    assert "azure-conv-2023" in error.message


def test_traffic_without_an_end_is_refused(small):
    del small["requests"]
    assert "requests: 10000, or duration: 10 min" in str(refusal(small))


def test_traffic_that_ends_by_its_own_plan_needs_a_duration_not_a_number_of_requests(small):
    points = [{"at": "0 s", "factor": 1}, {"at": "60 s", "factor": 0}]
    small["workload"]["arrivals"] = {"process": "series", "rate": "5 /s", "points": points}
    assert "ends in a rate of zero at 1 min" in str(refusal(small))
    assert load_scenario({**small, "duration": "1 min"}).duration == 60.0
    tenants = [{"name": "a", "workload": small.pop("workload")}]
    assert "traffic of tenant 'a' ends" in str(refusal({**small, "tenants": tenants}))
    assert load_scenario({**small, "tenants": tenants, "duration": "1 min"}).requests == 100


def test_a_pool_that_may_be_switched_off_begins_with_a_replica(small):
    small["cluster"]["pools"][0] |= {
        "replicas": 4,
        "autoscale": {"policy": "queue", "target": 1, "min": 0, "max": 3},
    }
    assert "between 1, with which a pool begins, and autoscale.max = 3" in str(refusal(small))


SCHEDULE = {"policy": "schedule", "max": 4, "steps": [{"at": "2 h", "replicas": 3}]}


@pytest.mark.parametrize(
    ("scaler", "message"),
    [
        ({"min": 7}, "min is 7, but must not exceed max = 4"),
        ({"warm": 4}, "at most 3 can be kept warm"),
        ({"steps": [{"at": "2 h", "replicas": 5}]}, "the step at 2 h asks for 5 replicas"),
        ({"steps": [{"at": "2 h", "replicas": 0}]}, "at least min = 1 and at most max = 4"),
        ({"steps": [{"at": "2 h", "replicas": 1}], "period": "1 h"}, "beyond the period of 1 h"),
    ],
)
def test_what_an_autoscaler_could_never_do_is_refused_at_its_section(small, scaler, message):
    small["cluster"]["pools"][0]["autoscale"] = SCHEDULE
    assert load_scenario(small).cluster.pools[0].autoscale.max == 4
    small["cluster"]["pools"][0]["autoscale"] = SCHEDULE | scaler
    error = refusal(small)
    assert error.key == "cluster.pools[0].autoscale"
    assert message in error.message


def test_a_section_of_arrivals_that_makes_no_sense_is_placed_by_its_key(small):
    points = [{"at": "1 s", "factor": 1}]
    small["workload"]["arrivals"] = {"process": "series", "rate": "5 /s", "points": points}
    assert refusal(small).key == "workload.arrivals"


def test_a_warmup_that_leaves_nothing_to_measure_is_refused(small):
    assert "must be shorter than duration" in str(refusal(small | {"duration": "1 min", "warmup": "60 s"}))
    assert "warmup (30 h)" in str(refusal(small | {"duration": "1 min", "warmup": "30 h"}))


def pool(name: str, role: str) -> dict[str, str]:
    return {"name": name, "role": role, "hardware": "h100"}


LINK = {"bandwidth": "50 GB/s", "latency": "10 us"}


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"pools": [pool("a", "prefill")]}, "needs a pool with role 'decode'"),
        (
            {
                "pools": [
                    pool("a", "prefill"),
                    pool("b", "decode")
                    | {"kv_tiers": [{"name": "host", "capacity": "1 GB", "bandwidth": "1 GB/s"}]},
                ],
                "transfer": LINK,
            },
            "kv_tiers have no effect on the decode pool 'b'",
        ),
        ({"pools": [pool("a", "decode")]}, "needs a pool with role 'prefill'"),
        ({"pools": [pool("a", "prefill"), pool("b", "decode")]}, "add e.g. transfer"),
        ({"pools": [pool("a", "unified")], "transfer": LINK}, "no effect without a prefill pool"),
        ({"pools": [pool("a", "unified"), pool("a", "unified")]}, "'a' occurs 2 times"),
        (
            {"pools": [pool("a", "prefill"), pool("b", "decode")], "transfer": LINK, "network": {}},
            "give one of them",
        ),
    ],
)
def test_pools_that_cannot_work_together_are_refused(small, cluster, message):
    error = refusal(small | {"cluster": cluster})
    assert error.key == "cluster"
    assert message in error.message


def halves(small, *changes):
    pools = [{**pool("a", "prefill"), **changes[0]}, {**pool("b", "decode"), **changes[1]}]
    return small | {"cluster": {"pools": pools, "transfer": LINK}}


def test_a_decode_pool_of_another_model_is_told_apart_from_none(small):
    message = "prefill pool 'a' serves llama-3.1-8b and needs a decode pool of the same model, but 'b' serves"
    assert f"{message} qwen3-8b" in refusal(halves(small, {}, {"model": "qwen3-8b"})).message


def test_a_decode_pool_may_name_the_scenarios_model(small):
    cluster = load_scenario(halves(small, {}, {"model": small["model"]})).cluster
    assert [one.role for one in cluster.pools] == ["prefill", "decode"]


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ({"engine": {"kv_cache_dtype": "fp8"}}, {}, "in bf16, but prefill pool 'a', which hands it over"),
        ({}, {"engine": {"kv_cache_dtype": "fp8_e4m3"}}, "in fp8, but prefill pool 'a'"),
        ({}, {"model": {"card": "llama-3.1-8b", "kv_dtype": "fp8"}}, "in fp8, but prefill pool 'a'"),
    ],
)
def test_both_sides_of_a_handover_keep_their_caches_in_one_format(small, one, other, message):
    error = refusal(halves(small, one, other))
    assert error.key == "cluster.pools[1].engine.kv_cache_dtype"
    assert message in error.message


def test_spellings_of_one_cache_format_are_the_same(small):
    engines = ({"engine": {"kv_cache_dtype": "fp8"}}, {"engine": {"kv_cache_dtype": "fp8_e4m3"}})
    load_scenario(halves(small, *engines))


def test_a_prefill_and_a_decode_pool_with_a_link_are_accepted(small):
    cluster = {"pools": [pool("a", "prefill"), pool("b", "decode")], "transfer": LINK}
    transfer = load_scenario(small | {"cluster": cluster}).cluster.transfer
    assert (transfer.bandwidth, transfer.latency) == (50e9, 1e-5)


def test_experts_need_devices_to_lie_on(small):
    message = str(refusal(small, {"cluster.pools[0].parallelism": {"tensor": 2, "expert": 8}}))
    assert "must divide tensor x data = 2" in message


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"parallelism": {"tensor": 4, "expert": 4}}, "parallelism.expert"),
        ({"latency": {"moe_imbalance": 1.5}}, "latency.moe_imbalance"),
        ({"latency": {"backend": "roofline", "moe_imbalance": 1.5}}, "latency.moe_imbalance"),
    ],
)
def test_a_dense_model_has_no_experts(small, change, key):
    small["cluster"]["pools"][0] |= change
    error = refusal(small)
    assert error.key == f"cluster.pools[0].{key}"
    assert "dense" in error.message
    assert load_scenario(small | {"model": "mixtral-8x7b"}).model.card == "mixtral-8x7b"


def test_without_chunked_prefill_a_prompt_must_fit_one_step(small):
    engine = {"enable_chunked_prefill": False, "max_model_len": 16384}
    message = str(refusal(small, {"cluster.pools[0].engine": engine}))
    assert "max_num_batched_tokens is 8192, but must be at least max_model_len = 16384" in message
    # unsaid, the longest request is what the model reads
    assert "131072" in str(refusal(small, ["cluster.pools[0].engine.enable_chunked_prefill=false"]))
    load_scenario(small, {"cluster.pools[0].engine": engine | {"max_num_batched_tokens": 16384}})


def test_speculation_needs_its_acceptance(small):
    assert "needs speculative_acceptance" in str(
        refusal(small, ["cluster.pools[0].engine.num_speculative_tokens=3"])
    )


def test_a_step_must_hold_every_running_request(small):
    assert "must be at least max_num_seqs" in str(
        refusal(small, ["cluster.pools[0].engine.max_num_seqs=9000"])
    )
