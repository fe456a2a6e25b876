"""Claims on quality: samples, votes, checks (C07, C08, C09, C16, C33, C34)."""

from __future__ import annotations

from typing import Any

from simulator.models.accuracy import accuracy_changes
from simulator.models.catalogue import load_model
from simulator.planning.claims.fact import ComputedFact, decided
from simulator.planning.claims.small import H100, served
from simulator.reasoning.build import build_judge
from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.coverage import fit_beta_problems
from simulator.reasoning.quality.expected import expected_accuracy
from simulator.reasoning.quality.published import coverage_points, effort_points, pass_at_1
from simulator.reasoning.quality.tokens import doublings
from simulator.reasoning.quality.verifiers import best_of_accuracy
from simulator.results.task_summary import TaskSummary
from simulator.scenario.reasoning import ReasoningSpec
from simulator.units.random_streams import RandomStreams

SMALL, LARGE = "deepseek-r1-distill-qwen-7b", "deepseek-r1-distill-llama-70b"
AIME = {"task_set": "aime24"}
#: Problems whose most common answer is wrong: made up for the claims on votes.
LURING: dict[str, Any] = {
    "pass_at_1": 0.3,
    "cons_at_64": 0.1,
    "wrong_agreement": 0.9,
    "source": "assumed: problems whose most common answer is wrong",
}


def _expected(strategy: dict[str, Any], quality: dict[str, Any], model: str = SMALL) -> float:
    """Share of the set that the strategy gets right [%], exact for what is asked here."""
    spec = ReasoningSpec.model_validate({"strategy": strategy, "quality": quality}).of_model(model)
    judge = build_judge(spec)
    assert isinstance(judge, TaskSetJudge)
    found = expected_accuracy(spec.strategy, judge, RandomStreams(0))
    assert found is not None
    return 100.0 * found.share


def _vote(samples: int, quality: dict[str, Any]) -> float:
    return _expected({"kind": "majority_vote", "samples": samples}, quality)


def _tasks(strategy: dict[str, Any], quality: dict[str, Any], model: str = SMALL, **more: Any) -> TaskSummary:
    given: dict[str, Any] = {"seats": 16, "requests": 400, "output": 20, "thinking": 40, **more}
    found = served(model, strategy=strategy, quality=quality, **given).summary.tasks
    assert found is not None
    return found


def _simulated(
    claim: str, what: str, strategy: dict[str, Any], quality: dict[str, Any], claimed: str, least: float
) -> ComputedFact:
    """Tasks answered right in a run [%], beside the least that was claimed."""
    found = _tasks(strategy, quality).accuracy
    assert found is not None
    share, low, high = (100.0 * one for one in (found.share, found.low, found.high))
    told = f"{what}, simulated on {found.tasks} tasks"
    return ComputedFact(claim, told, share, "%", claimed, decided(low, high, least), low, high)


def monotone_quality() -> list[ComputedFact]:
    """C07: never less accurate for more compute."""
    gain, lured = (_vote(32, quality) - _vote(1, quality) for quality in (AIME, LURING))
    problems = fit_beta_problems(0.3, 100, 0.8)
    noisy = 100.0 * (best_of_accuracy(problems, 256, 0.5) - best_of_accuracy(problems, 16, 0.5))
    gains = [
        step.points_per_doubling
        for own in effort_points("aider-polyglot")[0].values()
        for step in doublings(own)
    ]
    return [
        ComputedFact("C07", "32 votes less one, AIME 2024 as published", gain, "points", "more", gain > 0),
        ComputedFact(
            "C07",
            "32 votes less one, where the common answer is wrong",
            lured,
            "points",
            "more",
            lured > 0,
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
    lengths: dict[str, Any] = {"output": 400, "thinking": 6000}
    facts = [ComputedFact("C08", "70B on AIME 2024, one chain (published)", large, "%", "")]
    # 256 sequences in flight on either side: enough to fill both machines, whose waiting would cost the same.
    chain = {"kind": "chain"}
    price = served(LARGE, H100, tensor=4, strategy=chain, seats=256, requests=1024, **lengths).summary.tasks
    assert price is not None and price.cost is not None
    for samples in (4, 16, 64):
        votes = {"kind": "majority_vote", "samples": samples}
        accuracy, claimed = _vote(samples, AIME), f"{large:.0f} of the 70B"
        what = f"7B with {samples} votes"
        facts.append(ComputedFact("C08", f"{what}, expected", accuracy, "%", claimed, accuracy >= large))
        facts.append(_simulated("C08", what, votes, AIME, claimed, large))
        if accuracy >= large:
            calls: dict[str, Any] = {"seats": 256 // samples, "requests": 1024 // samples}
            cost = served(SMALL, H100, strategy=votes, **calls, **lengths).summary.tasks
            assert cost is not None and cost.cost is not None
            ratio = cost.cost.mid / price.cost.mid
            what = f"cost of the 7B's {samples} votes over the 70B's chain, machines full"
            facts.append(ComputedFact("C08", what, ratio, "times", ""))
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
    votes = {"kind": "majority_vote", "samples": 64}
    facts = []
    for what, quality in (
        ("64 votes of the 7B on AIME 2024", AIME),
        ("64 votes where the common answer is wrong", LURING),
    ):
        right = _vote(64, quality)
        facts.append(ComputedFact("C33", f"{what}, expected", right, "%", "a guarantee", right > 99))
        facts.append(_simulated("C33", what, votes, quality, "a guarantee", 99.0))
    return facts


def search_and_checks() -> list[ComputedFact]:
    """C34: what checks catch, and what a tree shares."""
    gained = _expected({"kind": "self_verification"}, AIME) - _expected({"kind": "chain"}, AIME)
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
            gained,
            "points",
            "catches errors",
            gained > 2,
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
