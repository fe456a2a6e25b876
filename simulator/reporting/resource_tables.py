"""What it took, in tables: cost, energy, carbon and water, pools, links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from simulator.reporting import numbers as show
from simulator.reporting.hardware import devices_in_words, replica_in_words, replicas_in_words
from simulator.reporting.table import Table
from simulator.results.context import PoolContext
from simulator.results.fleet import FleetUse
from simulator.results.hosts import MissingHosts
from simulator.results.pool_use import PoolUse
from simulator.results.ranges import Range, mid
from simulator.results.recording import LinkRecording
from simulator.results.result import Result
from simulator.results.transfers import (
    busiest_use,
    busy_share,
    counted_ns,
    link_use,
    longest_busy_share,
    mean_ms,
)


def cost_table(result: Result) -> Table:
    """Rent or ownership of the devices over the measured time, and an API's price for the same tokens."""
    cost = result.summary.cost
    rows = [
        (_paid_for(result), per_hour(result)),
        ("Measured time", show.span(cost.total, show.dollars)),
        ("of it while busy", show.span(cost.usage, show.dollars)),
        ("Per million input and output tokens", show.span(cost.per_million_tokens, show.dollars)),
        ("Per million output tokens", show.span(cost.per_million_output_tokens, show.dollars)),
        ("Million input tokens, allocated", show.span(cost.allocated.input, show.dollars)),
        ("Million output tokens, allocated", show.span(cost.allocated.output, show.dollars)),
        ("Million input tokens, busy time only", show.span(cost.used.input, show.dollars)),
        ("Million output tokens, busy time only", show.span(cost.used.output, show.dollars)),
        ("Per request", show.span(cost.per_request, show.dollars)),
        *_ownership_rows(result),
        *_break_even_rows(result),
    ]
    return Table("Cost", ("", ""), tuple(rows), "; ".join(dict.fromkeys(_price_sources(result))))


def _paid_for(result: Result) -> str:
    """What is rented and what is owned, where there is either."""
    summary, cost = result.summary, result.summary.cost
    if cost.basis == "rent":
        return "Rent of all devices"
    rented = ", ".join(
        f"{devices_in_words(about, use)} (pool {about.name!r})"
        for about, use in zip(result.context.pools, summary.pools, strict=True)
        if not about.owned
    )
    owned = show.counted(cost.owned_devices, "device")
    return f"Owning {owned}, renting {rented}" if rented else f"Owning all devices ({cost.owned_devices:,})"


def _price_sources(result: Result) -> Iterator[str]:
    """Where the prices come from that the cost is reckoned from."""
    for pool in result.context.pools:
        if pool.owned:
            yield f"{pool.device}, to buy: {pool.purchase_source}"
        elif pool.price is not None:
            yield f"{pool.device}: {pool.price.source}"
    if result.summary.cost.owned_devices:
        yield from _life_source(result)


def _life_source(result: Result) -> Iterator[str]:
    """Where the life of hardware comes from, if that is known."""
    if result.context.life_source:
        yield f"life of {result.context.life_years:g} years: {result.context.life_source}"


def _ownership_rows(result: Result) -> Iterator[tuple[str, str]]:
    """What owning is reckoned from, where hardware is owned."""
    context = result.context
    if not any(pool.owned for pool in context.pools):
        return
    yield from _purchase_rows(context.pools)
    yield (
        "Life, and share of it in service",
        f"{show.number(context.life_years, 'years')}, {show.percent(context.share_in_service)}",
    )
    yield "Upkeep per year, of the purchase price", show.percent(context.upkeep_per_year)
    electricity = result.summary.cost.electricity_of_owned
    yield "Electricity of what is owned, in the cost", show.span(electricity, show.dollars)


