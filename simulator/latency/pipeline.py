"""Machines that keep all weights beside the arithmetic: a token walks through stages of silicon.

Nothing is streamed from memory, so a batch costs no more bandwidth than one sequence. Two
figures describe decoding:

    latency(c)  time of one token from the first stage to the last, at a context of c tokens
    interval    time after which the next token can enter the first stage

Every running sequence has one token on its way. As long as they fit between each other,
``n * interval <= latency``, the batch advances by one token per latency; beyond, the
entrance is the limit:

    step = max(latency(C / n), n * interval)

A prompt streams through the same stages: its tokens enter at ``prompt_interval`` and
attend to what came before them at ``prompt_flops`` per second:

    step = max(latency, ...) + prefill_tokens * prompt_interval + attention FLOPs / prompt_flops

Both machines that use this (LPU, wafer) run deterministic, compiled programs; there is no
host work between tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.latency.context_lines import DecodeLines
from simulator.latency.pricer import BOUNDS, StepColumns, StepCosts
from simulator.units.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class PipelineTimes:
    """What a pipeline needs to be priced.

    Attributes
    ----------
    token_s
        Latency of one token without attention to its context [s].
    context_token_s
        Addition per token of its context [s].
    interval_s
        Between two tokens at the entrance [s].
    prompt_interval_s
        Between two prompt tokens at the entrance [s].
    prompt_product_s
        Per product of a prompt token with a token it attends to [s].
    window_share
        Share of attention layers that see the whole context; the others see at most
        ``window`` tokens.
    """

    token_s: float
    context_token_s: float
    interval_s: float
    prompt_interval_s: float
    prompt_product_s: float
    window_share: float = 1.0
    window: int = 0

    def attended(self, context: float) -> float:
        """Tokens attended to, averaged over the layers [tokens]."""
        return self.window_share * context + (1.0 - self.window_share) * min(context, self.window)


class PipelinePricer:
    """A `StepPricer` for one model on one pipeline.

    Parameters
    ----------
    times
        See `PipelineTimes`.
    idle_w, dynamic_w
        Draw of all devices without work, and addition while working at full rate [W]; None
        where unknown. A pipeline with few tokens in flight draws its share of the addition.
    """

    def __init__(self, times: PipelineTimes, idle_w: float | None, dynamic_w: float | None) -> None:
        self.idle_w = idle_w
        self._dynamic_w = dynamic_w
        self._times = times
        self.decode_line = DecodeLines(self._decode_ns).line

    def _decode_ns(self, sequences: int, context: int) -> float:
        times = self._times
        latency = times.token_s + times.context_token_s * times.attended(context / sequences)
        return NS_PER_S * max(latency, sequences * times.interval_s)

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
        """See `StepPricer`. Draft tokens of a sequence enter one after the other."""
        time = 0.0
        if decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            time += line.step_ns(decode_sequences, decode_context)
        if not prefill_tokens and decode_tokens == decode_sequences:
            return int(time)
        times = self._times
        extra = decode_tokens - decode_sequences
        time = max(time, NS_PER_S * times.token_s) + NS_PER_S * times.interval_s * extra
        if prefill_tokens:
            triangle = prefill_products - prefill_tokens * prefill_tokens / (2.0 * prefill_sequences)
            seen = prefill_tokens * times.attended(triangle / prefill_tokens)
            time += NS_PER_S * (times.prompt_interval_s * prefill_tokens + times.prompt_product_s * seen)
        return int(time)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`: draw grows with the share of the stages that hold a token."""
        seconds = steps.duration_ns / NS_PER_S
        times = self._times
        prefill_s = np.minimum(steps.prefill_tokens * times.prompt_interval_s, seconds)
        decode_s = np.minimum(steps.decode_tokens * times.interval_s, seconds - prefill_s)
        watts = np.nan if self._dynamic_w is None else self._dynamic_w
        bound = np.where(
            steps.decode_sequences * times.interval_s >= seconds * 0.999,
            BOUNDS.index("compute"),
            np.where(prefill_s > seconds / 2, BOUNDS.index("compute"), BOUNDS.index("pipeline")),
        )
        return StepCosts(prefill_s * watts, decode_s * watts, bound.astype(np.int8))
