"""Shipped figures of how long reasoning models think, from ``techniques/reasoning_lengths.yaml``.

Profiles are of two kinds that are never mixed: *benchmark* (one model and effort on problems of known
difficulty) and *production* (what a service generated in a day, five to eight times shorter).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

import numpy as np

from simulator.errors import InputError, nearest
from simulator.scenario.workload.lengths import ReasoningLengthSpec
from simulator.units.data_files import data_folder
from simulator.units.yaml_file import read_mapping
from simulator.workload.lengths.continuous import rounded
from simulator.workload.lengths.reasoning import LengthLaw, lengths_of
from simulator.workload.lengths.table import LengthTable, blended


@cache
def _file() -> dict[str, Any]:
    return read_mapping(data_folder("techniques") / "reasoning_lengths.yaml", "table of reasoning lengths")


def shipped_law() -> LengthLaw:
    """The law as fitted to all models of the calibration data."""
    law = _file()["law"]
    return LengthLaw(law["spread"], law["slope"], law["runaway_share"], law["runaway_factor"])


@dataclass(frozen=True, slots=True)
class BenchmarkProfile:
    """Mean lengths of a model at each difficulty [tokens], and how often it looped into the cap there."""

    name: str
    means: dict[int, float]
    loops: dict[int, float]

    @property
    def level(self) -> float:
        """Mean over difficulties of ln(mean tokens)."""
        return level_of(self.means.values())


def level_of(means: Iterable[float]) -> float:
    """Level of a model with these mean lengths at its difficulties: the mean of their logarithms."""
    return float(np.mean([log(mean) for mean in means]))


def benchmark_profiles() -> dict[str, BenchmarkProfile]:
    """All profiles with difficulties, by name."""
    rows = _file()["benchmark"]["profiles"]
    return {name: BenchmarkProfile(name, row["means"], row.get("loops", {})) for name, row in rows.items()}


def profile_names() -> list[str]:
    """Names of all profiles: by difficulty, pooled over a task set, and of production."""
    data = _file()
    return [
        *data["benchmark"]["profiles"],
        *data["pooled"]["profiles"],
        *(f"production/{name}" for name in data["production"]["profiles"]),
    ]


def reasoning_length(spec: ReasoningLengthSpec) -> LengthTable:
    """The table of a reasoning model's lengths.

    Raises
    ------
    InputError
        Where there is no such profile or difficulty.
    """
    scale = 1.0 if spec.effort is None else float(_file()["effort"][spec.effort])
    if spec.means is not None:
        mean = spec.means[str(spec.difficulty)]
        return _of_law(spec, mean * scale, level_of(spec.means.values()) + log(scale), spec.loops or 0.0)
    if spec.profile is None:
        assert spec.mean is not None  # the spec holds this
        level = log(spec.mean) if spec.level is None else spec.level
        return _of_law(spec, spec.mean * scale, level + log(scale), spec.loops or 0.0)
    benchmark = benchmark_profiles().get(spec.profile)
    if benchmark is not None:
        size = _difficulty(spec, benchmark)
        loops = benchmark.loops.get(size, 0.0) if spec.loops is None else spec.loops
        level = benchmark.level + log(scale)
        return _of_law(spec, benchmark.means[size] * scale, level, loops if spec.max else 0.0)
    return _mixed(spec, scale)


def _of_law(spec: ReasoningLengthSpec, mean: float, level: float, loops: float) -> LengthTable:
    return lengths_of(
        shipped_law(), mean, level, family=spec.family, shortest=spec.min, cap=spec.max, loops=loops
    )


def _difficulty(spec: ReasoningLengthSpec, profile: BenchmarkProfile) -> int:
    names: dict[str, int] = _file()["difficulties"]
    if spec.difficulty is None:
        raise InputError(f"profile {profile.name!r} needs a difficulty: {', '.join(names)}", key="difficulty")
    size = names.get(str(spec.difficulty), spec.difficulty)
    if size not in profile.means:
        known = [*names, *map(str, profile.means)]
        raise InputError(
            f"profile {profile.name!r} has no difficulty {spec.difficulty!r}; known are {', '.join(known)}",
            key="difficulty",
        )
    return int(size)


def _mixed(spec: ReasoningLengthSpec, scale: float) -> LengthTable:
    """Profiles over mixed difficulties: one lognormal over a task set, or the parts of a production day."""
    from scipy.special import ndtr

    assert spec.profile is not None
    data = _file()
    rows = {
        **data["pooled"]["profiles"],
        **{f"production/{name}": row for name, row in data["production"]["profiles"].items()},
    }
    if spec.profile not in rows:
        known = profile_names()
        raise InputError(
            f"unknown reasoning profile {spec.profile!r}{nearest(spec.profile, known)};"
            f" known are {', '.join(known)}",
            key="profile",
        )
    row = rows[spec.profile]
    last = min(row["cap"], spec.max or row["cap"])
    parts = row.get("parts", [{"weight": 1.0, **{key: row.get(key) for key in ("mu", "sigma")}}])

    def part(mu: float, sigma: float) -> LengthTable:
        return rounded(lambda x: ndtr((np.log(x) - mu - log(scale)) / sigma), spec.min, last)

    return blended([p["weight"] for p in parts], [part(p["mu"], p["sigma"]) for p in parts])
