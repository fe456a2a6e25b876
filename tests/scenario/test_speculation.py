"""The ``speculative:`` section: what it means and what it refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.errors import InputError
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.loading import load_scenario
from simulator.scenario.speculation import SpeculationSpec
from simulator.scenario.vllm.args import pool_from_vllm_args

POOL = {"name": "main", "hardware": "nvidia-h100-sxm"}
EAGLE = {"method": "eagle3", "num_speculative_tokens": 3}


def test_one_chance_falls_along_the_draft_as_its_powers():
    spec = SpeculationSpec(**EAGLE, acceptance=0.5)
    assert spec.positions == (0.5, 0.25, 0.125)


def test_rates_per_position_are_taken_as_vllm_reports_them():
    spec = SpeculationSpec(**EAGLE, acceptance_per_position=(0.76, 0.56, 0.43))
    assert spec.positions == (0.76, 0.56, 0.43)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (EAGLE, "give one of acceptance"),
        ({**EAGLE, "acceptance": 0.7, "acceptance_per_position": [0.7, 0.5, 0.3]}, "give one of acceptance"),
        ({**EAGLE, "acceptance_per_position": [0.7, 0.5]}, "2 rates for 3 drafts"),
        ({**EAGLE, "acceptance_per_position": [0.5, 0.6, 0.4]}, "must not rise"),
        ({**EAGLE, "acceptance": 0.7, "model": "llama-3.1-8b"}, "model has no effect with method 'eagle3'"),
        ({**EAGLE, "acceptance": 0.7, "window": 256}, "window has no effect"),
        ({**EAGLE, "method": "draft_model", "acceptance": 0.7}, "needs model"),
        ({**EAGLE, "method": "eagle4", "acceptance": 0.7}, "'draft_model', 'eagle'"),
    ],
)
def test_what_does_not_fit_together_is_refused(section, message):
    with pytest.raises(ValidationError, match=message):
        SpeculationSpec.model_validate(section)


def test_the_two_settings_of_the_engine_are_short_for_free_drafts():
    engine = {"num_speculative_tokens": 2, "speculative_acceptance": 0.6}
    spec = PoolSpec(**POOL, engine=engine).speculation
    assert (spec.method, spec.num_speculative_tokens, spec.acceptance) == ("ngram", 2, 0.6)
    with pytest.raises(ValidationError, match="not both"):
        PoolSpec(**POOL, engine=engine, speculative={**EAGLE, "acceptance": 0.7})


def test_an_unknown_draft_model_is_named_with_its_key():
    section = {"method": "draft_model", "model": "llama-3.1-9b", "num_speculative_tokens": 4}
    scenario = {
        "workload": "sharegpt-chat",
        "model": "llama-3.1-70b",
        "cluster": {"pools": [{**POOL, "speculative": {**section, "acceptance": 0.7}}]},
        "requests": 10,
    }
    with pytest.raises(InputError, match=r"llama-3\.1-9b") as error:
        load_scenario(scenario)
    assert error.value.key == "cluster.pools[0].speculative.model"


@pytest.mark.parametrize(
    ("config", "section"),
    [
        ('{"method": "eagle3", "model": "x/y", "num_speculative_tokens": 3}', {"method": "eagle3"}),
        ('{"model": "yuhuili/EAGLE3-LLaMA3.1", "num_speculative_tokens": 3}', {"method": "eagle3"}),
        ('{"method": "deepseek_mtp", "num_speculative_tokens": 3}', {"method": "mtp"}),
        (
            '{"model": "meta-llama/Llama-3.1-8B-Instruct", "num_speculative_tokens": 3,'
            ' "draft_tensor_parallel_size": 1}',
            {"method": "draft_model", "model": "llama-3.1-8b", "tensor": 1},
        ),
    ],
)
def test_a_speculative_config_of_vllm_becomes_the_section(config, section):
    conversion = pool_from_vllm_args(f"vllm serve meta-llama/Llama-3.1-70B --speculative-config '{config}'")
    expected = {**section, "num_speculative_tokens": 3, "acceptance": 0.7}
    assert conversion.pool["speculative"] == expected
    assert "num_speculative_tokens" not in conversion.pool["engine"]
    assert not conversion.unsupported
    SpeculationSpec.model_validate(conversion.pool["speculative"])


def test_drafts_of_unknown_cost_are_named_as_not_simulated():
    text = "vllm serve meta-llama/Llama-3.1-70B --speculative-config '{0}'"
    suffix = pool_from_vllm_args(text.format('{"method": "suffix", "num_speculative_tokens": 8}'))
    ngram = pool_from_vllm_args(text.format('{"method": "ngram", "num_speculative_tokens": 8}'))
    assert [aside.flag for aside in suffix.unsupported] == ["--speculative-config (suffix)"]
    assert not ngram.unsupported
