"""The scenario that a command line asks about."""

from __future__ import annotations

from collections.abc import Sequence
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
