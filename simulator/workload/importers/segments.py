"""Prompt content as text: ``id:tokens`` separated by spaces (``shared3:256 r041:103``).

The prompt is the concatenation of its segments; two segments with the same id hold the
same tokens from their start. ``id@offset:tokens`` starts later in the stream, which the
history of a conversation without its thinking needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.workload.traffic import Piece


def segment(text: str) -> Piece:
    """One piece of a prompt.

    Raises
    ------
    ValueError
        Where the text is not ``id:tokens`` or ``id@offset:tokens``.
    """
    name, colon, count = text.rpartition(":")
    stream, at, offset = name.rpartition("@")
    if not (at and stream and offset.isdecimal()):
        stream, offset = name, "0"
    if not (colon and stream and count.isdecimal()):
        raise ValueError(f"segment {text!r}; expected id:tokens")
    return stream, int(offset), int(count)


def segments(text: str) -> tuple[Piece, ...]:
    """All pieces of a prompt."""
    return tuple(map(segment, text.split()))


def as_text(pieces: Iterable[Piece]) -> str:
    """The inverse of ``segments``."""
    return " ".join(
        f"{stream}@{offset}:{count}" if offset else f"{stream}:{count}" for stream, offset, count in pieces
    )


def shared(pieces: list[tuple[Piece, ...]]) -> bool:
    """Whether any content occurs in more than one prompt, so that the pieces matter."""
    seen: set[str | int] = set()
    for prompt in pieces:
        streams = {stream for stream, _, _ in prompt}
        if not seen.isdisjoint(streams) or any(str(stream).startswith("out:") for stream in streams):
            return True
        seen |= streams
    return False
