"""The golden traces notice every known error: one line of the engine changes, and two traces or more depart.

``pytest -s`` prints which scenario notices which error, and where.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.calibration.conformance import Recording, first_difference, read_recording, recordings_at
from simulator.engine.build import build_replica
from tests.engine.known_errors import ERRORS
from tests.engine.mutations import Mutation

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
EVERY_ERROR = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.error)


@cache
def recording(name: str) -> Recording:
    return read_recording(GOLDEN / f"{name}.scenario.json")


def noticed(name: str, engine: Any) -> str:
    """Where a scenario departs from its trace; empty where it does not."""
    try:
        difference = first_difference(recording(name), engine)
    except AssertionError:
        return "an assertion of the engine itself"
    return "" if difference is None else difference.where


@EVERY_ERROR
def test_two_scenarios_notice(error: Mutation) -> None:
    engine = error.engine()
    found = {name: noticed(name, engine) for name in error.caught_by}
    print(f"\n{error.error}:", ", ".join(f"{name} at {where}" for name, where in found.items()))
    assert len(found) == 2
    assert all(found.values())


def test_the_engine_without_an_error_departs_nowhere() -> None:
    names = {name for error in ERRORS for name in error.caught_by}
    assert not any(noticed(name, build_replica) for name in names)


def test_each_error_is_another() -> None:
    assert len({error.error for error in ERRORS}) == len(ERRORS) >= 12
    assert len({(error.module, error.line, error.instead) for error in ERRORS}) == len(ERRORS)


def test_an_error_leaves_the_real_engine_as_it_was() -> None:
    before = importlib.import_module("simulator.engine.listed").ListedReplica
    assert ERRORS[0].engine() is not before
    assert importlib.import_module("simulator.engine.listed").ListedReplica is before


@pytest.mark.slow
@EVERY_ERROR
def test_which_scenarios_notice(error: Mutation) -> None:
    """The whole matrix, for whoever changes the golden set."""
    engine = error.engine()
    names = [place.name.split(".")[0] for place in recordings_at(GOLDEN)]
    found = {name: where for name in names if (where := noticed(name, engine))}
    print(f"\n{error.error}:", ", ".join(f"{name} at {where}" for name, where in found.items()))
    assert set(error.caught_by) <= set(found)
