"""Claims on quality: samples, votes, checks (C07, C08, C09, C16, C33, C34)."""

from __future__ import annotations

from typing import Any

from simulator.models.accuracy import accuracy_changes
from simulator.models.catalogue import load_model
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import H100, served
from simulator.reasoning.quality.coverage import fit_beta_problems
from simulator.reasoning.quality.published import coverage_points, effort_points, pass_at_1
from simulator.reasoning.quality.tokens import doublings
from simulator.reasoning.quality.verifiers import best_of_accuracy
from simulator.results.task_summary import TaskSummary

SMALL, LARGE = "deepseek-r1-distill-qwen-7b", "deepseek-r1-distill-llama-70b"
AIME = {"task_set": "aime24"}
#: Problems whose most common answer is wrong: made up for the claims on votes.
LURING: dict[str, Any] = {
    "pass_at_1": 0.3,
    "cons_at_64": 0.1,
    "wrong_agreement": 0.9,
    "source": "assumed: problems whose most common answer is wrong",
}


def _tasks(strategy: dict[str, Any], quality: dict[str, Any], model: str = SMALL, **more: Any) -> TaskSummary:
    given: dict[str, Any] = {"seats": 16, "requests": 400, "output": 20, "thinking": 40, **more}
    found = served(model, strategy=strategy, quality=quality, **given).summary.tasks
    assert found is not None
    return found


def _right(tasks: TaskSummary) -> float:
    assert tasks.accuracy is not None
    return 100.0 * tasks.accuracy.share


def monotone_quality() -> list[ComputedFact]:
    """C07: never less accurate for more compute."""
    one, many = (_right(_tasks({"kind": "majority_vote", "samples": n}, AIME)) for n in (1, 32))
    few, lured = (_right(_tasks({"kind": "majority_vote", "samples": n}, LURING)) for n in (1, 32))
    problems = fit_beta_problems(0.3, 100, 0.8)
    noisy = 100.0 * (best_of_accuracy(problems, 256, 0.5) - best_of_accuracy(problems, 16, 0.5))
    gains = [
        step.points_per_doubling
        for own in effort_points("aider-polyglot")[0].values()
        for step in doublings(own)
    ]
    return [
        ComputedFact(
            "C07", "32 votes less one, AIME 2024 as published", many - one, "points", "more", many > one
        ),
        ComputedFact(
            "C07",
            "32 votes less one, where the common answer is wrong",
            lured - few,
            "points",
            "more",
            lured > few,
        ),
        ComputedFact(
            "C07", "256 samples less 16, verifier with d' = 0.5", noisy, "points", "more", noisy > 5
        ),
        ComputedFact(
            "C07",
            "least gain between published efforts on code",
            min(gains),
            "points per doubling",
            "more",
            min(gains) > 0,
        ),
    ]


def small_for_large() -> list[ComputedFact]:
    """C08: a 7B with many samples reaches a 70B, and at what price."""
    large = 100.0 * pass_at_1("aime24", LARGE)[0]
    lengths: dict[str, Any] = {"output": 400, "thinking": 6000, "requests": 16, "seats": 16}
    facts = [ComputedFact("C08", "70B on AIME 2024, one chain (published)", large, "%", "")]
    price = served(LARGE, H100, tensor=4, strategy={"kind": "chain"}, **lengths).summary.tasks
    assert price is not None and price.cost is not None
    for samples in (4, 16, 64):
        accuracy = _right(_tasks({"kind": "majority_vote", "samples": samples}, AIME))
        facts.append(
            ComputedFact(
                "C08",
                f"7B with {samples} votes, simulated",
                accuracy,
                "%",
                f"{large:.0f} of the 70B",
                accuracy >= large,
            )
        )
        if accuracy >= large:
            votes = {"kind": "majority_vote", "samples": samples}
            cost = served(SMALL, H100, strategy=votes, **lengths).summary.tasks
            assert cost is not None and cost.cost is not None
            ratio = cost.cost.mid / price.cost.mid
            facts.append(
                ComputedFact(
                    "C08", f"cost of the 7B's {samples} votes over the 70B's chain", ratio, "times", ""
                )
            )
            break
    return facts


def four_bits() -> list[ComputedFact]:
    """C09: what was published on four-bit weights, least and most lost."""
    facts = []
    for model, dtype in (("llama-3.1-70b", "int4"), (SMALL, "int4"), ("llama-3.1-70b", "nvfp4")):
        for change in accuracy_changes(load_model(model), dtype, "bf16"):
            for name, value in (("least", change.high), ("most", change.low)):
                if value is not None:
                    lost = abs(value)
                    what = f"{name} lost by {dtype} weights of {model} (published: {change.source})"
                    facts.append(ComputedFact("C09", what, lost, change.unit, "below 1", lost < 1))
    return facts


def a_hundred_dollars() -> list[ComputedFact]:
    """C16: many cheap samples against one of a model ten times dearer."""
    model, points, _ = coverage_points("swe-bench-lite")
    problems = fit_beta_problems(points[1], 250, points[250])
    what = f"SWE-bench Lite, {model}: a fit through two published points"
    single, ten = 100.0 * problems.pass_at_1, 100.0 * problems.coverage(10)
    unchecked = 100.0 * best_of_accuracy(problems, 10, 0.0)
    return [
        ComputedFact("C16", f"one sample ({what})", single, "% solved", ""),
        ComputedFact(
            "C16",
            "ten samples at a tenth of the price, tests as the check",
            ten,
            "% solved",
            "more than one sample",
            ten > single + 5,
        ),
        ComputedFact(
            "C16",
            "ten samples, no check",
            unchecked,
            "% solved",
            "more than one sample",
            unchecked > single + 5,
        ),
    ]


def votes_guarantee() -> list[ComputedFact]:
    """C33: what a vote of 64 leaves wrong."""
    alike = _right(_tasks({"kind": "majority_vote", "samples": 64}, AIME))
    lured = _right(_tasks({"kind": "majority_vote", "samples": 64}, LURING, requests=200))
    return [
        ComputedFact(
            "C33", "64 votes of the 7B on AIME 2024, simulated", alike, "% right", "a guarantee", alike > 99
        ),
        ComputedFact(
            "C33", "64 votes where the common answer is wrong", lured, "% right", "a guarantee", lured > 99
        ),
    ]


def search_and_checks() -> list[ComputedFact]:
    """C34: what checks catch, and what a tree shares."""
    single = _right(_tasks({"kind": "chain"}, AIME, requests=800))
    checked = _right(_tasks({"kind": "self_verification"}, AIME, requests=800))
    search = {"kind": "beam_search", "beams": 16, "depth": 10}
    shared = served(SMALL, seats=4, requests=8, output=200, thinking=1000, strategy=search)
    alone = served(
        SMALL,
        seats=4,
        requests=8,
        output=200,
        thinking=1000,
        strategy=search,
        engine={"enable_prefix_caching": False},
    )
    first, second = shared.summary.tasks, alone.summary.tasks
    assert first is not None and second is not None
    assert first.latency is not None and second.latency is not None
    return [
        ComputedFact(
            "C34",
            "drafts checked by their author (accepts 90 % of right, 40 % of wrong: assumed) less one pass",
            checked - single,
            "points",
            "catches errors",
            checked > single + 2,
        ),
        ComputedFact(
            "C34",
            "prompt tokens of a beam search that its branches share",
            100.0 * first.cached_tokens / first.prompt_tokens,
            "%",
            "",
        ),
        ComputedFact(
            "C34",
            "time of the search without that sharing",
            second.latency.mean / first.latency.mean,
            "times",
            "",
            None,
        ),
    ]
