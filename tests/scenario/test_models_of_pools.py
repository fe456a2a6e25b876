"""A scenario in which every pool names its own model needs none at its top."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario
from simulator.simulation.run import scenario_values

SMALL, LARGE = "llama-3.1-8b", {"card": "llama-3.1-70b", "weight_dtype": "fp8"}


def served(content, *models, tenants=None):
    """The scenario with a pool of each model (None: it names none), and without a model of its own."""
    pools = [
        {"name": f"p{number}", "hardware": "nvidia-h200-sxm", **({} if model is None else {"model": model})}
        for number, model in enumerate(models)
    ]
    own = {key: value for key, value in content.items() if key != "model"} | {"cluster": {"pools": pools}}
    if tenants is not None:
        traffic = own.pop("workload")
        own["tenants"] = [
            {"name": name, "workload": traffic, **({} if model is None else {"model": model})}
            for name, model in tenants.items()
        ]
    return own


def test_it_runs_as_if_the_scenario_named_the_model(small):
    own = run_scenario(load_scenario(served(small, LARGE)))
    top = run_scenario(load_scenario({**served(small, None), "model": LARGE}))
    assert own.context.model == "Llama 3.1 70B"
    assert own.summary.latency == top.summary.latency


def test_the_same_with_pools_of_several_models(small):
    content = served(small, SMALL, LARGE, tenants={"chat": SMALL, "hard": "llama-3.1-70b"})
    result = run_scenario(load_scenario(content))
    assert [one.completed for one in result.summary.tenants] == [100, 100]
    assert run_scenario(load_scenario(scenario_values(load_scenario(content)))).summary == result.summary


def test_tenants_of_one_model_need_not_name_it(small):
    assert load_scenario(served(small, SMALL, SMALL, tenants={"chat": None})).model.card == SMALL


def test_null_stands_for_no_model(small):
    assert load_scenario({**served(small, LARGE), "model": None}).model.weight_dtype == "fp8"


@pytest.mark.parametrize(
    ("models", "tenants", "message"),
    [
        ((SMALL, None), None, r"cluster.pools\[1\] names no model.*e.g. model: llama-3.1-8b"),
        ((SMALL, LARGE), {"chat": SMALL, "hard": None}, "tenant 'hard' asks for no model, pools serve"),
        ((SMALL, LARGE), None, "nobody asks for model 'llama-3.1-70b'"),
        (({"weight_dtype": "fp8"},), None, "model: this key is required"),
        (("llama-3.1-8c",), None, "unknown model"),
    ],
)
def test_what_is_left_open_is_refused(small, models, tenants, message):
    with pytest.raises(InputError, match=message):
        load_scenario(served(small, *models, tenants=tenants))
