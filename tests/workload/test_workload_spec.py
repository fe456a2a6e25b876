"""What a workload may and may not say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.workload import load_workload

TEXT = """
arrivals: {process: poisson, rate: 6.45 /s}
prompt_tokens: {distribution: fixed, tokens: 10}
output_tokens: {distribution: fixed, tokens: 10}
"""


def refused(message, spec, **changes):
    with pytest.raises(ValidationError, match=message):
        spec(**changes)


def test_lengths_come_from_exactly_one_place(spec):
    refused("one place", spec, rows={"file": "a.csv"})
    refused("missing", spec, prompt_tokens=None, output_tokens=None)
    refused("both needed", spec, output_tokens=None)


def test_a_replay_needs_no_lengths_and_takes_no_classes(spec):
    replay = {"process": "replay", "file": "a.csv"}
    assert isinstance(spec(arrivals=replay, prompt_tokens=None, output_tokens=None), WorkloadSpec)
    refused("generated arrivals", spec, arrivals=replay, thinking={"shares": [1]})


def test_sessions_need_an_open_loop(spec):
    sessions = {"turns": {"distribution": "fixed", "tokens": 2}, "gap": {"median": "1 s"}}
    refused("open loop", spec, arrivals={"process": "closed_loop", "concurrency": 2}, sessions=sessions)


@pytest.mark.parametrize(
    ("message", "prompt"),
    [
        ("exactly one of mu, median, mean", {"distribution": "lognormal", "sigma": 1}),
        ("exactly one of sigma, sd", {"distribution": "lognormal", "mu": 1}),
        ("sd goes with mean", {"distribution": "lognormal", "mu": 1, "sd": 1}),
        ("below min", {"distribution": "exponential", "mean": 5, "min": 9, "max": 3}),
        ("below low", {"distribution": "uniform", "low": 9, "high": 3}),
        ("must rise", {"distribution": "quantiles", "percent": [0, 50, 50, 100], "tokens": [1, 2, 3, 4]}),
        ("weights", {"distribution": "empirical", "values": [1, 2], "weights": [1]}),
        ("greater than 0", {"distribution": "exponential", "mean": -3}),
    ],
)
def test_a_distribution_that_makes_no_sense_is_refused(spec, message, prompt):
    refused(message, spec, prompt_tokens=prompt)


@pytest.mark.parametrize(
    ("message", "arrivals"),
    [
        ("2 x 2", {"rates": ["1 /s", "2 /s"], "transition": [[1.0]], "step": "1 s"}),
        ("sum to 1", {"rates": ["1 /s", "2 /s"], "transition": [[0.5, 0.1], [0.5, 0.5]], "step": "1 s"}),
    ],
)
def test_a_chain_needs_a_stochastic_matrix(spec, message, arrivals):
    refused(message, spec, arrivals={"process": "mmpp"} | arrivals)


def test_a_loop_without_a_cap_is_refused(spec):
    refused("only there", spec, thinking={"tokens": {"distribution": "fixed", "tokens": 5}, "loops": 0.1})


@pytest.mark.parametrize(
    ("find", "put", "key", "message"),
    [
        ("6.45 /s", "-6.45 /s", "arrivals.rate", "-6.45 /s"),
        ("6.45 /s", "6.45 GB", "arrivals.rate", "6.45 GB"),
        ("poisson", "poison", "arrivals.process", "poisson"),
        ("prompt_tokens", "promt_tokens", "promt_tokens", "prompt_tokens"),
        ("tokens: 10", "token: 10", "prompt_tokens", "tokens"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_file_key_and_remedy(tmp_path, find, put, key, message):
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT.replace(find, put, 1))
    with pytest.raises(InputError) as caught:
        load_workload(file)
    assert str(file) in str(caught.value)
    assert key in str(caught.value)
    assert message in str(caught.value)


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(InputError, match="azure-conv-2023"):
        load_workload("azure-conf-2023")
