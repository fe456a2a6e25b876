"""The scenario and the hardware that a command line asks about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.scenario.scenario import Scenario


def scenario_asked(name: str, set_: Sequence[str] | None, seed: int | None = None) -> Scenario:
    """The scenario of this name or path, with what ``--set`` and ``--seed`` replace.

    Raises
    ------
    InputError
        Where there is no such scenario, or something in it is wrong.
    """
    from simulator.scenario.loading import load_scenario

    return load_scenario(name, set_ or ()).with_seed(seed)


@contextmanager
def given_as(option: str) -> Iterator[None]:
    """What is wrong with the words of an option is told with its name; in a file, with the file's."""
    from simulator.errors import InputError

    try:
        yield
    except InputError as error:
        if error.file is not None or error.key is not None:
            raise
        raise InputError(error.message, key=option) from None
