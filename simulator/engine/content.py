"""Identity of tokens: which stream and offset every token of a sequence comes from.

A sequence is a tuple of pieces ``(stream, offset, length)`` (see ``workload.traffic.Piece``).
Two sequences share a prefix exactly as far as their expansions agree. Pieces are kept
canonical (adjacent pieces that continue each other are merged), so equal token runs have
equal pieces and a block can be looked up by the pieces it holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from simulator.workload.traffic import Piece

Content = tuple[Piece, ...]


def canonical(pieces: Iterable[Piece]) -> Content:
    """Merge pieces that continue each other and drop empty ones."""
    merged: list[Piece] = []
    for stream, offset, length in pieces:
        if length <= 0:
            continue
        if merged:
            last_stream, last_offset, last_length = merged[-1]
            if last_stream == stream and last_offset + last_length == offset:
                merged[-1] = (stream, last_offset, last_length + length)
                continue
        merged.append((stream, offset, length))
    return tuple(merged)


def content_slice(content: Content, start: int, stop: int) -> Content:
    """Tokens ``start`` to ``stop`` of a canonical sequence, canonical again."""
    if len(content) == 1:
        stream, offset, length = content[0]
        return ((stream, offset + start, min(stop, length) - start),)
    out: list[Piece] = []
    position = 0
    for piece in content:
        end = position + piece[2]
        if end > start:
            if position >= start and end <= stop:
                out.append(piece)  # the common case, and the hot one
            else:
                lower = start - position if start > position else 0
                upper = (stop if stop < end else end) - position
                out.append((piece[0], piece[1] + lower, upper - lower))
            if end >= stop:
                break
        position = end
    return tuple(out)


def block_key(content: Content, start: int, block_size: int) -> Hashable:
    """What identifies the block of tokens that begins at ``start``, given its prefix."""
    stream, offset, length = content[0]
    if length >= start + block_size:
        return (stream, offset + start)
    piece = content_slice(content, start, start + block_size)
    return piece[0][:2] if len(piece) == 1 else piece


def common_tokens(a: Content, b: Content) -> int:
    """Length of the common prefix of two canonical sequences [tokens]."""
    total = i = 0
    for piece, other in zip(a, b, strict=False):
        if piece != other:
            break
        total += piece[2]
        i += 1
    j = i
    used_a = used_b = 0
    while i < len(a) and j < len(b):
        stream_a, offset_a, length_a = a[i]
        stream_b, offset_b, length_b = b[j]
        if stream_a != stream_b or offset_a + used_a != offset_b + used_b:
            break
        step = min(length_a - used_a, length_b - used_b)
        total += step
        used_a += step
        used_b += step
        if used_a == length_a:
            i, used_a = i + 1, 0
        if used_b == length_b:
            j, used_b = j + 1, 0
    return total
