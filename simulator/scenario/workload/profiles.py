"""Arrivals whose mean rate follows a plan: stages, ramps, days and weeks, with spikes on top."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Spec
from simulator.scenario.workload.quantities import (
    Factor,
    Positive,
    PositiveSeconds,
    Rate,
    SecondsFromZero,
)

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Hours = Annotated[tuple[Factor, ...], Field(min_length=24, max_length=24)]


class SpikeSpec(Spec):
    """A burst on top of a plan: the rate is multiplied for a while."""

    at: SecondsFromZero
    """When it starts [s]."""
    lasts: PositiveSeconds
    """How long it lasts [s]."""
    factor: Factor
    """Factor on the planned rate; below 1 it is a dip."""


class PlannedSpec(Spec):
    """What all plans share."""

    rate: Rate
    """Rate where the factor is 1 [1/s]."""
    burstiness: Positive = 1.0
    """Shape of the gamma gaps in operational time; 1 is Poisson."""
    spikes: tuple[SpikeSpec, ...] = ()
    """Bursts on top of the plan."""


class ScheduledSpec(PlannedSpec):
    """Arrivals whose mean rate follows a repeating timetable (a day in 24 steps, stages)."""

    process: Literal["scheduled"]
    factors: Annotated[tuple[Factor, ...], Field(min_length=1)]
    """Factor on ``rate`` in each step; starts again after the last."""
    step: PositiveSeconds
    """Time each factor holds [s]."""

    @model_validator(mode="after")
    def _some_traffic(self) -> Self:
        if max(self.factors) <= 0.0:
            raise ValueError("at least one of factors must be above zero")
        return self


class PointSpec(Spec):
    """The plan at one time."""

    at: SecondsFromZero
    """Time [s]."""
    factor: Factor
    """Factor on ``rate``."""


class SeriesSpec(PlannedSpec):
    """Arrivals whose mean rate runs through given points: ramps, stages, a load test.

    Between points the rate moves along a straight line (``linear``), along an exponential
    (``geometric``) or stays (``hold``). After the last point it stays, or starts again. Where it stays at
    zero, traffic ends, and the scenario must say a duration.
    """

    process: Literal["series"]
    points: Annotated[tuple[PointSpec, ...], Field(min_length=1)]
    """The plan; times rise from zero."""
    between: Literal["linear", "geometric", "hold"] = "linear"
    """How the rate goes from one point to the next."""
    repeat: bool = False
    """Start again after the last point."""
    step: PositiveSeconds = Field(1.0, validate_default=False)
    """Resolution in time [s]."""

    @model_validator(mode="after")
    def _a_series(self) -> Self:
        times = [point.at for point in self.points]
        if times[0] != 0.0 or any(b <= a for a, b in pairwise(times)):
            raise ValueError("points must start at 0 s and rise in time")
        factors = [point.factor for point in self.points]
        if self.between == "geometric" and min(factors) <= 0.0:
            raise ValueError("a geometric ramp cannot pass through zero")
        if self.repeat and len(times) < 2:
            raise ValueError("a plan that repeats needs at least two points")
        if max(factors) <= 0.0:
            raise ValueError("at least one of points must have a factor above zero")
        return self

    @property
    def ends_s(self) -> float | None:
        """Time from which on nothing comes any more [s]; None where the plan does not end."""
        last = self.points[-1]
        return last.at if last.factor <= 0.0 and not self.repeat else None


class WeeklySpec(PlannedSpec):
    """Arrivals that follow the hours of the day and the days of the week; ``rate`` is the week's mean.

    Factors hold at the middle of their hour, with straight lines between; only their shape
    counts, as the week's mean is scaled to ``rate``.
    """

    process: Literal["weekly"]
    weekday: Hours
    """Rate in each hour of a working day (any scale)."""
    weekend: Hours | None = None
    """Rate in each hour of Saturday and Sunday (on the same scale). Default: as a working day."""
    starts: Day = "monday"
    """Day on which the simulation begins."""
    start_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour at which it begins."""
    step: PositiveSeconds = Field(60.0, validate_default=False)
    """Resolution in time [s]."""

    @model_validator(mode="after")
    def _some_traffic(self) -> Self:
        if max((*self.weekday, *(self.weekend or ()))) <= 0.0:
            raise ValueError("at least one hour must have traffic")
        return self
