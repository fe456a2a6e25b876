"""What users got, in tables: latencies, traffic, tenants, tasks."""

from __future__ import annotations

from simulator.reporting import numbers as show
from simulator.reporting.table import Table
from simulator.results.counts import Counts
from simulator.results.distributions import Distribution
from simulator.results.drafting import Drafting
from simulator.results.recording import STATUSES
from simulator.results.result import Result
from simulator.results.waiting import WHERE


def latency_table(result: Result) -> Table:
    """Latencies of the requests that arrived in the measured time."""
    latency = result.summary.latency
    with_thinking = result.summary.counts.thinking_tokens > 0
    rows = (
        ("Time to first token (TTFT)", latency.ttft, "ttft"),
        *((("Time to first answer token (TTFAT)", latency.ttfat, None),) if with_thinking else ()),
        ("Time per output token (TPOT)", latency.tpot, "tpot"),
        ("Inter-token latency (ITL)", latency.itl, None),
        ("End to end (E2E)", latency.e2el, "e2e"),
        ("Time in queue", latency.queue, None),
    )
    header = ("", "mean", "p50", "p90", "p95", "p99")
    if not result.context.slo.given:
        return Table("Latency", header, tuple((name, *_statistics(values)) for name, values, _ in rows))
    return Table(
        "Latency",
        (*header, "objective", "met by"),
        tuple((name, *_statistics(values), *_objectives(result, key)) for name, values, key in rows),
    )


def _statistics(values: Distribution | None) -> tuple[str, ...]:
    if values is None:
        return (show.NOTHING,) * 5
    shown = (values.mean, values.p50, values.p90, values.p95, values.p99)
    return tuple(show.milliseconds(value) for value in shown)


def _objectives(result: Result, latency: str | None) -> tuple[str, str]:
    """What is asked of a latency, of single requests and of percentiles, and the shares within it."""
    slo, reached = result.context.slo, result.summary.attainment
    single: dict[str | None, tuple[float | None, float | None]] = {
        "ttft": (slo.ttft_s, reached.ttft),
        "tpot": (slo.tpot_s, reached.tpot),
        "e2e": (slo.e2e_s, reached.e2e),
    }
    limit_s, share = single.get(latency, (None, None))
    asked = [] if limit_s is None else [(f"≤ {show.milliseconds(limit_s * 1e3)}", share)]
    asked += [
        (f"p{one.percent:g} ≤ {show.milliseconds(one.limit_s * 1e3)}", reached.percentiles.get(one.name))
        for one in slo.percentiles
        if one.latency == latency
    ]
    if not asked:
        return show.NOTHING, show.NOTHING
    return ", ".join(text for text, _ in asked), ", ".join(show.percent(share) for _, share in asked)


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
        *_thinking_rows(counts),
        *_cut_off_rows(counts),
        ("Most requests in flight", show.count(counts.max_concurrent)),
        ("Prefix cache hit rate", show.percent(summary.prefix_hit_rate)),
        *(
            (f"Requests waiting {WHERE[cause]}, mean", show.number(mean))
            for cause, mean in summary.waiting_elsewhere.items()
        ),
        ("Preemptions", show.count(summary.preemptions)),
        *_drafting_rows(summary.drafting),
    ]
    return Table("Traffic", ("", ""), tuple(rows))


def _thinking_rows(counts: Counts) -> list[tuple[str, str]]:
    return [("of them thinking", show.count(counts.thinking_tokens))] if counts.thinking_tokens else []


def _cut_off_rows(counts: Counts) -> list[tuple[str, str]]:
    """What requests that were cut off add to the output, and what was thought for no answer."""
    rows = []
    if counts.all_output_tokens > counts.output_tokens:
        rows.append(("Output tokens, with requests cut off", show.count(counts.all_output_tokens)))
    if counts.thinking_tokens:
        rows.append(("of them thought in vain", show.count(counts.vain_thinking_tokens)))
    return rows


def _drafting_rows(drafting: Drafting | None) -> list[tuple[str, str]]:
    if drafting is None:
        return []
    return [
        ("Drafts accepted", show.percent(drafting.acceptance_rate)),
        ("Tokens per verification", show.number(drafting.acceptance_length)),
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


def task_tables(result: Result) -> tuple[Table, ...]:
    """What a strategy of test-time compute did, where one ran."""
    tasks = result.summary.tasks
    if tasks is None:
        return ()

    def mean(amount: float | None) -> str:
        return show.number(tasks.per_task(amount))

    accuracy = tasks.accuracy
    right = (
        "unknown: no published figure or law applies"
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
