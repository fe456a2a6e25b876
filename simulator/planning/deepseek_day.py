"""DeepSeek's published day, from one simulated hour: nodes, cost and margin beside what was reported.

    python -m simulator.planning.deepseek_day [--minutes 60] [--json]

The scenario `deepseek-day` holds the traffic at the day's mean rates. Here the units are counted first:

- decode: the fewest units of 18 nodes at which users get 20 tokens/s, the lower end of what was published.
  One unit with its share of the traffic is simulated for each number that is tried.
- prefill: the fewest units of 4 nodes that compute all prompts at a share of their full speed. Full speed is
  that of one simulated unit with a line in front of it. The share, `PREFILL_LOAD`, is the one number that is
  fitted to the published day: no latency of first tokens was published that would say how much is spare.

Then the hour runs with both numbers; the tokens computed between warm-up and its end count 24-fold.

Source: github deepseek-ai/open-infra-index, 202502OpenSourceWeek, day 6 (27 and 28 February 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np

from simulator.errors import program
from simulator.hardware.prices import token_price
from simulator.results.recording import PoolRecording
from simulator.results.result import Result
from simulator.scenario.loading import load_scenario
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario
from simulator.simulation.event_loop import Progress

SCENARIO = "deepseek-day"
#: Slowest pace of a user that counts as served [tokens/s].
USER_PACE = 20.0
#: Share of their full speed at which prefill units run. Fitted to the published rate per node.
PREFILL_LOAD = 0.725
#: Whose list prices the income is worked out from.
PRICED_AS = "deepseek/deepseek-r1"

DEVICES_PER_NODE = 8
#: Rent that the published cost assumes [USD/h].
DEVICE_USD_PER_HOUR = 2.0
HOURS = 24.0
#: Arrivals and warm-up of the small simulations [s]: several lifetimes of a request.
TRIAL_S, TRIAL_WARMUP_S = 420.0, 300.0
#: Requests of the line in front of one prefill unit.
BACKLOG = 4000
#: Told what is being done.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Day:
    """What a day of the service comes to.

    Attributes
    ----------
    income_usd_per_day
        At the list prices of `PRICED_AS`, as if all tokens were paid for [USD].
    margin
        Income over cost, less one [1].
    context_tokens_per_output
        Mean cache that an output token is computed with [tokens].
    user_tokens_per_s
        Pace of a user's tokens [1/s].
    """

    nodes: float
    cost_usd_per_day: float
    income_usd_per_day: float
    margin: float
    input_tokens_per_s_per_prefill_node: float
    output_tokens_per_s_per_decode_node: float
    input_tokens_per_day: float
    cached_tokens_per_day: float
    output_tokens_per_day: float
    context_tokens_per_output: float
    user_tokens_per_s: float


PUBLISHED = Day(
    nodes=226.75,
    cost_usd_per_day=87_072.0,
    income_usd_per_day=562_027.0,
    margin=5.45,
    input_tokens_per_s_per_prefill_node=73_700.0,
    output_tokens_per_s_per_decode_node=14_800.0,
    input_tokens_per_day=608e9,
    cached_tokens_per_day=342e9,
    output_tokens_per_day=168e9,
    context_tokens_per_output=4989.0,
    user_tokens_per_s=21.0,
)


@dataclass(frozen=True, slots=True)
class Units:
    """Prefill and decode units, and the pace of users with one decode unit fewer [tokens/s]."""

    prefill: int
    decode: int
    pace_with_one_fewer: float
    full_prefill_tokens_per_s: float
    """Of one unit, tokens that are not from the cache [1/s]."""


def units_of(scenario: Scenario, say: Say = lambda text: None) -> Units:
    """The fewest units of both kinds that serve the traffic of a scenario like `deepseek-day`."""
    full = full_prefill_rate(scenario)
    computed = _rate(scenario) * _computed_per_request(scenario)
    prefill = ceil(computed / (PREFILL_LOAD * full))
    say(f"prefill: one unit computes {full:,.0f} tokens/s at most; {prefill} at {PREFILL_LOAD:.0%} of it")
    paces: dict[int, float] = {}

    def pace(units: int) -> float:
        if units not in paces:
            paces[units] = pace_of_users(scenario, prefill, units)
            say(f"decode: {units} units give a user {paces[units]:.1f} tokens/s")
        return paces[units]

    units = scenario.cluster.pools[1].replicas
    while pace(units) < USER_PACE:
        units += 1
    while units > 1 and pace(units - 1) >= USER_PACE:
        units -= 1
    return Units(prefill, units, paces.get(units - 1, float("nan")), full)


def full_prefill_rate(scenario: Scenario) -> float:
    """Tokens that one prefill unit computes with a line in front of it [1/s]."""
    result = run_scenario(
        changed(scenario, prefill=1, decode=8, rate=1e6, requests=BACKLOG, duration=None, warmup=0.0)
    )
    windows = result.recording.pools[0].windows
    return float(windows.prefill_tokens.sum() / windows.busy_ns.sum() * 1e9)


def pace_of_users(scenario: Scenario, prefill: int, units: int) -> float:
    """What a user gets from one of so many decode units [tokens/s]: mean of all requests."""
    share = changed(
        scenario,
        prefill=ceil(prefill / units) + 1,
        decode=1,
        rate=_rate(scenario) / units,
        duration=TRIAL_S,
        warmup=TRIAL_WARMUP_S,
    )
    return _user_tokens_per_s(run_scenario(share))


def changed(scenario: Scenario, *, prefill: int, decode: int, rate: float, **run: Any) -> Scenario:
    """The scenario with other numbers of units, another rate [1/s] and another length."""
    counts = (prefill, decode)
    pools = tuple(
        pool.model_copy(update={"replicas": count})
        for pool, count in zip(scenario.cluster.pools, counts, strict=True)
    )
    arrivals = scenario.workload.arrivals.model_copy(update={"rate": rate})
    return scenario.model_copy(
        update={
            "cluster": scenario.cluster.model_copy(update={"pools": pools}),
            "workload": scenario.workload.model_copy(update={"arrivals": arrivals}),
            **run,
        }
    )


def day_of(result: Result) -> Day:
    """The day that a simulated hour stands for."""
    prefill, decode = result.recording.pools
    nodes = [about.devices / DEVICES_PER_NODE for about in result.context.pools]
    until_ns = int(result.recording.requests.arrival_ns.max())
    warmup_ns = result.context.warmup_ns
    computed = _per_s(prefill, prefill.windows.prefill_tokens, warmup_ns, until_ns)
    cached = computed * _cached_over_computed(result)
    # A request's first token comes from its prefill unit.
    output = _per_s(decode, decode.windows.decode_tokens, warmup_ns, until_ns)
    output *= 1.0 + _requests_over_decoded(result)
    hourly = result.summary.cost.per_hour_usd
    assert hourly is not None  # the scenario states the price
    income = income_usd(computed, cached, output) * HOURS * 3600
    return Day(
        nodes=sum(nodes),
        cost_usd_per_day=hourly * HOURS,
        income_usd_per_day=income,
        margin=income / (hourly * HOURS) - 1.0,
        input_tokens_per_s_per_prefill_node=(computed + cached) / nodes[0],
        output_tokens_per_s_per_decode_node=output / nodes[1],
        input_tokens_per_day=(computed + cached) * HOURS * 3600,
        cached_tokens_per_day=cached * HOURS * 3600,
        output_tokens_per_day=output * HOURS * 3600,
        context_tokens_per_output=_context_per_output(result),
        user_tokens_per_s=_user_tokens_per_s(result),
    )


def _user_tokens_per_s(result: Result) -> float:
    """What users get, mean of all requests [1/s]."""
    pace = result.summary.latency.tpot
    assert pace is not None  # outputs have hundreds of tokens
    return 1e3 / pace.mean


def _rate(scenario: Scenario) -> float:
    rate: float = scenario.workload.arrivals.rate  # type: ignore[union-attr, assignment]
    return rate


def _computed_per_request(scenario: Scenario) -> float:
    """Prompt tokens of a request that are not in the cache, on average."""
    sample = run_scenario(changed(scenario, prefill=8, decode=2, rate=100.0, duration=60.0, warmup=0.0))
    requests = sample.recording.requests
    return float((requests.prompt_tokens - requests.cached_tokens).mean())


def _per_s(pool: PoolRecording, tokens: Any, warmup_ns: int, until_ns: int) -> float:
    """Tokens per second between warm-up and the last arrival, in whole windows [1/s]."""
    width = pool.windows.width_ns
    first, last = -(-warmup_ns // width), until_ns // width
    return float(tokens[first:last].sum() / ((last - first) * width) * 1e9)


def _cached_over_computed(result: Result) -> float:
    requests = result.recording.requests
    cached = requests.cached_tokens.sum()
    return float(cached / (requests.prompt_tokens.sum() - cached))


def _requests_over_decoded(result: Result) -> float:
    requests = result.recording.requests
    return float(len(requests.request) / (requests.output_tokens - 1).sum())


def _context_per_output(result: Result) -> float:
    requests = result.recording.requests
    output = requests.output_tokens.astype(np.float64)
    return float(((requests.prompt_tokens + output / 2) * output).sum() / output.sum())


def income_usd(computed: float, cached: float, output: float) -> float:
    """What tokens cost their users: prompts computed, prompts from the cache, outputs [USD]."""
    price = token_price(PRICED_AS)
    assert price is not None and price.input and price.output and price.cached_input
    return (cached * price.cached_input + computed * price.input + output * price.output) / 1e6


def simulated_day(
    minutes: float | None = None, say: Say = lambda text: None, progress: Progress | None = None
) -> tuple[Units, Day]:
    """Count the units, run the hour (or so many minutes of it after the warm-up), and make a day of it."""
    scenario = load_scenario(SCENARIO)
    units = units_of(scenario, say)
    length = scenario.duration if minutes is None else scenario.warmup + 60 * minutes
    hour = changed(
        scenario, prefill=units.prefill, decode=units.decode, rate=_rate(scenario), duration=length
    )
    return units, day_of(run_scenario(hour, progress=progress))


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the published day beside the simulated one."""
    import argparse
    import json
    import sys
    import time

    parser = argparse.ArgumentParser(prog="simulator tool deepseek-day")
    parser.add_argument("--minutes", type=float, help="after the warm-up; default: the whole hour")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.minutes is not None and options.minutes < 1:
        parser.error("--minutes must be at least 1")
    started = time.perf_counter()
    units, day = simulated_day(options.minutes, lambda text: print(text, file=sys.stderr))
    seconds = time.perf_counter() - started
    if options.json:
        found = {
            key: {"published": published, "simulated": value, "error": value / published - 1}
            for key, published, value in _beside(day)
        }
        print(json.dumps({**found, "units": _units(units), "wall_s": seconds}, indent=2))
        return 0
    print(f"{'':38}{'published':>22}{'simulated':>22}{'error':>9}")
    for key, published, value in _beside(day):
        error = value / published - 1
        print(f"{key.replace('_', ' '):38}{published:22,.2f}{value:22,.2f}{error:+9.1%}")
    print(
        f"{units.prefill} prefill units of 4 nodes, {units.decode} decode units of 18; with one fewer users"
        f" get {units.pace_with_one_fewer:.1f} tokens/s. Fitted: prefill at {PREFILL_LOAD:.0%} of full speed."
        f" {seconds:.0f} s"
    )
    return 0


def _beside(day: Day) -> list[tuple[str, float, float]]:
    """Name, published and simulated value of every figure."""
    return [(key, published, getattr(day, key)) for key, published in asdict(PUBLISHED).items()]


def _units(units: Units) -> dict[str, float]:
    return {
        "prefill": units.prefill,
        "decode": units.decode,
        "pace_with_one_fewer": units.pace_with_one_fewer,
        "full_prefill_tokens_per_s": units.full_prefill_tokens_per_s,
        "fitted_prefill_load": PREFILL_LOAD,
    }


if __name__ == "__main__":
    raise SystemExit(main())
