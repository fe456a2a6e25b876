"""The designs that no other beats in everything that is weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import InputError, nearest
from simulator.planning.sweep.designs import Design

#: What is weighed unless said otherwise, where the designs know it: cost, latency, energy, quality.
WEIGHED = ("cost_per_million_output_tokens_usd", "p99_e2el_ms", "energy_per_output_token_j", "accuracy")
#: Figures of the summary of which more is better; of all others less is.
MORE_IS_BETTER = frozenset(
    {
        "accuracy",
        "accuracy_high",
        "accuracy_low",
        "cached_tokens_per_task",
        "completed",
        "max_output_tokens_per_s",
        "output_throughput",
        "prefix_cache_hit_rate",
        "request_goodput",
        "request_throughput",
        "slo_attainment",
        "slo_attainment_e2el",
        "slo_attainment_tpot",
        "slo_attainment_ttft",
        "spec_decode_acceptance_length",
        "spec_decode_acceptance_rate",
        "spec_decode_accepted_tokens",
        "sustained_request_rate",
        "tasks_answered",
        "tokens_per_s_user",
        "total_token_throughput",
    }
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that should be small, or large."""

    key: str
    large: bool

    def cost(self, value: float) -> float:
        """The value so that less is better."""
        return -value if self.large else value


def goals_of(text: str | None, designs: Sequence[Design]) -> list[Goal]:
    """Goals from ``cost_per_hour_usd,p99_ttft_ms``; the usual ones without a text.

    Raises
    ------
    InputError
        Where no design has the figure.
    """
    known = {key for design in designs for record in design.records for key in record.figures}
    if text is None:
        keys = [key for key in WEIGHED if any(design.mean(key) is not None for design in designs)]
    else:
        keys = [key.strip() for key in text.split(",") if key.strip()]
        for key in keys:
            if known and key not in known:
                raise InputError(f"no figure {key!r} in the results{nearest(key, known)}", file="--pareto")
    return [goal_of(key) for key in keys]


def goal_of(key: str) -> Goal:
    """A figure to make small, or large where more of it is better."""
    return Goal(key, key in MORE_IS_BETTER)


def pareto_front(designs: Sequence[Design], goals: Sequence[Goal]) -> list[Design]:
    """Designs that know every goal's figure and that none beats: none at least as good in all, better in one.

    Designs that serve less than they were asked to (overloaded, or short of their objectives) stay out where
    any other does not.
    """
    sound = [design for design in designs if design.records and is_sound(design)]
    rated = [
        (
            design,
            tuple(goal.cost(value) for goal, value in zip(goals, values, strict=True) if value is not None),
        )
        for design in sound or [one for one in designs if one.records]
        if None not in (values := [design.mean(goal.key) for goal in goals])
    ]
    return [one for one, costs in rated if not any(_beats(other, costs) for _, other in rated)]


def is_sound(design: Design) -> bool:
    """Whether a design serves what it was asked to within its objectives, under every seed."""
    runs = [record.figures for record in design.records]
    return not any(falls_short(run.get("overloaded"), run.get("slo_met")) for run in runs)


def falls_short(overloaded: bool | None, slo_met: bool | None) -> bool:
    """Whether a run serves less than it was asked to: its queue grows, or it misses its objectives."""
    return bool(overloaded) or slo_met is False


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
