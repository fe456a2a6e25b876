"""One simulation of a design and what it says about every objective."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.paired import BATCHES
from simulator.planning.sweep.point import single_figures
from simulator.results.latencies import ABORTED, latencies_of
from simulator.results.result import Result
from simulator.results.slo import Mask, Reached, own_objectives_reached
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario


@dataclass(frozen=True, slots=True)
class Ask:
    """A simulation that is asked for."""

    scenario: Scenario
    seed: int


@dataclass(frozen=True, slots=True)
class ObjectiveTrial:
    """One objective in one simulation.

    Attributes
    ----------
    name
        ``requests`` for the thresholds of single requests, else the percentile's (``p99_ttft``); a tenant's
        own with its name behind it (``requests of chat``).
    target
        Share of the requests that must be within.
    share
        Share that was.
    batches
        The share in each of `BATCHES` batches of consecutive requests (fewer where requests are few).
    """

    name: str
    target: float
    share: float
    batches: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What one simulation said.

    ``figures`` are all single figures of its summary.
    """

    seed: int
    requests: int
    overloaded: bool
    objectives: tuple[ObjectiveTrial, ...]
    figures: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether all objectives were met without a queue that grows."""
        return not self.overloaded and all(one.share >= one.target for one in self.objectives)

    @property
    def margin(self) -> float:
        """Least distance of a share from its target [1]; negative where one is missed."""
        return min((one.share - one.target for one in self.objectives), default=-1.0)


def run_trial(ask: Ask) -> Trial:
    """Simulate what is asked for.

    Raises
    ------
    InputError
        Where the design is impossible (the model does not fit, say).
    """
    return trial_of(run_scenario(ask.scenario, seed=ask.seed))


def trial_of(result: Result) -> Trial:
    """What a result says about the objectives, each tenant's own where there are tenants.

    Raises
    ------
    InputError
        Where no request of a tenant with objectives counts: nothing can be said of them.
    """
    requests = result.recording.requests
    measured = requests.arrival_ns >= result.context.warmup_ns
    _refuse_untested_tenants(result, measured & (requests.status != ABORTED))
    reached = own_objectives_reached(requests, latencies_of(requests), result.context, measured)
    order = np.argsort(requests.request)
    return Trial(
        seed=result.context.seed,
        requests=result.summary.counts.measured,
        overloaded=result.summary.load.overloaded,
        objectives=tuple(_objective(one, order) for one in reached),
        figures=single_figures(result),
    )


def _refuse_untested_tenants(result: Result, counted: Mask) -> None:
    for number, tenant in enumerate(result.context.tenants):
        if tenant.slo.given and not (counted & (result.recording.requests.tenant == number)).any():
            raise InputError(
                f"no request of tenant {tenant.name!r} counts in a trial under seed {result.context.seed},"
                " so that nothing is known of its objectives; ask for more of its requests or a longer time",
                key=f"tenants[{number}]",
            )


def _objective(reached: Reached, order: np.ndarray[Any, np.dtype[np.int64]]) -> ObjectiveTrial:
    within = reached.within[order][reached.counted[order]]
    parts = np.array_split(within, min(BATCHES, len(within)))
    return ObjectiveTrial(
        reached.name, reached.target, float(within.mean()), tuple(float(part.mean()) for part in parts)
    )
