"""The few exceptions that a person who runs the simulator can meet.

Every message is written for whoever made the input: it says which file and key are
meant, what was found, what is allowed and which known name is nearest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class SimulatorError(Exception):
    """Base of all errors with a message for the user. The command line exits with 2."""


class InputError(SimulatorError):
    """Something in the user's input is wrong.

    Parameters
    ----------
    message
        What was found and what is allowed, in one sentence.
    file
        The file the value came from, if any.
    key
        Dotted path of the value inside the file (``cluster.pools[0].replicas``).
    """

    def __init__(self, message: str, *, file: str | Path | None = None, key: str | None = None) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.key = key
        super().__init__(": ".join(part for part in (self.file, key, message) if part))


class DoesNotFitError(InputError):
    """A model cannot be laid out on the hardware; the message shows the arithmetic."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ``" (did you mean 'x'?)"``, or an empty string where nothing is near."""
    found = difflib.get_close_matches(name.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.5)
    originals = {k.lower(): k for k in known}
    return f" (did you mean {originals[found[0]]!r}?)" if found else ""


def misspelt(name: str, known: Iterable[str]) -> bool:
    """Whether a name is so near to a known one that it must be meant."""
    return bool(difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.85))
