"""Planned runs of steps: durations at equal distances, so that when a step ends is a formula.

The first of ``steps`` steps lasts ``first_ns``, every further one ``growth_ns`` more than the one before it.
All in whole nanoseconds: the formula gives bit for bit what adding up step by step gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

#: A planned run: when it begins, how many steps, the duration of the first and the growth from step to step
#: [ns]. Then, for a step that is composed: `results.step_log.NO_GROWTH` and its row for the log; for a run of
#: decodes: which residue of the block size its first step has, the context of that step, and how many wait.
#: (A plain tuple, read by index: made and read several times per request.)
Run = tuple[Any, ...]
BEGIN, STEPS, FIRST, GROWTH, PHASE, ROW = range(6)


def lasting_ns(steps: int, first_ns: int, growth_ns: int) -> int:
    """How long so many steps last together [ns]."""
    return steps * first_ns + growth_ns * (steps * (steps - 1) >> 1)


def executing(runs: Sequence[Run], time_ns: int) -> tuple[int, int]:
    """How many steps of runs one behind the other have ended before a time, and when the next one ends [ns].

    A step that ends at that time still executes. Where all have ended, the end is that of the last.
    """
    passed = 0
    end_ns = time_ns
    for run in runs:
        begin_ns = run[BEGIN]
        first_ns = run[FIRST]
        elapsed = time_ns - begin_ns
        if elapsed <= first_ns:
            return passed, begin_ns + first_ns
        steps = run[STEPS]
        growth_ns = run[GROWTH]
        in_all = steps * first_ns + growth_ns * (steps * (steps - 1) >> 1)
        if elapsed <= in_all:
            # Ends of steps lie on a parabola: its root is right up to rounding.
            linear = first_ns - growth_ns / 2
            root = sqrt(max(linear * linear + 2 * growth_ns * elapsed, 0.0))
            ended = min(int(2 * elapsed / (linear + root)), steps - 1)
            end = lasting_ns(ended + 1, first_ns, growth_ns)
            while end < elapsed:
                ended += 1
                end += first_ns + growth_ns * ended
            while end - first_ns - growth_ns * ended >= elapsed:
                end -= first_ns + growth_ns * ended
                ended -= 1
            return passed + ended, begin_ns + end
        passed += steps
        end_ns = begin_ns + in_all
    return passed, end_ns


def end_of(runs: Sequence[Run], steps: int) -> int:
    """When the last of the first so many steps of runs one behind the other ends [ns]."""
    for run in runs:
        if steps <= run[STEPS]:
            return run[BEGIN] + lasting_ns(steps, run[FIRST], run[GROWTH])  # type: ignore[no-any-return]
        steps -= run[STEPS]
    raise IndexError("there are not so many steps")
