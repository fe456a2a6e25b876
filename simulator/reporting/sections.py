"""The content of a report as tables of text, the same for the screen and for HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from simulator.reporting import numbers as show
from simulator.results.distributions import Distribution
from simulator.results.drafting import Drafting
from simulator.results.fleet import FleetUse
from simulator.results.pool_use import PoolUse
from simulator.results.recording import STATUSES
from simulator.results.result import Result
from simulator.results.transfers import link_use


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; the first column holds labels, the others values."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number. ``tone`` is "good", "bad" or "" and colours it."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


def question(result: Result) -> str:
    """What was asked, in one sentence."""
    context = result.context
    pools = ", ".join(_hardware(result, i) for i in range(len(context.pools)))
    load = f" under {context.workload}" if context.workload else ""
    return f"{context.model} on {pools}{load}"


def tiles(result: Result) -> tuple[Tile, ...]:
    """The answer in headline numbers."""
    summary = result.summary
    return (
        _slo_tile(result),
        Tile(
            "Requests served",
            show.number(summary.rate(summary.counts.completed), "/s"),
            f"{show.number(summary.load.arrival_rate, '/s')} arrived",
            "bad" if summary.load.overloaded else "",
        ),
        Tile(
            "Output tokens",
            show.number(summary.rate(summary.counts.output_tokens), "/s"),
            f"{show.number(_total_tokens_rate(result), '/s')} with input",
        ),
        _latency_tile("Time to first token", summary.latency.ttft),
        _latency_tile("Time per output token", summary.latency.tpot),
        Tile(
            "Cost",
            show.dollars(summary.cost.per_million_output_tokens_usd),
            f"per million output tokens; {_per_hour(result)}",
        ),
        Tile(
            "Energy",
            show.number(summary.energy.per_output_token_j, "J", show.UNKNOWN),
            "per output token, devices only",
        ),
    )


def tables_of(result: Result) -> tuple[Table, ...]:
    """All tables of one result, in reading order."""
    return (
        latency_table(result),
        traffic_table(result),
        cost_table(result),
        energy_table(result),
        *task_tables(result),
        *tenant_tables(result),
        *transfer_tables(result),
        pool_table(result),
    )


def latency_table(result: Result) -> Table:
    """Latencies of the requests that arrived in the measured time."""
    latency = result.summary.latency
    slo = result.context.slo
    reached = result.summary.attainment
    with_thinking = result.summary.counts.thinking_tokens > 0
    rows = (
        ("Time to first token (TTFT)", latency.ttft, slo.ttft_s, reached.ttft),
        *((("Time to first answer token (TTFAT)", latency.ttfat, None, None),) if with_thinking else ()),
        ("Time per output token (TPOT)", latency.tpot, slo.tpot_s, reached.tpot),
        ("Inter-token latency (ITL)", latency.itl, None, None),
        ("End to end (E2E)", latency.e2el, slo.e2e_s, reached.e2e),
        ("Time in queue", latency.queue, None, None),
    )
    header = ("", "mean", "p50", "p90", "p95", "p99")
    if not slo.given:
        return Table("Latency", header, tuple((name, *_statistics(values)) for name, values, _, _ in rows))
    return Table(
        "Latency",
        (*header, "objective", "met by"),
        tuple(
            (name, *_statistics(values), _threshold(limit), show.percent(share))
            for name, values, limit, share in rows
        ),
    )


def traffic_table(result: Result) -> Table:
    """What came, what was served and how much at a time."""
    summary = result.summary
    counts = summary.counts
    goodput = summary.rate(counts.goodput_requests)
    rows = [
        ("Measured time", show.seconds(summary.duration_s)),
        ("Requests completed", show.count(counts.completed)),
        *(
            (f"Requests {status.replace('_', ' ')}", show.count(n))
            for status, n in counts.by_status.items()
            if n and status != "finished"
        ),
        *([("Requests unfinished at the end", show.count(counts.unfinished))] if counts.unfinished else []),
        ("Requests arriving", show.number(summary.load.arrival_rate, "/s")),
        ("Requests served", show.number(summary.rate(counts.completed), "/s")),
        *(
            [("Goodput (requests within objectives)", show.number(goodput, "/s"))]
            if goodput is not None
            else []
        ),
        (
            "Input tokens",
            f"{show.count(counts.input_tokens)} ({show.number(summary.rate(counts.input_tokens), '/s')})",
        ),
        (
            "Output tokens",
            f"{show.count(counts.output_tokens)} ({show.number(summary.rate(counts.output_tokens), '/s')})",
        ),
        *_thinking_rows(result),
        ("Most requests in flight", show.count(counts.max_concurrent)),
        ("Prefix cache hit rate", show.percent(summary.prefix_hit_rate)),
        ("Preemptions", show.count(summary.preemptions)),
        *_drafting_rows(summary.drafting),
    ]
    return Table("Traffic", ("", ""), tuple(rows))


def _thinking_rows(result: Result) -> list[tuple[str, str]]:
    counts = result.summary.counts
    if not counts.thinking_tokens:
        return []
    return [
        ("of them thinking", show.count(counts.thinking_tokens)),
        ("thought in vain", show.count(counts.vain_thinking_tokens)),
    ]


def tenant_tables(result: Result) -> tuple[Table, ...]:
    """One column per tenant, where there are tenants."""
    tenants, seconds = result.summary.tenants, result.summary.duration_s
    if not tenants:
        return ()

    def rate(amount: float | None) -> str:
        return show.NOTHING if amount is None or not seconds else show.number(amount / seconds, "/s")

    lost = [status for status in STATUSES[1:] if any(one.by_status[status] for one in tenants)]
    rows = (
        ("Model", *(one.about.model for one in tenants)),
        ("Requests ended", *(show.count(one.requests) for one in tenants)),
        *(
            (f"of them {s.replace('_', ' ')}", *(show.count(one.by_status[s]) for one in tenants))
            for s in lost
        ),
        ("Served", *(rate(one.completed) for one in tenants)),
        ("Goodput", *(rate(one.good) for one in tenants)),
        ("Objectives met by", *(show.percent(one.attainment.overall) for one in tenants)),
        ("TTFT, p50 / p99", *(_median_and_tail(one.ttft) for one in tenants)),
        ("TPOT, p50 / p99", *(_median_and_tail(one.tpot) for one in tenants)),
        ("E2E, p50 / p99", *(_median_and_tail(one.e2el) for one in tenants)),
        ("Output tokens", *(rate(one.output_tokens) for one in tenants)),
        ("Cost", *(show.dollars(one.cost_usd) for one in tenants)),
        (
            "Cost per million tokens",
            *(
                show.dollars(
                    None
                    if one.cost_usd is None or not one.input_tokens + one.output_tokens
                    else one.cost_usd / (one.input_tokens + one.output_tokens) * 1e6
                )
                for one in tenants
            ),
        ),
    )
    return (Table("Tenants", ("", *(one.about.name for one in tenants)), rows),)


def transfer_tables(result: Result) -> tuple[Table, ...]:
    """KV caches on their way from prefill to decode replicas, one row per kind of link."""
    about = result.summary.transfers
    if about is None:
        return ()
    end_ns = result.recording.end_ns

    def mean(total_ns: int, count: int) -> str:
        return show.milliseconds(total_ns / count / 1e6) if count else show.NOTHING

    rows = [
        ("Transfers", f"{show.count(about.transfers)} ({show.count(about.failed)} failed)"),
        ("Bytes", show.number(about.bytes_sent / 1e9, "GB")),
        ("Mean time of a transfer", mean(about.time_ns, about.transfers)),
        ("Waited for room on the decode side", show.count(about.waits)),
        ("Mean wait of these", mean(about.waited_ns, about.waits)),
        *(
            (
                f"{link.links} links {link.name}",
                f"{show.number(link.bytes_per_s / 1e9, 'GB/s')} each,"
                f" busy {show.percent(link_use(link, end_ns))}",
            )
            for link in about.links
        ),
    ]
    return (Table("KV transfers", ("", ""), tuple(rows)),)


def task_tables(result: Result) -> tuple[Table, ...]:
    """What a strategy of test-time compute did, where one ran."""
    tasks = result.summary.tasks
    if tasks is None:
        return ()

    def mean(amount: float | None) -> str:
        return show.number(tasks.per_task(amount))

    accuracy = tasks.accuracy
    right = (
        "no published figure applies"
        if accuracy is None
        else f"{show.percent(accuracy.share)} ({show.percent(accuracy.low)} to {show.percent(accuracy.high)})"
    )
    rows = (
        ("Tasks answered", f"{show.count(tasks.answered)} of {show.count(tasks.ended)}"),
        ("Answered right", right),
        ("Task latency, p50 / p99", _median_and_tail(tasks.latency)),
        ("Time to first token, p50 / p99", _median_and_tail(tasks.first_token)),
        ("Time to first answer token, p50 / p99", _median_and_tail(tasks.first_answer)),
        ("Calls per task", mean(tasks.calls)),
        ("Prompt tokens per task", f"{mean(tasks.prompt_tokens)} ({mean(tasks.cached_tokens)} from cache)"),
        ("Output tokens per task", mean(tasks.output_tokens)),
        ("Thinking tokens per task", mean(tasks.thinking_tokens)),
        ("Thought in vain", show.percent(tasks.vain_share)),
        *([("Waiting for tools per task", f"{mean(tasks.waited_s)} s")] if tasks.waited_s else []),
        ("Cost per task", show.span(tasks.cost, show.dollars)),
        ("Energy per task", show.energy(tasks.energy_j)),
    )
    title = f"Tasks ({tasks.strategy.replace('_', ' ')})"
    return (Table(title, ("", ""), rows, f"Accuracy: {tasks.basis}" if accuracy else ""),)


def _median_and_tail(values: Distribution | None) -> str:
    if values is None:
        return show.NOTHING
    return f"{show.milliseconds(values.p50)} / {show.milliseconds(values.p99)}"


def _drafting_rows(drafting: Drafting | None) -> list[tuple[str, str]]:
    if drafting is None:
        return []
    return [
        ("Drafts accepted", show.percent(drafting.acceptance_rate)),
        ("Tokens per verification", show.number(drafting.acceptance_length)),
    ]


def cost_table(result: Result) -> Table:
    """Rent or ownership of the devices over the measured time, and an API's price for the same tokens."""
    cost = result.summary.cost
    rows = [
        ("Rent of all devices" if cost.basis == "rent" else "Owning all devices", _per_hour(result)),
        ("Measured time", show.span(cost.total, show.dollars)),
        ("of it while busy", show.span(cost.usage, show.dollars)),
        ("Per million input and output tokens", show.span(cost.per_million_tokens, show.dollars)),
        ("Per million output tokens", show.span(cost.per_million_output_tokens, show.dollars)),
        ("Million input tokens, allocated", show.span(cost.allocated.input, show.dollars)),
        ("Million output tokens, allocated", show.span(cost.allocated.output, show.dollars)),
        ("Million input tokens, busy time only", show.span(cost.used.input, show.dollars)),
        ("Million output tokens, busy time only", show.span(cost.used.output, show.dollars)),
        ("Per request", show.span(cost.per_request, show.dollars)),
        *_break_even_rows(result),
    ]
    sources = dict.fromkeys(
        f"{pool.device}: {pool.price.source}" for pool in result.context.pools if pool.price
    )
    return Table("Cost", ("", ""), tuple(rows), "; ".join(sources))


