"""Claims on prices, routing and fleets (C19, C20, C26, C29, C43, C44)."""

from __future__ import annotations

from math import inf, isfinite, log
from typing import Any

from simulator.hardware.prices import token_price
from simulator.planning.capacity import capacity_of
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import H100, H200, per_million, served
from simulator.planning.deepseek_day import (
    DEVICE_USD_PER_HOUR,
    DEVICES_PER_NODE,
    HOURS,
    PUBLISHED,
    income_usd,
)
from simulator.reasoning.quality.published import joint_tables
from simulator.scenario.loading import load_scenario


def price_fall() -> list[ComputedFact]:
    """C19: the essay's own two prices."""
    ratio = 20 / 0.40
    return [ComputedFact("C19", "20 USD over 0.40 USD", ratio, "times", "1,000", ratio >= 900)]


def where_the_fall_came_from() -> list[ComputedFact]:
    """C20: one factor after another, from a dense model served badly to a sparse one served well."""
    rungs: list[tuple[str, Any, dict[str, Any]]] = [
        ("start", "llama-3.1-405b", {"hardware": "nvidia-a100-80g-sxm", "tensor": 16, "seats": 8}),
        (
            "serving software (batch 8 to 64)",
            "llama-3.1-405b",
            {"hardware": "nvidia-a100-80g-sxm", "tensor": 16, "seats": 64},
        ),
        ("hardware (A100 to H200)", "llama-3.1-405b", {"hardware": H200, "tensor": 8, "seats": 64}),
        (
            "precision (BF16 to FP8)",
            {"card": "llama-3.1-405b", "weight_dtype": "fp8"},
            {"hardware": H200, "tensor": 8, "seats": 64},
        ),
        ("model (405B dense to 120B sparse)", "gpt-oss-120b", {"hardware": H200, "tensor": 1, "seats": 64}),
    ]
    costs = [
        per_million(served(model, requests=3 * setup["seats"], prompt=500, output=250, **setup))
        for _, model, setup in rungs
    ]
    whole = log(costs[0] / costs[-1])
    facts = [ComputedFact("C20", "cost per token, start over end", costs[0] / costs[-1], "times", "")]
    shares = {}
    for (name, _, _), before, after in zip(rungs[1:], costs, costs[1:], strict=False):
        shares[name] = 100.0 * log(before / after) / whole
        facts.append(ComputedFact("C20", f"share of {name}", shares[name], "% of the fall", ""))
    software = sum(share for name, share in shares.items() if name.startswith(("serving", "precision")))
    facts.append(
        ComputedFact(
            "C20",
            "share of serving software and precision together",
            software,
            "% of the fall",
            "almost all",
            software >= 80,
        )
    )
    return facts


def routed_models() -> list[ComputedFact]:
    """C26: what a router saves at two points of accuracy lost, by how good it is."""
    small, large = token_price("claude-haiku-4-5"), token_price("claude-opus-4-5")
    assert small is not None and large is not None and small.output and large.output
    dear = large.output / small.output
    facts = [
        ComputedFact(
            "C26", "price of the large model over the small, like for like", dear, "times", "25", dear >= 20
        )
    ]
    for table in joint_tables():
        for name, skill in (("an oracle", 1.0), ("half-way to an oracle", 0.5), ("chance", 0.0)):
            share = next(
                (s / 100 for s in range(101) if table.accuracy(s / 100, skill) >= table.strong - 0.02), 1.0
            )
            cut = 100.0 * (1.0 - (share * dear + 1.0 - share) / dear)
            what = f"cost cut on {table.name} at two points lost, routed by {name}"
            facts.append(ComputedFact("C26", what, cut, "%", "a cut (30 and more)", cut >= 30))
    return facts


