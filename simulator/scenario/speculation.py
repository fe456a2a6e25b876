"""Speculative decoding: what drafts tokens, how many, and how many of them the model accepts.

The ``speculative:`` section of a pool. Names of methods are those of vLLM's ``--speculative-config``:

- ``draft_model``: a smaller model drafts token by token (Leviathan et al., arXiv 2211.17192)
- ``eagle``, ``eagle3``: a head of one layer on the model's own features (arXiv 2401.15077, 2503.01840)
- ``mtp``: the multi-token-prediction layer that was trained with the model (DeepSeek-V3, arXiv 2412.19437)
- ``medusa``: one head per position, all at once (arXiv 2401.10774)
- ``ngram``: the continuation of the last place in the text that looked alike; costs
  the host microseconds, and nothing on the device
- ``self``: the model itself, with a window of the cache instead of all of it (MagicDec, arXiv 2408.11049)

Acceptance is a property of model, draft and text that no simulator can know: it is given.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Count, Share, Spec
from simulator.units.quantity import Seconds

Method = Literal["draft_model", "eagle", "eagle3", "mtp", "medusa", "ngram", "self"]

#: More drafts than this are never worth their verification.
MOST_DRAFTS = 64


class DraftDevicesSpec(Spec):
    """Devices of its own for the draft, away from the model's."""

    hardware: str
    """Name of a shipped hardware profile, or the path of one."""

    tensor: Count = 1
    """Devices that share the draft, beside each replica."""

    round_trip: Annotated[Seconds, Field(ge=0.0)] = 0.0
    """Network time that every verification waits for the drafts to come over."""


class SpeculationSpec(Spec):
    """Drafts and their verification."""

    method: Method
    """What drafts."""

    num_speculative_tokens: Annotated[Count, Field(le=MOST_DRAFTS)]
    """Draft tokens per verification; with `length: adaptive` the most there may be."""

    acceptance: Share | None = None
    """Chance that a draft token is accepted once all before it were."""

    acceptance_per_position: tuple[Share, ...] | None = None
    """Share of verifications that accept the first, second, ... draft, as vLLM's metrics report it; it does
    not rise. Give this or `acceptance`."""

    length: Literal["fixed", "adaptive"] = "fixed"
    """`adaptive` drafts, in every step, as many tokens as promise the most accepted tokens per second
    (SmartSpec, arXiv 2406.14066)."""

    model: str | None = None
    """Card of the draft model, name or path; for `draft_model` only."""

    tensor: Count | None = None
    """Devices that share the draft; default: as many as share the model."""

    weight_dtype: str = "auto"
    """Precision of the draft's weights; default: as its card says, bf16 for heads, the model's for `mtp`."""

    draft_vocab: Count | None = None
    """Words an `eagle3` head can draft; default: 32,000, as the published heads have it."""

    parallel_drafting: bool = False
    """All drafts in one pass of the draft instead of one after the other (P-EAGLE)."""

    window: Count = 512
    """Tokens of the cache that `self` drafts with [tokens]."""

    apart: DraftDevicesSpec | None = None
    """Devices of its own for the draft; default: it shares the model's."""

    @property
    def positions(self) -> tuple[float, ...]:
        """Chance that at least 1, 2, ... drafts are accepted."""
        if self.acceptance_per_position is not None:
            return self.acceptance_per_position
        chance = self.acceptance or 0.0
        return tuple(chance**position for position in range(1, self.num_speculative_tokens + 1))

    @model_validator(mode="after")
    def _acceptance_is_given(self) -> Self:
        if (self.acceptance is None) == (self.acceptance_per_position is None):
            raise ValueError(
                "give one of acceptance (chance of a draft token once all before it were accepted; 0.6 to"
                " 0.8 is common) and acceptance_per_position (vLLM's per-position acceptance rates)"
            )
        rates = self.acceptance_per_position
        if rates is not None:
            if len(rates) != self.num_speculative_tokens:
                raise ValueError(
                    f"acceptance_per_position has {len(rates)} rates for"
                    f" {self.num_speculative_tokens} drafts; give one per draft"
                )
            if any(later > earlier for earlier, later in pairwise(rates)):
                raise ValueError(
                    "acceptance_per_position must not rise: a draft counts only if all before it do"
                )
        return self

    @model_validator(mode="after")
    def _method_fits(self) -> Self:
        if self.method == "draft_model" and self.model is None:
            raise ValueError("method draft_model needs model, the card of the draft")
        misplaced = {
            "model": self.model is not None and self.method != "draft_model",
            "draft_vocab": self.draft_vocab is not None and self.method != "eagle3",
            "apart": self.apart is not None and self.method != "draft_model",
            "parallel_drafting": self.parallel_drafting and self.method in ("medusa", "ngram", "self"),
            "window": "window" in self.model_fields_set and self.method != "self",
            "tensor": self.tensor is not None
            and (self.method in ("ngram", "self") or self.apart is not None),
        }
        for key, wrong in misplaced.items():
            if wrong:
                raise ValueError(f"{key} has no effect with method {self.method!r}")
        return self
