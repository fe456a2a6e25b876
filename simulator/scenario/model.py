"""Which model is served, and at which precision."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from simulator.scenario.spec import Spec


class ModelSpec(Spec):
    """A model card and the precision of its weights and KV cache."""

    card: str
    """Name of a shipped model card, or the path of one."""

    weight_dtype: str = "auto"
    """Precision the weights are stored in: bf16, fp8, int8, int4, mxfp4, ...; `auto`: as published."""

    kv_dtype: str = "auto"
    """Precision of the KV cache: bf16, fp8, ...; `auto`: 16 bits."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"card": value} if isinstance(value, str) else value
