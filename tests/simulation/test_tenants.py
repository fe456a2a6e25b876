"""Tenants, several models and disaggregation, from scenario to saved result."""

from __future__ import annotations

import pytest

from simulator import run
from simulator.errors import InputError
from simulator.reporting.sections import question, tiles
from simulator.results.conservation import check_conservation
from simulator.results.files import read_result, write_result
from simulator.scenario.loading import load_scenario

FIXED = {"distribution": "fixed"}


def traffic(rate, prompt=300, output=40):
    return {
        "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
        "prompt_tokens": {**FIXED, "tokens": prompt},
        "output_tokens": {**FIXED, "tokens": output},
    }


def scenario(**changes):
    return {
        "model": "llama-3.1-8b",
        "tenants": [
            {"name": "chat", "workload": traffic(5), "slo": {"ttft": "500 ms"}},
            {"name": "batch", "workload": traffic(2, 2000, 200), "priority": 5},
        ],
        "cluster": {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm", "replicas": 2}]},
        "duration": "20 s",
        **changes,
    }


def by_name(summary):
    return {one["name"]: one for one in summary["classes"]}


def test_every_tenant_has_its_own_figures_and_they_add_up():
    result = run(scenario())
    check_conservation(result.recording)
    summary = result.to_dict()
    own = by_name(summary)
    assert set(own) == {"chat", "batch"}
    for key in ("completed", "total_input_tokens", "total_output_tokens", "total_output_tokens_with_cut_off"):
        assert sum(one[key] for one in own.values()) == summary[key]
    assert sum(one["cost_usd"] for one in own.values()) == pytest.approx(summary["cost_usd"])
    assert own["batch"]["cost_usd"] > own["chat"]["cost_usd"]  # twice as many tokens
    assert own["chat"]["slo_attainment"] == 1.0 and own["batch"]["slo_attainment"] is None
    assert own["batch"]["priority"] == 5


def test_the_goodput_of_all_is_that_of_those_who_ask_for_something():
    tight = scenario()
    tight["tenants"][0]["slo"] = {"ttft": "25 ms", "attainment": 0.9}
    tight["tenants"].append(
        {"name": "web", "workload": traffic(3), "slo": {"e2e": "10 s", "attainment": 0.8}}
    )
    result = run(tight)
    summary = result.to_dict()
    own = by_name(summary)
    assert own["batch"]["request_goodput"] is None and own["batch"]["completed"]
    assert 0 < own["chat"]["slo_attainment"] < 1
    good = own["chat"]["request_goodput"] + own["web"]["request_goodput"]
    assert summary["request_goodput"] == pytest.approx(good)
    within = sum(own[name]["slo_attainment"] * own[name]["requests"] for name in ("chat", "web"))
    asked = own["chat"]["requests"] + own["web"]["requests"]
    assert summary["slo_attainment"] == pytest.approx(within / asked)


def test_the_share_asked_for_is_that_of_each_tenant_who_asks():
    asking = scenario()
    asking["tenants"][0]["slo"] = {"ttft": "500 ms", "attainment": 0.95}
    tile = tiles(run(asking))[0]
    assert (tile.label, tile.value, tile.detail) == ("Objectives met by", "100 %", "asked for: chat 95 %")


def test_priorities_that_nothing_heeds_are_said_to_have_no_effect():
    def said(given):
        return any("priorities have no effect" in message for message in run(given).summary.messages)

    assert said(scenario())
    heeding = scenario()
    heeding["cluster"]["pools"][0]["engine"] = {"scheduling_policy": "priority"}
    assert not said(heeding)
    limited = scenario()
    limited["cluster"]["admission"] = {"max_outstanding": 50, "max_queue": 100}
    assert not said(limited)
    own = scenario()
    own["tenants"][1]["limits"] = {"max_outstanding": 50, "max_queue": 100}
    assert said(own)
    alike = scenario()
    alike["tenants"][1]["priority"] = 0
    assert not said(alike)


@pytest.mark.parametrize("policy", ["fcfs", "priority"])
def test_so_are_those_of_the_rows_of_a_table(tmp_path, policy):
    table = tmp_path / "requests.csv"
    rows = ["request_id,arrival_s,prompt_tokens,output_tokens,priority"]
    table.write_text("\n".join([*rows, "a,0.0,100,10,0", "b,0.1,100,10,5"]) + "\n")
    given = {
        "name": "rows",
        "model": "llama-3.1-8b",
        "workload": {"arrivals": {"process": "replay", "file": str(table)}},
        "cluster": {
            "pools": [
                {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"scheduling_policy": policy}}
            ]
        },
        "requests": 2,
    }
    told = [message for message in run(given).summary.messages if message.startswith("Requests differ")]
    assert len(told) == (policy == "fcfs")


def test_one_more_tenant_leaves_the_traffic_of_the_others_as_it_was():
    alone = scenario()
    alone["tenants"] = alone["tenants"][:1]
    both = run(scenario()).requests
    chat = both[both.tenant == 0].sort_values("arrival_s")
    assert chat.arrival_s.tolist() == run(alone).requests.sort_values("arrival_s").arrival_s.tolist()


