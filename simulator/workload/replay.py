"""A workload read from a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.scenario.workload.arrivals import ReplaySpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload.chunking import ended, rechunked, reordered
from simulator.workload.generated import constant_priority
from simulator.workload.importers import Trace, read_trace
from simulator.workload.lengths import length_table
from simulator.workload.traffic import Traffic


@dataclass(slots=True)
class ReplaySource:
    """The rows of a trace as requests. Implements ``RequestSource``."""

    traffic: Traffic
    requests: int | None
    end_ns: int | None
    concurrency: int | None
    ends_on_stop: bool
    max_total_tokens: int | None
    chunk_size: int

    def chunks(self) -> Iterator[Traffic]:
        """The requests in arrival order; a fresh, identical iteration at every call."""
        return rechunked(ended([self.traffic], self.requests, self.end_ns), self.chunk_size)


def replay(
    spec: WorkloadSpec,
    arrivals: ReplaySpec,
    streams: RandomStreams,
    requests: int | None,
    end_ns: int | None,
    base_dir: Path | None,
    chunk_size: int,
) -> ReplaySource:
    """Read the trace and apply what the spec changes in it."""
    trace = read_trace(arrivals.file, arrivals.format, base_dir)
    if requests is not None and requests > len(trace.traffic):
        file = Path(arrivals.file).name
        raise InputError(
            f"{requests} requests are asked for, but {file} has {len(trace.traffic)} rows; ask for fewer,"
            " or generate arrivals and draw the lengths from its rows (rows: {file: ...})",
            key="requests",
        )
    traffic = relength(spec, retimed(arrivals, trace.traffic, streams), streams)
    if spec.priority is not None:
        traffic = replace(traffic, priority=constant_priority(spec.priority, len(traffic)))
    concurrency = arrivals.concurrency or trace.concurrency
    return ReplaySource(
        traffic,
        requests,
        None if concurrency else end_ns,
        concurrency,
        ends_on_stop=not ignores_eos(spec, trace),
        max_total_tokens=int((traffic.prompt_tokens.astype(np.int64) + traffic.output_tokens).max()),
        chunk_size=chunk_size,
    )


def ignores_eos(spec: WorkloadSpec, trace: Trace) -> bool:
    """Whether outputs run to their ``max_tokens``: as the spec says, else the trace, else no."""
    return bool(trace.ignore_eos if spec.ignore_eos is None else spec.ignore_eos)


def retimed(arrivals: ReplaySpec, traffic: Traffic, streams: RandomStreams) -> Traffic:
    """Spread ticks, then change the speed."""
    times = traffic.arrival_ns
    if arrivals.spread > 0.0:
        delay = streams.generator("arrivals").random(len(times)) * (arrivals.spread * NS_PER_S)
        times = times + np.rint(delay).astype(np.int64)
        order = np.argsort(times, kind="stable")
        traffic, times = reordered(traffic, order), times[order]
    if arrivals.speedup != 1.0:
        times = np.rint(times / arrivals.speedup).astype(np.int64)
    return replace(traffic, arrival_ns=times)


def relength(spec: WorkloadSpec, traffic: Traffic, streams: RandomStreams) -> Traffic:
    """Put drawn lengths in the place of the trace's; a prompt of new length shares nothing."""
    if spec.prompt_tokens is not None:
        uniform = streams.generator("prompt_tokens").random(len(traffic))
        prompt = length_table(spec.prompt_tokens).draw(uniform)
        traffic = replace(traffic, prompt_tokens=prompt, pieces=None)
    if spec.output_tokens is not None:
        uniform = streams.generator("output_tokens").random(len(traffic))
        output = length_table(spec.output_tokens).draw(uniform)
        traffic = replace(traffic, output_tokens=output, thinking_tokens=None)
    return traffic
