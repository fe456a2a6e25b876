"""The few exceptions that a person who runs the simulator can meet, and how a program ends with them.

Every message is written for whoever made the input: it says which file and key are
meant, what was found, what is allowed and which known name is nearest.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path

#: Exit code of a program whose input is wrong.
EXIT_BAD_INPUT = 2


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


def nearest_file(path: Path) -> str:
    """The same hint for a file that is not there: the nearest of those beside it."""
    try:
        beside = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    return nearest(path.name, beside)


def misspelt(name: str, known: Iterable[str]) -> bool:
    """Whether a name is so near to a known one that it must be meant."""
    return bool(difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.85))


def program(main: Callable[[Sequence[str] | None], int]) -> Callable[..., int]:
    """The ``main`` of a program, with the user's mistakes ending in one message and `EXIT_BAD_INPUT`."""

    @wraps(main)
    def told(arguments: Sequence[str] | None = None) -> int:
        try:
            return main(arguments)
        except SimulatorError as error:
            return _refuse(str(error))
        except BrokenPipeError:
            # Whoever read our output has left (`simulator show hardware | head`): not our mistake.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))

    return told


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return EXIT_BAD_INPUT
