"""What test-time compute did: tasks, their latency and cost, what was thought in vain, what was right.

Latencies are of the tasks that arrived in the measured time; rates, cost and energy are of those answered
in it, as for requests. The interval of the accuracy is Wilson's for the tasks simulated: it says how many
were drawn, not how sure the published figure is that they were drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from simulator.results.distributions import Distribution, distribution_of, keys_of
from simulator.results.latencies import defined
from simulator.results.ranges import Range, named, per
from simulator.results.recording import NEVER, UNKNOWN, Floats, Ints, TaskRecording

#: Standard score of a 95 % interval.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class AnswersRight:
    """Share of the judged tasks that were answered right, with a 95 % interval."""

    share: float
    low: float
    high: float
    tasks: int


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """Figures over tasks; sums are over the calls of the tasks that ended in the measured time.

    ``cut_by_depth`` tasks were searched by trees that end before the thinking does.
    """

    strategy: str
    basis: str
    ended: int
    answered: int
    unfinished: int
    calls: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    thinking_tokens: int
    vain_tokens: int
    cut_by_depth: int
    waited_s: float
    latency: Distribution | None
    first_token: Distribution | None
    first_answer: Distribution | None
    accuracy: AnswersRight | None
    cost: Range | None
    energy_j: float | None

    def per_task(self, amount: float | None) -> float | None:
        """A sum, per ended task."""
        return None if amount is None or not self.ended else amount / self.ended

    @property
    def vain_share(self) -> float | None:
        """Share of the thinking that no answer rests on."""
        return self.vain_tokens / self.thinking_tokens if self.thinking_tokens else None


def tasks_of(
    recording: TaskRecording | None, warmup_ns: int, cost: Range | None, energy_j: float | None
) -> TaskSummary | None:
    """The figures of a run's tasks, None where there are none.

    Parameters
    ----------
    cost, energy_j
        Of the measured time, to be spread over the tasks that ended in it [USD, J].
    """
    if recording is None:
        return None
    tasks = recording.columns
    ended = tasks.finish_ns >= warmup_ns
    measured = (tasks.arrival_ns >= warmup_ns) & (tasks.answered == 1)
    count = int(ended.sum())

    def spread(end_ns: Ints) -> Distribution | None:
        return distribution_of(defined(_between(tasks.arrival_ns[measured], end_ns[measured])))

    def total(column: Ints) -> int:
        return int(column[ended].sum())

    return TaskSummary(
        strategy=recording.strategy,
        basis=recording.quality,
        ended=count,
        answered=total(tasks.answered),
        unfinished=recording.unfinished,
        calls=total(tasks.calls),
        prompt_tokens=total(tasks.prompt_tokens),
        cached_tokens=total(tasks.cached_tokens),
        output_tokens=total(tasks.output_tokens),
        thinking_tokens=total(tasks.thinking_tokens),
        vain_tokens=total(tasks.vain_tokens),
        cut_by_depth=total(tasks.cut_by_depth),
        waited_s=total(tasks.wait_ns) / 1e9,
        latency=spread(tasks.finish_ns),
        first_token=spread(tasks.first_token_ns),
        first_answer=spread(tasks.first_answer_ns),
        accuracy=accuracy_of(tasks.right[ended]),
        cost=per(cost, count),
        energy_j=energy_j / count if energy_j is not None and count else None,
    )


def accuracy_of(right: Ints) -> AnswersRight | None:
    """Share of right verdicts among those given; None where none is."""
    judged = right[right != UNKNOWN]
    n = len(judged)
    if n == 0:
        return None
    share = float(judged.mean())
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return AnswersRight(share, max(middle - half, 0.0), min(middle + half, 1.0), n)


def task_keys(tasks: TaskSummary | None) -> dict[str, Any]:
    """Flat keys of the summary; all None where no strategy ran."""
    latencies = {
        "task_e2el": None if tasks is None else tasks.latency,
        "task_ttft": None if tasks is None else tasks.first_token,
        "task_ttfat": None if tasks is None else tasks.first_answer,
    }
    accuracy = None if tasks is None else tasks.accuracy

    def mean(name: str) -> float | None:
        return None if tasks is None else tasks.per_task(getattr(tasks, name))

    return {
        "strategy": None if tasks is None else tasks.strategy,
        "num_tasks": None if tasks is None else tasks.ended,
        "tasks_answered": None if tasks is None else tasks.answered,
        "tasks_unfinished": None if tasks is None else tasks.unfinished,
        "tasks_cut_by_depth": None if tasks is None else tasks.cut_by_depth,
        **keys_of(latencies),
        "calls_per_task": mean("calls"),
        "prompt_tokens_per_task": mean("prompt_tokens"),
        "cached_tokens_per_task": mean("cached_tokens"),
        "output_tokens_per_task": mean("output_tokens"),
        "thinking_tokens_per_task": mean("thinking_tokens"),
        "vain_thinking_tokens_per_task": mean("vain_tokens"),
        "vain_thinking_share": None if tasks is None else tasks.vain_share,
        "tool_wait_s_per_task": mean("waited_s"),
        **named("cost_per_task_usd", None if tasks is None else tasks.cost),
        "energy_per_task_j": None if tasks is None else tasks.energy_j,
        "accuracy": None if accuracy is None else accuracy.share,
        "accuracy_low": None if accuracy is None else accuracy.low,
        "accuracy_high": None if accuracy is None else accuracy.high,
        "accuracy_basis": None if tasks is None or not tasks.basis else tasks.basis,
    }


def _between(start_ns: Ints, end_ns: Ints) -> Floats:
    """Time from start to end [ms], NaN where the end never came."""
    return np.where(end_ns == NEVER, np.nan, (end_ns - start_ns) / 1e6)
