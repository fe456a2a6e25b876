"""Errors on what was left out of a fit, in the groups that accuracy is promised for, with the targets.

Runs are compared as ``simulator validate`` does: those that constants were fitted to with the constants
of the fold without their model. Points are compared with constants fitted to the other models, or devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from simulator.calibration.accuracy.comparisons import Comparison, Found
from simulator.calibration.accuracy.summary import spread_of
from simulator.calibration.points import drafts_fit, engine_fit, mlenergy_fit, search
from simulator.calibration.points.point import read_points
from simulator.results.accuracy import METRICS, Protocol, Spread

_BLIS = ("blis-training", "blis-sim2real")
#: Outputs of points that count as long reasoning [tokens].
LONG = 5000


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs of some sources on some devices, and the errors that are asked for [1]."""

    title: str
    what: str
    sources: tuple[str, ...]
    device: str = ""
    load: str = ""
    targets: dict[str, float] = field(default_factory=dict)
    metrics: tuple[str, ...] = tuple(METRICS)

    def holds(self, one: Comparison) -> bool:
        """Whether a comparison belongs here. Overloaded runs stand apart."""
        fits = one.source in self.sources and self.device in one.device
        fits = fits and one.metric in self.metrics
        return fits and (one.load == "overloaded") is (self.load == "overloaded")


RUN_GROUPS = (
    RunGroup(
        "runs on H100 and A100",
        "each model",
        _BLIS,
        targets={
            "e2e_mean": 0.02,
            "e2e_p99": 0.04,
            "ttft_mean": 0.04,
            "ttft_p99": 0.10,
            "tpot_mean": 0.02,
        },
    ),
    RunGroup(
        "of these, A100",
        "the device",
        _BLIS,
        device="a100",
        targets={"e2e_mean": 0.04, "ttft_mean": 0.09},
    ),
    RunGroup(
        "runs on RTX PRO 6000 and RTX 4090",
        "all (layer tables only)",
        ("llmservingsim-bench",),
        targets={"e2e_mean": 0.015, "tpot_mean": 0.015, "ttft_mean": 0.04},
    ),
    RunGroup(
        "vLLM on a CPU, below saturation",
        "each run with its repeats",
        ("vllm-cpu",),
        targets={"e2e_mean": 0.03},
    ),
    RunGroup(
        "vLLM on a CPU, overloaded",
        "each run with its repeats",
        ("vllm-cpu",),
        load="overloaded",
        targets={"e2e_mean": 0.10},
    ),
    RunGroup("runs on H100, overloaded", "each model", _BLIS, load="overloaded"),
    RunGroup(
        "draw of a server over time, windows of 10 s",
        "all (no run's power is fitted)",
        ("llmservingsim-ispass26",),
        metrics=("power", "wall_power"),
    ),
)


def of_runs(found: Iterable[Found]) -> list[Protocol]:
    """The groups of measured runs."""
    runs = [one for one in found if isinstance(one, Comparison) and one.kind == "runs"]
    protocols = []
    for group in RUN_GROUPS:
        members = [one for one in runs if group.holds(one)]
        errors = {
            name: spread_of([one.error for one in members if one.metric == name])
            for name in METRICS
            if any(one.metric == name for one in members)
        }
        if errors:
            protocols.append(
                Protocol(
                    unit="runs", title=group.title, what=group.what, errors=errors, targets=group.targets
                )
            )
    return protocols


def of_silicon(file: Path) -> list[Protocol]:
    """Constants of whole engines, fitted to the points of the other models, or of the other devices.

    Apart, how often drafts are right, fitted to the points of the other servers that draft.
    """
    points = list(read_points(file))
    servers = engine_fit.servers_of(points)
    protocols = []
    for what, family in engine_fit.FAMILIES.items():
        errors = search.leave_one_out(engine_fit.EXPECTED, servers, engine_fit.ratios, family)
        protocols.append(
            Protocol(
                unit="aiconfigurator-silicon",
                title="silicon points, aggregated serving",
                what=f"each {what}",
                errors={"tpot_mean": _spread(errors.values())},
                targets={"tpot_mean": 0.12},
                note=f"{what} by {what}: {_by_family(errors)}",
            )
        )
    drafted = drafts_fit.drafted_points(points)
    errors = search.leave_one_out(
        drafts_fit.EXPECTED, drafted, drafts_fit.ratios, drafts_fit.FAMILIES["server"]
    )
    protocols.append(
        Protocol(
            unit="aiconfigurator-silicon",
            title="silicon points with multi-token prediction",
            what="each server",
            errors={"tpot_mean": _spread(errors.values())},
            note=f"server by server: {_by_family(errors)}",
        )
    )
    return protocols


