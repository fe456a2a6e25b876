"""Strikes components as planned, and repairs them.

Components of one kind fail independently with exponential times between failures: together they are one
Poisson process whose rate is their number over the mean time between failures, and each strike hits one of
them at random. A strike on what is down already does nothing, which is the same as a component that can only
fail while it works, for exponential times have no memory. A machine serves again once all of its broken
components are repaired. Where no machine stands nothing fails; a slow place or link slows what comes there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import prod

import numpy as np

from simulator.engine.faults.plan import FaultPlan, RandomFault, ScriptedFault
from simulator.engine.fleet import Fleet, Slot
from simulator.engine.timing import Background, NsEnvironment
from simulator.scenario.operations import Component
from simulator.units.random_streams import RandomStreams

#: Faults that stop nothing.
SLOWING = ("straggler", "link")
#: A component: pool, kind, number.
_Where = tuple[int, Component, int]


class FaultInjector:
    """Fails and repairs the machines of all fleets.

    Parameters
    ----------
    fleets
        Of every pool, by number.
    streams
        Every kind of failure draws from one of its own.
    """

    def __init__(
        self, env: NsEnvironment, fleets: Sequence[Fleet], plan: FaultPlan, streams: RandomStreams
    ) -> None:
        self.env = env
        self._fleets = fleets
        self._broken: set[_Where] = set()
        self._reasons: Counter[Slot] = Counter()  # broken components of each slot
        self._slowed: dict[tuple[Slot, Component], list[float]] = defaultdict(list)  # by which factors
        #: Repairs to come.
        self.repairs = 0
        for number, fault in enumerate(plan.random):
            generator = streams.generator(f"faults.{number}.{fault.component}.{fault.pool}")
            self._strike_later(fault, generator)
        for scripted in plan.scripted:
            Background(env, scripted.at_ns, lambda fault=scripted: self._strike(fault))  # type: ignore[misc]

    def _strike_later(self, fault: RandomFault, random: np.random.Generator) -> None:
        components = self._fleets[fault.pool].plan.components(fault.component)
        gap_ns = round(random.exponential(fault.mtbf_ns / components))

        def strike() -> None:
            number = int(random.integers(components))
            lasts_ns = round(random.exponential(fault.mttr_ns))
            self._break(fault.component, fault.pool, number, lasts_ns, fault.factor)
            self._strike_later(fault, random)

        Background(self.env, gap_ns, strike)

    def _strike(self, fault: ScriptedFault) -> None:
        self._break(fault.component, fault.pool, fault.number, fault.lasts_ns, fault.factor)

    def _break(
        self, component: Component, pool: int, number: int, lasts_ns: int | None, factor: float
    ) -> None:
        where = (pool, component, number)
        if where in self._broken:
            return
        self._broken.add(where)
        slots: Sequence[Slot] = self._fleets[pool].within(component, number)
        if component not in SLOWING:
            slots = [slot for slot in slots if slot.has_machine]
        self._worsen(slots, pool, component, factor)
        if lasts_ns is not None:
            self.repairs += 1
            Background(self.env, lasts_ns, lambda: self._repair(where, slots, factor))

    def _repair(self, where: _Where, slots: Sequence[Slot], factor: float) -> None:
        self.repairs -= 1
        self._broken.discard(where)
        pool, component, _ = where
        for slot in slots:
            self._mend(slot, pool, component, factor)

    def _worsen(self, slots: Sequence[Slot], pool: int, component: Component, factor: float) -> None:
        fleet = self._fleets[pool]
        if component in SLOWING:
            for slot in slots:
                self._slowed[slot, component].append(factor)
                self._pace(fleet, slot, component)
        else:
            self._reasons.update(slots)
            fleet.fail(*slots)

    def _mend(self, slot: Slot, pool: int, component: Component, factor: float) -> None:
        fleet = self._fleets[pool]
        if component in SLOWING:
            self._slowed[slot, component].remove(factor)
            self._pace(fleet, slot, component)
        else:
            self._reasons[slot] -= 1
            if not self._reasons[slot]:
                fleet.repair(slot)

    def _pace(self, fleet: Fleet, slot: Slot, component: Component) -> None:
        """As slow as all that slows it together."""
        factor = prod(self._slowed[slot, component])
        if component == "straggler":
            fleet.pace(slot, factor)
        else:
            fleet.pace_links(slot, factor)