def test_a_saved_result_is_read_back_with_tenants_and_transfers(tmp_path):
    pools = [
        {"name": "p", "role": "prefill", "hardware": "nvidia-h100-sxm"},
        {"name": "d", "role": "decode", "hardware": "nvidia-h100-sxm"},
    ]
    result = run(scenario(cluster={"pools": pools, "network": {}, "transfer": {"sharing": "fair"}}))
    write_result(result, tmp_path / "out")
    again = read_result(tmp_path / "out")
    assert again.to_dict() == result.to_dict()
    transfers = again.to_dict()["transfers"]
    assert transfers["count"] == result.to_dict()["completed"]
    assert transfers["bytes"] == pytest.approx(131_072 * result.to_dict()["total_input_tokens"])
    assert sum(one["cost_usd"] for one in by_name(again.to_dict()).values()) == pytest.approx(
        result.to_dict()["cost_usd"]
    )
    assert load_scenario(tmp_path / "out" / "scenario.yaml").tenants[1].name == "batch"


def test_each_model_is_served_by_its_own_pools():
    pools = [
        {"name": "small", "hardware": "nvidia-h100-sxm"},
        {"name": "large", "hardware": "nvidia-h100-sxm", "model": "qwen3-32b", "parallelism": {"tensor": 2}},
    ]
    asked = scenario(cluster={"pools": pools})
    asked["tenants"][1]["model"] = "qwen3-32b"
    result = run(asked)
    assert set(zip(result.requests.tenant, result.requests.pool, strict=True)) == {(0, 0), (1, 1)}
    assert [pool["model"] for pool in result.to_dict()["pools"]] == ["Llama 3.1 8B", "Qwen3 32B"]
    assert result.to_dict()["model_id"] == "Llama 3.1 8B, Qwen3 32B"
    assert question(result).startswith(
        "Llama 3.1 8B on 1 × NVIDIA H100 SXM5 and Qwen3 32B on 2 × NVIDIA H100 SXM5"
    )


def test_pools_of_one_model_are_named_after_it_once():
    pools = [{"name": name, "hardware": "nvidia-h100-sxm"} for name in ("one", "other")]
    assert question(run(scenario(cluster={"pools": pools}))).startswith(
        "Llama 3.1 8B on 1 × NVIDIA H100 SXM5, 1 × NVIDIA H100 SXM5"
    )


@pytest.mark.parametrize("jumping", [True, False])
def test_everything_at_once_is_deterministic_and_jumps_do_not_show(jumping):
    pools = [
        {"name": "u", "hardware": "nvidia-h100-sxm"},
        {"name": "p", "role": "prefill", "hardware": "nvidia-h100-sxm"},
        {"name": "d", "role": "decode", "hardware": "nvidia-h100-sxm"},
    ]
    cluster = {
        "pools": pools,
        "network": {"placement": "shared"},
        "transfer": {"sharing": "fair", "overlap": "layers", "failure_probability": 0.05, "retries": 1},
        "router": "power_of_two",
        "admission": {"max_outstanding": 40, "max_queue": 5},
    }
    client = {"timeout": "3 s", "retries": 2, "backoff": "200 ms"}
    asked = scenario(cluster=cluster, client=client)
    asked["tenants"][0]["workload"] = traffic(40)
    asked["tenants"][1]["workload"] = traffic(6, 4000, 300)
    one, other = run(asked), run({**asked, "jumping": jumping})
    check_conservation(one.recording)
    counts = one.to_dict()["requests_by_status"]
    assert counts["shed"] + counts["timed_out"] + counts["failed"] > 0
    assert sum(counts.values()) == one.to_dict()["num_prompts"]
    for name in one.recording.requests.__slots__:
        same = getattr(one.recording.requests, name) == getattr(other.recording.requests, name)
        assert same.all(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"workload": traffic(1)}, "from workload or from tenants, not from both"),
        ({"tenants": [{"name": "a", "workload": traffic(1), "model": "qwen3-8b"}]}, "no pool serves model"),
        ({"tenants": [{"name": "a", "workload": traffic(1), "pools": ["other"]}]}, "names pool 'other'"),
        ({"tenants": [{"name": "a", "workload": traffic(1)}] * 2}, "names of tenants must differ"),
        ({"client": {"timeout": "5 s", "retires": 2}}, "did you mean 'retries'"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        load_scenario(scenario(**change))


def test_prefix_aware_routing_pays_over_eight_replicas():
    """Must hold: against random routing it finds more prefixes and gives first tokens earlier."""
    found = {}
    for name, router in {
        "random": "random",
        "exact": {"policy": "prefix_aware", "overlap_weight": 2},
        "approximate": {"policy": "prefix_aware", "view": "approximate", "overlap_weight": 2},
    }.items():
        changes = {"cluster.router": router, "duration": "3 min", "warmup": "1 min"}
        found[name] = run("prefix-aware-chat", overrides=changes).to_dict()
    hits = {name: one["prefix_cache_hit_rate"] for name, one in found.items()}
    assert hits["exact"] > 1.8 * hits["random"]
    assert hits["approximate"] > 1.8 * hits["random"]
    assert found["exact"]["mean_ttft_ms"] < 0.7 * found["random"]["mean_ttft_ms"]
