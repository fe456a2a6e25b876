"""Claims on tokens: how many more, and what they take in time and money.

C01, C03, C05, C23, C24, C30, C31.
"""

from __future__ import annotations

from simulator.hardware.prices import token_price
from simulator.models.accounting import count_parameters
from simulator.models.catalogue import load_model
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import H200, served, tpot_ms
from simulator.reasoning.quality.published import effort_points
from simulator.reasoning.quality.tokens import doublings
from simulator.units.random_streams import RandomStreams
from simulator.workload import load_workload
from simulator.workload.build import build_workload
from simulator.workload.lengths.reasoning_profiles import benchmark_profiles

#: DeepSeek's published day and training run: tokens served a day, tokens trained on.
SERVED_PER_DAY, TRAINED_ON = 776e9, 14.8e12


def training_against_inference() -> list[ComputedFact]:
    """C01: floating-point work of a year of serving over one training run a year."""
    active = count_parameters(load_model("deepseek-v3")).active
    training = 6.0 * active * TRAINED_ON
    ratio = 2.0 * active * SERVED_PER_DAY * 365 / training
    needed = 118 * training / (2.0 * active * 365)
    return [
        ComputedFact(
            "C01",
            "inference over training work, DeepSeek's day against a run a year",
            ratio,
            "times",
            "118",
            ratio >= 118,
        ),
        ComputedFact("C01", "tokens a day at which it is 118", needed / 1e12, "trillion", ""),
    ]


def tokens_of_thinking() -> list[ComputedFact]:
    """C03: ten to a hundred times more tokens on hard queries."""
    chat, reasoner = (_mean_output(name) for name in ("azure-conv-2023", "reasoning-deepseek-r1"))
    spreads = [
        max(profile.means.values()) / min(profile.means.values()) for profile in benchmark_profiles().values()
    ]
    middle = sorted(spreads)[len(spreads) // 2]
    tasks = served(
        "llama-3.1-8b",
        seats=4,
        requests=12,
        output=100,
        thinking=500,
        strategy={"kind": "best_of_n", "samples": 16},
    ).summary.tasks
    assert tasks is not None
    sampled = tasks.output_tokens / tasks.ended / 600
    return [
        ComputedFact(
            "C03",
            "mean output of R1 in production over chat (Azure)",
            reasoner / chat,
            "times",
            "10 to 100",
            10 <= reasoner / chat <= 100,
        ),
        ComputedFact(
            "C03",
            "longest over shortest difficulty, median of 26 models",
            middle,
            "times",
            "10 to 100",
            middle >= 10,
        ),
        ComputedFact(
            "C03",
            "longest over shortest difficulty, most of 26 models",
            max(spreads),
            "times",
            "10 to 100",
            max(spreads) >= 10,
        ),
        ComputedFact(
            "C03",
            "best of 16 with a reward model over one chain, simulated",
            sampled,
            "times",
            "10 to 100",
            10 <= sampled <= 100,
        ),
    ]


def _mean_output(workload: str) -> float:
    """Mean output of a shipped workload [tokens]."""
    source = build_workload(load_workload(workload), RandomStreams(0), 10_000)
    return float(next(iter(source.chunks())).output_tokens.mean())


def latency_over_depth() -> list[ComputedFact]:
    """C05: latency grows in proportion to the tokens of a chain."""
    times = {}
    for tokens in (500, 8000, 32_000):
        result = served("llama-3.1-8b", seats=1, requests=1, output=tokens)
        latency = result.summary.latency.e2el
        assert latency is not None
        times[tokens] = latency.mean / 1e3
    slope = times[32_000] / times[500] / (32_000 / 500)
    return [
        ComputedFact("C05", "one chain of 500 tokens, 8B on an H100", times[500], "s", "seconds"),
        ComputedFact(
            "C05", "one chain of 32,000 tokens", times[32_000] / 60, "min", "minutes", times[32_000] > 60
        ),
        ComputedFact(
            "C05", "time per token at 32,000 over that at 500", slope, "times", "1", 0.8 <= slope <= 1.5
        ),
    ]


def thinking_tokens_price() -> list[ComputedFact]:
    """C23: thinking is billed as output."""
    price = token_price("claude-opus-4-5")
    assert price is not None and price.input is not None and price.output is not None
    return [
        ComputedFact(
            "C23",
            "price of a million output tokens",
            price.output,
            "USD",
            "5 to 25",
            5 <= price.output <= 25,
        ),
        # The low end of the range is a price of thinking only where prompts cost as much as outputs.
        ComputedFact(
            "C23",
            "price of a million input tokens, which thinking is not",
            price.input,
            "USD",
            "5 to 25",
            price.input >= price.output,
        ),
    ]


def dollars_a_run() -> list[ComputedFact]:
    """C24: a long run costs dollars, not hundreds."""
    price = token_price("claude-opus-4-5")
    assert price is not None and price.output is not None
    facts = []
    for tokens in (10_000, 100_000, 1_000_000):
        cost = tokens / 1e6 * price.output
        what = f"{tokens:,} thinking tokens at {price.output:g} USD a million"
        facts.append(ComputedFact("C24", what, cost, "USD", "dollars, below 100", cost < 100))
    return facts


def points_per_doubling() -> list[ComputedFact]:
    """C30: what more tokens buy on code, between published efforts of one model."""
    points, _ = effort_points("aider-polyglot")
    facts = []
    for model, own in points.items():
        for step in doublings(own):
            factor = step.end.tokens / step.start.tokens
            facts.append(
                ComputedFact(
                    "C30",
                    f"{model}, {step.start.effort} to {step.end.effort}: {factor:.1f} times the tokens",
                    step.points_per_doubling,
                    "points per doubling",
                    "sharp gains (5 points and more)",
                    step.points_per_doubling >= 5,
                )
            )
    return facts


def delay_for_code() -> list[ComputedFact]:
    """C31: a coding case of R1's length takes minutes."""
    result = served(
        "deepseek-r1",
        H200,
        seats=32,
        requests=32,
        prompt=2000,
        output=1000,
        thinking=10_000,
        tensor=8,
        expert=8,
    )
    latency = result.summary.latency.e2el
    assert latency is not None
    minutes = latency.p50 / 60e3
    return [
        ComputedFact("C31", "time per output token of R1 on 8 H200, 32 at once", tpot_ms(result), "ms", ""),
        ComputedFact(
            "C31", "median time of a case of 11,000 tokens", minutes, "min", "only seconds", minutes < 1
        ),
    ]
