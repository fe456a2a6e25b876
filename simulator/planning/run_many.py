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


class WorkersLostError(RuntimeError):
    """A worker process was killed, by hand or for want of memory."""


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
    workers = _workers(jobs, items, backend)
    values: list[Value] = []
    for value in _values(function, items, workers, backend):
        values.append(value)
        if progress is not None:
            progress(len(values), len(items))
    return values


def as_done(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
) -> Iterator[Value]:
    """``function`` of every item, each as soon as it is there: not in the order of the items.

    Raises
    ------
    WorkersLostError
        Where a worker was killed; what came before it is good.
    InputError
        Where Ray is asked for and not installed.
    """
    workers = _workers(jobs, items, backend)
    if workers == 1 and backend == "processes":
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    with _backend(backend):
        # One item at a time: a batch would come back, and be safe, only as a whole.
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        try:
            yield from parallel(delayed(function)(item) for item in items)
        except _lost() as error:
            raise WorkersLostError(type(error).__name__) from error


def _workers(jobs: int | None, items: Sequence[Item], backend: Backend) -> int:
    """Processes at once; -1 for all of a cluster."""
    if backend == "ray" and jobs is None:
        return -1
    return min(jobs or os.cpu_count() or 1, max(len(items), 1))


def _lost() -> tuple[type[BaseException], ...]:
    """What is raised where a worker was killed."""
    import sys
    from concurrent.futures.process import BrokenProcessPool

    ray = sys.modules.get("ray")
    return (BrokenProcessPool,) if ray is None else (BrokenProcessPool, ray.exceptions.RayError)


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

    _connect()
    joblib.register_parallel_backend(_STREAMING_RAY, _streaming_ray())
    with joblib.parallel_config(backend=_STREAMING_RAY):
        yield


_STREAMING_RAY = "simulator-ray"


def _connect() -> None:
    """Join the Ray cluster that ``RAY_ADDRESS`` names, or start one on this machine."""
    import logging

    try:
        import ray
    except ImportError:
        raise InputError("backend ray needs Ray: pip install 'simulator[ray]'") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)


def _streaming_ray() -> type:
    """Ray's backend for joblib, which also hands results over one by one.

    joblib lets no descendant of its multiprocessing backend do that, because a pool of plain processes can
    not be stopped half way; Ray's pool of actors, which only borrows from that class, can.
    """
    from ray.util.joblib.ray_backend import RayBackend

    return type("StreamingRayBackend", (RayBackend,), {"supports_return_generator": True})
