"""Conversations: each turn's prompt is the whole conversation so far plus a new message.

Content is told by streams, so that a prefix cache can find it: ``s7u0`` is the first user
message of session 7, ``out:s7t0`` the answer to it, ``prefix:0`` a system prompt. Turn 1
of session 7 reads (prefix:0, s7u0, out:s7t0, s7u1). Where the thinking of earlier turns is
dropped from the history, the piece of the answer starts after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload import ArrivalSpec, SessionSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals import arrival_times
from simulator.workload.chunking import cut, ended, joined, rechunked, reordered
from simulator.workload.generated import constant_priority
from simulator.workload.lengths import LengthTable
from simulator.workload.prefixes import NONE, SharedPrefixes
from simulator.workload.request_lengths import correlated
from simulator.workload.thinking import Thinking, ThinkingSampler
from simulator.workload.traffic import Piece, Traffic
from simulator.workload.users import GapSampler

Ints = NDArray[np.int64]

#: Sessions drawn at a time.
SESSIONS = 1024


@dataclass(slots=True)
class SessionSource:
    """Requests of many conversations, merged in time. Implements ``RequestSource``.

    Memory holds the turns still to come of the sessions already started: about rate of
    sessions * length of a session * turns.
    """

    arrivals: ArrivalSpec
    spec: SessionSpec
    turns: LengthTable
    first_message: LengthTable
    later_message: LengthTable
    answer: LengthTable
    correlation: float
    thinking: Thinking | None
    prefixes: SharedPrefixes | None
    priority: int | None
    streams: RandomStreams
    requests: int | None
    end_ns: int | None
    ends_on_stop: bool
    max_total_tokens: int | None
    chunk_size: int
    concurrency: int | None = None

    def chunks(self) -> Iterator[Traffic]:
        """The requests in arrival order; a fresh, identical iteration at every call."""
        return rechunked(ended(self._merged(), self.requests, self.end_ns), self.chunk_size)

    def _merged(self) -> Iterator[Traffic]:
        """Turns in order of time: those up to the latest session start are complete."""
        pending: list[Traffic] = []
        for block, horizon_ns in self._session_blocks():
            turns = joined([*pending, block])
            turns = reordered(turns, np.argsort(turns.arrival_ns, kind="stable"))
            ready = int(np.searchsorted(turns.arrival_ns, horizon_ns, side="right"))
            yield cut(turns, 0, ready)
            pending = [cut(turns, ready, len(turns))]
        yield from pending  # of a plan that ended: no further session can come before these

    def _session_blocks(self) -> Iterator[tuple[Traffic, int]]:
        """All turns of the next sessions, and the start of the last of them [ns]."""
        sampler = TurnSampler(self)
        start = 0
        for times in arrival_times(self.arrivals, self.streams):
            for at in range(0, len(times), SESSIONS):
                starts = times[at : at + SESSIONS]
                yield sampler(start, starts), int(starts[-1])
                start += len(starts)


class TurnSampler:
    """Draws the turns of sessions, each quantity from a stream of its own."""

    def __init__(self, source: SessionSource) -> None:
        self._source = source
        stream = source.streams.generator
        self._turns = stream("session_turns")
        self._gaps = GapSampler(source.spec.gap, source.streams, "session_gaps")
        self._prompts = stream("prompt_tokens")
        self._outputs = stream("output_tokens")
        self._thinking = None if source.thinking is None else ThinkingSampler(source.thinking, source.streams)
        self._prefixes = None if source.prefixes is None else source.prefixes.sampler(source.streams)

    def __call__(self, start: int, starts_ns: Ints) -> Traffic:
        """All turns of the sessions ``start``, ``start + 1``, ... that begin at ``starts_ns``."""
        source = self._source
        turns = source.turns.draw(self._turns.random(len(starts_ns))).astype(np.int64)
        session = np.repeat(np.arange(len(turns)), turns)
        first = np.cumsum(turns) - turns
        turn = np.arange(len(session)) - first[session]

        arrival_ns = starts_ns[session] + self._since_start(turn, first[session])
        uniform = self._prompts.random(len(session))
        message = np.where(
            turn == 0, source.first_message.draw(uniform), source.later_message.draw(uniform)
        ).astype(np.int32)
        score = correlated(uniform, self._outputs.random(len(session)), source.correlation)
        output = source.answer.draw(score)
        thought = None
        if self._thinking is not None:
            output, thought = self._thinking(output)
        text, shared = self._texts(len(starts_ns))

        kept = output if thought is None or source.spec.keep_thinking else output - thought
        exchanged = np.cumsum(message.astype(np.int64) + kept)
        before = exchanged - message - kept  # all earlier messages and answers, of this block
        prompt = shared[session] + before - before[first[session]] + message
        fits = within_context(prompt + output, turn, source.spec.max_context)
        traffic = Traffic(
            arrival_ns,
            prompt.astype(np.int32) if fits.all() else np.where(fits, prompt, 1).astype(np.int32),
            output,
            thought,
            constant_priority(source.priority, len(session)),
            conversation_pieces(start, session, turn, text, shared, message, output, kept),
            [f"s{start + s}t{t}" for s, t in zip(session.tolist(), turn.tolist(), strict=True)],
        )
        return traffic if fits.all() else reordered(traffic, np.flatnonzero(fits))

    def _since_start(self, turn: NDArray[np.intp], first: NDArray[np.intp]) -> Ints:
        """Time of each turn since its session's start [ns]: the gaps so far, in whole nanoseconds."""
        waits = np.where(turn == 0, 0, self._gaps(len(turn)))
        elapsed = np.cumsum(waits)
        return np.asarray(elapsed - elapsed[first])

    def _texts(self, count: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """The system prompt of each session."""
        if self._prefixes is None:
            return np.full(count, NONE, dtype=np.intp), np.zeros(count, dtype=np.int32)
        return self._prefixes(count)


def within_context(total: Ints, turn: NDArray[np.intp], limit: int | None) -> NDArray[np.bool_]:
    """Which turns happen: those before the first one of their session that is too long.

    The first turn always happens, so that an impossible limit shows as a request that does
    not fit, and not as a workload without requests.
    """
    if limit is None:
        return np.ones(len(total), dtype=bool)
    misfits = np.cumsum((total > limit) & (turn > 0))
    session_start = np.flatnonzero(turn == 0)
    so_far = np.repeat(misfits[session_start], np.diff(np.append(session_start, len(total))))
    return np.asarray(misfits == so_far)


def conversation_pieces(
    start: int,
    session: NDArray[np.intp],
    turn: NDArray[np.intp],
    text: NDArray[np.intp],
    shared: NDArray[np.int32],
    message: NDArray[np.int32],
    output: NDArray[np.int32],
    kept: NDArray[np.int32],
) -> list[tuple[Piece, ...]]:
    """Content of each turn's prompt, in order of session and turn."""
    pieces: list[tuple[Piece, ...]] = []
    history: list[Piece] = []
    texts, heads = text.tolist(), shared.tolist()
    columns = (session, turn, message, output, kept)
    for index, number, said, whole, stays in zip(*(column.tolist() for column in columns), strict=True):
        name = start + index
        if number == 0:
            history = [] if texts[index] == NONE else [(f"prefix:{texts[index]}", 0, heads[index])]
        history.append((f"s{name}u{number}", 0, said))
        pieces.append(tuple(history))
        history.append((f"out:s{name}t{number}", whole - stays, stays))
    return pieces
