"""Runs of steps in closed form: the same as lists of their ends."""

from __future__ import annotations

import random
from bisect import bisect_left
from itertools import accumulate

import pytest

from simulator.engine.runs import Run, end_of, executing, lasting_ns
from simulator.results.step_log import NO_GROWTH


def test_a_run_lasts_as_long_as_its_steps_together():
    assert [lasting_ns(steps, 10, 3) for steps in range(5)] == [0, 10, 23, 39, 58]


@pytest.mark.parametrize("seed", range(50))
def test_runs_agree_with_the_list_of_their_ends(seed):
    runs, ends = random_runs(random.Random(seed))
    for time_ns in (runs[0][0], *(end + shift for end in ends for shift in (-1, 0, 1))):
        passed = bisect_left(ends, time_ns)
        assert executing(runs, time_ns) == (passed, ends[min(passed, len(ends) - 1)])
    assert [end_of(runs, steps + 1) for steps in range(len(ends))] == ends
    with pytest.raises(IndexError):
        end_of(runs, len(ends) + 1)


def test_long_runs_are_exact():
    """Where floating point alone would be a step off."""
    run = (5_000_000_000_000_017, 1_000_000, 8_000_003, 7, NO_GROWTH, b"")
    for steps in (1, 2, 77_777, 999_999):
        end = run[0] + lasting_ns(steps, 8_000_003, 7)
        assert executing([run], end)[0] == steps - 1
        assert executing([run], end + 1)[0] == steps


@pytest.mark.parametrize(("steps", "first", "growth"), [(3, 200, -75), (10, 200, -21), (2, 100, -99)])
def test_runs_may_fall_steeply(steps, first, growth):
    ends = list(accumulate(first + growth * i for i in range(steps)))
    for time_ns in range(1, ends[-1] + 1):
        passed = bisect_left(ends, time_ns)
        assert executing([(0, steps, first, growth, NO_GROWTH, b"")], time_ns) == (passed, ends[passed])


def random_runs(draw: random.Random) -> tuple[list[Run], list[int]]:
    """Some runs one behind the other, growing, even and falling ones, and the end of every step."""
    runs: list[Run] = []
    ends: list[int] = []
    begin = draw.randrange(10**12)
    for _ in range(draw.randint(1, 4)):
        steps = draw.choice([1, 2, 40])
        growth = draw.choice([0, 0, 1, 600, 10**6, -3])
        first = draw.choice([200, 8_000_000])
        runs.append((begin, steps, first, growth, NO_GROWTH, b""))
        ends += [begin + total for total in accumulate(first + growth * i for i in range(steps))]
        begin = ends[-1]
    return runs, ends
