"""One simulation of a design and what it says about every objective."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.paired import BATCHES
from simulator.planning.sweep.point import single_figures
from simulator.reporting.numbers import seconds
from simulator.results.latencies import ABORTED, latencies_of
from simulator.results.result import Result
from simulator.results.slo import Mask, Reached, own_objectives_reached
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario
from simulator.units.clock import NS_PER_S


class UntestedError(InputError):
    """A trial in which nobody was measured who has objectives."""


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
    def reaches(self) -> bool:
        """Whether every share reaches its target; not where there is none, for then nothing was shown."""
        return bool(self.objectives) and all(one.share >= one.target for one in self.objectives)

    @property
    def met(self) -> bool:
        """Whether all objectives were met without a queue that grows."""
        return not self.overloaded and self.reaches

    @property
    def margin(self) -> float:
        """Least distance of a share from its target [1]; negative where one is missed."""
        return min((one.share - one.target for one in self.objectives), default=-1.0)


def run_trial(ask: Ask) -> Trial:
    """Simulate what is asked for.

    Raises
    ------
    InputError
        Where the design is impossible (the model does not fit, say), or the trial says nothing about it.
    """
    return trial_of(run_scenario(ask.scenario, seed=ask.seed))


def trial_of(result: Result) -> Trial:
    """What a result says about the objectives, each tenant's own where there are tenants.

    Raises
    ------
    UntestedError
        Where no request counts, or none of a tenant with objectives: nothing can be said of them.
    """
    requests = result.recording.requests
    measured = requests.arrival_ns >= result.context.warmup_ns
    _refuse_untested(result, measured & (requests.status != ABORTED))
    reached = own_objectives_reached(requests, latencies_of(requests), result.context, measured)
    order = np.argsort(requests.request)
    return Trial(
        seed=result.context.seed,
        requests=result.summary.counts.measured,
        overloaded=result.summary.load.overloaded,
        objectives=tuple(_objective(one, order) for one in reached),
        figures=single_figures(result),
    )


def _refuse_untested(result: Result, counted: Mask) -> None:
    context = result.context
    for number, tenant in enumerate(context.tenants):
        if tenant.slo.given and not (counted & (result.recording.requests.tenant == number)).any():
            raise UntestedError(
                f"no request of tenant {tenant.name!r} counts in a trial under seed {context.seed},"
                " so that nothing is known of its objectives; ask for more of its requests or a longer time",
                key=f"tenants[{number}]",
            )
    if not counted.any():
        warm_up = seconds(context.warmup_ns / NS_PER_S) if context.warmup_ns else None
        behind = "" if warm_up is None else f" that arrives after the warm-up of {warm_up}"
        shorter = "" if warm_up is None else "shorten the warm-up, or "
        raise UntestedError(
            f"no request{behind} counts in a trial under seed {context.seed}, so that nothing is known of the"
            f" objectives; {shorter}ask for more requests or a longer time",
            key="requests" if warm_up is None else "warmup",
        )


def _objective(reached: Reached, order: np.ndarray[Any, np.dtype[np.int64]]) -> ObjectiveTrial:
    within = reached.within[order][reached.counted[order]]
    parts = np.array_split(within, min(BATCHES, len(within)))
    return ObjectiveTrial(
        reached.name, reached.target, float(within.mean()), tuple(float(part.mean()) for part in parts)
    )
