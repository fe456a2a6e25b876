"""Tenants: kinds of requests with their own traffic, objectives and rights on one cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.scenario.admission import ClientSpec, LimitsSpec
from simulator.scenario.objectives import SloSpec
from simulator.scenario.references import NameOrInline
from simulator.scenario.spec import Count, PositiveSeconds, Spec
from simulator.scenario.workload import WorkloadSpec


class TenantSpec(Spec):
    """One kind of requests."""

    name: str = Field(min_length=1)
    """Name in every result."""

    workload: Annotated[WorkloadSpec, NameOrInline("workload", extends=True)]
    """Its traffic, as the scenario's `workload`."""

    model: str | None = None
    """Card of the model that serves it, as pools name it; default: the scenario's."""

    pools: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names of the unified and prefill pools that may take it; default: all with its model."""

    slo: SloSpec | None = None
    """Its objectives; default: the scenario's."""

    priority: int | None = None
    """Of its requests (smaller is more urgent), for admission, `by_priority` routing and engines with
    `scheduling_policy: priority`; default: the workload's."""

    client: ClientSpec | None = None
    """How patient its clients are; default: the scenario's."""

    limits: LimitsSpec | None = None
    """What the gateway lets through of it; default: no limits of its own."""

    requests: Count | None = None
    """How many of its requests arrive; default: the scenario's."""

    duration: PositiveSeconds | None = None
    """How long its requests arrive; default: the scenario's."""
