"""What a profile says about a device."""

from __future__ import annotations

from simulator.hardware import load_device


def test_h100_as_its_datasheet_has_it() -> None:
    h100 = load_device("h100")
    assert h100.main_memory.tier == "hbm"
    assert h100.main_memory.capacity == 80 * 2**30
    assert h100.main_memory.bandwidth == 3.35e12
    assert h100.peak_flops["bf16"] == 989e12
    assert (h100.tdp_w, h100.idle_w, h100.idle_loaded_w) == (700.0, 71.0, 119.0)
    assert h100.devices_per_system == 8


def test_peaks_that_no_source_supports_are_shown_but_not_used() -> None:
    l4 = load_device("l4")
    unsupported = [group for group in l4.compute if not group.planning]
    assert [set(group.peak) for group in unsupported] == [{"int4"}]
    assert "int4" not in l4.peak_flops


def test_unknown_power_is_none_and_not_zero() -> None:
    assert load_device("inferentia2").tdp_w is None
    assert load_device("groq").idle_loaded_w is None


def test_memory_of_the_host_is_not_the_devices_own() -> None:
    gb200 = load_device("gb200")
    assert gb200.memory_tier("host") is not None
    assert gb200.main_memory.tier == "hbm"


def test_sram_machines_have_sram_as_their_main_memory() -> None:
    assert load_device("groq").main_memory.capacity == 230e6
    assert load_device("wse-3").main_memory.capacity == 44e9


def test_unreleased_devices_are_marked() -> None:
    assert load_device("rubin").status == "announced"
    assert load_device("h100").status == "shipping"


def test_estimates_are_named() -> None:
    assert "scale_up" in load_device("h800").estimates
    assert load_device("h100").estimates == ()