def _purchase_rows(pools: Sequence[PoolContext]) -> Iterator[tuple[str, str]]:
    """Every price that a device is bought at, with the pools of each where a device has several."""
    bought: dict[str, dict[Range, list[str]]] = {}
    for pool in pools:
        if pool.purchase is not None:
            bought.setdefault(pool.device, {}).setdefault(pool.purchase, []).append(repr(pool.name))
    for device, prices in bought.items():
        for price, names in prices.items():
            pools_of = f" (pool{'s' if len(names) > 1 else ''} {', '.join(names)})" if len(prices) > 1 else ""
            yield f"Purchase of one {device} in its server{pools_of}", show.span(price, show.dollars)


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

    sums = [energy.total_j, mid(energy.host_j), mid(energy.facility_j)]
    summed, one = show.energies(sums), show.energies_of_one(sums)

    def part(part_j: float | None) -> str:
        if part_j is None or not energy.total_j:
            return summed(part_j)
        return f"{summed(part_j)} ({show.percent(part_j / energy.total_j)})"

    rows = (
        ("Devices, measured time", summed(energy.total_j)),
        ("of it prefill", part(energy.prefill_j)),
        ("of it decode", part(energy.decode_j)),
        ("of it idle draw", part(energy.idle_j)),
        ("Mean draw of all devices", show.number(energy.mean_power_w, "W", show.UNKNOWN)),
        ("Per output token", one(energy.per_output_token_j)),
        ("Per request", one(energy.per_request_j)),
        ("Hosts", _over_hosts(energy.host_j, summed, energy.missing)),
        ("Facility (with PUE)", _over_hosts(energy.facility_j, summed, energy.missing)),
        ("Electricity", show.span(result.summary.cost.electricity, show.dollars)),
        ("Carbon, operation", show.span(carbon.operational_kg, kilograms)),
        ("Carbon per request", show.span(carbon.per_request_g, show.grams)),
        ("Carbon of the hardware (embodied)", show.span(carbon.embodied_kg, kilograms)),
        ("Water", show.span(water.litres, lambda litres: show.number(litres, "l", show.UNKNOWN))),
    )
    sources = [site.source, *(_life_source(result) if carbon.embodied_kg is not None else ())]
    return Table("Energy, carbon, water", ("", ""), rows, "; ".join(filter(None, sources)))


def _over_hosts(value: Range | None, text: Callable[[float | None], str], missing: MissingHosts) -> str:
    """A sum over hosts, and whose it leaves out."""
    without = f" without hosts of {missing.in_words}" if missing.pools and value is not None else ""
    return show.span(value, text) + without


def pool_table(result: Result) -> Table:
    """One column per pool."""
    uses, abouts = result.summary.pools, result.context.pools
    rows = (
        (
            "Hardware",
            *(
                f"{replicas_in_words(about, use)} × {replica_in_words(about)}"
                for about, use in zip(abouts, uses, strict=True)
            ),
        ),
        ("Role", *(a.role for a in abouts)),
        ("Utilisation", *(show.percent(u.utilisation) for u in uses)),
        ("Mean batch (sequences)", *(show.number(u.mean_batch) for u in uses)),
        (
            "KV cache in use, mean / peak",
            *(f"{show.percent(u.mean_kv_use)} / {show.percent(u.peak_kv_use)}" for u in uses),
        ),
        (
            "Requests waiting, mean / busiest window",
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


def _bounds(shares: dict[str, float]) -> str:
    named = sorted(((share, name) for name, share in shares.items() if share >= 0.005), reverse=True)
    return ", ".join(f"{name} {share * 100:.0f} %" for share, name in named) or show.NOTHING


def transfer_tables(result: Result) -> tuple[Table, ...]:
    """KV caches on their way from prefill to decode replicas, one row per kind of link."""
    about = result.summary.transfers
    if about is None:
        return ()
    span_ns = counted_ns(about, result.recording.end_ns)

    def mean(total_ns: int, count: int) -> str:
        figure = mean_ms(total_ns, count)
        return show.NOTHING if figure is None else show.milliseconds(figure)

    became = f"{show.count(about.failed)} failed, {show.count(about.cancelled)} cancelled"
    rows = [
        ("Transfers", f"{show.count(about.transfers)} ({became})"),
        ("Bytes", show.number(about.bytes_sent / 1e9, "GB")),
        ("Mean time of a transfer", mean(about.time_ns, about.arrived)),
        *([("If it were alone", mean(about.alone_ns, about.arrived))] if about.alone_ns is not None else []),
        ("Waited for room on the decode side", show.count(about.waits)),
        ("Mean wait of these", mean(about.waited_ns, about.waits)),
        *(
            (
                f"{show.counted(link.links, 'link')} {link.name}",
                f"{show.number(link.bytes_per_s / 1e9, 'GB/s')} each, {_load_of(link, span_ns)}",
            )
            for link in about.links
        ),
    ]
    return (Table("KV transfers", ("", ""), tuple(rows)),)


def _load_of(link: LinkRecording, span_ns: int) -> str:
    """How full links of a kind were and how long something moved on them: the mean, and the most of any."""
    used = _mean_and_most(link_use(link, span_ns), busiest_use(link, span_ns), "the fullest")
    busy = _mean_and_most(busy_share(link, span_ns), longest_busy_share(link, span_ns), "the longest")
    return f"used {used}, busy {busy}"


def _mean_and_most(mean: float | None, most: float | None, which: str) -> str:
    if most is None or most == mean:
        return show.percent(mean)
    return f"{show.percent(mean)} ({which} {show.percent(most)})"


def per_hour(result: Result) -> str:
    """Cost of an hour of all devices."""
    hourly = result.summary.cost.per_hour_usd
    return f"price {show.UNKNOWN}" if hourly is None else f"{show.dollars(hourly)} per hour"
