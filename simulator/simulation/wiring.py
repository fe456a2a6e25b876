"""From a scenario's network and the hardware's links to what the engine sends KV caches over."""

from __future__ import annotations

from simulator.engine.link import LinkPlan
from simulator.engine.topology import Attachment, NodePlan
from simulator.engine.transfers import TransferPlan
from simulator.errors import InputError
from simulator.hardware.device import Device, Link
from simulator.scenario.cluster import ClusterSpec, PoolSpec
from simulator.scenario.network import NetworkSpec, PortSpec, TransferSpec
from simulator.units.clock import ns_from_seconds

#: One transfer's latency where nothing states it [s]: estimates, a few times the one-way small-message
#: figures of vendors (about 1 us for NVLink, 1 to 2 us for InfiniBand and RoCE), for a transfer is many
#: messages and is set up by software.
NODE_LATENCY_S = 2e-6
NETWORK_LATENCY_S = 10e-6


def transfer_plan(cluster: ClusterSpec) -> TransferPlan | None:
    """How KV caches travel; None where nothing is disaggregated."""
    if not any(pool.role == "prefill" for pool in cluster.pools):
        return None
    spec = cluster.transfer or TransferSpec()
    own = None
    if spec.bandwidth is not None:
        own = LinkPlan(spec.bandwidth, ns_from_seconds(spec.latency or 0.0))
    return TransferPlan(
        own_link=own,
        nodes=_nodes(cluster.network or NetworkSpec()),
        sharing=spec.sharing,
        overlaps=spec.overlap == "layers",
        failure_probability=spec.failure_probability,
        retries=spec.retries,
    )


def _nodes(network: NetworkSpec) -> NodePlan:
    rack = network.rack
    return NodePlan(
        shared=network.placement == "shared",
        rack_nodes=None if rack is None else rack.nodes,
        uplink=None if rack is None else LinkPlan(rack.uplink, ns_from_seconds(rack.latency)),
    )


def attachment_of(pool: PoolSpec, device: Device, devices: int, network: NetworkSpec | None) -> Attachment:
    """How one replica of a pool is connected: as the scenario says, else as its hardware profile does."""
    network = network or NetworkSpec()
    domain = device.scale_up.devices if device.scale_up is not None else None
    return Attachment(
        devices=devices,
        node_devices=network.node.devices or domain or device.devices_per_system,
        hardware=pool.hardware,
        scale_up=_port(network.node, device.scale_up, NODE_LATENCY_S),
        network=_port(network.port, device.scale_out, NETWORK_LATENCY_S),
    )


def check_ways(cluster: ClusterSpec, attachments: list[Attachment]) -> None:
    """Refuse a cluster whose replicas hand over KV caches and have no known way to one another.

    Raises
    ------
    InputError
        Names the key that would give the way.
    """
    plan = transfer_plan(cluster)
    if plan is None or plan.own_link is not None:
        return
    for pool, attachment in zip(cluster.pools, attachments, strict=True):
        if pool.role == "unified":
            continue
        if attachment.network is None:
            raise InputError(
                f"no network port of {pool.hardware} is known, over which pool {pool.name!r} would hand KV"
                ' caches; add e.g. port: {bandwidth: "50 GB/s"}',
                key="cluster.network",
            )
        if plan.nodes.shared and attachment.scale_up is None:
            raise InputError(
                f"no link between the devices of a node is known for {pool.hardware};"
                ' add e.g. node: {bandwidth: "100 GB/s"}',
                key="cluster.network",
            )


def _port(said: PortSpec, published: Link | None, default_latency_s: float) -> LinkPlan | None:
    bandwidth, latency = said.bandwidth, said.latency
    if published is not None:
        bandwidth = bandwidth or published.bandwidth
        latency = latency if latency is not None else published.latency
    if bandwidth is None:
        return None
    return LinkPlan(bandwidth, ns_from_seconds(default_latency_s if latency is None else latency))
