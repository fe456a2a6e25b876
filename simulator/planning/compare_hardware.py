"""One scenario on many kinds of hardware, at equal service level.

Each device gets the layout that carries the scenario's load with the fewest chips: for every layout worth
trying (`layouts`) the highest rate of one replica is found (`capacity`), and for those that may need the
fewest chips by that the fewest replicas that carry the whole load, as `simulator size` finds them
(`size.search`): replicated, with a failing neighbour, and verified under a fresh seed. Traffic, model,
precision, engine settings and objectives are the same for all; hardware that cannot meet the objectives, or
not hold the model, says why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.planning.capacity import capacity_of
from simulator.planning.designs import check_told_apart, layouts_on, on_hardware, rate_of, too_slow
from simulator.planning.layouts import LayoutChoice
from simulator.planning.lengths import Lengths, demand_of, lengths_of
from simulator.planning.run_many import Backend, Done, in_processes
from simulator.planning.size.bound import estimate
from simulator.planning.size.families import Family
from simulator.planning.size.rules import rules_of
from simulator.planning.size.search import Found, NotFound, UnitSearch
from simulator.planning.size.trial import run_trial
from simulator.planning.size.workers import run_alone
from simulator.results.result import Result
from simulator.results.summary import Summary
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation import run_scenario


@dataclass(frozen=True, slots=True)
class Contender:
    """What one device made of the scenario.

    Attributes
    ----------
    layout
        The layout with the fewest chips at this load; None where none meets the objectives.
    rate_per_replica
        Highest rate that one replica carries [1/s].
    result
        The fewest replicas at the scenario's load, under the scenario's seed.
    refusal
        Why there is no result.
    """

    device: str
    name: str
    layout: LayoutChoice | None = None
    rate_per_replica: float | None = None
    result: Result | None = None
    refusal: str | None = None


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
        Where the scenario has no objectives, no rate or several pools, a device is not known, or two
        have one id.
    """
    if not scenario.slo.given:
        raise InputError(
            "a comparison at equal service level needs objectives, e.g. slo: {ttft: 1 s, tpot: 100 ms}",
            file=scenario.file,
            key="slo",
        )
    rate_of(scenario)
    check_told_apart(entrants)
    lengths = lengths_of(scenario)
    contend = partial(contender, scenario, lengths)
    return in_processes(contend, entrants, jobs=jobs, backend=backend, progress=progress)


def entrants_of(scenario: Scenario, names: Sequence[str] = ()) -> list[EntrantSpec]:
    """The hardware of these names, as the scenario's ``compare`` lists it; without names all it lists."""
    listed = [] if scenario.compare is None else list(scenario.compare.hardware)
    if not names:
        return listed
    devices = [load_device(entrant.hardware) for entrant in listed]
    asked = [load_device(name) for name in names]
    return [
        listed[devices.index(device)] if device in devices else EntrantSpec(hardware=name)
        for name, device in zip(names, asked, strict=True)
    ]


def contender(scenario: Scenario, lengths: Lengths, entrant: EntrantSpec) -> Contender:
    """One device's answer to the scenario."""
    device = load_device(entrant.hardware)
    rate = rate_of(scenario)
    search = _LayoutSearch(scenario, lengths, entrant, rate)
    try:
        best = search.fewest_chips(layouts_on(device, scenario, lengths))
    except InputError as error:
        return Contender(device.id, device.name, refusal=error.message)
    if best is not None:
        result = run_scenario(best.family.with_units(best.units))
        return Contender(device.id, device.name, best.layout, best.rate_per_replica, result)
    if search.short is not None:
        layout, reason = search.short
        return Contender(device.id, device.name, layout.layout, layout.rate_per_replica, refusal=reason)
    assert search.alone is not None
    return Contender(device.id, device.name, refusal=too_slow(search.alone.to_dict(), scenario.slo))


def _fewest_replicas(family: Family, guess: int) -> Found | NotFound:
    """The fewest replicas that carry the load, by the rules of `simulator size`."""
    bound = estimate(family, demand_of(family.unit))
    guessed = replace(bound, guess=max(guess, bound.least))
    return run_alone(UnitSearch(family, guessed, rules_of(family.unit)).run(), run_trial)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A layout and the highest rate that one replica carries [1/s]; ``units`` replicas carry the load."""

    layout: LayoutChoice
    rate_per_replica: float
    family: Family
    units: int

    @property
    def chips(self) -> int:
        return self.units * self.layout.devices

    @property
    def fewest_chips(self) -> int:
        """With half as many: several share a load better than one alone carries its part.

        How much better hangs on the seats: 3 replicas of 16 seats were seen to carry what 5 should.
        """
        return ceil(self.units / 2) * self.layout.devices


class _LayoutSearch:
    """Which layout carries a rate [1/s] with the fewest chips.

    What one replica carries says about how many are needed, from few simulations. The layouts that may need
    the fewest chips by that are tried with the whole load, until none is left that might need fewer than
    the best: one replica alone may carry more or less than its part of the load.

    Attributes
    ----------
    alone
        Figures of requests that do not meet; None where no layout is possible.
    short
        A layout that was expected to carry the load, and why it does not.
    """

    def __init__(self, scenario: Scenario, lengths: Lengths, entrant: EntrantSpec, rate: float) -> None:
        self._scenario, self._lengths, self._entrant, self._rate = scenario, lengths, entrant, rate
        self._impossible = InputError("there is no layout to try")
        self.alone: Summary | None = None
        self.short: tuple[_Candidate, str] | None = None

    def fewest_chips(self, choices: Sequence[LayoutChoice]) -> _Candidate | None:
        """The best of some layouts, fewest devices first; None where none is found to carry the rate.

        A layout that is not possible (no known link between devices, say) leaves the others.

        Raises
        ------
        InputError
            Where none is possible.
        """
        best: _Candidate | None = None
        unseen, expected = deque(choices), list[_Candidate]()
        while True:
            chips = inf if best is None else best.chips
            expected = [one for one in expected if one.fewest_chips < chips]
            least = min((one.chips for one in expected), default=chips)
            while unseen and unseen[0].devices < least:
                candidate = self._estimate(unseen.popleft())
                if candidate is not None and candidate.fewest_chips < chips:
                    expected.append(candidate)
                    least = min(least, candidate.chips)
            if not expected:
                break
            candidate = min(expected, key=lambda one: (one.chips, one.layout.devices))
            expected.remove(candidate)
            found = _fewest_replicas(candidate.family, candidate.units)
            if isinstance(found, NotFound):
                self.short = candidate, found.reason
            elif found.units * candidate.layout.devices < chips:
                best = replace(candidate, units=found.units)
        if self.alone is None:
            raise self._impossible
        return best

    def _estimate(self, layout: LayoutChoice) -> _Candidate | None:
        """How many replicas the rate should take by what one carries; None where one carries nothing."""
        laid_out = on_hardware(self._scenario, self._entrant, layout, self._lengths.longest)
        try:
            capacity = capacity_of(laid_out, self._rate)
        except InputError as error:
            self._impossible = error
            return None
        self.alone = capacity.alone
        if capacity.rate is None:
            return None
        family = Family.of_replicas(load_device(self._entrant.hardware).id, laid_out)
        return _Candidate(layout, capacity.rate, family, ceil(self._rate / capacity.rate))
