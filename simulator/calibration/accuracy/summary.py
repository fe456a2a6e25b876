"""From single comparisons to the error figures that are shipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from simulator.calibration.accuracy.comparisons import Comparison, Found, Refused
from simulator.results.accuracy import METRICS, Accuracy, ErrorGroup, Spread

#: Reasons that are told one by one, and the length of one.
MOST_REASONS = 15
LONGEST_REASON = 160
_ORDER = ("light", "medium", "heavy", "overloaded")


def updated(old: Accuracy, unit: str, found: Iterable[Found]) -> Accuracy:
    """The figures with those of one unit of data (runs, public figures or a source of points) anew."""
    kept = [group for group in old.groups if unit not in (group.kind, group.source)]
    groups, refused = _summarised(found)
    reasons = {name: counts for name, counts in old.not_simulated.items() if name != unit}
    if refused:
        reasons[unit] = _most_common(refused)
    return old.model_copy(
        update={"groups": tuple(sorted([*kept, *groups], key=_place)), "not_simulated": reasons}
    )


def _place(group: ErrorGroup) -> tuple[str, str, str, str, int]:
    return (group.device, group.model_class, group.kind, group.source, _ORDER.index(group.load))


def _summarised(found: Iterable[Found]) -> tuple[list[ErrorGroup], Counter[str]]:
    """Error figures by device, class of model, kind of data, source and load; and why there are no others."""
    groups: dict[tuple[str, ...], list[Comparison]] = {}
    refused: Counter[str] = Counter()
    for one in found:
        if isinstance(one, Refused):
            refused[_short(one.reason)] += 1
        else:
            groups.setdefault((one.device, one.model_class, one.kind, one.source, one.load), []).append(one)
    return [_group(members) for members in groups.values()], refused


def _group(members: list[Comparison]) -> ErrorGroup:
    first = members[0]
    in_flight = [one.in_flight for one in members]
    by_metric = {
        name: [one.error for one in members if one.metric == name]
        for name in METRICS
        if any(one.metric == name for one in members)
    }
    return ErrorGroup(
        device=first.device,
        model_class=first.model_class,
        load=first.load,
        kind=first.kind,
        in_flight=(round(min(in_flight), 1), round(max(in_flight), 1)),
        models=tuple(sorted({one.model for one in members})),
        source=first.source,
        errors={name: spread_of(errors) for name, errors in by_metric.items()},
    )


def spread_of(errors: Sequence[float]) -> Spread:
    """Median and 90th percentile of the sizes of relative errors."""
    sizes = np.abs(np.array(errors))
    return Spread(
        median=round(float(np.median(sizes)), 4),
        p90=round(float(np.percentile(sizes, 90)), 4),
        count=len(sizes),
    )


def _most_common(refused: Counter[str]) -> dict[str, int]:
    """The most frequent reasons; what is left is counted together."""
    kept = dict(refused.most_common(MOST_REASONS))
    left = refused.total() - sum(kept.values())
    return kept | ({"other reasons": left} if left else {})


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 3] + "..."
