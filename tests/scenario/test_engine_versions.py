"""What a version of vLLM does by default, and that the document says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.engine import EngineSpec
from simulator.scenario.engine_versions import CHANGES, version_defaults

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.mark.parametrize(
    ("version", "ahead", "sampler"),
    [
        ("0.11.1", False, "sort"),
        ("v0.14.0", True, "sort"),
        ("0.15.1", True, "sort"),
        ("0.16", True, "triton"),
        ("0.19.0", True, "triton"),
        ("0.20.0", True, "flashinfer"),
        ("0.32.0", True, "flashinfer"),
        ("1.0.0", True, "flashinfer"),
        ("nightly", True, "flashinfer"),
    ],
)
def test_defaults_follow_the_version(version, ahead, sampler):
    defaults = version_defaults(version)
    assert (defaults.async_scheduling, defaults.sampler) == (ahead, sampler)
    assert EngineSpec(engine_version=version).schedules_ahead is ahead


def test_what_is_said_goes_before_the_version():
    assert EngineSpec(engine_version="0.11.1", async_scheduling=True).schedules_ahead


def test_the_document_has_a_row_for_every_change():
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "0." in line
    ]
    assert len(rows) == len(CHANGES)
    for (since, defaults), (versions, ahead, sampler) in zip(CHANGES, rows, strict=True):
        assert since == (0, 0) or f"{since[0]}.{since[1]}" in versions
        assert ahead.startswith(str(defaults.async_scheduling).lower())
        assert sampler.startswith(defaults.sampler)


def test_the_document_states_the_times_of_the_api_server():
    text = DOCUMENT.read_text(encoding="utf-8")
    usual = CHANGES[-1][1]
    for seconds, scale, unit in (
        (usual.api_request_s, 1e3, "ms"),
        (usual.api_token_s, 1e3, "ms"),
        (usual.api_token_share_s, 1e6, "us"),
    ):
        assert f"{seconds * scale:g} {unit}" in text
