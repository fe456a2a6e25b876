"""Small recordings that hold together: a replica that serves one request at a time, in order.

Every request is one prefill step and one decode step per further token, so times, steps, windows and the
inter-token histogram follow from the arrivals, and each expected figure can be worked out by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from simulator.latency.pricer import BOUNDS
from simulator.results.context import DevicePrice, PoolContext, RunContext, Site, Slo
from simulator.results.ranges import Range
from simulator.results.recording import (
    NEVER,
    FleetRecording,
    LatencyHistogram,
    PoolRecording,
    Recording,
    RequestColumns,
    StepTable,
    StepWindows,
)
from simulator.results.result import Result, RunMeta

MS = 1_000_000
S = 1_000_000_000
PREFILL_J, DECODE_J = 2.0, 0.5  # dynamic energy of one step
BLOCK = 16
BLOCKS = 1000


@dataclass(frozen=True)
class Service:
    """How long the synthetic replica takes [ns]."""

    prefill_ns: int = 100 * MS
    decode_ns: int = 10 * MS


def one_server(
    arrivals_s: list[float] | np.ndarray,
    *,
    prompt: int = 100,
    output: int = 11,
    service: Service = Service(),
    end_s: float | None = None,
    width_ns: int = 100 * MS,
    known_power: bool = True,
) -> Recording:
    """A recording of the replica; requests not finished by ``end_s`` are unfinished."""
    arrival = np.rint(np.asarray(arrivals_s, dtype=float) * S).astype(np.int64)
    need = service.prefill_ns + (output - 1) * service.decode_ns
    start = np.zeros(len(arrival), dtype=np.int64)
    free = 0
    for i, at in enumerate(arrival):
        start[i] = max(int(at), free)
        free = int(start[i]) + need
    finish = start + need
    end = (int(finish.max()) if len(finish) else 0) if end_s is None else round(end_s * S)
    done = finish <= end
    first = start + service.prefill_ns
    n = int(done.sum())
    ones = np.ones(n, dtype=np.int64)
    requests = RequestColumns(
        request=np.arange(n),
        status=0 * ones,
        arrival_ns=arrival[done],
        first_scheduled_ns=start[done],
        first_token_ns=first[done],
        first_answer_ns=first[done],
        finish_ns=finish[done],
        prompt_tokens=prompt * ones,
        output_tokens=output * ones,
        thinking_tokens=0 * ones,
        cached_tokens=0 * ones,
        preemptions=0 * ones,
        tenant=0 * ones,
        attempts=ones,
        pool=0 * ones,
        replica=0 * ones,
    )
    table = _steps(arrival, start[done], prompt, output, service)
    windows = _windows(table, width_ns, known_power)
    gaps = n * (output - 1)
    pool = PoolRecording(
        name="main",
        replicas=1,
        kv_blocks_per_replica=BLOCKS,
        block_size=BLOCK,
        windows=windows,
        inter_token=histogram(np.full(gaps, service.decode_ns)),
        steps=len(table.replica),
        prefix_queried_tokens=n * prompt,
        prefix_hit_tokens=0,
        preemptions=0,
        step_table=table,
    )
    return Recording(requests, (pool,), end, len(arrival) - n)


def histogram(values_ns: np.ndarray, lowest_ns: float = 1000.0, ratio: float = 1.002) -> LatencyHistogram:
    """The histogram of given inter-token latencies [ns]."""
    count = np.zeros(11_600, dtype=np.int64)
    if len(values_ns):
        bins = np.floor(np.log(values_ns / lowest_ns) / math.log(ratio)).astype(np.int64)
        np.add.at(count, bins, 1)
    return LatencyHistogram(lowest_ns, ratio, count, int(values_ns.sum()), len(values_ns))


def context(**changes: object) -> RunContext:
    """A context with one pool of one device at 3.6 USD an hour and 100 W idle."""
    about = RunContext(
        scenario="one-server",
        model="test-model",
        pools=(
            PoolContext(
                name="main",
                device="test-device",
                devices_per_replica=1,
                replicas=1,
                idle_w=100.0,
                price=DevicePrice(1.8, 3.6, 7.2, "price list of the test, 2026-01-01"),
                backend="table",
                provenance="Steps of fixed length.",
            ),
        ),
        site=Site(
            pue=Range.exactly(1.5),
            electricity_usd_per_kwh=Range.exactly(0.1),
            grid_kg_per_kwh=Range.exactly(0.36),
            source="test",
        ),
        slo=Slo(ttft_s=0.5, tpot_s=0.05, attainment=0.9),
    )
    return replace(about, **changes)  # type: ignore[arg-type]


def with_pool(about: RunContext, **changes: object) -> RunContext:
    """The context with its only pool changed."""
    return replace(about, pools=(replace(about.pools[0], **changes),))  # type: ignore[arg-type]


def result(recording: Recording, about: RunContext | None = None) -> Result:
    """A result with fixed versions and times."""
    meta = RunMeta("1.2.3", "3.11", 0.5, "2026-01-01T00:00:00+00:00")
    return Result.of({"name": "one-server", "seed": 0}, recording, about or context(), meta)


def with_fleet(
    recording: Recording, time_ns: list[int], serving: list[int], leaving: list[int] | None = None
) -> Recording:
    """The recording with so many machines in service, and on beside them, from each time on; none is down.

    Those ``leaving`` end what they have; without them nobody has told these apart.
    """
    times, counts = np.array(time_ns, dtype=np.int64), np.array(serving, dtype=np.int64)
    computing = None if leaving is None else counts + np.array(leaving, dtype=np.int64)
    on = counts if computing is None else computing
    fleet = FleetRecording(
        slots=int(on.max()),
        time_ns=times,
        on=on,
        serving=counts,
        computing=computing,
        down=np.zeros_like(counts),
        starts=0,
        stops=0,
        failures=0,
        lost_requests=0,
        lost_kv_tokens=0,
    )
    return replace(recording, pools=(replace(recording.pools[0], fleet=fleet),))


def with_requests(recording: Recording, **columns: object) -> Recording:
    """The recording with columns of its requests replaced."""
    return replace(recording, requests=replace(recording.requests, **columns))  # type: ignore[arg-type]


def timed_out(recording: Recording, index: int) -> Recording:
    """The recording with one request that timed out before its first token."""
    requests = recording.requests
    changed = {}
    for name, value in (("status", 2), ("first_token_ns", NEVER), ("first_answer_ns", NEVER)):
        column = getattr(requests, name).copy()
        column[index] = value
        changed[name] = column
    return with_requests(recording, **changed)


def _steps(arrival: np.ndarray, start: np.ndarray, prompt: int, output: int, service: Service) -> StepTable:
    n = len(start)
    offset = np.concatenate(([0], service.prefill_ns + np.arange(output - 1) * service.decode_ns))
    begin = (start[:, None] + offset).ravel()
    is_prefill = np.tile(np.arange(output) == 0, n)
    served = np.repeat(np.arange(n), output)
    context_tokens = np.tile(prompt + np.arange(output), n)
    zero = np.zeros(n * output, dtype=np.int64)
    return StepTable(
        replica=zero,
        start_ns=begin,
        duration_ns=np.where(is_prefill, service.prefill_ns, service.decode_ns),
        prefill_tokens=np.where(is_prefill, prompt, 0),
        prefill_sequences=is_prefill.astype(np.int64),
        prefill_context=np.where(is_prefill, prompt, 0),
        prefill_products=np.where(is_prefill, prompt * prompt, 0),
        decode_sequences=(~is_prefill).astype(np.int64),
        decode_tokens=(~is_prefill).astype(np.int64),
        decode_context=np.where(is_prefill, 0, context_tokens),
        kv_blocks=-(-context_tokens // BLOCK),
        waiting=np.searchsorted(arrival, begin, side="right") - served - 1,
    )


def _windows(table: StepTable, width_ns: int, known_power: bool) -> StepWindows:
    end = table.start_ns + table.duration_ns
    window = end // width_ns
    count = int(window.max()) + 1 if len(window) else 0

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(window, weights=weights, minlength=count) if count else np.zeros(0)

    duration = table.duration_ns
    is_prefill = table.prefill_tokens > 0
    bound = np.zeros((count, len(BOUNDS)))
    bound[:, BOUNDS.index("compute")] = total(duration * is_prefill)
    bound[:, BOUNDS.index("memory")] = total(duration * ~is_prefill)
    power = 1.0 if known_power else np.nan
    return StepWindows(
        width_ns=width_ns,
        steps=total(np.ones(len(window))).astype(np.int64),
        busy_ns=total(duration).astype(np.int64),
        prefill_ns=total(duration * is_prefill).astype(np.int64),
        prefill_tokens=total(table.prefill_tokens).astype(np.int64),
        decode_tokens=total(table.decode_tokens).astype(np.int64),
        batch_ns=total(duration.astype(float)),
        kv_blocks_ns=total(table.kv_blocks * duration),
        waiting_ns=total(table.waiting * duration),
        prefill_j=total(is_prefill * PREFILL_J) * power,
        decode_j=total(~is_prefill * DECODE_J) * power,
        bound_ns=bound,
    )
