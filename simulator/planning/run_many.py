"""Many simulations, each in a process of its own, results in the order of the scenarios.

Through joblib: processes of this machine, or with ``backend="ray"`` the workers of a Ray cluster (`ray` is an
optional dependency). A function given as ``reduce`` is applied where the simulation ran, so that only what
is needed travels back; it must be defined at the top of a module.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

from simulator.errors import InputError
from simulator.results.result import Result
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario

Item = TypeVar("Item")
Value = TypeVar("Value")
Backend = Literal["processes", "ray"]
#: Told how many are done, and of how many.
Done = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What became of one scenario: a value, or the message of a refusal (a model that does not fit, say)."""

    scenario: Scenario
    value: Value | None
    refusal: str | None = None


def run_many(
    scenarios: Sequence[Scenario],
    reduce: Callable[[Result], Value],
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[Outcome[Value]]:
    """Simulate scenarios and reduce every result; see `in_processes`.

    Parameters
    ----------
    reduce
        Of a result what is wanted; `keep_result` for all of it.

    Raises
    ------
    InputError
        Where Ray is asked for and not installed. What is wrong with a scenario is in its outcome.
    """
    return in_processes(partial(_simulate, reduce), scenarios, jobs=jobs, backend=backend, progress=progress)


def keep_result(result: Result) -> Result:
    """The whole result."""
    return result


def _simulate(reduce: Callable[[Result], Value], scenario: Scenario) -> Outcome[Value]:
    try:
        return Outcome(scenario, reduce(run_scenario(scenario)))
    except InputError as error:
        return Outcome(scenario, None, str(error))


def in_processes(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[Value]:
    """``function`` of every item, in the order of the items.

    Parameters
    ----------
    jobs
        Processes at once; default: one per core. With one there is no process but this one.
    progress
        Called as items are done, in order.
    """
    workers = min(jobs or os.cpu_count() or 1, max(len(items), 1))
    values: list[Value] = []
    for value in _values(function, items, workers, backend):
        values.append(value)
        if progress is not None:
            progress(len(values), len(items))
    return values


def _values(
    function: Callable[[Item], Value], items: Sequence[Item], workers: int, backend: Backend
) -> Iterator[Value]:
    if workers == 1 and backend == "processes":
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    with _backend(backend):
        parallel = Parallel(n_jobs=workers, return_as="generator")
        yield from parallel(delayed(function)(item) for item in items)


@contextmanager
def _backend(backend: Backend) -> Iterator[None]:
    if backend == "processes":
        yield
        return
    import joblib

    try:
        from ray.util.joblib import register_ray
    except ImportError:
        raise InputError("backend ray needs Ray: pip install ray") from None
    register_ray()
    with joblib.parallel_config(backend="ray"):
        yield
