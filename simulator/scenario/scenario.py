"""The whole scenario file as one object, and the checks across its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import PrivateAttr, model_validator

from simulator.scenario.cluster import ClusterSpec
from simulator.scenario.compare import CompareSpec
from simulator.scenario.frontier import FrontierSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.objectives import SloSpec
from simulator.scenario.prices import PricesSpec
from simulator.scenario.reasoning import ReasoningSpec
from simulator.scenario.references import NameOrInline
from simulator.scenario.serving import ServingSpec
from simulator.scenario.size import SizeSpec
from simulator.scenario.spec import Count, CountOrZero, PositiveSeconds, Spec
from simulator.scenario.workload import WorkloadSpec
from simulator.units.quantity import Seconds


class Scenario(Spec):
    """What a planner asks: this traffic, on this model, on this cluster, against these objectives.

    Relative paths inside a replayed workload are meant from `workload_dir`; all other
    paths are absolute once `simulator.scenario.loading.load_scenario` has read the file.
    """

    name: str = "scenario"
    """Name in every result."""

    description: str = ""
    """The question that the scenario answers."""

    seed: CountOrZero = 0
    """Seed of all random streams; equal seeds give identical results."""

    workload: Annotated[WorkloadSpec, NameOrInline("workload", extends=True)]
    """Name of a shipped workload, path of a YAML file, the workload itself, or a named one with
    changes: `{from: azure-conv-2023, arrivals: {rate: 12 /s}}`."""

    model: Annotated[ModelSpec, NameOrInline("model card")]
    """Name or path of a model card, or card and precisions."""

    cluster: ClusterSpec
    """Pools, router and link."""

    reasoning: ReasoningSpec | None = None
    """Test-time compute: what every arrival of the workload becomes before it is answered."""

    serving: ServingSpec | None = None
    """Time in the API server; default: none, latencies are those at the engine. `serving: {}` has what the
    engine's version takes."""

    slo: SloSpec = SloSpec()
    """Service-level objectives; all optional."""

    requests: Count | None = None
    """How many requests arrive; at least one of `requests` and `duration`."""

    duration: PositiveSeconds | None = None
    """How long requests arrive; with `requests` too, whichever comes first."""

    warmup: Seconds = 0.0
    """Requests that arrive before this time are left out of the metrics."""

    record: Literal["requests", "steps"] = "requests"
    """Keep a row per request, or also a row per engine step."""

    jumping: bool = True
    """Run through uneventful steps in one go; `false` gives identical results, slower."""

    prices: PricesSpec = PricesSpec()
    """Which prices and which electricity grid apply."""

    compare: CompareSpec | None = None
    """Hardware that `simulator compare` tries this scenario on."""

    frontier: FrontierSpec | None = None
    """Models, strategies and hardware that `simulator frontier` looks over."""

    size: SizeSpec | None = None
    """What `simulator size` chooses among; default: the number of replicas alone."""

    _file: Path | None = PrivateAttr(default=None)
    _workload_dir: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """File the scenario was read from, for messages; None for a mapping."""
        return self._file

    @property
    def workload_dir(self) -> Path:
        """Folder that relative file names inside the workload are meant from."""
        return self._workload_dir or Path.cwd()

    def located(self, workload_dir: Path, file: Path | None = None) -> Scenario:
        """The same scenario, known to come from ``file``, with its workload's files in ``workload_dir``."""
        copy = self.model_copy()
        copy._file = file
        copy._workload_dir = workload_dir
        return copy

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.requests is None and self.duration is None:
            raise ValueError("say how much traffic there is: requests: 10000, or duration: 10 min, or both")
        if self.duration is not None and self.warmup >= self.duration:
            raise ValueError(
                f"warmup ({self.warmup:g} s) must be shorter than duration ({self.duration:g} s),"
                " or no request is left to measure"
            )
        return self
