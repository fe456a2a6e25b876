"""What happens to machines while a cluster runs: they are started and stopped, and they fail."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveFloat, model_validator

from simulator.scenario.spec import Count, CountOrZero, PositiveSeconds, Share, Spec
from simulator.units.quantity import BytesPerSecond, Seconds, time_in_words


class StartSpec(Spec):
    """How long it takes until a new replica serves."""

    provisioning: Seconds = 0.0
    """Until a machine that was off is there; it costs nothing before."""

    load_bandwidth: BytesPerSecond | None = None
    """At which each device reads its share of the weights; default: they are there at once."""

    engine_start: Seconds = 0.0
    """From weights in memory to the first request: compilation, graphs, warm-up."""


class _ScalerSpec(Spec):
    min: CountOrZero = 1
    """Fewest replicas; 0: an idle pool is switched off, and the first request waits for a machine."""

    max: Count
    """Most replicas."""

    interval: PositiveSeconds = Field(15.0, validate_default=False)
    """Between two looks at the pool."""

    cool_down: Seconds = Field(300.0, validate_default=False)
    """Replicas are given up only if none of the looks of this time asked for them."""

    warm: CountOrZero = 0
    """Machines kept on without the model, so that a new replica need not wait for one."""

    @model_validator(mode="after")
    def _between_min_and_max(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min}, but must not exceed max = {self.max}")
        if self.warm > self.max - self.min:
            raise ValueError(
                f"warm is {self.warm}, but of max = {self.max} machines at least min = {self.min} serve, so"
                f" that at most {self.max - self.min} can be kept warm"
            )
        return self


class ConcurrencySpec(_ScalerSpec):
    """So many unfinished requests per replica."""

    policy: Literal["concurrency"]

    target: PositiveFloat
    """Unfinished requests per replica."""


class QueueSpec(_ScalerSpec):
    """So many requests per replica that no step has admitted yet."""

    policy: Literal["queue"]

    target: PositiveFloat
    """Waiting requests per replica; one replica fewer where nobody waits."""


class UtilisationSpec(_ScalerSpec):
    """A share of time in which replicas have requests."""

    policy: Literal["utilisation"]

    target: Annotated[Share, Field(gt=0.0)]
    """Share of replica time with any request."""


class KvUseSpec(_ScalerSpec):
    """A share of the KV blocks in use."""

    policy: Literal["kv_use"]

    target: Annotated[Share, Field(gt=0.0)]
    """Blocks that requests hold over blocks there are."""


class SloScalerSpec(_ScalerSpec):
    """A share of the requests within the objectives of the scenario."""

    policy: Literal["slo"]

    target: Annotated[Share, Field(gt=0.0)]
    """Share of the requests ended since the last look that met `slo`."""


class ScheduledReplicasSpec(Spec):
    """From some time on so many replicas."""

    at: Seconds
    """Time since the start, or since the period began."""

    replicas: CountOrZero
    """How many."""


class ScheduleSpec(_ScalerSpec):
    """A timetable."""

    policy: Literal["schedule"]

    steps: tuple[ScheduledReplicasSpec, ...] = Field(min_length=1)
    """In order of time; before the first, as many as the last says."""

    period: PositiveSeconds | None = None
    """After which it begins anew (24 h); default: never."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(one.at >= other.at for one, other in pairwise(self.steps)):
            raise ValueError("the steps of a schedule must be in order of time")
        if self.period is not None and self.steps[-1].at >= self.period:
            raise ValueError(
                f"a step at {time_in_words(self.steps[-1].at)} lies beyond the period of"
                f" {time_in_words(self.period)}"
            )
        for step in self.steps:
            if not self.min <= step.replicas <= self.max:
                raise ValueError(
                    f"the step at {time_in_words(step.at)} asks for {step.replicas} replicas, but there are"
                    f" at least min = {self.min} and at most max = {self.max}"
                )
        return self


AnyAutoscaleSpec = ConcurrencySpec | QueueSpec | UtilisationSpec | KvUseSpec | SloScalerSpec | ScheduleSpec
AutoscaleSpec = Annotated[AnyAutoscaleSpec, Field(discriminator="policy")]

#: What fails: a device, all of a node or rack, what leads to a replica, or only its pace.
Component = Literal["device", "node", "rack", "link", "straggler"]


#: More than any degradation that something still comes through.
SLOWEST = 1e4


class _FaultSpec(Spec):
    component: Component
    """A device (its replica stops), a node or a rack (all replicas with a device in it stop), a replica's
    link for KV caches, or a replica's pace (a straggler)."""

    pool: str | None = None
    """Where; default: every pool."""

    factor: PositiveFloat = 2.0
    """Of a straggler: its steps last so many times as long; of a link: so many times slower, `.inf` for one
    that carries nothing, whose transfers fail, are tried again and end their requests as failed."""

    @model_validator(mode="after")
    def _factor_slows_something(self) -> Self:
        if self.component not in ("straggler", "link") and "factor" in self.model_fields_set:
            raise ValueError(f"factor has no effect on a {self.component}, which stops altogether")
        if self.factor < 1.0:
            raise ValueError(f"factor is {self.factor:g}, but must be at least 1: so many times slower")
        if self.component == "straggler" and self.factor == inf:
            raise ValueError(
                "a straggler that never ends a step is no straggler: let its device fail instead"
            )
        if SLOWEST < self.factor < inf:
            raise ValueError(
                f"factor is {self.factor:g}, but what is more than {SLOWEST:,.0f} times slower would never be"
                " done; factor: .inf is a link that carries nothing"
            )
        return self


class RandomFaultSpec(_FaultSpec):
    """Failures at random: times between them and repairs are exponentially distributed."""

    mtbf: PositiveSeconds
    """Mean time between failures of one component."""

    mttr: PositiveSeconds
    """Mean time to repair it."""


class ScriptedFaultSpec(_FaultSpec):
    """One failure at a set time."""

    at: Seconds
    """When."""

    number: CountOrZero = 0
    """Which of the pool's components of that kind."""

    lasts: PositiveSeconds | None = None
    """Until it is repaired; default: never."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.pool is None:
            raise ValueError("a scripted failure must name its pool")
        return self


def _as_sections(value: Any) -> Any:
    """A list is short for its random and scripted parts, which differ by `mtbf` and `at`."""
    if not isinstance(value, list | tuple):
        return value
    scripted = [item for item in value if isinstance(item, dict) and "at" in item]
    return {"random": [item for item in value if item not in scripted], "scripted": scripted}


class FailuresSpec(Spec):
    """What fails, and what becomes of the requests."""

    random: tuple[RandomFaultSpec, ...] = ()
    """Failures at random."""

    scripted: tuple[ScriptedFaultSpec, ...] = ()
    """Failures at set times."""

    lost_requests: Literal["again", "fail"] = "again"
    """Requests whose replica stopped: their KV cache is gone; they are sent again and computed anew, or end
    as failed."""

    node_devices: Count | None = None
    """Devices in a node; default: as many as the hardware's system holds."""

    rack_nodes: Count = 4
    """Nodes in a rack."""


AnyFailuresSpec = Annotated[FailuresSpec, BeforeValidator(_as_sections)]
