"""When replicas change between prefill and decode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.scenario.spec import Count, PositiveSeconds, Spec


class AdaptSpec(Spec):
    """Replicas change sides where one is short and the other is not; one at a time, when it has drained."""

    interval: PositiveSeconds
    """Between two looks at both sides."""

    change_time: PositiveSeconds | None = None
    """From a drained replica on one side to one that serves on the other; default: none."""

    max_waiting: Annotated[float, Field(ge=0.0)] = 1.0
    """The prefill side is short where more prompts than this wait per replica."""

    max_kv_use: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    """The decode side is short where a larger share of its KV blocks is in use, or requests wait for room."""

    min_prefill: Count = 1
    """Replicas that stay for prompts."""

    min_decode: Count = 1
    """Replicas that stay for outputs."""
