"""Claims on energy (C17, C27, C28, C45)."""

from __future__ import annotations

from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import B200, joules_per_token, served
from simulator.results.energy import J_PER_KWH
from simulator.results.result import Result

#: Queries a day of a large service.
QUERIES = 1e9
#: Parts of a prompt's energy: accelerators, hosts, idle machines, site (Google, August 2025).
ACCELERATORS = 0.58


def tuned_serving() -> list[ComputedFact]:
    """C17: energy per token from a small batch to the best, and with 8-bit weights."""
    naive = joules_per_token(served("llama-3.1-8b", seats=8, requests=48))
    facts = []
    for name, seats, dtype in (
        ("batch 32", 32, "bf16"),
        ("batch 512", 512, "bf16"),
        ("batch 512, FP8", 512, "fp8"),
    ):
        model = {"card": "llama-3.1-8b", "weight_dtype": dtype}
        tuned = joules_per_token(served(model, seats=seats, requests=3 * seats))
        cut = 100.0 * (1.0 - tuned / naive)
        facts.append(
            ComputedFact(
                "C17", f"energy per token less at {name} than at batch 8", cut, "%", "up to 73", cut >= 70
            )
        )
    return facts


def fleets() -> list[ComputedFact]:
    """C27: a billion queries a day, chatted and thought about."""
    chat = _facility_wh(served("llama-3.1-70b", seats=64, requests=192, output=400, tensor=4))
    r1 = served(
        "deepseek-r1",
        B200,
        seats=128,
        requests=128,
        prompt=300,
        output=1000,
        thinking=10_400,
        tensor=8,
        expert=8,
    )
    small = served("gpt-oss-120b", B200, seats=256, requests=256, prompt=300, output=300, thinking=1400)
    facts = []
    for name, wh in (
        ("70B chat of 400 tokens", chat),
        ("R1 at its GPQA length", _facility_wh(r1)),
        ("gpt-oss-120b at its GPQA length", _facility_wh(small)),
    ):
        facts.append(ComputedFact("C27", f"energy of a query, {name}", wh, "Wh", ""))
        facts.append(
            ComputedFact(
                "C27",
                f"a billion a day, {name}",
                QUERIES * wh / 24 / 1e6,
                "MW",
                "staggering (100 MW and more)",
                QUERIES * wh / 24 / 1e6 >= 100,
            )
        )
    return facts


def one_for_one() -> list[ComputedFact]:
    """C28: twice the efficiency of accelerators, within one site's power."""
    gain = 1.0 / (ACCELERATORS / 2.0 + 1.0 - ACCELERATORS)
    result = served("llama-3.1-8b", seats=64, requests=192)
    energy = result.summary.energy
    assert energy.total_j is not None and energy.idle_j is not None and energy.facility_j is not None
    dynamic = (energy.total_j - energy.idle_j) / energy.facility_j.mid
    simulated = 1.0 / (dynamic / 2.0 + 1.0 - dynamic)
    return [
        ComputedFact(
            "C28", "reasoning from twice the efficiency, Google's split", gain, "times", "2", gain > 1.9
        ),
        ComputedFact(
            "C28",
            "the same with the simulated split of an H100 site",
            simulated,
            "times",
            "2",
            simulated > 1.9,
        ),
    ]


def energy_of_a_prompt() -> list[ComputedFact]:
    """C45: a chat prompt by formula and by simulation."""
    tokens, active, peak = 500, 100e9, 989e12
    seconds = 2 * active * tokens / (peak * 0.1)
    formula = seconds * 1275 * 0.7 * 1.2 / 3600
    facts = [
        ComputedFact(
            "C45", "Epoch AI's formula, 100B active", formula, "Wh", "0.30", abs(formula - 0.30) < 0.02
        )
    ]
    for seats in (16, 64):
        wh = _facility_wh(served("llama-3.1-70b", seats=seats, requests=4 * seats, output=500, tensor=4))
        what = f"70B dense on four H100, {seats} at once, host and site included"
        facts.append(ComputedFact("C45", what, wh, "Wh", "0.1 to 0.5", 0.1 <= wh <= 0.5))
    return facts


def _facility_wh(result: Result) -> float:
    """Energy of a request at the meter of the site [Wh]."""
    facility = result.summary.energy.facility_j
    assert facility is not None
    return facility.mid / result.summary.counts.completed / J_PER_KWH * 1e3
