"""Quantities that several parts of a workload are given in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.units.quantity import PerSecond, Seconds

Rate = Annotated[PerSecond, Field(gt=0.0)]
PositiveSeconds = Annotated[Seconds, Field(gt=0.0)]
SecondsFromZero = Annotated[Seconds, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
