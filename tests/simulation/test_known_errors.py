"""Near a pool are the same device, else devices of its vendor, kind and age; its class of model first."""

from __future__ import annotations

import pytest

import simulator
from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.models.catalogue import load_model
from simulator.results.accuracy import Accuracy, ErrorGroup, Spread
from simulator.scenario.backend import AutoBackendSpec, LinearBackendSpec
from simulator.simulation.known_errors import known_errors


def group(device: str, model_class: str = "dense") -> ErrorGroup:
    return ErrorGroup(
        device=device,
        model_class=model_class,
        load="light",
        kind="runs",
        in_flight=(1, 8),
        models=("m",),
        source="somebody",
        errors={"tpot_mean": Spread(median=0.03, p90=0.05, count=3)},
    )


ACCURACY = Accuracy(
    format="validation-errors/1",
    date="2026-11-27",
    groups=(group("nvidia-h100-sxm"), group("nvidia-h100-sxm", "MoE"), group("nvidia-a100-80g-sxm")),
)


def found(device: str, model: str = "llama-3.1-8b"):
    card, profile = load_model(model), load_device(device)
    backend = compile_backend(AutoBackendSpec(), card, profile)
    return known_errors(AutoBackendSpec(), card, profile, backend, ACCURACY).compared


def test_the_same_device_and_class_come_first():
    (one,) = found("nvidia-h100-sxm")
    assert (one.same_device, one.same_class, one.model_class) == (True, True, "dense")


def test_the_same_device_with_another_class_comes_before_another_device():
    (one,) = found("nvidia-a100-80g-sxm", "gpt-oss-20b")
    assert (one.same_device, one.same_class) == (True, False)


def test_a_sister_of_the_device_stands_in_for_it():
    names = {one.device_name for one in found("nvidia-h200-sxm")}
    assert names == {load_device("nvidia-h100-sxm").name}


def test_each_kind_of_data_has_its_own_nearest():
    public = group("nvidia-h200-sxm").model_copy(update={"kind": "public figures"})
    accuracy = ACCURACY.model_copy(update={"groups": (*ACCURACY.groups, public)})
    card, profile = load_model("llama-3.1-8b"), load_device("nvidia-h200-sxm")
    backend = compile_backend(AutoBackendSpec(), card, profile)
    compared = known_errors(AutoBackendSpec(), card, profile, backend, accuracy).compared
    assert {(one.kind, one.same_device) for one in compared} == {("runs", False), ("public figures", True)}


def test_a_device_of_another_vendor_has_nothing_near():
    assert found("amd-mi300x") == ()


def test_coefficients_of_the_user_have_their_own_error():
    card, profile = load_model("llama-3.1-8b"), load_device("nvidia-h100-sxm")
    spec = LinearBackendSpec(base_ns=1)
    known = known_errors(spec, card, profile, compile_backend(spec, card, profile), ACCURACY)
    assert known.compared == ()
    assert "coefficients given by the user" in known.stated


@pytest.mark.parametrize(("hardware", "known"), [("nvidia-h100-sxm", True), ("apple-m4-max", None)])
def test_every_result_has_an_error_bar_for_each_pool(hardware, known):
    result = simulator.run(
        {
            "workload": "azure-conv-2023",
            "model": "llama-3.1-8b",
            "requests": 20,
            "cluster": {"pools": [{"name": "main", "hardware": hardware}]},
        }
    )
    (bar,) = result.summary.to_dict()["error_bars"]
    assert bar["pool"] == "main"
    assert bar["in_flight_per_replica"] > 0
    assert known is None or bar["known"] is known
    told = [message for message in result.summary.messages if bar["text"] in message]
    assert bool(told) is not bar["known"]
