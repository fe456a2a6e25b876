"""Collectives: measured where they were, modelled where not, and always saying which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.hardware import collective_curve, device_names, load_device
from simulator.hardware.collectives import Operation, _measurements, all_reduce_seconds

H100 = load_device("h100")


@pytest.mark.parametrize(("devices", "microseconds"), [(2, 4.44), (4, 4.9), (8, 5.58)])
def test_an_all_reduce_on_h100_is_what_was_measured(devices: int, microseconds: float) -> None:
    curve = collective_curve(H100, "all_reduce", devices)
    assert curve.origin == "measured"
    assert "vLLM" in curve.source
    assert curve.seconds(32768) == pytest.approx(microseconds * 1e-6)


def test_nccl_can_be_asked_for() -> None:
    assert collective_curve(H100, "all_reduce", 8, kernel="NCCL").seconds(32768) == pytest.approx(19.02e-6)


def test_small_messages_cost_the_smallest_measured_time() -> None:
    curve = collective_curve(H100, "all_reduce", 8)
    assert curve.seconds(1) == curve.seconds(2048) == pytest.approx(4.65e-6)


def test_huge_messages_run_at_the_bandwidth_of_the_last_measurements() -> None:
    curve = collective_curve(H100, "all_reduce", 8)
    rate = 2 * 7 / 8 * 2**30 / curve.seconds(2**30)
    assert 0.8 * 450e9 < rate < 450e9


def test_three_devices_take_the_series_of_four() -> None:
    three = collective_curve(H100, "all_reduce", 3)
    assert three.seconds(1e6) == collective_curve(H100, "all_reduce", 4).seconds(1e6)
    assert "series of 4 devices" in three.source


def test_one_device_exchanges_nothing() -> None:
    assert all_reduce_seconds(H100, 1, 1e6) == 0.0


def test_the_same_kind_of_link_stands_in_and_says_so() -> None:
    curve = collective_curve(load_device("b300"), "all_reduce", 8)
    assert curve.origin == "same-link"
    assert "B200" in curve.source


def test_a_device_without_measurements_is_modelled_from_its_links() -> None:
    curve = collective_curve(load_device("mi300x"), "all_reduce", 8)
    assert curve.origin == "link-model"
    assert "Infinity Fabric" in curve.source
    at_full_rate = 2 * 7 / 8 * 1e9 / 448e9
    assert at_full_rate < curve.seconds(1e9) < 1.5 * at_full_rate


def test_the_model_is_near_the_measurements_of_h100() -> None:
    h800_like = load_device("h800")
    assert h800_like.scale_up is not None
    link = h800_like.scale_up.model_copy(update={"bandwidth": 450e9})
    modelled = collective_curve(h800_like.model_copy(update={"scale_up": link}), "all_reduce", 8)
    for size in (32768, 2**19, 2**25, 2**28):
        assert modelled.seconds(size) == pytest.approx(
            collective_curve(H100, "all_reduce", 8).seconds(size), rel=0.6
        )


def test_leaving_the_scale_up_domain_costs_the_slower_network() -> None:
    inside, across = (collective_curve(load_device("mi300x"), "all_reduce", n) for n in (8, 16))
    assert "NIC" in across.source
    assert across.seconds(1e8) > inside.seconds(1e8)


def test_devices_without_a_link_cannot_share_a_model() -> None:
    with pytest.raises(InputError, match="no published link bandwidth"):
        collective_curve(load_device("apple-m4-max"), "all_reduce", 2)


@given(
    name=st.sampled_from(["h100", "a100", "l40s", "gb200", "mi300x", "inf2", "h100-nvl"]),
    operation=st.sampled_from(["all_reduce", "all_gather", "all_to_all"]),
    devices=st.sampled_from([2, 4, 8, 16]),
    size=st.floats(min_value=1, max_value=1e9),
)
def test_larger_messages_never_get_much_faster(
    name: str, operation: Operation, devices: int, size: float
) -> None:
    curve = collective_curve(load_device(name), operation, devices)
    # vLLM switches kernels near 1 MB on B200; nowhere else does a measured series fall
    assert curve.seconds(2 * size) >= 0.95 * curve.seconds(size) > 0


def test_series_belong_to_devices_of_the_catalogue() -> None:
    for system in _measurements().systems:
        assert {*system.devices, *system.same_link} <= set(device_names())
