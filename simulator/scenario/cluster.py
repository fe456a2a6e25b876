"""The cluster: pools of equal replicas, the router in front and the link between them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.errors import nearest
from simulator.scenario.adaptation import AdaptSpec
from simulator.scenario.admission import AdmissionSpec
from simulator.scenario.backend import AutoBackendSpec, BackendSpec, DecodeOffloadBackendSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.kv_tiers import KvTierSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.network import NetworkSpec, TransferSpec
from simulator.scenario.operations import AnyFailuresSpec, AutoscaleSpec, StartSpec
from simulator.scenario.references import NameOrInline
from simulator.scenario.routing import RoundRobinSpec, RouterSpec
from simulator.scenario.spec import Count, PositiveDollars, Spec
from simulator.scenario.speculation import SpeculationSpec
from simulator.units.quantity import USDPerHour, Watts

#: What a pool does with a request: all of it, only its prompt, or only its output.
Role = Literal["unified", "prefill", "decode"]


class ParallelismSpec(Spec):
    """How one replica's model is spread over its devices."""

    tensor: Count = 1
    """Devices that share every layer."""

    pipeline: Count = 1
    """Groups of devices that hold consecutive layers."""

    data: Count = 1
    """Copies of the attention layers inside one replica."""

    expert: Count = 1
    """Devices over which the experts of a mixture-of-experts layer are spread."""

    context: Count = 1
    """Groups of devices that share the tokens of each sequence, prompts and cache: for long contexts."""

    micro_batches: Count | None = None
    """Batches in the pipeline at once; default: one per stage. With fewer, stages stand idle (bubbles)."""

    @property
    def devices(self) -> int:
        """Devices of one replica. Experts live on the devices that tensor and data give."""
        return self.tensor * self.pipeline * self.data * self.context

    @model_validator(mode="after")
    def _no_more_batches_than_stages(self) -> Self:
        if self.micro_batches is not None and self.micro_batches > self.pipeline:
            raise ValueError(
                f"micro_batches is {self.micro_batches}, but at most pipeline = {self.pipeline} batches"
                " are on their way at once"
            )
        return self

    @model_validator(mode="after")
    def _experts_have_devices(self) -> Self:
        if (self.tensor * self.data) % self.expert:
            raise ValueError(
                f"expert is {self.expert}, but must divide tensor x data = {self.tensor * self.data},"
                " the devices that hold the experts of a layer"
            )
        return self


def _auto_unless_said(latency: Any) -> Any:
    """``latency: {layer_overhead_us: 5}`` adjusts the device's own execution model."""
    return {"backend": "auto", **latency} if isinstance(latency, dict) else latency


class PowerSpec(Spec):
    """What one device and its share of the server draw; default: the hardware profile's."""

    limit: Watts | None = None
    """Power limit (TDP) of a device."""

    idle: Watts | None = None
    """Draw of a device with weights loaded and no request."""

    host: Watts | None = None
    """Draw of a device's share of its server: processors, memory, network, fans."""


class PoolSpec(Spec):
    """Replicas that are all alike."""

    name: str = Field(min_length=1)
    """Name of the pool in every result."""

    role: Role = "unified"
    """`unified` serves whole requests; `prefill` hands the KV cache of a prompt to `decode`."""

    hardware: str
    """Name of a shipped hardware profile, or the path of one."""

    model: Annotated[ModelSpec, NameOrInline("model card")] | None = None
    """What it serves, where a cluster has several models; default: the scenario's model."""

    replicas: Count = 1
    """How many independent engines the pool has."""

    parallelism: ParallelismSpec = ParallelismSpec()
    """How one replica is spread over devices."""

    engine: EngineSpec = EngineSpec()
    """Settings of the serving engine."""

    speculative: SpeculationSpec | None = None
    """What drafts tokens and how many are accepted; default: no speculative decoding."""

    latency: Annotated[BackendSpec, BeforeValidator(_auto_unless_said)] = AutoBackendSpec()
    """What prices a step; default: the execution model of the device."""

    price: USDPerHour | None = None
    """Price of one device for an hour; default: the shipped prices."""

    purchase: PositiveDollars | None = None
    """Price of one device with its share of the server, `30000 USD` or `30000`, for `prices.own`; default:
    the shipped one."""

    power: PowerSpec = PowerSpec()
    """Draw of one device where the profile has none, or another."""

    kv_tiers: tuple[KvTierSpec, ...] = ()
    """Memory behind the KV cache of every replica, nearest first: host DRAM, SSD, a remote store."""

    start: StartSpec = StartSpec()
    """How long a replica takes until it serves, where an autoscaler starts it or a failure is repaired."""

    autoscale: AutoscaleSpec | None = None
    """Who starts and stops replicas; `replicas` is how many there are at first. Default: nobody."""

    @property
    def devices_per_replica(self) -> int:
        """Devices of one replica, with those beside it."""
        return self.parallelism.devices + sum(count for _, count in self.beside)

    @property
    def beside(self) -> tuple[tuple[str, int], ...]:
        """Hardware and number of the devices beside a replica that take feed-forward parts or draft."""
        found = []
        if isinstance(self.latency, DecodeOffloadBackendSpec):
            found.append((self.latency.partner, self.latency.devices))
        if self.speculative is not None and self.speculative.apart is not None:
            found.append((self.speculative.apart.hardware, self.speculative.apart.tensor))
        return tuple(found)

    @property
    def speculation(self) -> SpeculationSpec | None:
        """Speculative decoding: the section, or the engine's two settings in short for free drafts."""
        if self.speculative is not None or not self.engine.num_speculative_tokens:
            return self.speculative
        return SpeculationSpec(
            method="ngram",
            num_speculative_tokens=self.engine.num_speculative_tokens,
            acceptance=self.engine.speculative_acceptance,
        )

    @model_validator(mode="after")
    def _one_speculation(self) -> Self:
        if self.speculative is not None and self.engine.num_speculative_tokens:
            raise ValueError(
                "give the section speculative or engine.num_speculative_tokens, not both; the latter is"
                " short for drafts that cost nothing"
            )
        return self

    @model_validator(mode="after")
    def _begins_within_the_scalers_limits(self) -> Self:
        scaler = self.autoscale
        if scaler is not None and not scaler.min <= self.replicas <= scaler.max:
            fewest = f"autoscale.min = {scaler.min}" if scaler.min else "1, with which a pool begins,"
            raise ValueError(
                f"replicas, how many there are at first, is {self.replicas}, but must lie between"
                f" {fewest} and autoscale.max = {scaler.max}"
            )
        return self

    @model_validator(mode="after")
    def _tiers_can_be_searched(self) -> Self:
        names = [tier.name for tier in self.kv_tiers]
        if len(set(names)) < len(names):
            raise ValueError("the names of kv_tiers must differ")
        simulated = [tier.name for tier in self.kv_tiers if tier.capacity is not None]
        if simulated and not self.engine.enable_prefix_caching:
            raise ValueError(
                f"kv_tiers {simulated[0]!r} keeps prefixes, which needs engine.enable_prefix_caching"
                " (or give it a hit_rate)"
            )
        return self


