"""From a workload's spec to its requests."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import InputError
from simulator.scenario.workload import SessionSpec, WorkloadSpec
from simulator.scenario.workload.arrivals import ClosedLoopSpec, ReplaySpec
from simulator.scenario.workload.populations import ServeGenSpec, UsersSpec
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams
from simulator.workload.chunking import CHUNK
from simulator.workload.generated import GeneratedSource
from simulator.workload.importers.servegen import read_servegen
from simulator.workload.lengths import LengthTable, length_table
from simulator.workload.prefixes import SharedPrefixes
from simulator.workload.replay import replay
from simulator.workload.request_lengths import length_model
from simulator.workload.servegen import ServeGenSource
from simulator.workload.sessions import SessionSource
from simulator.workload.thinking import Thinking, build_thinking
from simulator.workload.traffic import RequestSource
from simulator.workload.users import Users


def build_workload(
    spec: WorkloadSpec,
    streams: RandomStreams,
    requests: int | None = None,
    duration_s: float | None = None,
    base_dir: str | Path | None = None,
    *,
    chunk_size: int = CHUNK,
) -> RequestSource:
    """The requests that a workload describes.

    Parameters
    ----------
    spec
        The workload.
    streams
        Randomness; the same seed gives the same requests, whatever the chunk size.
    requests, duration_s
        Where the workload ends: after that many requests, or with the last one that arrives
        before that time [s]; whichever comes first. A trace may have neither and ends with
        its last row. In a closed loop the time is the cluster's business and ignored here.
    base_dir
        Folder that relative file names in the spec start from; default: the current one.
    chunk_size
        Requests per chunk.

    Raises
    ------
    InputError
        Where a trace is missing, empty or corrupt, or the workload has no end.
    """
    folder = None if base_dir is None else Path(base_dir)
    end_ns = None if duration_s is None else ns_from_seconds(duration_s)
    arrivals = spec.arrivals
    if isinstance(arrivals, ReplaySpec):
        return replay(spec, arrivals, streams, requests, end_ns, folder, chunk_size)
    if requests is None and duration_s is None:
        raise InputError("generated traffic has no end: give requests or duration", key="requests")
    if isinstance(arrivals, ServeGenSpec):
        return ServeGenSource(
            arrivals,
            read_servegen(arrivals.file, folder),
            spec.priority,
            streams,
            requests,
            end_ns,
            ends_on_stop=not spec.ignore_eos,
            chunk_size=chunk_size,
        )
    if spec.sessions is not None:
        return _sessions(spec, spec.sessions, streams, requests, end_ns, chunk_size)
    return _single_requests(spec, streams, requests, end_ns, folder, chunk_size)


def _single_requests(
    spec: WorkloadSpec,
    streams: RandomStreams,
    requests: int | None,
    end_ns: int | None,
    base_dir: Path | None,
    chunk_size: int,
) -> GeneratedSource:
    concurrency, users = None, None
    if isinstance(spec.arrivals, ClosedLoopSpec):
        concurrency = spec.arrivals.concurrency
    elif isinstance(spec.arrivals, UsersSpec):
        concurrency, users = spec.arrivals.users, Users(spec.arrivals)
    lengths = length_model(spec, base_dir)
    thinking = None if spec.thinking is None else build_thinking(spec.thinking)
    prefixes = None if spec.shared_prefix is None else SharedPrefixes(spec.shared_prefix, streams)
    return GeneratedSource(
        spec.arrivals,
        lengths,
        thinking,
        prefixes,
        users,
        spec.priority,
        streams,
        requests,
        None if concurrency else end_ns,
        concurrency,
        ends_on_stop=not spec.ignore_eos,
        max_total_tokens=_sum(lengths.longest, *_extras(thinking, prefixes)),
        chunk_size=chunk_size,
    )


def _sessions(
    spec: WorkloadSpec,
    sessions: SessionSpec,
    streams: RandomStreams,
    requests: int | None,
    end_ns: int | None,
    chunk_size: int,
) -> SessionSource:
    assert spec.prompt_tokens is not None and spec.output_tokens is not None  # the spec holds this
    first = length_table(spec.prompt_tokens)
    later = first if sessions.added_tokens is None else length_table(sessions.added_tokens)
    answer, turns = length_table(spec.output_tokens), length_table(sessions.turns)
    if not turns.bounded:
        raise InputError("a session must end: give turns a max", key="workload.sessions.turns")
    thinking = None if spec.thinking is None else build_thinking(spec.thinking)
    prefixes = None if spec.shared_prefix is None else SharedPrefixes(spec.shared_prefix, streams)
    single = _sum(_last(first), _last(answer), *_extras(thinking, prefixes))
    rest = _sum(_last(later), _last(answer), 0 if thinking is None else thinking.longest)
    whole = None if single is None or rest is None else single + (turns.last - 1) * rest
    if sessions.max_context is not None and single is not None:
        longest = sessions.max_context if whole is None else min(sessions.max_context, whole)
        whole = max(single, longest)
    return SessionSource(
        spec.arrivals,
        sessions,
        turns,
        first,
        later,
        answer,
        spec.correlation,
        thinking,
        prefixes,
        spec.priority,
        streams,
        requests,
        end_ns,
        ends_on_stop=not spec.ignore_eos,
        max_total_tokens=whole,
        chunk_size=chunk_size,
    )


def _last(table: LengthTable) -> int | None:
    return table.last if table.bounded else None


def _extras(thinking: Thinking | None, prefixes: SharedPrefixes | None) -> tuple[int | None, int]:
    """What thinking and system prompts can add to a request [tokens]."""
    return (0 if thinking is None else thinking.longest), (0 if prefixes is None else prefixes.longest)


def _sum(*lengths: int | None) -> int | None:
    """The sum of limits, unknown where one is."""
    known = [length for length in lengths if length is not None]
    return sum(known) if len(known) == len(lengths) else None
