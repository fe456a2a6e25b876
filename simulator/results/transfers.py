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
        End of the run [ns].
    """
    span_ns = counted_ns(transfers, end_ns)
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
        "links": [_link_dict(link, span_ns) for link in transfers.links],
    }


def counted_ns(transfers: TransferRecording, end_ns: int) -> int:
    """How long transfers were counted in a run that ended then: all of it but the warm-up [ns]."""
    return end_ns - transfers.since_ns


def link_use(link: LinkRecording, span_ns: int) -> float | None:
    """Share of what links of a kind could have carried in a span of time that they did, mean over them."""
    capacity = link.bytes_per_s * link.links * span_ns / NS_PER_S
    return link.bytes_sent / capacity if capacity else None


def busiest_use(link: LinkRecording, span_ns: int) -> float | None:
    """The same share of that link of a kind that carried most of what it could have."""
    return link.busiest_ns / span_ns if span_ns else None


def busy_share(link: LinkRecording, span_ns: int) -> float | None:
    """Share of a span of time in which bytes of a transfer moved on a link of a kind, mean over them."""
    return link.busy_ns / link.links / span_ns if span_ns else None


def longest_busy_share(link: LinkRecording, span_ns: int) -> float | None:
    """The same share of that link of a kind where it is largest; None where not known."""
    return link.longest_busy_ns / span_ns if span_ns and link.longest_busy_ns is not None else None


def _link_dict(link: LinkRecording, span_ns: int) -> dict[str, Any]:
    return {
        "name": link.name,
        "links": link.links,
        "bytes_per_s": link.bytes_per_s,
        "transfers": link.transfers,
        "bytes": link.bytes_sent,
        "used_share": link_use(link, span_ns),
        "busiest_used_share": busiest_use(link, span_ns),
        "busy_s": link.busy_ns / link.links / NS_PER_S,
        "busy_share": busy_share(link, span_ns),
        "longest_busy_share": longest_busy_share(link, span_ns),
    }


def mean_ms(total_ns: int, count: int) -> float | None:
    """Mean of what took so long in all [ns], in milliseconds; None of nothing."""
    return total_ns / count / 1e6 if count else None
