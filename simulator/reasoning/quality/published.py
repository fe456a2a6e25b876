"""The published figures that the laws start from, read from ``techniques/quality.yaml``."""

from __future__ import annotations

from functools import cache
from typing import Any

from simulator.errors import InputError, nearest
from simulator.reasoning.quality.routing import JointTable
from simulator.reasoning.quality.tokens import EffortPoint
from simulator.reasoning.quality.voting import VotePair
from simulator.units.data_files import data_folder
from simulator.units.yaml_file import read_mapping


@cache
def _file() -> dict[str, Any]:
    return read_mapping(data_folder("techniques") / "quality.yaml", "table of published figures")


def vote_pairs() -> list[VotePair]:
    """pass@1 and cons@64 of the published models on AIME 2024."""
    return [VotePair(model, *pair) for model, pair in _file()["voting"]["pairs"].items()]


def vote_exponent() -> tuple[float, str]:
    """The shipped exponent of the voting law, and what it was fitted on."""
    voting = _file()["voting"]
    return float(voting["exponent"]), str(voting["fitted_on"])


def pass_at_1(task_set: str, model: str) -> tuple[float, str]:
    """A published pass@1 and its source.

    Raises
    ------
    InputError
        Where there is none, with the nearest name.
    """
    sets = _file()["pass_at_1"]
    if task_set not in sets:
        known = ", ".join(sets)
        raise InputError(
            f"no published figures for task set {task_set!r}{nearest(task_set, sets)}; known are {known}",
            key="reasoning.quality.task_set",
        )
    figures = {name: value for name, value in sets[task_set].items() if name != "source"}
    if model not in figures:
        known = ", ".join(figures)
        raise InputError(
            f"no published figure of {model!r} on {task_set}{nearest(model, figures)}; known are {known}",
            key="reasoning.quality.model",
        )
    return float(figures[model]), str(sets[task_set]["source"])


def problems_of(task_set: str | None) -> int | None:
    """How many problems a published set has; None for what is not one."""
    return None if task_set is None else _file()["problems"].get(task_set)


def is_published(task_set: str, model: str) -> bool:
    """Whether there is a published pass@1."""
    return model in _file()["pass_at_1"].get(task_set, {})


def cons_at_64(task_set: str, model: str) -> float | None:
    """A published accuracy by majority of 64; None where there is none."""
    voting = _file()["voting"]
    if task_set != voting["task_set"] or model not in voting["pairs"]:
        return None
    return float(voting["pairs"][model][1])


def coverage_points(task_set: str) -> tuple[str, dict[int, float], str]:
    """Model, published points of its coverage curve (samples to share), and the source."""
    row = _file()["coverage"][task_set]
    return row["model"], {int(k): float(c) for k, c in row["points"].items()}, row["source"]


def effort_points(task_set: str) -> tuple[dict[str, list[EffortPoint]], str]:
    """Points of accuracy over tokens of each model, and the source."""
    rows = dict(_file()["effort"][task_set])
    source = str(rows.pop("source"))
    points = {
        model: [EffortPoint(effort, *pair) for effort, pair in efforts.items()]
        for model, efforts in rows.items()
    }
    return points, source


def joint_tables() -> list[JointTable]:
    """Who is right on which task, of two published pairs of models."""
    return [
        JointTable(
            name,
            row["both"],
            row["strong_only"],
            row["weak_only"],
            f"{row['models']}; {row['source']}",
        )
        for name, row in _file()["routing"].items()
    ]
