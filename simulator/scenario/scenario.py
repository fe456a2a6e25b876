"""The whole scenario file as one object, and the checks across its parts."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import PrivateAttr, model_validator

from simulator.errors import InputError
from simulator.scenario.admission import ClientSpec
from simulator.scenario.cluster import ClusterSpec, PoolSpec
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
from simulator.scenario.tenant import TenantSpec
from simulator.scenario.workload import WorkloadSpec
from simulator.units.quantity import Seconds, time_in_words

#: Requests of which a run can keep a row: more would fill the memory of any machine.
MOST_REQUESTS = 1_000_000_000


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

    tenants: tuple[TenantSpec, ...] = ()
    """Kinds of requests, each with traffic, objectives and rights of its own, instead of `workload`."""

    client: ClientSpec | None = None
    """How long clients wait and whether they try again; default: they wait as long as it takes."""

    model: Annotated[ModelSpec, NameOrInline("model card")]
    """Name or path of a model card, or card and precisions; not needed where every pool names its own."""

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

    def with_seed(self, seed: int | None) -> Scenario:
        """The same scenario under another seed; None: its own.

        Raises
        ------
        InputError
            Where the seed is no whole number from zero up.
        """
        if seed is None:
            return self
        if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
            raise InputError(f"found {seed!r}, expected a whole number, at least 0", key="seed")
        return self.model_copy(update={"seed": int(seed)})

    @model_validator(mode="before")
    @classmethod
    def _traffic_from_one_place(cls, values: Any) -> Any:
        """With tenants, the first one's traffic stands for that of all where only one can be shown."""
        if not isinstance(values, dict) or not values.get("tenants"):
            return values
        if "workload" in values:
            raise ValueError("traffic comes from workload or from tenants, not from both")
        first = values["tenants"][0]
        if not isinstance(first, dict) or "workload" not in first:
            return values
        return {**values, "workload": first["workload"]}

    @model_validator(mode="before")
    @classmethod
    def _model_from_one_place(cls, values: Any) -> Any:
        """Where every pool names its own, the first one's stands for all where only one can be shown."""
        if not isinstance(values, dict) or values.get("model") is not None:
            return values
        named = _models_named(values.get("cluster"))
        if not any(named.values()):
            return values
        for place, model in named.items():
            if model is None:
                raise ValueError(
                    f"{place} names no model, and no model of the scenario stands in: give the pool one, or"
                    f" the scenario, e.g. model: {next(filter(None, named.values()))}"
                )
        cards = dict.fromkeys(str(model) for model in named.values())
        for tenant in values.get("tenants") or ():
            if len(cards) > 1 and isinstance(tenant, dict) and tenant.get("model") is None:
                raise ValueError(
                    f"tenant {tenant.get('name')!r} asks for no model, pools serve {', '.join(cards)}, and no"
                    " model of the scenario stands in: give the tenant one of them"
                )
        return {**values, "model": values["cluster"]["pools"][0]["model"]}

    @model_validator(mode="after")
    def _sides_serve_one_model(self) -> Self:
        """A prefill pool hands its KV caches to decode pools of its own model."""
        pools = self.cluster.pools
        for pool in pools:
            side = {"prefill": "decode", "decode": "prefill"}.get(pool.role)
            others = {other.name: self.model_of(other).card for other in pools if other.role == side}
            model = self.model_of(pool).card
            if others and model not in others.values():
                found = ", ".join(f"{name!r} serves {card}" for name, card in others.items())
                raise ValueError(
                    f"{pool.role} pool {pool.name!r} serves {model} and needs a {side} pool of the same"
                    f" model, but {found}"
                )
        return self

    @model_validator(mode="after")
    def _tenants_fit(self) -> Self:
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) < len(names):
            raise ValueError(f"the names of tenants must differ, found: {', '.join(names)}")
        if self.tenants and self.reasoning is not None:
            raise ValueError("reasoning turns the arrivals of one workload into programs: leave out tenants")
        served = {self.model_of(pool).card for pool in self.cluster.pools}
        asked = {self.model.card if one.model is None else one.model for one in self.tenants}
        if not self.tenants:
            asked = {self.model.card, *(self.reasoning.models if self.reasoning else ())}
        for model in sorted(asked - served):
            raise ValueError(f"no pool serves model {model!r}; pools serve {', '.join(sorted(served))}")
        for model in sorted(served - asked):
            raise ValueError(f"nobody asks for model {model!r} of the pools; add a tenant with it")
        entry = {pool.name: pool for pool in self.cluster.pools if pool.role != "decode"}
        for tenant in self.tenants:
            for name in tenant.pools or ():
                if name not in entry:
                    raise ValueError(
                        f"tenant {tenant.name!r} names pool {name!r}; those that take requests are"
                        f" {', '.join(entry)}"
                    )
                if self.model_of(entry[name]).card != (tenant.model or self.model.card):
                    raise ValueError(f"tenant {tenant.name!r} cannot use pool {name!r}: other model")
        return self

    @property
    def has_objectives(self) -> bool:
        """Whether there is anything to meet: the scenario's objectives, or those of any tenant."""
        return any((one.slo or self.slo).given for one in self.tenants) if self.tenants else self.slo.given

    def model_of(self, pool: PoolSpec) -> ModelSpec:
        """What a pool serves."""
        return pool.model or self.model

    @model_validator(mode="after")
    def _ends(self) -> Self:
        endless = [one for one in self.tenants if one.requests is None and one.duration is None]
        if self.requests is None and self.duration is None and (endless or not self.tenants):
            raise ValueError("say how much traffic there is: requests: 10000, or duration: 10 min, or both")
        if self.duration is not None and self.warmup >= self.duration:
            raise ValueError(
                f"warmup ({time_in_words(self.warmup)}) must be shorter than duration"
                f" ({time_in_words(self.duration)}), or no request is left to measure"
            )
        for name, workload, duration in self._traffic():
            end_s = getattr(workload.arrivals, "ends_s", None)
            if duration is None and end_s is not None:
                raise ValueError(
                    f"the traffic{name} ends in a rate of zero at {time_in_words(end_s)}, however many"
                    " requests are to come: say duration, or let its last point have a factor above zero"
                )
        expected = self._expected_requests()
        if expected > MOST_REQUESTS:
            raise ValueError(
                f"about {expected:.2g} requests would come, and a run keeps a row of each, of at most"
                f" {MOST_REQUESTS:,}: ask for less time or fewer requests"
            )
        return self

    def _traffic(self) -> Iterator[tuple[str, WorkloadSpec, float | None]]:
        """Whose traffic, in words, the traffic, and how long it comes [s]."""
        if not self.tenants:
            yield "", self.workload, self.duration
        for one in self.tenants:
            own = one.requests is not None or one.duration is not None
            yield f" of tenant {one.name!r}", one.workload, one.duration if own else self.duration

    def _expected_requests(self) -> float:
        """Requests that come, as far as their number or a rate says."""
        if not self.tenants:
            return _expected(self.workload, self.requests, self.duration)
        return sum(
            _expected(one.workload, one.requests, one.duration)
            if one.requests is not None or one.duration is not None
            else _expected(one.workload, self.requests, self.duration)
            for one in self.tenants
        )


def _models_named(cluster: Any) -> dict[str, str | None]:
    """The card that each pool names, as written, by the pool's place; empty where pools are no list."""
    pools = cluster.get("pools") if isinstance(cluster, dict) else None
    found: dict[str, str | None] = {}
    for number, pool in enumerate(pools if isinstance(pools, list | tuple) else ()):
        model = pool.get("model") if isinstance(pool, dict) else None
        card = model.get("card") if isinstance(model, dict) else model
        found[f"cluster.pools[{number}]"] = None if card is None else str(card)
    return found


def _expected(workload: WorkloadSpec, requests: int | None, duration: float | None) -> float:
    rate: float | None = getattr(workload.arrivals, "rate", None)
    if duration is None or rate is None:
        return requests or 0
    return min(inf if requests is None else requests, duration * rate)
