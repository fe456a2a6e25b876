"""Claims on speed-ups: speculation and parallel thinking (C10, C21, C38)."""

from __future__ import annotations

from typing import Any

from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import H200, served, tokens_per_s

SEVENTY = "llama-3.1-70b"
#: Ways to draft, with acceptance from published figures (facts of vLLM's and SGLang's posts).
DRAFT: dict[str, Any] = {
    "method": "draft_model",
    "model": "llama-3.1-8b",
    "num_speculative_tokens": 4,
    "acceptance": 0.7,
}
EAGLE: dict[str, Any] = {
    "method": "eagle3",
    "num_speculative_tokens": 3,
    "acceptance_per_position": [0.76, 0.56, 0.43],
}
MTP: dict[str, Any] = {"method": "mtp", "num_speculative_tokens": 1, "acceptance": 0.85}


def speculation_over_batch() -> list[ComputedFact]:
    """C10: three times at batch 1, next to nothing from 32 on."""
    facts = []
    cases = (
        ("draft model on 70B, 4 H100", SEVENTY, {"tensor": 4}, DRAFT, None),
        ("EAGLE-3 on 70B, 4 H100", SEVENTY, {"tensor": 4}, EAGLE, None),
        ("MTP on DeepSeek-V3, 8 H200", "deepseek-v3", {"tensor": 8, "expert": 8}, MTP, H200),
    )
    for name, model, layout, drafts, hardware in cases:
        for batch in (1, 32):
            gain = _gain(model, layout, drafts, hardware, batch)
            holds = gain >= 2.5 if batch == 1 else gain <= 1.15
            claimed = "3" if batch == 1 else "about 1"
            facts.append(ComputedFact("C10", f"{name}, batch {batch}", gain, "times", claimed, holds))
    return facts


def speculation_alone() -> list[ComputedFact]:
    """C21: two to three times, for one user."""
    facts = []
    for name, model, layout, drafts, hardware in (
        ("draft model on 70B, 4 H100", SEVENTY, {"tensor": 4}, DRAFT, None),
        ("EAGLE-3 on 70B, 4 H100", SEVENTY, {"tensor": 4}, EAGLE, None),
        ("MTP on DeepSeek-V3, 8 H200", "deepseek-v3", {"tensor": 8, "expert": 8}, MTP, H200),
    ):
        gain = _gain(model, layout, drafts, hardware, 1)
        facts.append(ComputedFact("C21", f"{name}, one user", gain, "times", "2 to 3", 1.9 <= gain <= 3.2))
    return facts


def _gain(
    model: str, layout: dict[str, Any], drafts: dict[str, Any], hardware: str | None, batch: int
) -> float:
    place: dict[str, Any] = {} if hardware is None else {"hardware": hardware}
    rates = [
        tokens_per_s(
            served(
                model,
                seats=batch,
                requests=3 * batch + 2,
                prompt=500,
                output=300,
                pool=pool,
                **layout,
                **place,
            )
        )
        for pool in ({}, {"speculative": drafts})
    ]
    return rates[1] / rates[0]


def parallel_threads() -> list[ComputedFact]:
    """C38: forked chains on a quiet and on a busy node."""
    facts = []
    for name, users in (("one user", 1), ("64 users", 64)):
        times = []
        for share in (0.0, 1.0):
            strategy = {"kind": "threads", "activation": 0.8 * share, "parallel_share": 0.35}
            tasks = served(
                "qwen3-8b", seats=users, requests=max(users, 24), output=400, thinking=7000, strategy=strategy
            ).summary.tasks
            assert tasks is not None and tasks.latency is not None
            times.append(tasks.latency.mean)
        gain = times[0] / times[1]
        facts.append(
            ComputedFact(
                "C38",
                f"time of a chain over a forked one, {name} of an 8B on an H100",
                gain,
                "times",
                "faster (1.14 published)",
                gain > 1.03,
            )
        )
    return facts
