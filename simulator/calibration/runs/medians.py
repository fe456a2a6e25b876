"""Medians of absolute errors over the runs of a group, and of other simulators over the same runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from simulator.calibration.runs.groups import GROUPS
from simulator.calibration.runs.validation import RunReport

#: Metrics that groups are summed up by.
SUMMED_UP = (
    "e2e_mean_s",
    "e2e_p99_s",
    "ttft_mean_s",
    "ttft_p99_s",
    "tpot_mean_s",
    "output_tokens_per_s",
    "output_tokens_per_s_mean_of_seconds",
)
OURS = "this simulator"


@dataclass(frozen=True, slots=True)
class Median:
    """Median of the absolute relative error [1] over ``runs`` runs."""

    error: float
    runs: int


@dataclass(frozen=True, slots=True)
class Line:
    """One simulator on one group; ``medians`` by metric."""

    group: str
    simulator: str
    medians: dict[str, Median]


def summarise(reports: Sequence[RunReport]) -> list[Line]:
    """Lines of all groups in their order: ours first, then each peer on those of the runs that it has."""
    scored = [report for report in reports if report.reason is None and not report.overloaded]
    titles = dict.fromkeys(
        [group.title for group in GROUPS] + [title for report in scored for title in report.groups]
    )
    lines = []
    for title in titles:
        members = [report for report in scored if title in report.groups]
        if members:
            lines.append(Line(title, OURS, _medians(members, RunReport.error)))
            lines += [_peer_line(title, peer, members) for peer in _peers(members)]
    return lines


def _peers(reports: Iterable[RunReport]) -> list[str]:
    return list(dict.fromkeys(peer.simulator for report in reports for peer in report.peers))


def _peer_line(title: str, simulator: str, reports: Sequence[RunReport]) -> Line:
    def error(report: RunReport, metric: str) -> float | None:
        return next(
            (peer.errors.get(metric) for peer in report.peers if peer.simulator == simulator),
            None,
        )

    return Line(title, simulator, _medians(reports, error))


def _medians(
    reports: Sequence[RunReport], error: Callable[[RunReport, str], float | None]
) -> dict[str, Median]:
    found = {}
    for metric in SUMMED_UP:
        errors = [value for report in reports if (value := error(report, metric)) is not None]
        if errors:
            found[metric] = Median(median(map(abs, errors)), len(errors))
    return found