def _break_even_rows(result: Result) -> list[tuple[str, str]]:
    found = result.summary.break_even
    if found is None:
        return []
    return [
        (f"Same tokens from {found.api}", show.dollars(found.total)),
        ("Cheaper than that from", show.span(found.requests_per_s, lambda rate: show.number(rate, "/s"))),
    ]


def energy_table(result: Result) -> Table:
    """Energy of devices, hosts and facility; carbon and water."""
    energy, carbon, water = result.summary.energy, result.summary.carbon, result.summary.water
    site = result.context.site

    def kilograms(mass: float | None) -> str:
        return show.number(mass, "kg CO2e", show.UNKNOWN)

    rows = (
        ("Devices, measured time", show.energy(energy.total_j)),
        ("of it prefill", _part(energy.prefill_j, energy.total_j)),
        ("of it decode", _part(energy.decode_j, energy.total_j)),
        ("of it idle draw", _part(energy.idle_j, energy.total_j)),
        ("Mean draw of all devices", show.number(energy.mean_power_w, "W", show.UNKNOWN)),
        ("Per output token", show.energy(energy.per_output_token_j)),
        ("Per request", show.energy(energy.per_request_j)),
        ("Hosts", show.span(energy.host_j, show.energy)),
        ("Facility (with PUE)", show.span(energy.facility_j, show.energy)),
        ("Electricity", show.span(result.summary.cost.electricity, show.dollars)),
        ("Carbon, operation", show.span(carbon.operational_kg, kilograms)),
        ("Carbon per request", show.span(carbon.per_request_g, show.grams)),
        ("Carbon of the hardware (embodied)", show.span(carbon.embodied_kg, kilograms)),
        ("Water", show.span(water.litres, lambda litres: show.number(litres, "l", show.UNKNOWN))),
    )
    return Table("Energy, carbon, water", ("", ""), rows, site.source)


