"""Runs many searches at once over the cores of this machine.

A search is a generator: it asks for simulations, and goes on when all of them are there. While one waits,
others keep the cores busy. A simulation that is impossible raises its `InputError` in the search, which may
go on without it; a search that does not ends with that as its answer.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from simulator.errors import InputError
from simulator.planning.run_many import Done

Question = TypeVar("Question")
Reply = TypeVar("Reply")
Answer = TypeVar("Answer")
Searching = Generator[list[Question], list[Reply], Answer]


@dataclass(slots=True)
class _Asked(Generic[Question, Reply, Answer]):
    """What a search waits for, and the replies it has."""

    index: int
    search: Searching[Question, Reply, Answer]
    questions: list[Question]
    replies: list[Any] = field(init=False)
    missing: int = field(init=False)
    refused: bool = False

    def __post_init__(self) -> None:
        self.replies = [None] * len(self.questions)
        self.missing = len(self.questions)


def run_searches(
    searches: Sequence[Searching[Question, Reply, Answer]],
    answer: Callable[[Question], Reply],
    *,
    jobs: int | None = None,
    progress: Done | None = None,
) -> list[Answer | InputError]:
    """What every search returns, in order.

    Parameters
    ----------
    answer
        Answers one question, in a worker process; defined at the top of a module.
    jobs
        Processes at once; default: one per core. With one there is no process but this one.
    progress
        Called with how many searches are over, and of how many.
    """
    workers = jobs or os.cpu_count() or 1
    if workers == 1:
        return _one_after_the_other(searches, answer, progress)
    # joblib's own processes, asked one by one: what comes next depends on what came back.
    from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(max_workers=workers) as executor:
        return _side_by_side(searches, answer, executor.submit, workers, progress)


def run_alone(search: Searching[Question, Reply, Answer], answer: Callable[[Question], Reply]) -> Answer:
    """What one search returns, its questions answered in this process one after another.

    Raises
    ------
    InputError
        Where the search does, or an answer.
    """
    go_on: Callable[[], list[Question]] = partial(next, search)
    while True:
        try:
            questions = go_on()
        except StopIteration as end:
            found: Answer = end.value
            return found
        try:
            go_on = partial(search.send, [answer(question) for question in questions])
        except InputError as error:
            go_on = partial(search.throw, error)


def _one_after_the_other(
    searches: Sequence[Searching[Question, Reply, Answer]],
    answer: Callable[[Question], Reply],
    progress: Done | None,
) -> list[Answer | InputError]:
    answers: list[Answer | InputError] = []
    for search in searches:
        try:
            answers.append(run_alone(search, answer))
        except InputError as error:
            answers.append(error)
        if progress is not None:
            progress(len(answers), len(searches))
    return answers


def _side_by_side(
    searches: Sequence[Searching[Question, Reply, Answer]],
    answer: Callable[[Question], Reply],
    submit: Callable[..., Future[Any]],
    workers: int,
    progress: Done | None,
) -> list[Answer | InputError]:
    answers: dict[int, Answer | InputError] = {}
    waiting: deque[tuple[_Asked[Question, Reply, Answer], int]] = deque()
    running: dict[Future[Any], tuple[_Asked[Question, Reply, Answer], int]] = {}

    def proceed(
        index: int, search: Searching[Question, Reply, Answer], go_on: Callable[[], list[Question]]
    ) -> None:
        try:
            asked = _Asked(index, search, go_on())
        except StopIteration as end:
            answers[index] = end.value
        except InputError as error:
            answers[index] = error
        else:
            waiting.extend((asked, position) for position in range(len(asked.questions)))
            return
        if progress is not None:
            progress(len(answers), len(searches))

    for index, search in enumerate(searches):
        proceed(index, search, partial(next, search))
    while waiting or running:
        # One more than there are workers lies ready, so that none waits for this process.
        while waiting and len(running) < workers + 1:
            one, position = waiting.popleft()
            running[submit(answer, one.questions[position])] = (one, position)
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            one, position = running.pop(future)
            if one.refused:
                continue
            try:
                one.replies[position] = future.result()
            except InputError as error:
                one.refused = True
                waiting = deque(item for item in waiting if item[0] is not one)
                proceed(one.index, one.search, partial(one.search.throw, error))
                continue
            one.missing -= 1
            if one.missing == 0:
                proceed(one.index, one.search, partial(one.search.send, one.replies))
    return [answers[index] for index in range(len(searches))]
