"""What `simulator size` may choose among, and how sure it must be."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.compare import EntrantSpec, entrant_from_name
from simulator.scenario.engine import EngineSpec
from simulator.scenario.network import TransferSpec
from simulator.scenario.spec import Count, CountOrZero, Spec

#: What the chosen design has the least of.
Minimise = Literal["cost", "devices", "power"]


class UncertaintySpec(Spec):
    """What is not known about a question, for `simulator size --uncertain`."""

    step_time: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.15
    """Error of predicted step times: standard deviation of its logarithm [1]. The default is an estimate of
    what a backend is off by on hardware like that it was fitted to; `simulator validate` prints yours."""

    rate: tuple[float, float] = (0.8, 1.25)
    """Lowest and highest rate that is thought possible, over the scenario's [1]."""

    draws: Count = 32
    """How often the unknown is drawn."""

    @model_validator(mode="after")
    def _around_one(self) -> Self:
        if not 0 < self.rate[0] <= 1 <= self.rate[1]:
            raise ValueError(f"rate goes from below 1 to above 1, found {self.rate[0]:g} to {self.rate[1]:g}")
        return self


class SizeSpec(Spec):
    """The design space of `simulator size`: every combination of what is listed.

    What is not listed stays as the cluster has it.
    """

    hardware: tuple[Annotated[EntrantSpec, BeforeValidator(entrant_from_name)], ...] = ()
    """Names or paths of hardware profiles, or such with prices and powers."""

    parallelism: tuple[ParallelismSpec, ...] | Literal["auto"] = ()
    """Layouts of one replica to try; `auto`: those that suit model and device. Default: the cluster's own
    on its own hardware, where a pool says one or none is listed, else `auto`."""

    engine: tuple[EngineSpec, ...] = ()
    """Engine settings to try, laid over the cluster's own: `[{max_num_seqs: 64}, {max_num_seqs: 256}]`."""

    disaggregation: tuple[Annotated[str, Field(pattern=r"^(unified|[1-9]\d*:[1-9]\d*)$")], ...] = ()
    """Splits to try: `unified`, or prefill to decode replicas such as `1:2`."""

    transfer: TransferSpec | None = None
    """Link between prefill and decode replicas, where the cluster itself has none."""

    spare: CountOrZero = 0
    """Replicas that may fail at once: N+1 is `spare: 1`. Objectives hold without them; they are paid for."""

    minimise: Minimise = "cost"
    """What the chosen design has the least of."""

    most_units: Count = 4096
    """No design of more replicas (of groups of them, where prompts and outputs are kept apart) is tried."""

    replications: Count = 5
    """Most runs under different seeds per design; fewer where the interval is clear of the objective."""

    uncertainty: UncertaintySpec = UncertaintySpec()
    """What is not known, for `simulator size --uncertain`."""

    @model_validator(mode="after")
    def _a_link_for_a_split(self) -> Self:
        splits = [split for split in self.disaggregation if split != "unified"]
        if self.transfer is not None and not splits:
            raise ValueError("transfer has no effect without a split such as disaggregation: ['1:1']")
        return self
