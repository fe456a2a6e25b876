"""inference-perf at KubeCon: Llama-3.1-8B on one H100, open loop, a minute per rate, beyond saturation.

Assumed, where the rows say nothing: Poisson arrivals at the rate asked for; prompts of ten groups, each with
a system prompt of its own and ten questions that are drawn again and again, so that with prefix caching
nearly all of a prompt is found; sampling as the model asks for, with FlashInfer's kernel, which vLLM's images
used until October 2025 (vllm-project/vllm pull request 26859). How often drafts are right is `ACCEPTANCE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.load import Load, fixed, open_loop
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    API_DELAYS,
    Host,
    Setup,
    card_of,
    device_of,
    lengths_of,
    load_value_of,
)
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.speculation import SpeculationSpec
from simulator.workload.traffic import Piece

MINUTE_S = 60.0
#: The engine's work between steps: for each running request its scheduler's alone (measured on real vLLM),
#: for the client is on another machine.
HOST = Host(step_us=650.0, sequence_us=14.0)
#: With drafts, which this version launches one after the other from Python and whose verification it unpacks
#: request by request: 2.3 ms more a step and 40 us more a request (rows of one and of 18 requests a second).
DRAFTING_HOST = Host(step_us=2950.0, sequence_us=54.0)
#: Chance that an EAGLE-3 draft is right on prompts of random words and answers of a set length: next to
#: nothing, for a request alone takes longer per token with drafts than without (rows of one request a
#: second).
ACCEPTANCE = 0.02


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    settings: dict[str, Any] = dict(point.extra.get("settings") or {})
    drafting = speculation(settings.pop("speculative_config", None))
    prompt, _ = lengths_of(point)
    settings["max_model_len"] = max(settings.get("max_model_len", 0), 2 * round(prompt))
    host = HOST if drafting is None else DRAFTING_HOST
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        engine=EngineSpec(engine_version=point.engine_version or "0.11.0", **settings),
        speculative=drafting,
        latency=AutoBackendSpec(
            sampler="flashinfer", host_us=host.step_us, host_per_sequence_us=host.sequence_us
        ),
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


def speculation(config: Mapping[str, Any] | None) -> SpeculationSpec | None:
    """The draft that vLLM's settings name."""
    if config is None:
        return None
    method, tokens = config.get("method"), config.get("num_speculative_tokens")
    if method != "eagle3" or tokens is None:
        raise NotSimulated(f"drafts of {method!r}: nothing is known of how often they are right")
    return SpeculationSpec(method="eagle3", num_speculative_tokens=int(tokens), acceptance=ACCEPTANCE)


def _load(point: OperatingPoint) -> Load:
    prompt, output = lengths_of(point)
    rate = float(point.extra.get("requested_rate") or load_value_of(point))
    count = max(round(rate * MINUTE_S), 1)
    own = round(float(point.extra.get("question_tokens", 0)))
    groups = int(point.extra.get("prompt_groups", 0))
    pieces = None
    if groups and own:
        drawn = np.random.default_rng(3).integers(0, groups, count).tolist()
        each = int(point.extra.get("prompts_per_group", count))
        asked = np.random.default_rng(5).integers(0, each, count).tolist()
        pieces = [
            _pieces(group, question, round(prompt), own) for group, question in zip(drawn, asked, strict=True)
        ]
    return open_loop(fixed(prompt, count), fixed(output, count), rate, seed=4, pieces=pieces)


def _pieces(group: int, question: int, prompt: int, own: int) -> tuple[Piece, ...]:
    return ((f"system:{group}", 0, prompt - own), (f"question:{group}:{question}", 0, own))
