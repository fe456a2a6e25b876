"""Claims on hardware come out as computed facts."""

from __future__ import annotations

import pytest

from simulator.hardware.catalogue import load_device
from simulator.planning.claims import hardware
from simulator.planning.claims.experiments import EXPERIMENTS
from simulator.planning.claims.hardware import GROQ3, WAFER, lpu_bandwidth, wafer_capacity
from simulator.planning.claims.small import H100, per_million, served


@pytest.fixture(scope="module")
def facts():
    return [one for claim in ("C11", "C12", "C13", "C14", "C25", "C39") for one in EXPERIMENTS[claim]()]


def fact(facts, claim: str, words: str):
    (found,) = (one for one in facts if one.claim == claim and words in one.what)
    return found


def test_an_lpu_has_150_tb_per_second_and_70b_needs_well_over_a_hundred(facts):
    assert fact(facts, "C11", "bandwidth of a Groq 3 chip").value == pytest.approx(150)
    assert 140 <= fact(facts, "C11", "holds 70B").value <= 150
    assert fact(facts, "C11", "bandwidth of a rack").value == pytest.approx(39, rel=0.05)


@pytest.mark.parametrize(("name", "claim"), [(GROQ3, lpu_bandwidth), (WAFER, wafer_capacity)])
def test_a_bandwidth_beside_the_claimed_one_does_not_bear_it_out(name, claim, monkeypatch):
    device = load_device(name)
    assert claim()[0].holds
    main = device.main_memory
    slow = main.model_copy(update={"bandwidth": 0.9 * main.bandwidth})
    slower = device.model_copy(
        update={"memory": tuple(slow if one is main else one for one in device.memory)}
    )
    monkeypatch.setattr(
        hardware, "load_device", lambda other: slower if other == name else load_device(other)
    )
    assert claim()[0].holds is False


def test_seven_times_rubin_is_a_ratio_of_bandwidths_and_not_of_speeds(facts):
    assert fact(facts, "C12", "bandwidth of a chip").holds
    assert not fact(facts, "C12", "per chip").holds
    assert fact(facts, "C12", "per chip").value < 1


def test_only_small_models_lie_on_one_wafer(facts):
    wafers = {one.what.split()[2]: one for one in facts if one.what.startswith("wafers for")}
    assert wafers["llama-3.1-8b"].holds
    assert [wafers[model].value for model in ("gpt-oss-120b", "llama-3.1-70b")] == [2, 4]
    assert 19 <= wafers["llama-3.1-405b"].value <= 20


def test_a_wafer_uses_a_thousandth_of_its_bandwidth(facts):
    assert fact(facts, "C13", "share of the wafers' bandwidth").value < 0.1


def test_no_frontier_model_passes_3000_tokens_per_second_without_speculation(facts):
    rates = [one for one in facts if one.claim == "C14"]
    assert len(rates) >= 8
    assert not any(one.holds for one in rates)
    assert fact(facts, "C14", "gpt-oss-120b").value > 1500


def test_decode_is_bound_by_memory_at_long_contexts_whatever_the_batch(facts):
    assert fact(facts, "C25", "16,000").holds
    assert fact(facts, "C25", "100 tokens").value >= 150


def test_one_stream_on_groq_hears_even_gaps(facts):
    assert fact(facts, "C39", "p99 over median").value == pytest.approx(1.0, abs=0.05)


def test_inferentia_is_not_the_cheap_place_for_batch_work_in_8b():
    model = {"card": "llama-3.1-8b", "weight_dtype": "bf16"}
    engine = {"max_model_len": 750, "enable_prefix_caching": False}
    inferentia = served(model, "aws-inferentia2", seats=64, batch=64, requests=256, tensor=12, engine=engine)
    gpu = served(model, H100, seats=256, batch=256, requests=1024, engine=engine)
    assert per_million(inferentia) > per_million(gpu)
