"""One scenario on many kinds of hardware, at equal service level.

Every kind gets the design that `simulator size` finds for it: the same layouts, the same search
(`size.size`), the same failing neighbour and verification under a fresh seed. That design is run once more
under the scenario's own seed, so that latencies stand beside one another request by request, and the
highest rate that one unit of it holds is found as `simulator size --find rate` finds it
(`size.highest_rate`), for the cost at other loads (`crossover`). Hardware that cannot meet the objectives, or
not hold the model, says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from simulator.errors import InputError
from simulator.planning.entrant_names import chosen, named
from simulator.planning.load import rate_if_any
from simulator.planning.run_many import Backend, Done, in_processes
from simulator.planning.size.answer import Candidate
from simulator.planning.size.highest_rate import RESOLUTION, highest_rate
from simulator.planning.size.rules import refuse_without_objectives
from simulator.planning.size.size import size
from simulator.results.result import Result
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario


@dataclass(frozen=True, slots=True)
class Contender:
    """What one kind of hardware made of the scenario.

    Attributes
    ----------
    candidate
        What sizing came to: the design with its proof, or why there is none.
    result
        Its design, spares included, under the scenario's seed; None where there is none.
    rate_per_unit
        Highest rate that one unit of the design holds [1/s]; None where there is none.
    """

    candidate: Candidate
    result: Result | None = None
    rate_per_unit: float | None = None

    @property
    def name(self) -> str:
        """What the hardware is called."""
        return self.candidate.hardware


def compare_hardware(
    scenario: Scenario,
    entrants: Sequence[EntrantSpec],
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[Contender]:
    """Every device's answer to the scenario, in the order of ``entrants``.

    Raises
    ------
    InputError
        Where the scenario has no objectives, its machines come and go, a device is not known, or two have
        one id.
    """
    refuse_without_objectives(scenario, "a comparison at equal service level")
    rate = rate_if_any(scenario)
    answer = size(scenario, entrants, jobs=jobs, progress=progress)
    by_name = {one.hardware: one for one in answer.candidates}
    candidates = [by_name[name] for name in named(entrants)]
    return in_processes(partial(contender, rate), candidates, jobs=jobs, backend=backend)


def entrants_of(scenario: Scenario, names: Sequence[str] = ()) -> list[EntrantSpec]:
    """The hardware of these names, as the scenario lists it; without names all that ``compare`` lists."""
    listed = () if scenario.compare is None else scenario.compare.hardware
    beside = () if scenario.size is None else scenario.size.hardware
    return chosen(names, listed, beside) if names else list(listed)


def contender(rate: float | None, candidate: Candidate) -> Contender:
    """The design of one kind of hardware, run, with what one unit of it holds; ``rate`` is the scenario's.

    Without a rate there is no load to turn up, and so nothing to know of what one unit holds.
    """
    if candidate.found is None:
        return Contender(candidate)
    alone = None if rate is None else _rate_per_unit(candidate, rate)
    return Contender(candidate, run_scenario(candidate.scenario), alone)


def _rate_per_unit(candidate: Candidate, rate: float) -> float | None:
    """What one unit holds [1/s], never at odds with how many units the scenario's own ``rate`` takes."""
    found = candidate.found
    assert found is not None
    try:
        highest = highest_rate(found.family.with_units(1), jobs=1).rate
    except InputError:
        return None
    if found.units == 1:
        return max(highest or rate, rate)
    return None if highest is None else min(highest, rate / RESOLUTION)