class ClusterSpec(Spec):
    """All pools and what connects them."""

    pools: tuple[PoolSpec, ...] = Field(min_length=1)
    """Pools; at least one."""

    router: RouterSpec = RoundRobinSpec()
    """How requests are spread over the replicas that take new requests."""

    decode_router: RouterSpec | None = None
    """How outputs are spread over decode replicas; default: as `router` says, but `least_outstanding`
    where that goes by prompts or prices."""

    failures: AnyFailuresSpec | None = None
    """What fails while the cluster runs; default: nothing."""

    transfer: TransferSpec | None = None
    """How KV caches get from prefill to decode replicas; required where there are such pools."""

    admission: AdmissionSpec | None = None
    """What the gateway lets through; default: everything."""

    adapt: AdaptSpec | None = None
    """When replicas change between the prefill and the decode pool; default: never."""

    network: NetworkSpec | None = None
    """Nodes, racks and the links between them, for transfers without a bandwidth of their own."""

    @model_validator(mode="after")
    def _sides_are_alike(self) -> Self:
        if self.adapt is None:
            return self
        sides = [pool for pool in self.pools if pool.role != "unified"]
        if sorted(pool.role for pool in sides) != ["decode", "prefill"]:
            raise ValueError("adapt needs one prefill pool and one decode pool")
        one, other = sides
        if (one.hardware, one.parallelism, one.model) != (other.hardware, other.parallelism, other.model):
            raise ValueError(
                "adapt moves replicas between the prefill and the decode pool: they must have the same"
                " hardware, parallelism and model"
            )
        if self.failures is not None or any(pool.autoscale is not None for pool in self.pools):
            raise ValueError("adapt cannot be combined with autoscale or failures: machines have one master")
        return self

    @model_validator(mode="after")
    def _tiers_lie_where_prompts_are_computed(self) -> Self:
        for pool in self.pools:
            if pool.role == "decode" and pool.kv_tiers and self.adapt is None:
                raise ValueError(
                    f"kv_tiers have no effect on the decode pool {pool.name!r}, which gets its KV caches over"
                    " the link and computes no prompts: give them to the prefill pool"
                )
        return self

    @model_validator(mode="after")
    def _failures_have_a_place(self) -> Self:
        if self.failures is None:
            return self
        names = [pool.name for pool in self.pools]
        for fault in (*self.failures.random, *self.failures.scripted):
            if fault.pool is not None and fault.pool not in names:
                raise ValueError(
                    f"failures name pool {fault.pool!r}, but there is {', '.join(names)}"
                    f"{nearest(fault.pool, names)}"
                )
            if fault.component == "link" and not any(
                pool.role == "prefill" for pool in self.pools if fault.pool in (None, pool.name)
            ):
                raise ValueError("a link can only fail out of a prefill pool, which hands KV caches over")
        return self

    @model_validator(mode="after")
    def _pools_fit_together(self) -> Self:
        names = [pool.name for pool in self.pools]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"pool names must differ, but {twice[0]!r} occurs {names.count(twice[0])} times")
        roles = {pool.role for pool in self.pools}
        for one, other in (("prefill", "decode"), ("decode", "prefill")):
            if one in roles and other not in roles:
                raise ValueError(
                    f"a pool with role {one!r} needs a pool with role {other!r}, but there is none"
                )
        if "prefill" in roles and self.transfer is None and self.network is None:
            raise ValueError(
                "a prefill pool hands its KV cache over a link: add e.g."
                ' transfer: {bandwidth: "50 GB/s", latency: "10 us"}, or for the links of the hardware itself'
                " network: {}"
            )
        if self.transfer is not None and "prefill" not in roles:
            raise ValueError("transfer has no effect without a prefill pool and a decode pool")
        if self.network is not None and self.transfer is not None and self.transfer.bandwidth is not None:
            raise ValueError(
                "transfer.bandwidth is the way out of each prefill replica, network the links between nodes:"
                " give one of them"
            )
        return self
