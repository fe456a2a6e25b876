"""What is done where a publication is silent: the number of drafts, lengths of texts, the engine's habits.

`as_assumed` takes what stands in `setups`, set-up by set-up. Some of that was chosen or changed with the
published figures in view: that SGLang of early 2025 does not schedule ahead while it drafts, and that
MagicDec's own engine does not. `nothing_chosen` takes one and the same value for all instead, so that its
errors owe nothing to hindsight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator.calibration.speculation.setups import SpeculativeSetup

#: Makes a set-up of one that assumes things.
Silent = Callable[[SpeculativeSetup], SpeculativeSetup]

#: Drafts per verification: the number for which most published acceptances are given.
DRAFTS = 3
#: Lengths of vLLM's benchmark of random texts at its defaults, with outputs of half a prompt [tokens].
PROMPT, OUTPUT = 1024, 512


def as_assumed(setup: SpeculativeSetup) -> SpeculativeSetup:
    """The set-up as it stands."""
    return setup


def nothing_chosen(setup: SpeculativeSetup) -> SpeculativeSetup:
    """The set-up with the same drafts, lengths and defaults of the engine as all others that do not say."""

    def drafting(series: str) -> dict[str, Any]:
        section = setup.drafting(series)
        return section if setup.drafts_told else {**section, "num_speculative_tokens": DRAFTS}

    engine = {key: value for key, value in setup.pool["engine"].items() if key != "async_scheduling"}
    return replace(
        setup,
        pool={**setup.pool, "engine": engine},
        drafting=drafting,
        prompt=setup.prompt if setup.lengths_told else PROMPT,
        output=setup.output if setup.lengths_told else OUTPUT,
        engine_while_drafting={},
        assumed=f"{PROMPT} prompt and {OUTPUT} output tokens, {DRAFTS} drafts and the engine's defaults where"
        " the publication is silent",
    )
