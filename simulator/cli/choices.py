"""Arguments that are one of a few words: a wrong one is refused with the nearest."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


def one_of(kind: type[Choice]) -> Callable[[str], Choice]:
    """Reads an argument as a member of ``kind``, whose name says what it is one of."""

    def read(given: str) -> Choice:
        from simulator.errors import InputError, nearest

        known = [choice.value for choice in kind]
        if given in known:
            return kind(given)
        what = kind.__name__.lower()
        raise InputError(f"no {what} {given!r}{nearest(given, known)}; known are {', '.join(known)}")

    return read
