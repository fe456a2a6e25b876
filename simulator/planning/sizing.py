"""The fewest replicas that carry a scenario's load within its objectives, and the neighbour that does not."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from simulator.planning.capacity import carries
from simulator.planning.designs import with_replicas
from simulator.results.result import Result
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario

#: No cluster of more replicas is tried.
MOST_REPLICAS = 4096
#: From a number that is not enough to the next that is tried.
STRIDE = 1.25


@dataclass(frozen=True, slots=True)
class Sizing:
    """Replicas and their result, and the result of one replica fewer (None where there is none)."""

    replicas: int
    result: Result
    one_fewer: Result | None


def fewest_replicas(scenario: Scenario, guess: int = 1) -> Sizing | None:
    """The fewest replicas of the scenario's only pool; None where no number that was tried is enough.

    Parameters
    ----------
    guess
        A number to start from; a good one saves simulations.

    Raises
    ------
    InputError
        Where the scenario cannot run at all.
    """
    low, failed = 0, None
    high, carried = guess, _tried(scenario, guess)
    while not carries(carried):
        low, failed = high, carried
        if low >= MOST_REPLICAS:
            return None
        high = min(ceil(low * STRIDE) if low > 3 else low + 1, MOST_REPLICAS)
        carried = _tried(scenario, high)
    stride = 1
    while high - low > 1:
        # downwards from a good guess the answer is near; between two ends it is anywhere
        middle = (low + high) // 2 if low else max(high - stride, 1)
        stride *= 2
        result = _tried(scenario, middle)
        if carries(result):
            high, carried = middle, result
        else:
            low, failed = middle, result
    return Sizing(high, carried, failed)


def _tried(scenario: Scenario, replicas: int) -> Result:
    return run_scenario(with_replicas(scenario, replicas))