def pool_table(result: Result) -> Table:
    """One column per pool."""
    uses, abouts = result.summary.pools, result.context.pools
    rows = (
        ("Hardware", *(f"{a.replicas} × {a.devices_per_replica} × {a.device}" for a in abouts)),
        ("Role", *(a.role for a in abouts)),
        ("Utilisation", *(show.percent(u.utilisation) for u in uses)),
        ("Mean batch (sequences)", *(show.number(u.mean_batch) for u in uses)),
        (
            "KV cache in use, mean / peak",
            *(f"{show.percent(u.mean_kv_use)} / {show.percent(u.peak_kv_use)}" for u in uses),
        ),
        (
            "Requests waiting, mean / peak",
            *(f"{show.number(u.mean_waiting)} / {show.number(u.peak_waiting)}" for u in uses),
        ),
        *_machines(uses),
        *_tiers(uses),
        ("Steps", *(show.count(u.steps) for u in uses)),
        ("Bound by", *(_bounds(u.bottlenecks) for u in uses)),
        ("Priced by", *(a.backend for a in abouts)),
    )
    return Table("Pools", ("", *(a.name for a in abouts)), rows)


def _machines(uses: Sequence[PoolUse]) -> Iterator[tuple[str, ...]]:
    """What became of the machines of each pool, where any come, go or fail."""
    fleets = [use.fleet for use in uses]
    if not any(fleets):
        return
    about: dict[str, Callable[[FleetUse], str]] = {
        "Machines on, mean": lambda fleet: show.number(fleet.mean_on),
        "Replicas serving, fewest / mean / most": lambda fleet: (
            f"{fleet.fewest_serving} / {show.number(fleet.mean_serving)} / {fleet.most_serving}"
        ),
        "Availability of machines": lambda fleet: show.percent(fleet.availability),
        "Failures, requests and KV tokens lost": lambda fleet: (
            f"{fleet.failures}, {show.count(fleet.lost_requests)}, {show.count(fleet.lost_kv_tokens)}"
        ),
    }
    for label, text in about.items():
        yield label, *(show.UNKNOWN if fleet is None else text(fleet) for fleet in fleets)


