"""Arrival processes: from a spec to blocks of arrival times [ns]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.scenario.spec import Spec
from simulator.scenario.workload.arrivals import (
    ArrivalSpec,
    ClosedLoopSpec,
    ConstantSpec,
    GammaSpec,
    LogAr1Spec,
    MarkovModulatedSpec,
    PoissonSpec,
    WeibullSpec,
)
from simulator.scenario.workload.populations import ClientsSpec, UsersSpec
from simulator.scenario.workload.profiles import ScheduledSpec, SeriesSpec, WeeklySpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals import clients, modulated, planned, renewal
from simulator.workload.arrivals.renewal import Times

__all__ = ["ARRIVAL_BUILDERS", "Times", "arrival_times"]

#: The builder of each generated process. A replay is no process
#: (`simulator.workload.replay`), ServeGen's clients bring lengths too (`simulator.workload.servegen`).
ARRIVAL_BUILDERS: dict[type[Spec], Callable[[Any, RandomStreams], Times]] = {
    PoissonSpec: renewal.poisson,
    GammaSpec: renewal.gamma,
    WeibullSpec: renewal.weibull,
    ConstantSpec: renewal.constant,
    ClosedLoopSpec: renewal.closed_loop,
    MarkovModulatedSpec: modulated.markov,
    LogAr1Spec: modulated.log_ar1,
    ScheduledSpec: planned.scheduled,
    SeriesSpec: planned.series,
    WeeklySpec: planned.weekly,
    ClientsSpec: clients.clients,
    UsersSpec: renewal.users,
}


def arrival_times(spec: ArrivalSpec, streams: RandomStreams) -> Times:
    """Blocks of non-decreasing arrival times [ns], of whatever length is convenient.

    Endless, but where a plan ends in a rate of zero.
    """
    return ARRIVAL_BUILDERS[type(spec)](spec, streams)