def of_mlenergy(file: Path) -> list[Protocol]:
    """Time and energy per output token, fitted to the points of the other models."""
    points = mlenergy_fit.points_of(read_points(file))
    times = _of_time(points)
    joules = [
        one
        for name in _devices(points)
        for one in _left_out(
            mlenergy_fit.POWER,
            [p for p in points if p.setup.device.id == name],
            mlenergy_fit.energy_ratios,
            mlenergy_fit.teaches,
        )
    ]
    found = []
    groups: tuple[tuple[str, Callable[[mlenergy_fit.SteadyPoint], bool], dict[str, float]], ...] = (
        ("ml.energy text points, dense", _is_dense, {"energy_per_output_token": 0.08}),
        ("ml.energy text points, MoE", _is_moe, {"energy_per_output_token": 0.12}),
        ("ml.energy, outputs over 5,000 tokens", _is_long, {"tpot_mean": 0.04}),
        ("of these, hosts at rest", _is_long_at_rest, {}),
        ("of these, busy host", _is_long_on_busy_host, {}),
        ("ml.energy, attention in data-parallel ranks", _is_data_parallel, {}),
    )
    for title, holds, target in groups:
        errors = {
            "tpot_mean": _spread_of_points(times, holds),
            "energy_per_output_token": _spread_of_points(joules, holds),
        }
        found.append(
            Protocol(
                unit="mlenergy",
                title=title,
                what="each model",
                errors={name: spread for name, spread in errors.items() if spread is not None},
                targets=target,
                note=f"time: {_by_server(times, holds)}; energy: {_by_server(joules, holds)}",
            )
        )
    return found


_PointErrors = list[tuple[mlenergy_fit.SteadyPoint, float]]


def _of_time(points: Sequence[mlenergy_fit.SteadyPoint]) -> _PointErrors:
    """Errors of the time per output token: that of hosts at rest, or what a busy one takes at least."""
    dense, experts = [p for p in points if _is_dense(p)], [p for p in points if _is_moe(p)]
    by_device = [[p for p in dense if p.setup.device.id == name] for name in _devices(dense)]
    fits = [(mlenergy_fit.HOST, some) for some in by_device] + [(mlenergy_fit.EXPERTS, experts)]
    at_rest = [
        one
        for expected, some in fits
        for one in _left_out(expected, some, mlenergy_fit.time_ratios, mlenergy_fit.tells_time)
    ]
    busy = [point for point in points if point.busy_host]
    least = {
        id(point): error for point, error in _left_out(mlenergy_fit.BUSY_HOST, busy, mlenergy_fit.busy_ratios)
    }
    return [(point, max(error, least.get(id(point), error))) for point, error in at_rest]


def _left_out(
    expected: dict[str, search.Expected],
    points: Sequence[mlenergy_fit.SteadyPoint],
    ratios: Callable[[Sequence[mlenergy_fit.SteadyPoint], search.Values], search.Floats],
    teaches: Callable[[mlenergy_fit.SteadyPoint], bool] = lambda _: True,
) -> _PointErrors:
    family = mlenergy_fit.FAMILIES["model"]
    if len({family(point) for point in points if teaches(point)}) < 2:
        return []
    errors = search.leave_one_out(expected, points, ratios, family, teaches)
    return [
        (point, float(error))
        for name, off in errors.items()
        for point, error in zip((p for p in points if family(p) == name), off, strict=True)
        if not np.isnan(error)
    ]


def _devices(points: Sequence[mlenergy_fit.SteadyPoint]) -> list[str]:
    return sorted({point.setup.device.id for point in points})


def _is_dense(point: mlenergy_fit.SteadyPoint) -> bool:
    return point.setup.card.moe is None


def _is_moe(point: mlenergy_fit.SteadyPoint) -> bool:
    return point.setup.card.moe is not None


def _is_long(point: mlenergy_fit.SteadyPoint) -> bool:
    return point.task == "gpqa" and float(point.setup.load.traffic.output_tokens.mean()) >= LONG


def _is_long_at_rest(point: mlenergy_fit.SteadyPoint) -> bool:
    return _is_long(point) and not point.busy_host


def _is_long_on_busy_host(point: mlenergy_fit.SteadyPoint) -> bool:
    return _is_long(point) and point.busy_host


def _is_data_parallel(point: mlenergy_fit.SteadyPoint) -> bool:
    return point.setup.pools[0].parallelism.data > 1


def _by_server(errors: _PointErrors, holds: Callable[[mlenergy_fit.SteadyPoint], bool]) -> str:
    """Median error of each model, format and device, with its sign."""
    servers: dict[str, list[float]] = {}
    for point, error in errors:
        if holds(point):
            setup = point.setup
            name = f"{setup.card.id} {setup.weight_dtype} {setup.device.id.split('-')[1]}"
            servers.setdefault(name, []).append(error)
    return ", ".join(f"{name} {100 * float(np.median(off)):+.0f} %" for name, off in servers.items())


def _spread_of_points(
    errors: _PointErrors, holds: Callable[[mlenergy_fit.SteadyPoint], bool]
) -> Spread | None:
    kept = [error for point, error in errors if holds(point)]
    return spread_of(kept) if kept else None


def _spread(errors: Iterable[search.Floats]) -> Spread:
    together = np.concatenate(list(errors))
    return spread_of(together[~np.isnan(together)].tolist())


def _by_family(errors: dict[str, search.Floats]) -> str:
    """Median error of each family, those with points that can be built."""
    known = {name: off[~np.isnan(off)] for name, off in errors.items()}
    return ", ".join(
        f"{name} {100 * float(np.median(np.abs(off))):.0f} %" for name, off in known.items() if len(off)
    )
