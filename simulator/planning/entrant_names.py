"""What hardware to choose among is called in answers: by the id of its profile.

A device that stands there several times, at two prices say, is called by what its entries say as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.scenario.compare import EntrantSpec


def check_told_apart(entrants: Iterable[EntrantSpec]) -> None:
    """Refuse two profiles with one id, for answers name hardware by it.

    Raises
    ------
    InputError
        Where there are such, or a name stands for nothing.
    """
    known: dict[str, EntrantSpec] = {}
    for entrant in entrants:
        device = load_device(entrant.hardware)
        other = known.setdefault(device.id, entrant)
        if load_device(other.hardware) != device:
            raise InputError(
                f"{other.hardware} and {entrant.hardware} are two profiles with one id, {device.id!r}:"
                " give the file another name or an `id`"
            )


def named(entrants: Sequence[EntrantSpec]) -> dict[str, EntrantSpec]:
    """The entrants in their order by distinct names; what stands there twice word for word is one.

    Raises
    ------
    InputError
        As `check_told_apart`.
    """
    check_told_apart(entrants)
    ids = [load_device(entrant.hardware).id for entrant in entrants]
    distinct = {(name, _said(entrant)): entrant for name, entrant in zip(ids, entrants, strict=True)}
    often = Counter(name for name, _ in distinct)
    return {
        f"{name} ({told})" if told and often[name] > 1 else name: entrant
        for (name, told), entrant in distinct.items()
    }


def _said(entrant: EntrantSpec) -> str:
    """What an entrant says about its hardware, in words; empty where it says nothing."""
    words = []
    if entrant.price is not None:
        words.append(f"{entrant.price:.10g} USD/h")
    if entrant.purchase is not None:
        words.append(f"bought for {entrant.purchase:,.10g} USD")
    power = ((name, getattr(entrant.power, name)) for name in type(entrant.power).model_fields)
    words += [f"{name} {watts:.10g} W" for name, watts in power if watts is not None]
    return ", ".join(words)


def chosen(names: Sequence[str], *lists: Sequence[EntrantSpec]) -> list[EntrantSpec]:
    """Hardware of these names, each with all that the first list to have it says of it."""
    found: list[EntrantSpec] = []
    for name in names:
        device = load_device(name)
        entries = ([one for one in listed if load_device(one.hardware) == device] for listed in lists)
        found += next(filter(None, entries), [EntrantSpec(hardware=name)])
    return found
