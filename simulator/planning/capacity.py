"""The highest load that a cluster carries within its objectives.

Found by halving the gap between a rate that it carries and one that it does not, on the same requests at
another pace. A rate is carried where the objectives are met and no queue grows without bound. Whoever
cannot serve one request alone within the objectives carries nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.planning.designs import changed
from simulator.planning.load import ALONE_RATE, apart, at_rate, shortened, too_slow
from simulator.results.result import Result
from simulator.results.summary import Summary
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario

#: Requests of one trial.
TRIAL_REQUESTS = 800
#: Rates closer than this are not told apart [1].
RESOLUTION = 1.08
#: A trial whose requests arrive within this time says nothing about a lasting load [s].
SHORTEST_TRIAL_S = 1.0
_STEP = 4.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a cluster carries.

    Attributes
    ----------
    rate
        Highest rate found to be within the objectives [1/s], None where not even one request alone is.
    too_much
        Lowest rate found to be too much [1/s]; None where even a trial that is over within a second is
        carried, so that ``rate`` is a lower bound.
    alone
        Figures of requests that do not meet.
    reason
        What those miss, where there is no rate.
    """

    rate: float | None
    too_much: float | None
    alone: Summary
    reason: str | None = None


def capacity_of(scenario: Scenario, guess: float, step: float = _STEP) -> Capacity:
    """The capacity of a scenario's cluster under its traffic.

    Parameters
    ----------
    guess
        A rate to start from [1/s].
    step
        Factor from one rate to the next until the capacity lies between two; a small one saves simulations
        where the guess is good.

    Raises
    ------
    InputError
        Where the scenario cannot run.
    """
    lonely = apart(scenario)  # at least one: no recording, whose rate cannot be turned up, gets here
    trials = [run_scenario(one) for one in lonely]
    for one, trial in zip(lonely, trials, strict=True):
        if not carries(trial):
            return Capacity(None, ALONE_RATE, trial.summary, too_slow(trial.summary.to_dict(), one))
    alone = trials[0].summary
    low, high = _bracket(scenario, guess, step)
    if high is None:
        return Capacity(low, None, alone)
    while high / low > RESOLUTION:
        middle = (low * high) ** 0.5
        if carries(run_scenario(_trial(scenario, middle, TRIAL_REQUESTS))):
            low = middle
        else:
            high = middle
    return Capacity(low, high, alone)


def carries(result: Result) -> bool:
    """Whether a result is within its objectives, without a queue that grows."""
    return bool(result.summary.attainment.met) and not result.summary.load.overloaded


def _bracket(scenario: Scenario, guess: float, step: float) -> tuple[float, float | None]:
    """A rate that is carried and a higher one that is not, None where no trial can be too much."""
    highest = min(scenario.requests or TRIAL_REQUESTS, TRIAL_REQUESTS) / SHORTEST_TRIAL_S
    rate = guess
    if carries(run_scenario(_trial(scenario, rate, TRIAL_REQUESTS))):
        while rate < highest:
            if not carries(run_scenario(_trial(scenario, rate * step, TRIAL_REQUESTS))):
                return rate, rate * step
            rate *= step
        return rate, None
    while rate > ALONE_RATE * step:
        rate /= step
        if carries(run_scenario(_trial(scenario, rate, TRIAL_REQUESTS))):
            break
    return rate, rate * step


def capacities_of(scenario: Scenario, guess: float, seeds: Sequence[int]) -> list[Capacity]:
    """The capacity under the traffic of each of these seeds.

    How much they differ is how much of a difference between two clusters is noise.
    """
    found: list[Capacity] = []
    for seed in seeds:
        known = next((one.rate for one in found if one.rate is not None), None)
        seeded = changed(scenario, seed=seed)
        found.append(
            capacity_of(seeded, guess) if known is None else capacity_of(seeded, known, RESOLUTION**2)
        )
    return found


def _trial(scenario: Scenario, rate: float, requests: int) -> Scenario:
    """A short run at a rate; its start counts, for the queue starts empty at every rate."""
    return changed(shortened(at_rate(scenario, rate), requests), record="requests")
