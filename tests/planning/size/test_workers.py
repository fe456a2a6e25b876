"""Searches side by side: each goes on when what it asked for is there, or learns that it can not be."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.size.workers import run_alone, run_searches


def half(number):
    """Half of an even number; of others there is none."""
    if number % 2:
        raise InputError(f"{number} is odd")
    return number // 2


def first_of(*questions):
    """Asks one after another until one has answers; what could not be answered stands beside them."""
    refused = []
    for question in questions:
        try:
            replies = yield list(question)
        except InputError as error:
            refused.append(error.message)
        else:
            return replies, refused
    raise InputError("none")


def careless(*question):
    """Asks once, and does not reckon with what can not be."""
    return (yield list(question))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_search_goes_on_without_what_is_impossible(jobs):
    searches = [
        first_of((4, 3, 8), (6, 2)),
        careless(2, 4, 8),
        careless(10, 5, 12, 14),
        first_of((1,), (3,)),
        first_of((1,), (3,), (10, 12)),
    ]
    told = []
    done = run_searches(searches, half, jobs=jobs, progress=lambda count, total: told.append((count, total)))
    assert done[0] == ([3, 1], ["3 is odd"])
    assert done[1] == [1, 2, 4]
    assert isinstance(done[2], InputError) and done[2].message == "5 is odd"
    assert isinstance(done[3], InputError) and done[3].message == "none"
    assert done[4] == ([5, 6], ["1 is odd", "3 is odd"])
    assert told == [(count, 5) for count in range(1, 6)]


def test_a_search_alone_learns_of_it_too():
    assert run_alone(first_of((1, 2), (4,)), half) == ([2], ["1 is odd"])
    with pytest.raises(InputError, match="7 is odd"):
        run_alone(careless(2, 7), half)
