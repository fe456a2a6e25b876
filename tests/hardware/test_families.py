"""Constants of devices that nobody profiled."""

from __future__ import annotations

import pytest

from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.families import COMMON, FOLDER, Family, family_execution
from simulator.units.catalogue import load_entry, shipped_names

H100 = 3.35e12


@pytest.mark.parametrize("family", [*shipped_names(FOLDER), "a family of its own"])
def test_every_family_has_every_group_of_constants_as_an_estimate(family):
    execution = family_execution(family, H100)
    groups = [
        execution.gemm["bf16"],
        execution.decode_attention["bf16"],
        execution.prefill_attention,
        execution.layer,
        execution.experts["bf16"],
        execution.sampling,
        execution.host,
        execution.power,
    ]
    assert all(group.confidence == "estimate" and " " in group.source for group in groups)


def test_graphics_cards_differ_where_they_were_timed_and_only_there():
    common, cards = family_execution(COMMON, 1e12), family_execution("gpu-gddr", 1e12)
    assert cards.gemm != common.gemm and cards.layer != common.layer
    assert (cards.sampling, cards.host, cards.power) == (common.sampling, common.host, common.power)


def test_sampling_takes_longer_on_slower_memory_where_it_reads():
    fast, slow = (family_execution(COMMON, bandwidth).sampling for bandwidth in (H100, H100 / 4))
    assert slow.sort_ns == pytest.approx(4 * fast.sort_ns)
    assert slow.sort_us == fast.sort_us


def test_a_family_that_was_timed_itself_is_scaled_from_its_own_memory():
    own = load_entry(FOLDER, COMMON, Family, what="family of devices")
    sampling = own.model_copy(update={"bandwidth": 1e12}).on_memory(0.5e12).sampling
    assert sampling.sort_ns == pytest.approx(2 * own.execution.sampling.sort_ns)
    assert own.model_copy(update={"bandwidth": None}).on_memory(0.5e12) == own.execution


def test_families_are_no_devices():
    assert not set(shipped_names(FOLDER)) & set(device_names())
    assert {load_device(name).family for name in device_names()} >= set(shipped_names(FOLDER))
