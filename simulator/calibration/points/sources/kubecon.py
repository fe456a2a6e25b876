"""inference-perf at KubeCon: Llama-3.1-8B on one H100, open loop, a minute per rate, beyond saturation.

Assumed, where the rows say nothing: Poisson arrivals at the rate asked for; prompts of ten groups, each with
a system prompt of its own; sampling as the model asks for. Runs with a draft model are left out: how often
its tokens were accepted is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.calibration.points.load import Load, fixed, open_loop
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    API_DELAYS,
    NotSimulated,
    Setup,
    card_of,
    device_of,
    lengths_of,
    load_value_of,
)
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine import EngineSpec
from simulator.workload.traffic import Piece

MINUTE_S = 60.0


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    settings: dict[str, Any] = dict(point.extra.get("settings") or {})
    if settings.pop("speculative_config", None) is not None:
        raise NotSimulated("a draft model guesses tokens, and the row does not say how often it was right")
    prompt, _ = lengths_of(point)
    settings["max_model_len"] = max(settings.get("max_model_len", 0), 2 * round(prompt))
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        engine=EngineSpec(engine_version=point.engine_version or "0.11.0", **settings),
        latency=AutoBackendSpec(sampler="flashinfer"),
    )
    return Setup(
        card=card_of(point),
        device=device_of(point),
        pools=(pool,),
        weight_dtype=point.weight_dtype or "auto",
        kv_dtype=point.kv_dtype or "auto",
        load=_load(point),
        measured=point.measured,
        steady=False,
        delays=API_DELAYS,
    )


def _load(point: OperatingPoint) -> Load:
    prompt, output = lengths_of(point)
    rate = float(point.extra.get("requested_rate") or load_value_of(point))
    count = max(round(rate * MINUTE_S), 1)
    own = round(float(point.extra.get("question_tokens", 0)))
    groups = int(point.extra.get("prompt_groups", 0))
    pieces = None
    if groups and own:
        drawn = np.random.default_rng(3).integers(0, groups, count).tolist()
        pieces = [_pieces(group, number, round(prompt), own) for number, group in enumerate(drawn)]
    return open_loop(fixed(prompt, count), fixed(output, count), rate, seed=4, pieces=pieces)


def _pieces(group: int, number: int, prompt: int, own: int) -> tuple[Piece, ...]:
    return ((f"system:{group}", 0, prompt - own), (number, 0, own))
