"""Layouts that no machine can have are refused before anything is priced."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.latency.smallest import smallest_parallelism
from simulator.models.catalogue import load_model
from simulator.scenario.backend import LinearBackendSpec
from tests.latency.conftest import Compile

H100, LPU = "nvidia-h100-sxm", "groq-lpu-v1"


@pytest.mark.parametrize(("model", "layers"), [("llama-3.1-70b", 80), ("llama-3.1-8b", 32)])
def test_a_pipeline_has_at_most_as_many_stages_as_the_model_has_layers(
    compiled: Compile, model: str, layers: int
) -> None:
    assert compiled(H100, model, pipeline=layers).placement.devices == layers
    with pytest.raises(InputError, match=f"at most {layers}") as error:
        compiled(H100, model, pipeline=layers + 1)
    assert error.value.key == "parallelism.pipeline"


def test_so_it_is_under_every_backend(compiled: Compile) -> None:
    with pytest.raises(InputError, match="at most 32"):
        compiled(H100, "llama-3.1-8b", spec=LinearBackendSpec(backend="linear", base_ns=1), pipeline=64)


def test_no_more_chips_share_a_layer_than_it_has_heads(compiled: Compile) -> None:
    with pytest.raises(InputError, match="64 attention heads") as error:
        compiled(LPU, "llama-3.1-70b", tensor=720)
    assert error.value.key == "parallelism.tensor"


def test_on_silicon_a_stage_may_hold_part_of_a_layer(compiled: Compile) -> None:
    assert compiled(LPU, "llama-3.1-70b", tensor=8, pipeline=90).placement.devices == 720


@pytest.mark.parametrize("model", ["llama-3.1-70b", "llama-3.1-8b", "mixtral-8x7b"])
def test_what_a_message_proposes_can_be_had(compiled: Compile, model: str) -> None:
    found = smallest_parallelism(load_model(model), load_device(LPU))
    assert found is not None
    compiled(LPU, model, tensor=found[0], pipeline=found[1])
