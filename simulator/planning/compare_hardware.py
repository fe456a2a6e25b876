"""One scenario on many kinds of hardware, at equal service level.

Each device gets the layout that carries the scenario's load with the fewest chips: for every layout worth
trying (`layouts`) the highest rate of one replica is found (`capacity`), then the fewest replicas that carry
the whole load, as `simulator size` finds them (`size.search`): replicated, with a failing neighbour, and
verified under a fresh seed. Traffic, model, precision, engine settings and objectives are the same for all;
hardware that cannot meet the objectives, or not hold the model, says why.
"""

from __future__ import annotations

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
    try:
        choices = layouts_on(device, scenario, lengths)
        best, alone = _fewest_chips(scenario, lengths, entrant, choices, rate)
    except InputError as error:
        return Contender(device.id, device.name, refusal=error.message)
    if best is None:
        return Contender(device.id, device.name, refusal=too_slow(alone.to_dict(), scenario.slo))
    layout, per_replica = best
    family = Family.of_replicas(device.id, on_hardware(scenario, entrant, layout, lengths.longest))
    found = _fewest_replicas(family, ceil(rate / per_replica))
    if isinstance(found, NotFound):
        return Contender(device.id, device.name, layout, per_replica, refusal=found.reason)
    result = run_scenario(family.with_units(found.units))
    return Contender(device.id, device.name, layout, per_replica, result)


def _fewest_replicas(family: Family, guess: int) -> Found | NotFound:
    """The fewest replicas that carry the load, by the rules of `simulator size`."""
    bound = estimate(family, demand_of(family.unit))
    guessed = replace(bound, guess=max(guess, bound.least))
    return run_alone(UnitSearch(family, guessed, rules_of(family.unit)).run(), run_trial)


def _fewest_chips(
    scenario: Scenario,
    lengths: Lengths,
    entrant: EntrantSpec,
    choices: Sequence[LayoutChoice],
    rate: float,
) -> tuple[tuple[LayoutChoice, float] | None, Summary]:
    """The layout that carries the rate with the fewest chips, and its rate; figures without load.

    A layout that is not possible (no known link between devices, say) leaves the others.

    Raises
    ------
    InputError
        Where none is possible.
    """
    best: tuple[LayoutChoice, float] | None = None
    chips = inf
    alone: Summary | None = None
    impossible = InputError("there is no layout to try")
    for choice in choices:
        if choice.devices >= chips:
            break
        try:
            capacity = capacity_of(on_hardware(scenario, entrant, choice, lengths.longest), rate)
        except InputError as error:
            impossible = error
            continue
        alone = capacity.alone
        if capacity.rate is not None and ceil(rate / capacity.rate) * choice.devices < chips:
            best, chips = (choice, capacity.rate), ceil(rate / capacity.rate) * choice.devices
    if alone is None:
        raise impossible
    return best, alone
