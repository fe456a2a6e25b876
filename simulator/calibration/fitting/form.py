"""The form of a fitted step time as columns of a regression.

    t = f(T) + sequence * n + crowd * max(0, n - crowd_from) + context * C + product * P + mixed * n [if P]

with T the tokens of a step, n its decodes, C their context, P the attention products of its prompts: the
form of `simulator.latency.fitted`. ``f`` is a sum of rising ramps between knots, so that with coefficients
of at least zero no step gets faster by having more tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.latency.pricer import Floats, StepColumns

#: Where f may bend [tokens]; small matrix products are kinked, large ones are not.
KNOTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096, 8192)
#: Steps that must lie between two knots.
STEPS_PER_KNOT = 20

Coefficients = dict[str, float]


@dataclass(frozen=True, slots=True)
class StepForm:
    """Knots of f, and from how many decodes on each further one counts as crowding (None: never)."""

    knots: tuple[int, ...]
    crowd_from: int | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coefficients, in the order of the columns."""
        ramps = tuple(f"tokens {low} to {high}" for low, high in self._ramps())
        crowd = () if self.crowd_from is None else ("crowd_us",)
        return ("fixed", *ramps, "sequence_us", *crowd, "context_us", "product_us", "mixed_us")

    def columns(self, steps: StepColumns) -> Floats:
        """One row per step, one column per coefficient."""
        tokens = steps.prefill_tokens + steps.decode_tokens
        decodes = steps.decode_sequences
        found: list[NDArray[Any]] = [np.ones(len(tokens))]
        ramps = self._ramps()
        for index, (low, high) in enumerate(ramps):
            # the last ramp goes on, as the pricer does beyond its last knot
            end = high if index < len(ramps) - 1 else int(tokens.max(initial=high))
            found.append(np.clip(tokens, low, max(end, high)) - float(low))
        found.append(decodes)
        if self.crowd_from is not None:
            found.append(np.maximum(decodes - self.crowd_from, 0))
        found.append(steps.decode_context)
        found.append(steps.prefill_products)
        found.append(np.where(steps.prefill_tokens > 0, decodes, 0))
        return np.column_stack(found).astype(np.float64)

    def coefficients(self, values_ns: Floats) -> tuple[dict[int, float], Coefficients]:
        """Knots [ms] and coefficients [us] of a `FittedBackend`, from one value per column [ns]."""
        named = dict(zip(self.names, values_ns.tolist(), strict=True))
        height = named["fixed"]
        knots = {self.knots[0]: height / 1e6}
        for low, high in self._ramps():
            height += named[f"tokens {low} to {high}"] * (high - low)
            knots[high] = height / 1e6
        return knots, {name: value / 1e3 for name, value in named.items() if name.endswith("_us")}

    def _ramps(self) -> list[tuple[int, int]]:
        return list(zip(self.knots, self.knots[1:], strict=False))


def knots_for(tokens: np.ndarray) -> tuple[int, ...]:
    """Those of ``KNOTS`` with enough steps between them; at least two."""
    largest = int(tokens.max(initial=2))
    kept, below = [1], 1
    for knot in (*[k for k in KNOTS[1:] if k < largest], max(largest, 2)):
        inside = int(((tokens > below) & (tokens <= knot)).sum())
        if inside >= STEPS_PER_KNOT:
            kept.append(knot)
            below = knot
    if len(kept) == 1:
        kept.append(max(largest, 2))
    return tuple(kept)
