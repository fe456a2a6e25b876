"""Arrivals from many clients or users, each with habits of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.spec import Count, Spec
from simulator.scenario.workload.gaps import GapsSpec
from simulator.scenario.workload.quantities import Rate, SecondsFromZero


class ClientsSpec(Spec):
    """Independent clients with different rates and burstiness, superposed (ServeGen, arXiv 2505.09999).

    A client's rate is lognormal (a few clients send most of the traffic), its gaps are gamma
    or Weibull with a coefficient of variation of its own, lognormal too.
    """

    process: Literal["clients"]
    rate: Rate
    """Mean arrival rate of all clients together [1/s]."""
    clients: Annotated[Count, Field(le=100_000)]
    """How many clients there are."""
    rate_sigma: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """Standard deviation of ln(rate) over the clients; 0: all alike."""
    cv: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Median over the clients of the gaps' coefficient of variation; 1 is Poisson."""
    cv_sigma: Annotated[float, Field(ge=0.0, le=3.0)] = 0.0
    """Standard deviation of ln(cv) over the clients."""
    gaps: Literal["gamma", "weibull"] = "gamma"
    """Family of the gaps' distribution."""


class ServeGenSpec(Spec):
    """Clients as ServeGen publishes them: rate and burstiness per window of time, length histograms.

    ``file`` is a folder of the upstream layout (``chunk-N-trace.csv``, ``chunk-N-dataset.json``) or
    a ``*_windows.csv[.gz]`` file with its ``*_lengths.jsonl[.gz]`` beside it. Brings its own
    lengths; each client draws from its own histograms (prompt and output apart).
    """

    process: Literal["servegen"]
    file: str
    """The clients; relative to the YAML file that names it."""
    rate: Rate | None = None
    """Mean arrival rate over the windows used [1/s]; default: as published."""
    start: SecondsFromZero = 0.0
    """Time in the data at which the simulation begins [s]; after the last window it starts over."""
    top: Count | None = None
    """Use only this many clients, those with the most traffic. Default: all."""


class UsersSpec(Spec):
    """A fixed number of users: each sends, waits for the answer, thinks, and sends again.

    The load follows the system: where answers are slow, fewer requests come (an interactive
    closed loop). Every user starts with a think time, so that they do not all start at once.
    """

    process: Literal["users"]
    users: Count
    """How many users there are."""
    think: GapsSpec
    """Time from an answer's end to the same user's next request [s]."""
    ramp: SecondsFromZero = 0.0
    """Users join one by one over this time [s]."""
