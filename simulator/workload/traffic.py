"""What a workload hands to the cluster: requests as columns, in chunks.

Sampling happens in vectors and in bounded chunks, so that a hundred million requests
need no more memory than one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# One piece of a prompt: (stream, offset, length). Token k of the piece is token
# offset + k of the stream, so two prompts share a prefix exactly as far as their
# expanded pieces agree. The stream "out:ID" is the output of the request named ID.
Piece = tuple[str | int, int, int]


@dataclass(frozen=True, slots=True)
class Traffic:
    """A chunk of requests, one array element each.

    Attributes
    ----------
    arrival_ns
        Arrival at the gateway [ns], non-decreasing over all chunks, shape (n,), int64.
        In a closed loop the cluster ignores it: a request starts when a seat frees.
    prompt_tokens, output_tokens
        Lengths [tokens], shape (n,), int32, at least 1. Outputs include thinking.
    thinking_tokens
        The part of ``output_tokens`` before the answer [tokens], shape (n,), or None.
    priority
        Smaller is more urgent, as in vLLM; shape (n,), or None for all zero.
    pieces
        Content of each prompt, or None where no two prompts share anything.
    names
        Names of the requests for streams like "out:ID", or None.
    think_ns
        In a closed loop: how long a free seat waits before this request is sent [ns], shape
        (n,), int64; None where it is sent at once.
    """

    arrival_ns: NDArray[np.int64]
    prompt_tokens: NDArray[np.int32]
    output_tokens: NDArray[np.int32]
    thinking_tokens: NDArray[np.int32] | None = None
    priority: NDArray[np.int32] | None = None
    pieces: list[tuple[Piece, ...]] | None = None
    names: list[str] | None = None
    think_ns: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.arrival_ns)


class RequestSource(Protocol):
    """A built workload.

    Attributes
    ----------
    concurrency
        Requests kept in flight (closed loop), or None for an open loop.
    ends_on_stop
        True where outputs end on a stop token before their ``max_tokens`` (a real
        service); False where they run to ``max_tokens`` (a benchmark with ignore_eos).
    max_total_tokens
        Longest prompt + output that can occur [tokens], or None where unbounded; lets a
        scenario be refused before it runs.
    """

    @property
    def concurrency(self) -> int | None: ...

    @property
    def ends_on_stop(self) -> bool: ...

    @property
    def max_total_tokens(self) -> int | None: ...

    def chunks(self) -> Iterator[Traffic]:
        """The requests in arrival order; a fresh, identical iteration at every call."""
        ...
