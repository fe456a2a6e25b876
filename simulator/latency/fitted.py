"""Step times fitted to measured runs of one machine, model and engine.

    t = f(T) + sequence * n + crowd * max(0, n - crowd_from) + context * C
      + product * P + mixed * n [if the step also prefills]

with T the tokens of the step, n the decode sequences, C their context and P the attention products of the
prompts (tokens times context, see `simulator.latency.pricer`). ``f`` is
piecewise linear through the knots and carries the small-batch kinks of real matrix
products, which one straight line cannot. Beyond the last knot it goes on with the last
slope. All coefficients are at least zero.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    model_validator,
)

from simulator.latency.context_lines import DecodeLines
from simulator.latency.linear import unknown_costs
from simulator.latency.measured_on import NOTHING_KNOWN, MeasuredOn
from simulator.latency.pricer import StepColumns, StepCosts
from simulator.scenario.yaml_file import read_mapping
from simulator.units.explain import validate

FORMAT = "fitted-backend/1"


class LeftOut(BaseModel):
    """A figure of data that a fit had not seen: predicted over measured - 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    metric: str
    error: float


class FittedBackend(BaseModel):
    """A fitted backend as it stands in its YAML file; times in milliseconds and microseconds.

    ``knots`` maps tokens of a step to milliseconds. ``error`` says in words how far the fit
    was off on data that it had not seen, ``held_out`` figure by figure. ``request_ms`` is the time of a
    request in the API server. ``shared_context`` says whether context that several decodes share counts for
    ``each`` of them or ``once``. ``measured_on`` says of what device, model and layout
    they are (older files do not). ``not_identified`` names what the data could not tell, ``condition`` the
    condition number of what they could.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["fitted-backend/1"]
    name: str
    source: str
    date: str
    error: str
    measured_on: MeasuredOn = NOTHING_KNOWN
    knots_ms: dict[int, NonNegativeFloat] = Field(min_length=2)
    sequence_us: NonNegativeFloat = 0.0
    crowd_us: NonNegativeFloat = 0.0
    crowd_from: int = Field(default=0, ge=0)
    context_us: NonNegativeFloat = 0.0
    product_us: NonNegativeFloat = 0.0
    mixed_us: NonNegativeFloat = 0.0
    request_ms: NonNegativeFloat = 0.0
    shared_context: Literal["each", "once"] = "each"
    idle_w: PositiveFloat | None = None
    condition: PositiveFloat | None = None
    not_identified: tuple[str, ...] = ()
    held_out: tuple[LeftOut, ...] = ()

    @model_validator(mode="after")
    def _knots_ascend(self) -> FittedBackend:
        if list(self.knots_ms) != sorted(self.knots_ms) or min(self.knots_ms) < 1:
            raise ValueError("knots_ms must be ascending token counts from 1 up")
        return self


def read_fitted(path: Path) -> FittedBackend:
    """Read a fitted backend.

    Raises
    ------
    InputError
        Where the file is missing, no YAML or not in the format.
    """
    return validate(FittedBackend, read_mapping(path, "fitted backend"), path)


class FittedPricer:
    """Prices steps by a `FittedBackend`. Power and bottleneck are unknown to it."""

    shares_context: bool

    def __init__(self, fit: FittedBackend, idle_w: float | None) -> None:
        self.shares_context = fit.shared_context == "once"
        self.idle_w = fit.idle_w if fit.idle_w is not None else idle_w
        self._tokens = list(fit.knots_ms)
        self._times = [ms * 1e6 for ms in fit.knots_ms.values()]
        self._sequence = fit.sequence_us * 1e3
        self._crowd, self._crowd_from = fit.crowd_us * 1e3, fit.crowd_from
        self._context = fit.context_us * 1e3
        self._product = fit.product_us * 1e3
        self._mixed = fit.mixed_us * 1e3
        self._by_tokens: dict[int, float] = {}
        self.decode_line = DecodeLines(self._decode_ns).line

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
        if not prefill_tokens and decode_sequences and decode_tokens == decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            return line.step_ns(decode_sequences, decode_context)
        fixed = self._tokens_ns(prefill_tokens + decode_tokens) + self._sequences_ns(decode_sequences)
        if prefill_tokens:
            fixed += self._product * prefill_products + self._mixed * decode_sequences
        return int(fixed + self._context * decode_context) if decode_context > 0 else int(fixed)

    def costs(self, steps: StepColumns) -> StepCosts:
        """Unknown, see `StepCosts`."""
        return unknown_costs(len(steps.duration_ns))

    def _decode_ns(self, sequences: int, context: int) -> float:
        return self._tokens_ns(sequences) + self._sequences_ns(sequences) + self._context * context

    def _sequences_ns(self, sequences: int) -> float:
        return self._sequence * sequences + self._crowd * max(0, sequences - self._crowd_from)

    def _tokens_ns(self, tokens: int) -> float:
        found = self._by_tokens.get(tokens)
        if found is None:
            found = self._by_tokens[tokens] = self._interpolate(tokens)
        return found

    def _interpolate(self, tokens: int) -> float:
        last = len(self._tokens) - 2
        left = min(max(bisect_right(self._tokens, tokens) - 1, 0), last)
        t0, t1 = self._tokens[left], self._tokens[left + 1]
        y0, y1 = self._times[left], self._times[left + 1]
        return max(y0 + (y1 - y0) * (tokens - t0) / (t1 - t0), 0.0)
