"""A step as a linear form of its aggregates, with integer coefficients.

The form of the scheduler oracle's traces, and the simplest honest fit to a measured run:

    duration = base + a * prefill_tokens + b * decode_tokens
             + c * (prefill_context + decode_context) + d * prefill_products    [ns]

It knows nothing of the device, so it has no power model.
"""

from __future__ import annotations

import numpy as np

from simulator.latency.context_lines import EVERY_CONTEXT
from simulator.latency.pricer import BOUNDS, DecodeLine, StepColumns, StepCosts
from simulator.scenario.backend import LinearBackendSpec

_OVERHEAD = BOUNDS.index("overhead")


class LinearPricer:
    """Prices steps by the coefficients of a `LinearBackendSpec`, exactly."""

    def __init__(self, spec: LinearBackendSpec, idle_w: float | None) -> None:
        self.idle_w = idle_w
        self._base = spec.base_ns
        self._prefill = spec.prefill_token_ns
        self._decode = spec.decode_token_ns
        self._context = spec.context_token_ns
        self._products = spec.prefill_attn_ns

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`: one line for every context."""
        end = max(context, EVERY_CONTEXT)
        return DecodeLine(self._base + self._decode * sequences, self._context * sequences, 0, end)

    def step_ns(
        self,
        prefill_tokens: int,
        prefill_sequences: int,
        prefill_context: int,
        prefill_products: int,
        decode_sequences: int,
        decode_tokens: int,
        decode_context: int,
    ) -> int:
        """See `StepPricer`."""
        return (
            self._base
            + self._prefill * prefill_tokens
            + self._decode * decode_tokens
            + self._context * (prefill_context + decode_context)
            + self._products * prefill_products
        )

    def costs(self, steps: StepColumns) -> StepCosts:
        """Energy unknown; every step counts as overhead, for nothing says what bounds it."""
        return unknown_costs(len(steps.duration_ns))


def unknown_costs(steps: int) -> StepCosts:
    """Costs of ``steps`` steps where neither power nor bottleneck is known."""
    unknown = np.full(steps, np.nan)
    return StepCosts(unknown, unknown.copy(), np.full(steps, _OVERHEAD, dtype=np.int8))
