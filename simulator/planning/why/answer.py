"""Why one scenario comes out as it does, ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.planning.designs import changed
from simulator.planning.run_many import Done
from simulator.planning.why.attribution import PHASES, Attribution, attribute
from simulator.planning.why.changes import AS_IT_IS, SEEDS, Change, ranked_changes
from simulator.planning.why.headroom import Headroom, headroom_of
from simulator.planning.why.worst import WorstRequest, worst_request
from simulator.reporting import numbers as show
from simulator.reporting.table import Table
from simulator.results.result import Result
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario
from simulator.simulation.pools import prepare_pools


@dataclass(frozen=True, slots=True)
class Reasons:
    """Where the time goes, what is left, the worst request, and what to change (None: not asked)."""

    result: Result
    attribution: Attribution
    headroom: tuple[Headroom, ...]
    worst: WorstRequest | None
    changes: tuple[Change, ...] | None

    @property
    def bottleneck(self) -> tuple[str, str] | None:
        """Phase and cause with the most time; None where nothing finished."""
        found = [
            (share, phase, cause)
            for phase, causes in self.attribution.shares().items()
            for cause, share in causes.items()
        ]
        return max(found)[1:] if found else None

    @property
    def rate_headroom(self) -> float | None:
        """How much more load the design holds, as a share of the present one; None where not asked."""
        base = next((one for one in self.changes or () if one.what == AS_IT_IS), None)
        arriving = self.result.summary.load.arrival_rate
        return None if base is None or base.rate is None or not arriving else base.rate / arriving - 1

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = self.bottleneck
        return {
            "scenario": self.result.context.scenario,
            "bottleneck": None if found is None else {"phase": found[0], "cause": found[1]},
            "attribution": self.attribution.shares(),
            "over_time": self.attribution.over_time(),
            "rate_headroom": self.rate_headroom,
            "headroom": [one.to_dict() for one in self.headroom],
            "worst_request": None if self.worst is None else self.worst.to_dict(),
            "changes": None if self.changes is None else [one.to_dict() for one in self.changes],
        }

    def tables(self) -> list[Table]:
        """For the screen."""
        tables = [self._where_time_goes(), self._headroom()]
        if self.worst is not None:
            tables.append(_worst_table(self.worst))
        if self.changes is not None:
            tables.append(_changes_table(self.changes))
        return tables

    def _where_time_goes(self) -> Table:
        shares = self.attribution.shares()
        causes = [cause for cause in self.attribution.causes if any(cause in shares[p] for p in PHASES)]
        rows = []
        for phase in PHASES:
            cells = (show.percent(shares[phase].get(cause, 0.0)) for cause in causes)
            rows.append((phase, show.percent(sum(shares[phase].values())), *cells))
        note = "share of the time of all requests, by what it was spent on"
        return Table("Where the time goes", ("", "all", *causes), tuple(rows), note)

    def _headroom(self) -> Table:
        rows = tuple(
            (one.pool, *(map(show.percent, (one.time, one.kv_cache, one.kv_cache_at_peak, one.seats))))
            for one in self.headroom
        )
        header = ("", "time", "KV cache", "KV cache at peak", "seats")
        return Table("Headroom", header, rows, "what is left of each, in the mean")


def reasons_of(
    scenario: Scenario, *, with_changes: bool, jobs: int | None = None, progress: Done | None = None
) -> Reasons:
    """Simulate a scenario with all its steps and say why it comes out so.

    Parameters
    ----------
    with_changes
        Also try single changes; the scenario must have objectives and a rate.
    progress
        Called with how many changes are tried, and of how many.
    """
    recorded = changed(scenario, record="steps")
    result = run_scenario(recorded)
    pools = prepare_pools(recorded)
    attribution = attribute(result, pools)
    return Reasons(
        result=result,
        attribution=attribution,
        headroom=tuple(headroom_of(result, index, pool) for index, pool in enumerate(pools)),
        worst=worst_request(result, attribution),
        changes=tuple(ranked_changes(scenario, jobs=jobs, progress=progress)) if with_changes else None,
    )


def _worst_table(worst: WorstRequest) -> Table:
    rows = [(f"{show.milliseconds(time * 1e3)}", what) for time, what in worst.events]
    for phase, causes in worst.causes.items():
        spent = sorted(causes.items(), key=lambda item: -item[1])[:3]
        words = ", ".join(f"{cause} {show.milliseconds(value * 1e3)}" for cause, value in spent)
        rows.append((phase, words or show.NOTHING))
    title = f"Worst request: {worst.request}, {worst.prompt_tokens} + {worst.output_tokens} tokens"
    return Table(title, ("after", ""), tuple(rows))


def _changes_table(changes: tuple[Change, ...]) -> Table:
    rows = tuple(
        (
            one.what,
            show.number(one.rate, "/s"),
            show.dollars(one.usd_per_million),
            one.reason or _saving(one),
        )
        for one in changes
    )
    note = f"highest rate within the objectives, and cost of a million requests at it; {SEEDS} seeds, 95 %"
    return Table("Next change", ("", "holds", "USD/M requests", "saves"), rows, note)


def _saving(change: Change) -> str:
    """What a change saves, with its interval; words where that is none."""
    if change.what == AS_IT_IS or change.saves is None:
        return show.NOTHING
    if change.saves_low is None or change.saves_high is None:
        return f"{change.saves * 100:+.0f} %"
    interval = f"{change.saves_low * 100:+.0f} to {change.saves_high * 100:+.0f} %"
    if change.within_noise:
        return f"within noise ({interval})"
    if change.not_settled:
        under = "" if change.under_every_seed is None else f", {change.under_every_seed} under each"
        return f"not settled by {SEEDS} seeds{under} ({interval})"
    return f"{change.saves * 100:+.0f} % ({interval})"
