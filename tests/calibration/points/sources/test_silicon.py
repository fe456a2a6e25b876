"""Rows of aiconfigurator-silicon: what is taken for granted where they say nothing, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.calibration.points.point import OperatingPoint, Workers
from simulator.calibration.points.setup import NotSimulated, pricer_of
from simulator.calibration.points.sources import silicon
from simulator.calibration.points.sources.silicon_drafts import drafts_of

NOBODY = Workers(None, None, None, None, None)
DATED = {"dataset": "2026-04-06.csv", "measured_date": "2026-02-05"}
DEEPSEEK = OperatingPoint(
    source="aiconfigurator-silicon",
    point_id="p",
    device="nvidia-b200-sxm",
    count=8,
    model="deepseek-v3",
    model_source="deepseek-ai/DeepSeek-R1",
    weight_dtype="fp8",
    kv_dtype=None,
    engine="tensorrt-llm",
    engine_version="1.2.0rc6.post3",
    mode="agg",
    tp=8,
    pp=1,
    dp=1,
    ep=1,
    prefill=NOBODY,
    decode=NOBODY,
    prompt_tokens=8192.0,
    output_tokens=1024.0,
    load_kind="closed",
    load_value=16.0,
    stat="unstated",
    measured={"tpot_s": 0.0112, "ttft_s": 0.5},
    extra=DATED | {"image": "release:1.2.0rc6.post3"},
)
APART = replace(
    DEEPSEEK,
    mode="disagg",
    tp=None,
    extra={"dataset": "db-dump/2026-04-27", "measured_date": "2026-02-12"},
    prefill=Workers(1, 1, 1, 8, 8),
    decode=Workers(2, 8, 1, 1, 1),
)


def with_image(image: str, date: str = "2026-02-05", **given: object) -> OperatingPoint:
    return replace(DEEPSEEK, extra=DATED | {"image": image, "measured_date": date}, **given)  # type: ignore[arg-type]


def test_images_of_recipes_with_multi_token_prediction_draft() -> None:
    drafts = drafts_of(DEEPSEEK)
    assert drafts is not None and (drafts.method, drafts.num_speculative_tokens) == ("mtp", 3)
    by_rank = drafts_of(replace(DEEPSEEK, tp=1, dp=8, ep=8))
    assert by_rank is not None and by_rank.num_speculative_tokens == 1
    assert drafts_of(with_image("release:1.2.0rc6.post2")) is None
    assert drafts_of(with_image("release:1.1.0rc2.post2", "2025-12-15")) is None
    assert drafts_of(with_image("release:1.1.0rc2.post2", "2026-01-14")) is not None


def test_neither_the_dump_nor_systems_apart_nor_other_models_draft() -> None:
    assert drafts_of(replace(DEEPSEEK, extra=DEEPSEEK.extra | {"dataset": "db-dump/2026-04-27"})) is None
    assert drafts_of(APART) is None
    assert drafts_of(replace(DEEPSEEK, model="gpt-oss-120b")) is None


def test_a_server_measured_both_ways_drafts_at_loads_it_met_only_so() -> None:
    row = with_image("sglang:v0.5.9-cu130", engine="sglang")
    drafts = drafts_of(row)
    assert drafts is not None and drafts.num_speculative_tokens == 2
    with pytest.raises(NotSimulated, match="with and without multi-token prediction"):
        drafts_of(replace(row, load_value=4.0))
    assert drafts_of(replace(row, tp=4)) is None
    assert drafts_of(replace(row, prompt_tokens=4000.0)) is None


def test_devices_of_a_whole_system_are_no_engine() -> None:
    with pytest.raises(NotSimulated, match="36 devices share every layer"):
        silicon.setup(replace(DEEPSEEK, device="nvidia-gb200-nvl72", weight_dtype="nvfp4", tp=36, count=36))
    assert silicon.spread_of(replace(DEEPSEEK, tp=64, ep=8, extra={"moe_tp_size": 8})).devices == 8


def test_tokens_faster_than_memory_are_those_of_more_engines() -> None:
    row = replace(DEEPSEEK, model="qwen3-32b", tp=2, count=2, extra={}, prompt_tokens=15000.0)
    with pytest.raises(NotSimulated, match=r"take 5\d\.\d ms to read on 2 devices"):
        silicon.setup(replace(row, load_value=448.0, measured={"tpot_s": 0.0132, "ttft_s": 0.7}))
    silicon.setup(replace(row, load_value=16.0, measured={"tpot_s": 0.0132, "ttft_s": 0.7}))
    silicon.setup(replace(row, load_value=448.0, measured={}))


def test_every_rank_has_a_step_of_its_own_and_sends_tokens_to_their_experts() -> None:
    prefill, decode = silicon.setup(APART).pools
    assert prefill.engine.max_num_batched_tokens == 8 * silicon.STEP_TOKENS
    assert prefill.engine.all2all_backend == "deepep_high_throughput"
    assert decode.engine.max_num_batched_tokens == silicon.STEP_TOKENS
    assert decode.engine.all2all_backend == "allgather_reducescatter"
    assert prefill.engine.gpu_memory_utilization == silicon.MEMORY
    wide = replace(APART, decode=APART.prefill)
    assert silicon.setup(wide).pools[1].engine.all2all_backend == "deepep_low_latency"
    split = replace(APART, prefill=Workers(1, 1, 1, 4, 1))
    assert silicon.setup(split).pools[0].engine.all2all_backend == "allgather_reducescatter"


@pytest.mark.parametrize(
    ("model", "settings"),
    [("deepseek-v3", {"routing_diversity", "routing_spread"}), ("llama-3.1-70b", set())],
)
def test_only_backends_of_models_with_experts_say_how_these_are_chosen(
    model: str, settings: set[str]
) -> None:
    setup = silicon.setup(replace(DEEPSEEK, model=model, model_source=model))
    given = setup.pools[0].latency.model_fields_set
    assert {key for key in given if key.startswith("routing")} == settings
    assert pricer_of(setup) is not None