def _tiers(uses: Sequence[PoolUse]) -> Iterator[tuple[str, ...]]:
    """What was loaded from memory behind the KV caches, where there is any."""
    if not any(use.kv_tiers for use in uses):
        return
    yield (
        "Loaded from KV tiers",
        *(
            ", ".join(f"{name} {show.percent(tier.hit_rate)}" for name, tier in use.kv_tiers.items())
            or "none"
            for use in uses
        ),
    )


def provenance(result: Result) -> tuple[str, ...]:
    """Where the step times of each pool come from, and how far such figures were off where measured."""
    lines = [
        f"Pool {pool.name} ({pool.device}): {pool.provenance}"
        for pool in result.context.pools
        if pool.provenance
    ]
    lines += [f"Error bars, pool {bar.pool}: {bar.text}" for bar in result.summary.error_bars if bar.known]
    return tuple(lines)


def _hardware(result: Result, index: int) -> str:
    pool = result.context.pools[index]
    replicas = f"{pool.replicas} × " if pool.replicas > 1 else ""
    role = "" if pool.role == "unified" else f" ({pool.role})"
    return f"{replicas}{pool.devices_per_replica} × {pool.device}{role}"


def _slo_tile(result: Result) -> Tile:
    reached, slo = result.summary.attainment, result.context.slo
    if reached.met is None:
        return Tile("Objectives", "none given" if not slo.given else "no requests")
    tone = "good" if reached.met else "bad"
    within = ", ".join(f"{name} by {show.percent(share)}" for name, share in reached.percentiles.items())
    if reached.overall is None:
        return Tile("Objectives", "met" if reached.met else "missed", within, tone)
    wanted = f"{show.percent(slo.attainment)} of requests asked for"
    wanted = f"{wanted}; {within}" if within else wanted
    return Tile("Objectives met by", show.percent(reached.overall), wanted, tone)


def _latency_tile(label: str, values: Distribution | None) -> Tile:
    if values is None:
        return Tile(label, show.NOTHING)
    return Tile(label, show.milliseconds(values.p50), f"median; p99 {show.milliseconds(values.p99)}")


def _statistics(values: Distribution | None) -> tuple[str, ...]:
    if values is None:
        return (show.NOTHING,) * 5
    shown = (values.mean, values.p50, values.p90, values.p95, values.p99)
    return tuple(show.milliseconds(value) for value in shown)


def _threshold(limit_s: float | None) -> str:
    return show.NOTHING if limit_s is None else f"≤ {show.milliseconds(limit_s * 1e3)}"


def _total_tokens_rate(result: Result) -> float | None:
    counts = result.summary.counts
    return result.summary.rate(counts.input_tokens + counts.output_tokens)


def _per_hour(result: Result) -> str:
    hourly = result.summary.cost.per_hour_usd
    return f"price {show.UNKNOWN}" if hourly is None else f"{show.dollars(hourly)} per hour"


def _part(part_j: float | None, total_j: float | None) -> str:
    if part_j is None or not total_j:
        return show.energy(part_j)
    return f"{show.energy(part_j)} ({show.percent(part_j / total_j)})"


def _bounds(shares: dict[str, float]) -> str:
    named = sorted(((share, name) for name, share in shares.items() if share >= 0.005), reverse=True)
    return ", ".join(f"{name} {share * 100:.0f} %" for share, name in named) or show.NOTHING