def tight_first_tokens() -> list[ComputedFact]:
    """C29: what 200 ms to the first token cost in GPUs, against 450 ms."""
    rates = {}
    for limit in ("200 ms", "450 ms"):
        scenario = load_scenario(
            {
                "workload": {
                    "arrivals": {"process": "poisson", "rate": "4 /s"},
                    "prompt_tokens": {"distribution": "lognormal", "median": 400, "sigma": 0.7, "max": 4000},
                    "output_tokens": {"distribution": "lognormal", "median": 250, "sigma": 0.6, "max": 2000},
                },
                "model": "llama-3.1-70b",
                "cluster": {
                    "pools": [
                        {
                            "name": "main",
                            "hardware": H100,
                            "parallelism": {"tensor": 4},
                            "engine": {"max_model_len": 8192},
                        }
                    ]
                },
                "slo": {"ttft": limit, "tpot": "60 ms", "attainment": 0.99},
                "requests": 300,
            }
        )
        found = capacity_of(scenario, 4.0).rate
        rates[limit] = found or 0.0
    turns = 1e6 / 45
    facts = [
        ComputedFact("C29", f"turns/s of four H100 (70B) with p99 below {limit}", rate, "1/s", "")
        for limit, rate in rates.items()
    ]
    strict, loose = rates["200 ms"], rates["450 ms"]
    gpus = 4 * turns / strict if strict else inf
    facts.append(
        ComputedFact("C29", "H100 for a million sessions, 200 ms", gpus, "GPUs", "possible", isfinite(gpus))
    )
    if strict:
        more = loose / strict
        facts.append(
            ComputedFact(
                "C29",
                "times the GPUs that 450 ms, the norm of MLPerf, need",
                more,
                "times",
                "needed, whatever it costs",
                more < 1.1,
            )
        )
    return facts


def routed_agents() -> list[ComputedFact]:
    """C43: an agent whose easy steps go to the small model, where errors show and where they do not."""
    agent = {
        "kind": "agent",
        "turns": {"distribution": "fixed", "tokens": 20},
        "tool": {"median": "2 s"},
        "tool_tokens": {"distribution": "fixed", "tokens": 400},
    }
    tasks = served(
        "llama-3.1-8b",
        seats=8,
        requests=16,
        prompt=3000,
        output=150,
        strategy=agent,
        engine={"max_model_len": 32_768},
    ).summary.tasks
    assert tasks is not None
    small, large = token_price("claude-haiku-4-5"), token_price("claude-opus-4-5")
    assert small is not None and large is not None
    costs = []
    for price in (small, large):
        assert price.input is not None and price.output is not None
        read = tasks.prompt_tokens / tasks.ended * price.input
        costs.append((read + tasks.output_tokens / tasks.ended * price.output) / 1e6)
    facts = [
        ComputedFact("C43", "task of 20 calls, large model only (tokens simulated)", costs[1], "USD", "")
    ]
    half = (costs[0] + costs[1]) / 2.0
    for name, error in (
        ("errors (10 % of small steps) are seen and repeated", 0.1),
        ("an error in 2 % of small steps spoils the task unseen", None),
    ):
        solved = half + 0.1 * costs[0] / 2.0 if error is not None else half / (1.0 - 0.02) ** 10
        gain = 100.0 * (1.0 - solved / costs[1])
        facts.append(
            ComputedFact(
                "C43", f"saved per solved task, half the steps small: {name}", gain, "%", "cheaper", gain > 10
            )
        )
    spoiled = half / (1.0 - 0.1) ** 10
    facts.append(
        ComputedFact(
            "C43",
            "saved per solved task: an error in 10 % of small steps spoils it unseen",
            100.0 * (1.0 - spoiled / costs[1]),
            "%",
            "cheaper",
            spoiled < 0.9 * costs[1],
        )
    )
    return facts


def deepseek_day() -> list[ComputedFact]:
    """C44: DeepSeek's published figures against each other (`planning.deepseek_day` simulates the day)."""
    day, seconds = PUBLISHED, 3600 * HOURS
    prefill = day.input_tokens_per_day / seconds / day.input_tokens_per_s_per_prefill_node
    decode = day.output_tokens_per_day / seconds / day.output_tokens_per_s_per_decode_node
    nodes = prefill + decode
    cost = day.nodes * DEVICES_PER_NODE * DEVICE_USD_PER_HOUR * HOURS
    computed = day.input_tokens_per_day - day.cached_tokens_per_day
    income = income_usd(computed, day.cached_tokens_per_day, day.output_tokens_per_day)
    margin = 100.0 * (income / cost - 1.0)
    return [
        ComputedFact(
            "C44",
            "nodes from tokens and rates per node",
            nodes,
            "nodes",
            f"{day.nodes:g}",
            abs(nodes - day.nodes) < 5,
        ),
        ComputedFact(
            "C44",
            f"cost of a day at {DEVICE_USD_PER_HOUR:g} USD per GPU-hour",
            cost,
            "USD",
            f"{day.cost_usd_per_day:,.0f}",
            abs(cost - day.cost_usd_per_day) < 100,
        ),
        ComputedFact(
            "C44",
            "margin at the list prices of R1",
            margin,
            "%",
            f"{100 * day.margin:.0f}",
            abs(margin - 100 * day.margin) < 5,
        ),
    ]
