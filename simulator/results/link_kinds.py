"""Kinds of links that carry KV caches: their names, the keys that set their widths, what relieves them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkKind:
    """A kind of link.

    Attributes
    ----------
    name
        In results.
    key
        Of a scenario, which says the bandwidth.
    relief
        What spreads the same traffic over more of them, or keeps it off them.
    """

    name: str
    key: str
    relief: str


_MORE_PREFILL = "more prefill replicas, each with links of its own"
_MORE_DECODE = "more decode replicas, each with links of its own"
_FEWER_RACKS = "prefill and decode replicas in the same racks (cluster.network.placement, rack.nodes)"
_NODE, _PORT = "cluster.network.node.bandwidth", "cluster.network.port.bandwidth"
_UPLINK = "cluster.network.rack.uplink"

OWN = LinkKind("out of a prefill replica", "cluster.transfer.bandwidth", _MORE_PREFILL)
OUT_OF_NODES = LinkKind("between nodes, out of replicas", _PORT, _MORE_PREFILL)
INTO_NODES = LinkKind("between nodes, into replicas", _PORT, _MORE_DECODE)
OUT_INSIDE = LinkKind("inside nodes, out of replicas", _NODE, _MORE_PREFILL)
INTO_INSIDE = LinkKind("inside nodes, into replicas", _NODE, _MORE_DECODE)
OUT_OF_RACKS = LinkKind("out of racks", _UPLINK, _FEWER_RACKS)
INTO_RACKS = LinkKind("into racks", _UPLINK, _FEWER_RACKS)

_BY_NAME = {
    kind.name: kind
    for kind in (OWN, OUT_OF_NODES, INTO_NODES, OUT_INSIDE, INTO_INSIDE, OUT_OF_RACKS, INTO_RACKS)
}


def kind_named(name: str) -> LinkKind:
    """The kind that results call so."""
    return _BY_NAME[name]
