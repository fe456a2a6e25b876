"""How many replicas a pool should have, by what one looks at.

The rules for shares are those of the Kubernetes horizontal pod autoscaler: replicas times value over target,
rounded up, unless the value is within 10 % of the target.

Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Algorithm details".
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Protocol

from simulator.scenario.operations import (
    AnyAutoscaleSpec,
    ConcurrencySpec,
    KvUseSpec,
    QueueSpec,
    ScheduleSpec,
    SloScalerSpec,
    UtilisationSpec,
)
from simulator.units.clock import ns_from_seconds

#: Values within this share of their target change nothing.
TOLERANCE = 0.1
#: Rounding of quotients of floats: 3.0000000001 replicas are three.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Look:
    """A pool at one moment.

    Attributes
    ----------
    replicas
        In service or on their way.
    serving
        In service.
    unfinished, waiting
        Requests with the pool or in front of it; those that no step has admitted yet.
    utilisation, kv_use
        Shares of replica time with requests since the last look, and of KV blocks held now; None where no
        replica is in service.
    attainment
        Share of the requests ended since the last look that met the objectives; None where none ended.
    """

    now_ns: int
    replicas: int
    serving: int
    unfinished: int
    waiting: int
    utilisation: float | None
    kv_use: float | None
    attainment: float | None


class Policy(Protocol):
    """A rule of autoscaling."""

    def wanted(self, look: Look) -> int:
        """Replicas that the pool should have."""
        ...


@dataclass(frozen=True, slots=True)
class Concurrency:
    """So many unfinished requests per replica."""

    target: float

    def wanted(self, look: Look) -> int:
        return _up(look.unfinished / self.target)


@dataclass(frozen=True, slots=True)
class Queue:
    """So many waiting requests per replica; one replica fewer where nobody waits."""

    target: float

    def wanted(self, look: Look) -> int:
        if not look.waiting:
            return look.replicas - 1
        if look.waiting <= self.target * look.serving:
            return look.replicas
        return max(_up(look.serving * 2), look.replicas) if look.serving else 1


@dataclass(frozen=True, slots=True)
class Utilisation:
    """A share of replica time with requests."""

    target: float

    def wanted(self, look: Look) -> int:
        return _in_proportion(look, look.utilisation, self.target)


@dataclass(frozen=True, slots=True)
class KvUse:
    """A share of KV blocks held."""

    target: float

    def wanted(self, look: Look) -> int:
        return _in_proportion(look, look.kv_use, self.target)


@dataclass(frozen=True, slots=True)
class Attainment:
    """A share of requests within their objectives: more replicas in proportion to what is missed, one fewer
    where hardly anything is."""

    target: float

    def wanted(self, look: Look) -> int:
        if look.attainment is None:
            return look.replicas if look.unfinished else look.replicas - 1
        if look.attainment < self.target:
            return _up(look.replicas * (1.0 + self.target - look.attainment))
        return look.replicas - 1 if look.attainment >= (1.0 + self.target) / 2 else look.replicas


@dataclass(frozen=True, slots=True)
class Schedule:
    """A timetable of (time [ns], replicas), repeated after ``period_ns`` (0: never)."""

    steps: tuple[tuple[int, int], ...]
    period_ns: int

    def wanted(self, look: Look) -> int:
        now = look.now_ns % self.period_ns if self.period_ns else look.now_ns
        past = [replicas for at, replicas in self.steps if at <= now]
        return past[-1] if past else self.steps[-1][1]


def policy_of(spec: AnyAutoscaleSpec) -> Policy:
    """The rule that a scenario names."""
    match spec:
        case ConcurrencySpec():
            return Concurrency(spec.target)
        case QueueSpec():
            return Queue(spec.target)
        case UtilisationSpec():
            return Utilisation(spec.target)
        case KvUseSpec():
            return KvUse(spec.target)
        case SloScalerSpec():
            return Attainment(spec.target)
        case ScheduleSpec():
            steps = tuple((ns_from_seconds(step.at), step.replicas) for step in spec.steps)
            return Schedule(steps, ns_from_seconds(spec.period or 0.0))


def _in_proportion(look: Look, value: float | None, target: float) -> int:
    if value is None or abs(value / target - 1.0) <= TOLERANCE:
        return look.replicas
    return _up(look.serving * value / target)


def _up(replicas: float) -> int:
    return ceil(replicas - ROUNDING)
