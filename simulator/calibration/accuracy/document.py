"""``docs/validation.md``, written from the stored error figures."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.calibration.accuracy.limits import LIMITS
from simulator.results.accuracy import METRICS, Accuracy, ErrorGroup, Protocol, Spread

_INTRODUCTION = """\
# Validation

How far predictions are off where they could be compared with measurements. This file is written by a
command from the figures in `validation/errors.yaml`, which results show as their error bars:

    python -m simulator.calibration.accuracy ../shared              # compares everything again, writes both
    python -m simulator.calibration.accuracy ../shared runs         # only the runs (or a source of points)
    python -m simulator.calibration.accuracy --document             # this file from the stored figures

The measured rows of others stay outside the project; what is stored here are errors, counts and sources.
State: {date}.

## Method

- **Runs** (`simulator validate RUN...`): the load of a real serving run, request by request where it was
  published, goes through the simulator's own server: vLLM's scheduler, KV cache and prefix cache exactly as
  the run configured them, steps priced by the shipped constants of the device. Compared are TTFT, TPOT and
  end-to-end time of the whole run, and where power was logged the draw in each ten seconds, at the wall and
  of the devices (`simulator validate RUN` prints it in windows of 1, 10 and 60 seconds).
- **Operating points** (`simulator validate --points FILE...`): steady states that somebody measured (so
  many requests in flight, so long prompts and outputs). What a source leaves open (prompt lengths, engine
  version, sampling) is assumed the same way for all of its rows; the assumptions stand in
  `simulator/calibration/points/sources/`. Their errors contain those assumptions.
  Of files with more than 900 points every so many-th is compared.
- **Public figures** (`simulator validate --facts`): what vendors and reviewers published about other
  hardware. Only rows that no constant was fitted to are counted here.
- The error is predicted over measured minus one. Given are the median of its size over all comparisons of a
  group, the 90th percentile in parentheses, and how many there were. Overloaded runs have no steady state
  and stand apart. Nothing is dropped silently: what was not simulated is counted with its reason at the
  end.
- Loads: *light* up to 8 requests in flight at one replica, *medium* up to 64, *heavy* more.

"""

_PROTOCOL = """\
## Left out of the fit

Constants come from operator tables (`python -m simulator.calibration.operators`), which contain no serving
data. Those that only whole engines show (host work, launches, sampling, API server, how real prompts choose
experts, power) are fitted to runs and points. So that no figure is fitted to what it is scored on, one
family is left out in turn, the constants are fitted to the others, and the family left out is predicted.
`simulator validate ../shared/traces/runs --check` holds the medians of runs to the bounds in
`validation/thresholds.yaml`.

"""


_GROUPS = """\
## By device, class of model and load

Runs as above, with nothing fitted to them; points and public figures with the constants that ship.

"""


def document(accuracy: Accuracy) -> str:
    """The whole file."""
    parts = [_INTRODUCTION.format(date=accuracy.date)]
    if accuracy.protocols:
        parts.append(_PROTOCOL)
        parts += [f"{text}\n" for text in _protocols(accuracy.protocols)]
        parts.append(LIMITS)
    parts.append(_GROUPS)
    parts += [f"{text}\n" for text in _groups(accuracy.groups)]
    parts += _not_simulated(accuracy.not_simulated)
    return "".join(parts).rstrip("\n") + "\n"


def _protocols(protocols: tuple[Protocol, ...]) -> Iterator[str]:
    metrics = _used([protocol.errors for protocol in protocols])
    yield _row("data", "left out in turn", *(METRICS[name] for name in metrics))
    yield _rule(len(metrics) + 2)
    for protocol in protocols:
        cells = [_with_target(protocol, name) for name in metrics]
        yield _row(protocol.title, protocol.what, *cells)
    notes = [f"- {protocol.title}: {protocol.note}" for protocol in protocols if protocol.note]
    yield ""
    yield from notes
    if notes:
        yield ""


def _with_target(protocol: Protocol, name: str) -> str:
    spread = protocol.errors.get(name)
    if spread is None:
        return ""
    target = protocol.targets.get(name)
    return _cell(spread) + ("" if target is None else f"; target {100 * target:g} %")


def _groups(groups: tuple[ErrorGroup, ...]) -> Iterator[str]:
    metrics = _used([group.errors for group in groups])
    yield _row("device", "models", "data", "load", *(METRICS[name] for name in metrics))
    yield _rule(len(metrics) + 4)
    for group in groups:
        low, high = group.in_flight
        load = f"{group.load}, {low:.0f} to {high:.0f}" if group.kind != "public figures" else ""
        cells = [_cell(group.errors.get(name)) for name in metrics]
        yield _row(group.device, group.model_class, f"{group.kind} ({group.source})", load, *cells)
    yield ""


def _not_simulated(reasons: dict[str, dict[str, int]]) -> Iterator[str]:
    if not reasons:
        return
    yield "## Not simulated\n\n"
    yield f"{_row('data', 'reason', 'rows')}\n{_rule(3)}\n"
    for unit, counts in reasons.items():
        for reason, count in counts.items():
            yield f"{_row(unit, reason.replace('|', '/'), f'{count:,}')}\n"


def _used(errors: list[dict[str, Spread]]) -> list[str]:
    return [name for name in METRICS if any(name in one for one in errors)]


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{100 * spread.median:.1f} % ({100 * spread.p90:.0f} %), {spread.count:,}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return f"|{' --- |' * columns}"
