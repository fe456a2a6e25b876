"""Whether the decode side or the links that carry KV caches hold up a disaggregated run, and what would help.

The decode side does where prompts that are done wait for room in its KV caches for a good part of the time
in which outputs are made. They keep their blocks on the prefill side, whose line then grows too, for no
reason of its own.

Links do where the fullest of them carried nearly all that it could, or where transfers wait for one another
for a good part of the time in which outputs are made. How long a transfer takes without others is counted as
it is sent: the bytes that are left for it over the bandwidth of its path, and the latency.
"""

from __future__ import annotations

from simulator.results.latency_summary import LatencySummary
from simulator.results.link_kinds import kind_named
from simulator.results.recording import LinkRecording, TransferRecording
from simulator.results.transfers import busiest_use, counted_ns, mean_ms

#: A link that carried this share of what it could is full: arrivals are uneven, and the run begins and ends.
FULL = 0.9
#: A share of the time from first to last tokens that is a good part of it.
LARGE_WAIT = 0.05


def held_up(transfers: TransferRecording | None, latency: LatencySummary, end_ns: int) -> tuple[str, ...]:
    """What is to be said of both; nothing where neither does."""
    found = held_up_by_room(transfers, latency), held_up_by_links(transfers, latency, end_ns)
    return tuple(text for text in found if text is not None)


def held_up_by_room(transfers: TransferRecording | None, latency: LatencySummary) -> str | None:
    """How many wait for room on the decode side, how long, what helps; None: hardly anybody does."""
    if transfers is None or not transfers.waits:
        return None
    share = _of_outputs(mean_ms(transfers.waited_ns, transfers.transfers), latency)
    if share < LARGE_WAIT:
        return None
    wait = mean_ms(transfers.waited_ns, transfers.waits) or 0.0
    return (
        f"The decode side holds up the run: {transfers.waits} requests waited {_time(wait)} on average for"
        f" room in its KV caches; over all that is {share:.0%} of the time from first to last tokens."
        " Prompts that are done keep their blocks on the prefill side meanwhile, so that a line there has the"
        " same cause. What helps: more decode replicas (cluster.pools.N.replicas of those with role: decode);"
        " more room in each (engine.gpu_memory_utilization, a kv_cache_dtype of fewer bytes, alike in all)."
    )


def held_up_by_links(transfers: TransferRecording | None, latency: LatencySummary, end_ns: int) -> str | None:
    """Which links hold up the run, how full they are, how long transfers take, what helps; None: none do."""
    if transfers is None or not transfers.links:
        return None
    span_ns = counted_ns(transfers, end_ns)
    fullest = max(transfers.links, key=lambda link: busiest_use(link, span_ns) or 0.0)
    use = busiest_use(fullest, span_ns) or 0.0
    waiting = _waiting_share(transfers, latency)
    if use < FULL and waiting < LARGE_WAIT:
        return None
    return f"{_what(fullest, use)}{_how_long(transfers, waiting)} {_what_helps(fullest, use, transfers)}"


def _waiting_share(transfers: TransferRecording, latency: LatencySummary) -> float:
    """Mean wait of transfers for others, over the mean time from first to last tokens [1]."""
    if transfers.alone_ns is None:
        return 0.0
    return _of_outputs(mean_ms(transfers.time_ns - transfers.alone_ns, transfers.arrived), latency)


def _of_outputs(waited_ms: float | None, latency: LatencySummary) -> float:
    """A mean wait over the mean time from first to last tokens [1]; 0 where there is none."""
    if waited_ms is None or latency.e2el is None or latency.ttft is None:
        return 0.0
    output_ms = latency.e2el.mean - latency.ttft.mean
    return waited_ms / output_ms if output_ms > 0 else 0.0


def _what(link: LinkRecording, use: float) -> str:
    width = f"{link.bytes_per_s / 1e9:.4g} GB/s"
    if use >= FULL:
        which = "the link" if link.links == 1 else f"the fullest of {link.links} links"
        return f"Links hold up the run: {which} {link.name} ({width}) carried {use:.0%} of what it could"
    return (
        f"KV transfers wait for one another: the fullest links are those {link.name} ({width}), which carried"
        f" up to {use:.0%} of what they could"
    )


def _how_long(transfers: TransferRecording, waiting: float) -> str:
    took = mean_ms(transfers.time_ns, transfers.arrived)
    if took is None:
        return "."
    text = f", and a transfer took {_time(took)} on average"
    if transfers.alone_ns is None:
        return f"{text}."
    alone = transfers.alone_ns / transfers.arrived / 1e6
    share = f"that wait is {waiting:.0%} of the time from first to last tokens"
    return f"{text}, {_time(alone)} if it were alone; {share}."


def _what_helps(link: LinkRecording, use: float, transfers: TransferRecording) -> str:
    kind = kind_named(link.name)
    ways = [f"wider links ({kind.key})", kind.relief]
    if use < FULL and not transfers.overlaps:
        ways.append("sending layers while the prompt is computed (cluster.transfer.overlap: layers)")
    if use >= FULL:
        ways.append("a KV cache of fewer bytes (cluster.pools.N.engine.kv_cache_dtype, alike in all)")
    return f"What helps: {'; '.join(ways)}."


def _time(ms: float) -> str:
    return f"{ms / 1e3:.3g} s" if ms >= 1e3 else f"{ms:.3g} ms"
