"""Which failures strike a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.scenario.operations import Component


@dataclass(frozen=True, slots=True)
class RandomFault:
    """Failures of one kind of component in one pool; times up and down are exponential [ns].

    ``factor`` is how many times slower what does not stop altogether becomes.
    """

    component: Component
    pool: int
    mtbf_ns: float
    mttr_ns: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """One failure of component ``number`` of a pool at a set time, for so long (None: for good) [ns]."""

    component: Component
    pool: int
    at_ns: int
    number: int
    lasts_ns: int | None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All of them; whether lost requests are sent ``again`` or end as failed."""

    random: tuple[RandomFault, ...] = ()
    scripted: tuple[ScriptedFault, ...] = ()
    again: bool = True
