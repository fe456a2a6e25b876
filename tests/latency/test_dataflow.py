"""Machines with resident weights and compiled shapes against public figures they were not fitted to."""

from __future__ import annotations

import pytest

from simulator.latency.context_lines import STRAIGHT
from simulator.scenario.engine import EngineSpec
from tests.latency.conftest import decode_ns, prompt_ns


def test_groq_llama_2_70b_is_predicted_from_7b_rows(compiled):
    backend = compiled("groq-lpu-v1", "llama-2-70b", weights="int8", tensor=8, pipeline=72)
    assert backend.placement.devices == 576
    assert decode_ns(backend, 1, 625) / 1e6 == pytest.approx(3.742, rel=0.15)


@pytest.mark.parametrize(
    ("model", "wafers", "tokens_per_s"),
    [("llama-3.1-8b", 1, 1837), ("llama-3.1-70b", 4, 446), ("gpt-oss-120b", 6, 2059)],
)
def test_wafer_rates_of_one_user(compiled, model, wafers, tokens_per_s):
    backend = compiled("cerebras-wse3", model, weights="bf16", pipeline=wafers)
    assert 1e9 / decode_ns(backend, 1, 500) == pytest.approx(tokens_per_s, rel=0.25)


def test_a_pipeline_serves_more_users_at_the_same_speed_until_its_entrance_is_full(compiled):
    backend = compiled("groq-lpu-v1", "llama-2-70b", weights="int8", tensor=8, pipeline=72)
    alone = decode_ns(backend, 1, 500)
    assert decode_ns(backend, 70, 500) == pytest.approx(alone, rel=STRAIGHT)
    assert decode_ns(backend, 144, 500) == pytest.approx(2 * alone, rel=0.01)


@pytest.mark.parametrize(
    ("model", "seats", "context", "tpot_ms"),
    [("llama-3-70b", 1, 1500, 33.8), ("mistral-7b", 1, 2500, 6.86), ("llama-3-70b", 1, 200, 32.5)],
)
def test_inferentia_decodes_that_were_not_fitted(compiled, model, seats, context, tpot_ms):
    engine = EngineSpec(max_num_seqs=seats)
    backend = compiled("aws-inferentia2", model, weights="bf16", engine=engine, tensor=12)
    assert decode_ns(backend, seats, context) / 1e6 == pytest.approx(tpot_ms, rel=0.25)


def test_static_shapes_pay_for_empty_seats_and_rounded_lengths(compiled):
    engine = EngineSpec(max_num_seqs=8)
    backend = compiled("aws-inferentia2", "llama-3.1-8b", engine=engine, tensor=12)
    assert decode_ns(backend, 1, 1000) == pytest.approx(decode_ns(backend, 8, 1000), rel=1e-3)
    assert decode_ns(backend, 8, 600) == pytest.approx(decode_ns(backend, 8, 1000), rel=1e-3)
    assert decode_ns(backend, 8, 1100) > decode_ns(backend, 8, 1000)
    assert prompt_ns(backend, 600) == prompt_ns(backend, 1000)
