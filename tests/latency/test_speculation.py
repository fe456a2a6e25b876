"""Drafts on the hardware: their shape, their memory, and the time of their passes."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.latency.host_search import search_of
from simulator.latency.pricer import StepColumns
from simulator.models.accounting import count_parameters
from simulator.models.catalogue import load_model
from simulator.models.drafts import EAGLE3_VOCAB, eagle_card, medusa_card, mtp_card
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.speculation import SpeculationSpec

H100 = "nvidia-h100-sxm"
#: 32 decodes with three drafts each, and the same without.
VERIFY, PLAIN = (0, 0, 0, 0, 32, 128, 32 * 1000), (0, 0, 0, 0, 32, 32, 32 * 1000)


def compiled(speculative=None, model="llama-3.1-70b", device=H100, tensor=4, engine=None):
    spec = None
    if speculative is not None:
        given = {"num_speculative_tokens": 3, "acceptance": 0.7, **speculative}
        spec = SpeculationSpec.model_validate(given)
    return compile_backend(
        AutoBackendSpec(),
        load_model(model) if isinstance(model, str) else model,
        load_device(device),
        ParallelismSpec(tensor=tensor),
        engine or EngineSpec(),
        spec,
    )


def test_an_eagle3_head_of_llama_8b_has_about_the_published_size():
    """yuhuili/EAGLE3-LLaMA3.1-Instruct-8B: 0.4 billion parameters besides the shared embedding."""
    card = eagle_card(load_model("llama-3.1-8b"), EAGLE3_VOCAB)
    counted = count_parameters(card)
    assert counted.total - counted.embedding == pytest.approx(0.4e9, rel=0.15)


def test_the_mtp_layer_of_deepseek_v3_has_the_published_size():
    """14 billion parameters with embedding and head (0.9 each), 11.5 without (README of DeepSeek-V3)."""
    card = mtp_card(load_model("deepseek-v3"))
    counted = count_parameters(card)
    assert counted.total - 2 * card.vocab * card.hidden == pytest.approx(11.5e9, rel=0.03)


def test_a_medusa_head_is_a_square_and_an_lm_head():
    model = load_model("llama-2-7b")
    card = medusa_card(model, 4)
    counted = count_parameters(card)
    heads = 4 * (model.hidden**2 + model.hidden * model.vocab)
    assert counted.total - counted.embedding == pytest.approx(heads, rel=0.02)


@pytest.mark.parametrize(
    "section",
    [
        {"method": "draft_model", "model": "llama-3.1-8b"},
        {"method": "eagle"},
        {"method": "eagle3"},
        {"method": "mtp"},
        {"method": "medusa"},
        {"method": "self"},
    ],
    ids=lambda section: section["method"],
)
def test_drafts_cost_time_only_where_they_are_verified(section):
    card = load_model("llama-3.1-70b").model_copy(update={"mtp_layers": 1})
    plain, drafted = compiled(model=card).pricer, compiled(section, model=card).pricer
    assert drafted.step_ns(*PLAIN) == plain.step_ns(*PLAIN)
    assert drafted.step_ns(*VERIFY) > plain.step_ns(*VERIFY) > plain.step_ns(*PLAIN)


def test_only_models_trained_with_mtp_draft_with_it():
    with pytest.raises(InputError, match=r"not trained .* models that were: .*deepseek-v3, .*glm-5"):
        compiled({"method": "mtp"})


def test_ngrams_cost_next_to_nothing_today_and_half_a_millisecond_a_sequence_in_2024():
    def search_ns(version):
        engine = EngineSpec(engine_version=version, async_scheduling=False)
        found = compiled({"method": "ngram"}, engine=engine).pricer.step_ns(*VERIFY)
        return found - compiled(engine=engine).pricer.step_ns(*VERIFY)

    sequences = VERIFY[4]
    assert search_ns("0.20.0") < 20_000 * sequences
    assert 300_000 * sequences < search_ns("0.6.2") < 1_000_000 * sequences


@pytest.mark.parametrize(
    ("version", "measured_us"),
    [("0.6.2", {256: 336, 1000: 441, 4000: 767}), ("0.10.0", {250: 1.2, 1000: 2.9, 4000: 8.5})],
)
def test_a_search_takes_what_was_measured(version, measured_us):
    for tokens, us in measured_us.items():
        found = search_of(version).step_ns(0, 0, 0, 0, 1, 1, tokens)
        assert found == pytest.approx(us * 1e3, rel=0.15)
        line = search_of(version).decode_line(3, 3 * tokens)
        assert line.step_ns(3, 3 * tokens) == search_of(version).step_ns(0, 0, 0, 0, 3, 3, 3 * tokens)


def test_methods_stand_in_the_order_of_what_they_compute():
    def extra(section):
        return compiled(section).pricer.step_ns(*VERIFY) - compiled().pricer.step_ns(*VERIFY)

    parallel = extra({"method": "eagle3", "parallel_drafting": True})
    one_by_one = extra({"method": "eagle3"})
    model = extra({"method": "draft_model", "model": "llama-3.1-8b"})
    itself = extra({"method": "self"})
    assert parallel < one_by_one < model < itself


def test_a_draft_model_takes_memory_from_the_cache():
    alone, beside = compiled(), compiled({"method": "draft_model", "model": "llama-3.1-8b"})
    assert beside.placement.num_blocks < alone.placement.num_blocks
    assert beside.placement.weight_bytes_per_device > alone.placement.weight_bytes_per_device
    assert compiled({"method": "ngram"}).placement == alone.placement


def test_a_draft_apart_leaves_the_memory_and_adds_a_device_and_a_round_trip():
    section = {"method": "draft_model", "model": "llama-3.1-8b"}
    apart = {"hardware": "nvidia-l40s", "round_trip": "2 ms"}
    alone, there = compiled(), compiled({**section, "apart": apart})
    assert there.placement == alone.placement
    assert [(device.id, count) for device, count in there.partners] == [("nvidia-l40s", 1)]
    nearby = compiled({**section, "apart": {**apart, "round_trip": "0 s"}})
    assert there.pricer.step_ns(*VERIFY) - nearby.pricer.step_ns(*VERIFY) == 2_000_000
    assert there.pricer.step_ns(*PLAIN) == nearby.pricer.step_ns(*PLAIN)
    assert there.pricer.idle_w > alone.pricer.idle_w


def test_energy_of_the_drafts_comes_on_top():
    plain, drafted = compiled().pricer, compiled({"method": "draft_model", "model": "llama-3.1-8b"}).pricer

    def decode_j(pricer):
        rows = [VERIFY, PLAIN]
        times = np.array([pricer.step_ns(*row) for row in rows])
        return pricer.costs(StepColumns(times, *np.array(rows).T)).decode_j

    assert decode_j(drafted)[0] > decode_j(plain)[0]
    assert decode_j(drafted)[1] == decode_j(plain)[1]


def test_the_head_is_computed_for_every_draft():
    pricer = compiled(model="llama-3.1-8b", tensor=1).pricer
    small = pricer.step_ns(0, 0, 0, 0, 256, 256, 25_600)
    drafts = pricer.step_ns(0, 0, 0, 0, 256, 1024, 25_600)
    assert drafts > 1.5 * small


def test_early_releases_verify_drafts_as_sequences_of_their_own():
    v0 = EngineSpec(engine_version="0.6.2", async_scheduling=False)
    later = EngineSpec(engine_version="0.8.0", async_scheduling=False)
    early, now = compiled(engine=v0).pricer, compiled(engine=later).pricer
    assert early.step_ns(*PLAIN) == now.step_ns(*PLAIN)
    assert early.step_ns(*VERIFY) > 1.2 * now.step_ns(*VERIFY)


@pytest.mark.parametrize("device", ["cerebras-wse3", "aws-inferentia2", "apple-m4-max", "nvidia-rtx-5090"])
def test_drafts_can_be_priced_on_every_kind_of_machine(device):
    given = {"model": "qwen3-8b", "device": device, "tensor": 8 if device == "aws-inferentia2" else 1}
    plain, drafted = compiled(**given).pricer, compiled({"method": "eagle"}, **given).pricer
    assert drafted.step_ns(*VERIFY) > plain.step_ns(*VERIFY)
