"""Runs many searches at once over the cores of this machine.

A search is a generator: it asks for simulations, and goes on when all of them are there. While one waits,
others keep the cores busy. A search that raises `InputError` ends with that as its answer.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from simulator.errors import InputError
from simulator.planning.run_many import Done

Question = TypeVar("Question")
Reply = TypeVar("Reply")
Answer = TypeVar("Answer")
Searching = Generator[list[Question], list[Reply], Answer]


@dataclass(slots=True)
class _Open(Generic[Question, Reply, Answer]):
    """A search, what it waits for, and the replies it has."""

    index: int
    search: Searching[Question, Reply, Answer]
    questions: list[Question] = field(default_factory=list)
    replies: list[Reply | None] = field(default_factory=list)
    missing: int = 0


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
    try:
        questions = next(search)
        while True:
            questions = search.send([answer(question) for question in questions])
    except StopIteration as end:
        found: Answer = end.value
        return found


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
    waiting: deque[tuple[_Open[Question, Reply, Answer], int]] = deque()
    running: dict[Future[Any], tuple[_Open[Question, Reply, Answer], int]] = {}

    def go_on(one: _Open[Question, Reply, Answer], replies: list[Any] | None) -> None:
        try:
            one.questions = next(one.search) if replies is None else one.search.send(replies)
        except StopIteration as end:
            answers[one.index] = end.value
        except InputError as error:
            answers[one.index] = error
        else:
            one.replies = [None] * len(one.questions)
            one.missing = len(one.questions)
            waiting.extend((one, position) for position in range(len(one.questions)))
            return
        if progress is not None:
            progress(len(answers), len(searches))

    for index, search in enumerate(searches):
        go_on(_Open(index, search), None)
    while waiting or running:
        # One more than there are workers lies ready, so that none waits for this process.
        while waiting and len(running) < workers + 1:
            one, position = waiting.popleft()
            running[submit(answer, one.questions[position])] = (one, position)
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            one, position = running.pop(future)
            if one.index in answers:
                continue
            try:
                one.replies[position] = future.result()
            except InputError as error:
                answers[one.index] = error
                waiting = deque(item for item in waiting if item[0] is not one)
                if progress is not None:
                    progress(len(answers), len(searches))
                continue
            one.missing -= 1
            if one.missing == 0:
                go_on(one, one.replies)
    return [answers[index] for index in range(len(searches))]
