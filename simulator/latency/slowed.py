"""A machine that runs slower than its kind: every step lasts so many times as long."""

from __future__ import annotations

from simulator.latency.context_lines import DecodeLines
from simulator.latency.pricer import StepColumns, StepCosts, StepPricer, passage_of


class SlowedPricer:
    """A `StepPricer` whose steps last ``factor`` times as long; the work in them is the same."""

    def __init__(self, pricer: StepPricer, factor: float) -> None:
        self.idle_w = pricer.idle_w
        self._pricer = pricer
        self._factor = factor
        self.decode_line = DecodeLines(self._decode_ns).line
        self._passage = passage_of(pricer)
        #: See `latency.pricer.passage_of`.
        self.through_ns = None if self._passage is None else self._through_ns

    def _decode_ns(self, sequences: int, context: int) -> float:
        return self._pricer.decode_line(sequences, context).step_ns(sequences, context) * self._factor

    def _through_ns(self, *prompts: int) -> int:
        assert self._passage is not None
        return int(self._passage(*prompts) * self._factor)

    def step_ns(self, *step: int) -> int:
        """See `StepPricer`."""
        prefill_tokens, _, _, _, decode_sequences, decode_tokens, decode_context = step
        if not prefill_tokens and decode_tokens == decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            return line.step_ns(decode_sequences, decode_context)
        return int(self._pricer.step_ns(*step) * self._factor)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        return self._pricer.costs(steps)
