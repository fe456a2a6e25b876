"""Shipped hardware profiles, and users' own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from simulator.errors import InputError
from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.device import Device
from simulator.units.data_files import data_folder


def _groups(device: Device) -> list[tuple[str, tuple[str, ...]]]:
    singles = (device.tdp, device.idle, device.idle_loaded, device.scale_up, device.host_link, device.system)
    groups = (*device.memory, *device.compute, *(group for group in singles if group is not None))
    return [(device.id, group.source) for group in groups]


@pytest.mark.parametrize("name", device_names())
def test_every_profile_is_valid_and_cites_readable_sources(name: str) -> None:
    device = load_device(name)
    assert device.id == name
    for where, source in _groups(device):
        for citation in source:
            assert " " in citation, f"{where}: {citation!r} is a key without its citation"


def test_the_catalogue_is_complete() -> None:
    assert len(device_names()) >= 63


@pytest.mark.parametrize(
    ("alias", "id_"),
    [
        ("h100", "nvidia-h100-sxm"),
        ("H200", "nvidia-h200-sxm"),
        ("a100-80g", "nvidia-a100-80g-sxm"),
        ("b200", "nvidia-b200-sxm"),
        ("l40s", "nvidia-l40s"),
        ("mi300x", "amd-mi300x"),
        ("groq", "groq-lpu-v1"),
        ("wse-3", "cerebras-wse3"),
        ("inferentia2", "aws-inferentia2"),
    ],
)
def test_devices_are_known_by_their_everyday_names(alias: str, id_: str) -> None:
    assert load_device(alias).id == id_


def test_no_name_stands_for_two_devices() -> None:
    names = [name for id_ in device_names() for name in (id_, *load_device(id_).aliases)]
    assert len(names) == len(set(names))


def test_an_unknown_device_brings_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"unknown device 'h101' \(did you mean 'h100'\?\)"):
        load_device("h101")


def _own_profile(tmp_path: Path, **changes: object) -> Path:
    group = {"source": ["my bench"], "confidence": "estimate"}
    content = {
        "name": "My chip",
        "vendor": "me",
        "year": 2027,
        "family": "gpu-hbm",
        "memory": [{"tier": "hbm", "type": "HBM4", "capacity": "100 GB", "bandwidth": "5 TB/s", **group}],
        "compute": [{"peak": {"bf16": "1000 TFLOP/s"}, **group}],
    }
    path = tmp_path / "my-chip.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def test_a_new_device_needs_a_file_and_no_code(tmp_path: Path) -> None:
    device = load_device(_own_profile(tmp_path))
    assert device.id == "my-chip"
    assert device.main_memory.bandwidth == 5e12
    assert device.peak_flops == {"bf16": 1e15}
    assert device.tdp_w is None
    assert device.idle_loaded_w is None
    assert device.execution is None


def test_a_profile_that_changes_between_two_runs_is_read_again(tmp_path: Path) -> None:
    path = _own_profile(tmp_path)
    before = load_device(path)
    assert load_device(path) is before
    _own_profile(tmp_path, name="My second chip")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    assert (before.name, load_device(path).name) == ("My chip", "My second chip")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tdb": "700 W"}, r"tdb: unknown key 'tdb' \(did you mean 'tdp'\?\)"),
        ({"memory": []}, "memory: "),
        (
            {"compute": [{"peak": {"bf16": "1000 GB"}, "source": ["x"], "confidence": "press"}]},
            "compute rate",
        ),
        ({"tdp": {"value": "700 W", "confidence": "press"}}, "tdp.source: this key is required, but missing"),
        ({"tdp": {"value": 700, "source": ["x"], "confidence": "press"}}, "without a unit"),
        ({"status": "maybe"}, "status: .*'shipping' or 'announced'"),
    ],
)
def test_a_wrong_profile_is_refused_with_file_and_key(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = _own_profile(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        load_device(path)
    assert caught.value.file == str(path)


def test_profiles_carry_the_collected_figures(shared: Path) -> None:
    facts = yaml.safe_load((shared / "facts" / "hardware.yaml").read_text())["devices"]
    assert set(facts) <= set(device_names())
    for id_, fact in facts.items():
        device = load_device(id_)
        assert device.tdp_w == fact["tdp_w"]["value"], id_
        assert device.idle_w == fact["idle_w"]["value"], id_
        for tier, expected in zip(device.memory, fact["memory"], strict=True):
            assert tier.capacity == expected["capacity_bytes"], id_
            assert tier.bandwidth == expected["bandwidth_bytes_per_s"], id_
        for dtype, rate in fact["peak_dense"]["flops_per_s"].items():
            assert device.peak_flops.get(dtype) == rate, id_
        assert device.scale_up is not None
        assert device.scale_up.bandwidth == fact["scale_up"]["per_direction_bytes_per_s"], id_
        assert device.devices_per_system == fact["system"]["chips"], id_


#: How sources call the devices that others take constants over from.
PARENTS = {"H100 SXM": "nvidia-h100-sxm", "B200": "nvidia-b200-sxm"}


def test_power_that_is_carried_over_is_that_of_the_device_it_comes_from() -> None:
    """A new fit of the one must reach the others."""
    carried = 0
    for device in map(load_device, device_names()):
        power = getattr(device.execution, "power", None)
        origin = "" if power is None else str(power.source).partition(":")[0]
        if origin.startswith("carried over from "):
            parent = load_device(PARENTS[origin.removeprefix("carried over from ")]).execution.power
            for name in ("busy", "memory", "compute", "ceiling"):
                assert getattr(power, name) == getattr(parent, name), (device.id, name)
            carried += 1
        elif power is not None and "ML.ENERGY" in str(power.source):
            assert device.id in PARENTS.values(), f"{device.id} was not measured there"
    assert carried >= 4


def test_only_yaml_files_of_devices_lie_in_the_folder() -> None:
    assert {path.stem for path in data_folder("hardware_profiles").glob("*.yaml")} == set(device_names())
