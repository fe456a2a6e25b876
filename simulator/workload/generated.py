"""A workload drawn from distributions, request by request (no sessions)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload import ArrivalSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals import arrival_times
from simulator.workload.chunking import ended, rechunked
from simulator.workload.prefixes import NONE, SharedPrefixes
from simulator.workload.request_lengths import LengthModel
from simulator.workload.thinking import Thinking, ThinkingSampler
from simulator.workload.traffic import Piece, Traffic
from simulator.workload.users import Users


@dataclass(slots=True)
class GeneratedSource:
    """Requests with independent lengths. Implements ``RequestSource``.

    Arrivals, lengths, thinking and prefixes each draw from streams of their own: changing
    one leaves the others as they were.
    """

    arrivals: ArrivalSpec
    lengths: LengthModel
    thinking: Thinking | None
    prefixes: SharedPrefixes | None
    users: Users | None
    priority: int | None
    streams: RandomStreams
    requests: int | None
    end_ns: int | None
    concurrency: int | None
    ends_on_stop: bool
    max_total_tokens: int | None
    chunk_size: int

    def chunks(self) -> Iterator[Traffic]:
        """The requests in arrival order; a fresh, identical iteration at every call.

        In a closed loop without a number of requests this never ends: the cluster stops
        asking when its time is up.
        """
        return rechunked(ended(self._blocks(), self.requests, self.end_ns), self.chunk_size)

    def _blocks(self) -> Iterator[Traffic]:
        lengths = self.lengths.sampler(self.streams)
        thinking = None if self.thinking is None else ThinkingSampler(self.thinking, self.streams)
        prefixes = None if self.prefixes is None else self.prefixes.sampler(self.streams)
        thinkers = None if self.users is None else self.users.sampler(self.streams)
        start = 0
        for times in arrival_times(self.arrivals, self.streams):
            prompt, output = lengths(len(times))
            thought, pieces = None, None
            if thinking is not None:
                output, thought = thinking(output)
            if prefixes is not None:
                text, shared = prefixes(len(times))
                pieces = prompt_pieces(start, text, shared, prompt)
                prompt = prompt + shared
            yield Traffic(
                times,
                prompt,
                output,
                thought,
                constant_priority(self.priority, len(times)),
                pieces,
                think_ns=None if thinkers is None else thinkers(start, len(times)),
            )
            start += len(times)


def constant_priority(priority: int | None, count: int) -> NDArray[np.int32] | None:
    """The same priority for all, or None where none is given."""
    return None if priority is None else np.full(count, priority, dtype=np.int32)


def prompt_pieces(
    start: int, text: NDArray[np.intp], shared: NDArray[np.int32], own: NDArray[np.int32]
) -> list[tuple[Piece, ...]]:
    """Content of prompts that may start with a system prompt; what follows is each one's own."""
    columns = zip(text.tolist(), shared.tolist(), own.tolist(), strict=True)
    return [
        ((index, 0, tail),) if number == NONE else ((f"prefix:{number}", 0, head), (index, 0, tail))
        for index, (number, head, tail) in enumerate(columns, start)
    ]
