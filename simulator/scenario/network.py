"""What connects replicas: nodes, racks, links, and how KV caches travel over them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Count, CountOrZero, Spec
from simulator.units.quantity import BytesPerSecond, Seconds


class PortSpec(Spec):
    """One way out of a device; what is left out is the hardware profile's."""

    bandwidth: BytesPerSecond | None = None
    """One way, of one device."""

    latency: Seconds | None = None
    """Of one transfer; default: the profile's, else 2 us inside a node and 10 us beyond (estimates)."""


class NodeSpec(PortSpec):
    """Devices that share a scale-up domain (NVLink, Infinity Fabric, chip-to-chip links)."""

    devices: Count | None = None
    """Devices in one; default: as many as the profile's scale-up link joins, else one system."""


class RackSpec(Spec):
    """Nodes behind one uplink."""

    nodes: Count
    """Nodes in a rack."""

    uplink: BytesPerSecond
    """Of a rack to the others, one way."""

    latency: Seconds = 0.0
    """Of the way between racks, on top of the network port's."""


class NetworkSpec(Spec):
    """Where replicas stand and what leads from one to another.

    Replicas in one node exchange over its scale-up links, others over a network port of each device.
    """

    node: NodeSpec = NodeSpec()
    """The scale-up domain and its links."""

    port: PortSpec = PortSpec()
    """Each device's way to other nodes; default: the profile's scale-out link."""

    rack: RackSpec | None = None
    """Racks; default: all nodes are equally near."""

    placement: Literal["separate", "shared"] = "separate"
    """Replicas fill nodes and racks pool by pool, in the order of the file; one with `autoscale` has places
    for its `max`. `separate`: a node holds replicas of one pool; `shared`: a pool begins in the node where
    the one before it on the same hardware ended, so that a prefill and a decode replica may stand in one."""


class TransferSpec(Spec):
    """How the KV cache of a prompt gets from a prefill replica to a decode replica."""

    bandwidth: BytesPerSecond | None = None
    """One way out of each prefill replica, whatever lies behind it; default: the links of `network`, or the
    hardware's own."""

    latency: Seconds | None = None
    """From the first byte sent to the first byte received; with `bandwidth` only. Default: 0."""

    sharing: Literal["fifo", "fair"] = "fifo"
    """Transfers that meet on a link: one after the other, or all at once with equal shares (max-min)."""

    overlap: Literal["none", "layers"] = "none"
    """`none`: the transfer begins when the prompt is done; `layers`: every layer's KV entries leave while the
    next layer is computed."""

    failure_probability: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Chance that a transfer fails, noticed at its end."""

    retries: CountOrZero = 3
    """How often a failed transfer is tried again; then the request ends as failed."""

    @model_validator(mode="after")
    def _latency_of_its_own_link(self) -> Self:
        if self.latency is not None and self.bandwidth is None:
            raise ValueError("latency belongs to bandwidth; that of the network is network.port.latency")
        return self
