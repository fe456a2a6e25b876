"""Simulates the designs, finds the front, and the cheapest design that reaches a target.

Accuracy is the expected one of the task set (`reasoning.quality.expected`) and carries what it rests on, and
an interval where it is drawn; a target within the interval is not decided. Designs that no published figure
covers have cost, latency and energy, no accuracy and the reason for that, and stand on no front. Nor do those
that serve less than they were asked to, as in a sweep: their cost is that of a queue that grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.errors import InputError
from simulator.models.catalogue import load_model
from simulator.planning.designs import only_pool
from simulator.planning.frontier.designs import Design
from simulator.planning.layouts import in_words
from simulator.planning.run_many import Backend, Done, in_processes
from simulator.planning.sweep.pareto import falls_short
from simulator.reasoning.build import build_judge
from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.expected import ExpectedRight, expected_accuracy
from simulator.reasoning.quality.laws import no_law_of
from simulator.reasoning.quality.published import problems_of
from simulator.results.idle import idle_machines
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario
from simulator.units.random_streams import RandomStreams

#: What is weighed against accuracy: key of a weighed design, name, unit.
WEIGHED = (
    ("cost_per_task_usd", "cost per task", "USD"),
    ("p50_task_latency_s", "median task latency", "s"),
    ("energy_per_task_j", "energy per task", "J"),
)

#: Accuracies closer than this are alike [1]: what tables show.
_ALIKE = 5e-4


@dataclass(frozen=True, slots=True)
class Weighed:
    """One design with its figures; None where unknown.

    Attributes
    ----------
    accuracy_low, accuracy_high
        Bounds of what was drawn of the accuracy, at 95 %; both are the accuracy where it is exact.
    accuracy_basis
        What the accuracy rests on: ``accuracy_of_single`` what that of single answers does, ``accuracy_law``
        how they become the strategy's, empty for one chain.
    accuracy_unknown
        Why there is no accuracy, if so.
    task_set_problems
        Problems of the published set that the accuracy is of.
    layout
        That of a replica.
    idle_machines
        Why the cost is that of idle machines, if so.
    overloaded, slo_met
        Whether the queue grows without bound, and whether the scenario's objectives are met (None: has none).
    """

    model: str
    hardware: str
    devices: int | None
    strategy: str
    label: str
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_basis: str | None
    accuracy_unknown: str | None
    cost_per_task_usd: float | None
    p50_task_latency_s: float | None
    p99_task_latency_s: float | None
    energy_per_task_j: float | None
    calls_per_task: float | None
    output_tokens_per_task: float | None
    vain_thinking_share: float | None
    overloaded: bool | None
    slo_met: bool | None = None
    refusal: str | None = None
    layout: str | None = None
    idle_machines: str | None = None
    task_set_problems: int | None = None
    accuracy_of_single: str | None = None
    accuracy_law: str | None = None

    @property
    def name(self) -> str:
        """Model, hardware and strategy."""
        devices = f"{self.devices} x " if self.devices else ""
        return f"{self.label}, {self.model} on {devices}{self.hardware}"

    @property
    def falls_short(self) -> bool:
        """Whether it serves less than it was asked to."""
        return falls_short(self.overloaded, self.slo_met)

    def reaches(self, target: float) -> bool:
        """Whether it surely is that accurate."""
        return self.accuracy_low is not None and self.accuracy_low >= target

    def may_reach(self, target: float) -> bool:
        """Whether the target lies within the interval of its accuracy."""
        return self.accuracy_high is not None and self.accuracy_high >= target and not self.reaches(target)

    def is_close_to(self, target: float) -> bool:
        """Whether less than one problem of the set lies between its accuracy and the target."""
        if self.accuracy is None or self.task_set_problems is None:
            return False
        return abs(self.accuracy - target) < 1.0 / self.task_set_problems


@dataclass(frozen=True, slots=True)
class Frontier:
    """All designs, and which of them matter.

    Attributes
    ----------
    fronts
        For each of ``WEIGHED``, those of the `standing` designs that no other beats in accuracy at as little.
    cheapest
        The cheapest of them that surely reaches the target within the budget; None where none does, or
        nothing was asked for.
    undecided
        Designs within the budget and no dearer than that whose accuracy was drawn and not to the point where
        it says whether they reach the target.
    target, budget
        What was asked for.
    """

    designs: Sequence[Weighed]
    fronts: dict[str, list[Weighed]]
    cheapest: Weighed | None
    undecided: Sequence[Weighed]
    target: float | None
    budget: float | None

    @property
    def left_out(self) -> list[Weighed]:
        """Designs of known accuracy that serve less than they were asked to, where others do not."""
        kept = standing(self.designs)
        return [one for one in self.designs if one.accuracy is not None and one not in kept]

    @property
    def all_fall_short(self) -> bool:
        """Whether every design of known accuracy serves less than it was asked to: none is left out then."""
        kept = standing(self.designs)
        return bool(kept) and all(one.falls_short for one in kept)

    @property
    def unpriced(self) -> list[str]:
        """Hardware of designs that ran, none of which has a cost: it is never the cheapest."""
        ran = [one for one in self.designs if one.refusal is None]
        priced = {one.hardware for one in ran if one.cost_per_task_usd is not None}
        return list(dict.fromkeys(one.hardware for one in ran if one.hardware not in priced))

    @property
    def only_just(self) -> bool:
        """Whether one problem of the set decides that the answer reaches the target."""
        if self.target is None or self.cheapest is None:
            return False
        return self.cheapest.is_close_to(self.target)

    @property
    def close_calls(self) -> list[Weighed]:
        """Designs that would be the answer if one problem of the set had come out otherwise.

        Those on the front of cost that are cheaper and only just miss the target; and, where the answer
        itself only just reaches it, the cheapest that reaches it by more.
        """
        if self.target is None:
            return []
        most = self.budget if self.cheapest is None else self.cheapest.cost_per_task_usd
        line = [one for one in self.fronts["cost_per_task_usd"] if one is not self.cheapest]
        near = [one for one in line if _affordable(one, most) and one.is_close_to(self.target)]
        return near if self.runner_up is None else [*near, self.runner_up]

    @property
    def runner_up(self) -> Weighed | None:
        """The cheapest that reaches the target by a problem or more, where the answer only just does."""
        if self.target is None or not self.only_just:
            return None
        kept = standing(self.designs)
        surer = [one for one in kept if one.reaches(self.target) and not one.is_close_to(self.target)]
        within = [one for one in surer if _affordable(one, self.budget)]
        return min(within, key=lambda one: one.cost_per_task_usd or 0.0, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "target_accuracy": self.target,
            "budget_usd_per_task": self.budget,
            "cheapest": None if self.cheapest is None else _named(self.cheapest),
            "undecided": [one.name for one in self.undecided],
            "only_just": self.only_just,
            "close_calls": [one.name for one in self.close_calls],
            "unpriced": self.unpriced,
            "left_out": [one.name for one in self.left_out],
            "all_fall_short": self.all_fall_short,
            "fronts": {key: [one.name for one in front] for key, front in self.fronts.items()},
            "designs": [_named(one) for one in self.designs],
        }


def _named(one: Weighed) -> dict[str, Any]:
    return {"name": one.name, **asdict(one)}


def weigh(
    designs: Sequence[Design],
    *,
    target: float | None = None,
    budget: float | None = None,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> Frontier:
    """Simulate all designs, each in a process of its own."""
    found = in_processes(_weighed, designs, jobs=jobs, backend=backend, progress=progress)
    kept = standing(found)
    fronts = {key: front(kept, key) for key, _, _ in WEIGHED}
    best = cheapest(kept, target, budget)
    return Frontier(found, fronts, best, undecided(kept, target, budget, best), target, budget)


def standing(designs: Sequence[Weighed]) -> list[Weighed]:
    """Designs of known accuracy that serve what they were asked to; all of known accuracy where none does."""
    judged = [one for one in designs if one.accuracy is not None]
    return [one for one in judged if not one.falls_short] or judged


def front(designs: Sequence[Weighed], key: str) -> list[Weighed]:
    """Designs that none beats in accuracy at as little of ``key``, by rising ``key``."""
    known = [one for one in designs if one.accuracy is not None and getattr(one, key) is not None]
    known.sort(key=lambda one: (getattr(one, key), -(one.accuracy or 0.0)))
    best, kept = -1.0, []
    for one in known:
        if (one.accuracy or 0.0) > best + _ALIKE:
            best = one.accuracy or 0.0
            kept.append(one)
    return kept


def cheapest(designs: Sequence[Weighed], target: float | None, budget: float | None) -> Weighed | None:
    """The cheapest that surely reaches the target within the budget; without a target, the most accurate."""
    within = [one for one in designs if one.accuracy is not None and _affordable(one, budget)]
    if target is not None:
        reaching = [one for one in within if one.reaches(target)]
        return min(reaching, key=lambda one: one.cost_per_task_usd or 0.0, default=None)
    if budget is None:
        return None
    best = max((one.accuracy or 0.0 for one in within), default=0.0)
    alike = [one for one in within if (one.accuracy or 0.0) >= best - _ALIKE]
    return min(alike, key=lambda one: one.cost_per_task_usd or 0.0, default=None)


def undecided(
    designs: Sequence[Weighed], target: float | None, budget: float | None, best: Weighed | None
) -> list[Weighed]:
    """Those that would be the cheapest if they reach the target, which their interval leaves open."""
    if target is None:
        return []
    least = budget if best is None else best.cost_per_task_usd
    return [one for one in designs if one.may_reach(target) and _affordable(one, least)]


def _affordable(one: Weighed, budget: float | None) -> bool:
    """Whether its cost is known and within the budget."""
    return one.cost_per_task_usd is not None and (budget is None or one.cost_per_task_usd <= budget)


def _weighed(design: Design) -> Weighed:
    if design.scenario is None:
        return _refused(design, design.refusal or "cannot run")
    try:
        right, judge, unknown = _accuracy(design.scenario)
        result = run_scenario(design.scenario)
    except InputError as error:
        return _refused(design, str(error))
    summary, figures = result.summary, result.to_dict()
    return Weighed(
        model=design.model,
        hardware=design.hardware,
        devices=figures["devices"],
        strategy=design.strategy.kind,
        label=design.label,
        accuracy=None if right is None else right.share,
        accuracy_low=None if right is None else right.low,
        accuracy_high=None if right is None else right.high,
        accuracy_basis=None if judge is None else judge.basis,
        accuracy_unknown=unknown,
        cost_per_task_usd=figures["cost_per_task_usd"],
        p50_task_latency_s=_seconds(figures["p50_task_e2el_ms"]),
        p99_task_latency_s=_seconds(figures["p99_task_e2el_ms"]),
        energy_per_task_j=figures["energy_per_task_j"],
        calls_per_task=figures["calls_per_task"],
        output_tokens_per_task=figures["output_tokens_per_task"],
        vain_thinking_share=figures["vain_thinking_share"],
        overloaded=figures["overloaded"],
        slo_met=figures["slo_met"],
        task_set_problems=None if right is None else _problems(design.scenario),
        accuracy_of_single=None if judge is None else judge.single,
        accuracy_law=None if judge is None else judge.law,
        layout=in_words(only_pool(design.scenario).parallelism),
        idle_machines=idle_machines(result.context, summary.pools, summary.load, summary.tasks),
    )


def _accuracy(scenario: Scenario) -> tuple[ExpectedRight | None, TaskSetJudge | None, str | None]:
    """Expected accuracy and the judge that it rests on, or neither and why."""
    reasoning = scenario.reasoning
    assert reasoning is not None  # every design has one
    if reasoning.quality is None:
        return (
            None,
            None,
            f"no accuracy of single answers is given for {scenario.model.card} (reasoning.quality)",
        )
    judge = build_judge(reasoning.of_model(load_model(scenario.model.card).id))
    if not isinstance(judge, TaskSetJudge):
        return None, None, no_law_of(reasoning.strategy)
    expected = expected_accuracy(reasoning.strategy, judge, RandomStreams(scenario.seed))
    if expected is None:
        return None, None, no_law_of(reasoning.strategy)
    return expected, judge, None


def _problems(scenario: Scenario) -> int | None:
    reasoning = scenario.reasoning
    return None if reasoning is None or reasoning.quality is None else problems_of(reasoning.quality.task_set)


def _refused(design: Design, why: str) -> Weighed:
    return Weighed(
        model=design.model,
        hardware=design.hardware,
        devices=None,
        strategy=design.strategy.kind,
        label=design.label,
        accuracy=None,
        accuracy_low=None,
        accuracy_high=None,
        accuracy_basis=None,
        accuracy_unknown=None,
        cost_per_task_usd=None,
        p50_task_latency_s=None,
        p99_task_latency_s=None,
        energy_per_task_j=None,
        calls_per_task=None,
        output_tokens_per_task=None,
        vain_thinking_share=None,
        overloaded=None,
        refusal=why,
    )


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1e3
