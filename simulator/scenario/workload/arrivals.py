"""Arrival processes: when requests reach the gateway.

Open loop: requests come whatever the cluster does. Closed loop: a fixed number is kept
in flight, and the next starts when one ends (after a while, where users think). Plans of
the rate are in ``profiles``, clients and users in ``populations``. Every open process has a mean ``rate``,
so that a what-if on the load is one override (``workload.arrivals.rate=12 /s``).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Count, Spec
from simulator.scenario.workload.populations import ClientsSpec, ServeGenSpec, UsersSpec
from simulator.scenario.workload.profiles import ScheduledSpec, SeriesSpec, WeeklySpec
from simulator.scenario.workload.quantities import Positive, PositiveSeconds, Rate
from simulator.units.quantity import PerSecond, Seconds

#: Layouts of trace files that can be read. ``auto`` tells them apart by their content.
TraceFormat = Literal[
    "auto",
    "aiperf",
    "azure",
    "bailian",
    "burstgpt",
    "guidellm",
    "measured-run",
    "mooncake",
    "table",
    "timed-trace",
]


class PoissonSpec(Spec):
    """Independent arrivals: exponential gaps."""

    process: Literal["poisson"]
    rate: Rate
    """Mean arrival rate [1/s]."""


class GammaSpec(Spec):
    """Gamma-distributed gaps, as in ``vllm bench serve --burstiness``.

    Shape = burstiness, scale = 1 / (rate * burstiness), so the gaps' coefficient of
    variation is 1 / sqrt(burstiness): 1 is Poisson, less is burstier, more is steadier.
    vLLM then stretches all arrivals so that the last one falls at requests / rate; this
    is not done here, as it would need the whole trace at once.
    """

    process: Literal["gamma"]
    rate: Rate
    """Mean arrival rate [1/s]."""
    burstiness: Positive
    """Shape of the gamma distribution; below 1 is burstier than Poisson."""


class WeibullSpec(Spec):
    """Weibull-distributed gaps; heavier bursts than gamma at the same shape."""

    process: Literal["weibull"]
    rate: Rate
    """Mean arrival rate [1/s]."""
    shape: Annotated[float, Field(ge=0.1, le=100.0)]
    """Shape of the Weibull distribution; 1 is Poisson, less is burstier."""


class ConstantSpec(Spec):
    """Equal gaps; the first request comes at time zero."""

    process: Literal["constant"]
    rate: Rate
    """Arrival rate [1/s]."""


class MarkovModulatedSpec(Spec):
    """Markov-modulated Poisson process (MMPP) on a fixed grid of time.

    A hidden state holds for ``step`` and then moves by ``transition``; within a step
    arrivals are Poisson at the state's rate. Carries bursts that last seconds to minutes,
    which no renewal process does.
    """

    process: Literal["mmpp"]
    rates: Annotated[tuple[Annotated[PerSecond, Field(ge=0.0)], ...], Field(min_length=2)]
    """Arrival rate in each state [1/s]."""
    transition: tuple[tuple[Annotated[float, Field(ge=0.0)], ...], ...]
    """Row i: probabilities of the next state from state i (normalised to sum to one)."""
    step: PositiveSeconds
    """Time between moves [s]."""
    rate: Rate | None = None
    """Mean rate [1/s]; scales all ``rates``. Default: what the chain has by itself."""

    @model_validator(mode="after")
    def _square(self) -> Self:
        states = len(self.rates)
        if len(self.transition) != states or any(len(row) != states for row in self.transition):
            raise ValueError(f"transition must be a {states} x {states} matrix, one row and column per rate")
        if any(abs(sum(row) - 1.0) > 0.02 for row in self.transition):
            raise ValueError("each row of transition must sum to 1")
        if max(self.rates) <= 0.0:
            raise ValueError("at least one of rates must be above zero")
        return self


class LogAr1Spec(Spec):
    """A renewal process whose rate wanders: log rate is an AR(1) chain on a fixed grid.

    ln(rate_k) = x_k + constant with x_k = ar1 * x_(k-1) + noise and stationary standard deviation
    ``log_sigma``. The run starts at ``rate``, which stays the mean, and wanders off from there: a
    short run has about the rate asked for. Gaps are Weibull in operational time (time in which
    the rate is one).
    """

    process: Literal["log_ar1"]
    rate: Rate
    """Mean arrival rate [1/s]."""
    log_sigma: Annotated[float, Field(ge=0.0, le=5.0)]
    """Stationary standard deviation of the logarithm of the rate."""
    ar1: Annotated[float, Field(gt=-1.0, lt=1.0)]
    """Correlation of the log rate from one step to the next."""
    step: PositiveSeconds
    """Time over which the rate holds [s]."""
    shape: Annotated[float, Field(ge=0.1, le=100.0)] = 1.0
    """Shape of the Weibull gaps; 1 is Poisson within a step."""


class ReplaySpec(Spec):
    """Requests as a trace file has them: times, lengths, and content where the file tells it.

    ``prompt_tokens`` and ``output_tokens`` of the workload, where given, replace the
    file's lengths.
    """

    process: Literal["replay"]
    file: str
    """The trace, plain or gzip; relative to the YAML file that names it."""
    format: TraceFormat = "auto"
    """Layout of the file."""
    speedup: Positive = 1.0
    """2 makes the trace run twice as fast."""
    spread: Seconds = 0.0
    """Adds a uniform delay of up to this much [s] to each arrival, for traces stamped in ticks
    (Mooncake: 3 s)."""
    concurrency: Count | None = None
    """Ignore the times and keep this many requests in flight instead (closed loop)."""

    @model_validator(mode="after")
    def _no_negative_spread(self) -> Self:
        if self.spread < 0.0:
            raise ValueError("spread must be zero or more")
        return self


class ClosedLoopSpec(Spec):
    """A fixed number of requests in flight: the next one starts when one ends."""

    process: Literal["closed_loop"]
    concurrency: Count
    """Requests kept in flight."""


ArrivalSpec = Annotated[
    PoissonSpec
    | GammaSpec
    | WeibullSpec
    | ConstantSpec
    | MarkovModulatedSpec
    | LogAr1Spec
    | ScheduledSpec
    | SeriesSpec
    | WeeklySpec
    | ClientsSpec
    | ServeGenSpec
    | ReplaySpec
    | ClosedLoopSpec
    | UsersSpec,
    Field(discriminator="process"),
]
