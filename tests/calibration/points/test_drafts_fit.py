"""How often drafts are right, from times per token of engines that verify them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from simulator.calibration.points import search
from simulator.calibration.points.drafts_fit import EXPECTED, FAMILIES, DraftedPoint, ratios
from simulator.calibration.points.steady import stationary, steady_tpot_s
from simulator.hardware.catalogue import load_device
from simulator.latency import compile_backend
from simulator.models.catalogue import load_model
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.speculation import SpeculationSpec

TRUE = 0.7


def points(acceptance: float, numbers: Sequence[int] = (1, 3)) -> list[DraftedPoint]:
    """Servers whose times per token are those of drafts that are right so often."""
    found = []
    for drafts in numbers:
        spec = SpeculationSpec(method="mtp", num_speculative_tokens=drafts, acceptance=acceptance)
        pricer = compile_backend(
            AutoBackendSpec(),
            load_model("deepseek-v3"),
            load_device("nvidia-b200-sxm"),
            ParallelismSpec(tensor=8),
            EngineSpec(),
            spec,
            weight_dtype="fp8",
        ).pricer
        for sent in (4, 32):
            point = DraftedPoint(f"{drafts} drafts", pricer, stationary(sent, 1024, 1024), drafts, 1.0)
            tpot_s = float(ratios([point], {"acceptance": acceptance})[0])
            found.append(replace(point, tpot_s=tpot_s))
    return found


def test_the_acceptance_that_made_the_times_is_found_again() -> None:
    assert search.fit(EXPECTED, points(TRUE), ratios)["acceptance"] == pytest.approx(TRUE, abs=0.02)


def test_a_server_left_out_is_predicted_from_the_other() -> None:
    mixed = [*points(TRUE, (1,)), *points(0.2, (3,))]
    errors = search.leave_one_out(EXPECTED, mixed, ratios, FAMILIES["server"])
    assert (errors["1 drafts"] > 0.1).all()  # the other's drafts are rarely right
    assert (errors["3 drafts"] < -0.1).all()


def test_a_verification_takes_longer_than_a_step_and_yields_more() -> None:
    point = points(TRUE, (3,))[0]
    plain, drafted = (steady_tpot_s(point.pricer, replace(point.load, drafts=n)) for n in (0, 3))
    assert plain < drafted
    assert point.tpot_s < plain
