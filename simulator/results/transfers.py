"""KV caches between replicas, and the links that carried them, as figures."""

from __future__ import annotations

from typing import Any

from simulator.results.recording import LinkRecording, TransferRecording
from simulator.units.clock import NS_PER_S


def transfer_dict(transfers: TransferRecording, end_ns: int) -> dict[str, Any]:
    """Plain JSON values: totals, means per transfer that arrived and request that waited, each kind of link.

    Parameters
    ----------
    end_ns
        End of the run, which the shares of the links are of [ns].
    """
    return {
        "count": transfers.transfers,
        "arrived": transfers.arrived,
        "failed": transfers.failed,
        "cancelled": transfers.cancelled,
        "bytes": transfers.bytes_sent,
        "mean_ms": mean_ms(transfers.time_ns, transfers.arrived),
        "mean_alone_ms": None
        if transfers.alone_ns is None
        else mean_ms(transfers.alone_ns, transfers.arrived),
        "waited_for_room": transfers.waits,
        "mean_wait_ms": mean_ms(transfers.waited_ns, transfers.waits),
        "links": [_link_dict(link, end_ns) for link in transfers.links],
    }


def link_use(link: LinkRecording, end_ns: int) -> float | None:
    """Share of what links of a kind could have carried in the run that they did, mean over them."""
    capacity = link.bytes_per_s * link.links * end_ns / NS_PER_S
    return link.bytes_sent / capacity if capacity else None


def busiest_use(link: LinkRecording, end_ns: int) -> float | None:
    """The same share of that link of a kind that carried most of what it could have."""
    return link.busiest_ns / end_ns if end_ns else None


def busy_share(link: LinkRecording, end_ns: int) -> float | None:
    """Share of the run in which bytes of a transfer moved on a link of a kind, mean over them."""
    return link.busy_ns / link.links / end_ns if end_ns else None


def longest_busy_share(link: LinkRecording, end_ns: int) -> float | None:
    """The same share of that link of a kind where it is largest; None where not known."""
    return link.longest_busy_ns / end_ns if end_ns and link.longest_busy_ns is not None else None


def _link_dict(link: LinkRecording, end_ns: int) -> dict[str, Any]:
    return {
        "name": link.name,
        "links": link.links,
        "bytes_per_s": link.bytes_per_s,
        "transfers": link.transfers,
        "bytes": link.bytes_sent,
        "used_share": link_use(link, end_ns),
        "busiest_used_share": busiest_use(link, end_ns),
        "busy_s": link.busy_ns / link.links / NS_PER_S,
        "busy_share": busy_share(link, end_ns),
        "longest_busy_share": longest_busy_share(link, end_ns),
    }


def mean_ms(total_ns: int, count: int) -> float | None:
    """Mean of what took so long in all [ns], in milliseconds; None of nothing."""
    return total_ns / count / 1e6 if count else None
