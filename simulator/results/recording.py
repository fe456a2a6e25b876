"""What one simulation leaves behind: numpy columns, before any metric is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Ways a request can end, as stored in ``RequestColumns.status``.
STATUSES = ("finished", "aborted", "timed_out", "shed", "failed", "refused")
#: A time that never came (first token of a request aborted before it, say).
NEVER = -1


@dataclass(frozen=True, slots=True)
class RequestColumns:
    """One element per ended request, in order of ending, shape (n,), int64.

    Times are simulated nanoseconds since the start, ``NEVER`` where they did not occur.
    ``arrival_ns`` is when the client sent the request (at the gateway), ``first_token_ns`` and
    ``finish_ns`` when the client had the first and the last token. ``first_answer_ns`` is
    the first token after thinking (equal to ``first_token_ns`` without thinking).
    ``output_tokens`` were really generated; ``cached_tokens`` is the prefix hit at first
    admission; ``pool`` and ``replica`` (index within the pool) generated the output, ``NEVER`` where
    no replica had the request. ``tenant`` is the kind of request (index), ``attempts`` how often its
    client has sent it.
    """

    request: Ints
    status: Ints
    arrival_ns: Ints
    first_scheduled_ns: Ints
    first_token_ns: Ints
    first_answer_ns: Ints
    finish_ns: Ints
    prompt_tokens: Ints
    output_tokens: Ints
    thinking_tokens: Ints
    cached_tokens: Ints
    preemptions: Ints
    pool: Ints
    replica: Ints
    tenant: Ints
    attempts: Ints


#: What keeps a request outside a replica, as stored in ``WaitColumns.cause``: limits at the gateway, attempts
#: of its client that came to nothing and the time until the next one, that no replica is in service, that no
#: decode replica has room for it, and the links that carry its KV cache.
WAIT_CAUSES = ("gateway", "earlier attempts", "no replica", "decode room", "link")


@dataclass(frozen=True, slots=True)
class WaitColumns:
    """One element per time that a request spent outside a replica, in order of ending, shape (n,), int64.

    ``cause`` is an index of ``WAIT_CAUSES``; times are simulated nanoseconds. ``pool`` and ``replica`` (index
    within the pool) hold its KV cache meanwhile, ``NEVER`` where nobody does. What takes no time is left out,
    but for links: each request that went over one has an element for it.
    """

    request: Ints
    cause: Ints
    begin_ns: Ints
    end_ns: Ints
    pool: Ints
    replica: Ints


NO_WAITS = WaitColumns(*(np.zeros(0, dtype=np.int64) for _ in WaitColumns.__slots__))


@dataclass(frozen=True, slots=True)
class StepWindows:
    """Sums over all steps of a pool, per window of simulated time.

    A step counts in the window in which it ends. Window ``i`` covers
    ``[i * width_ns, (i + 1) * width_ns)``. All arrays have shape (windows,) but
    ``bound_ns`` with shape (windows, len(BOUNDS)).
    """

    width_ns: int
    steps: Ints
    busy_ns: Ints
    prefill_ns: Ints  # of busy_ns what prompts took: a step with decodes too is shared by its tokens
    prefill_tokens: Ints
    decode_tokens: Ints
    batch_ns: Floats  # sum of (sequences in the step) * duration: divide by busy_ns for the mean batch
    kv_blocks_ns: Floats  # sum of (blocks in use) * duration
    waiting_ns: Floats  # sum of (requests waiting at the replica) * duration
    prefill_j: Floats  # dynamic energy above idle; NaN where unknown
    decode_j: Floats
    bound_ns: Floats


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """Weighted histogram of inter-token latencies with logarithmic bins.

    Bin ``i`` covers ``[lowest_ns * ratio**i, lowest_ns * ratio**(i + 1))``; ``count`` holds
    token counts, shape (bins,). ``sum_ns`` and ``total`` give the exact mean.
    """

    lowest_ns: float
    ratio: float
    count: Ints
    sum_ns: int
    total: int

    def with_more(self, latencies_ns: Sequence[int]) -> LatencyHistogram:
        """The same with some more latencies in it [ns]."""
        if not latencies_ns:
            return self
        more = np.maximum(np.array(latencies_ns, dtype=np.int64), self.lowest_ns)
        bins = (np.log(more / self.lowest_ns) / log(self.ratio)).astype(np.int64)
        count = self.count + np.bincount(np.minimum(bins, len(self.count) - 1), minlength=len(self.count))
        return replace(
            self, count=count, sum_ns=self.sum_ns + sum(latencies_ns), total=self.total + len(latencies_ns)
        )


@dataclass(frozen=True, slots=True)
class StepTable:
    """Every step of a pool (only with ``record: steps``), shape (n,), int64."""

    replica: Ints
    start_ns: Ints
    duration_ns: Ints
    prefill_tokens: Ints
    prefill_sequences: Ints
    prefill_context: Ints
    prefill_products: Ints
    decode_sequences: Ints
    decode_tokens: Ints
    decode_context: Ints
    kv_blocks: Ints
    waiting: Ints


@dataclass(frozen=True, slots=True)
class DraftingRecord:
    """What came of speculative decoding: steps of single requests that verified drafts, drafts they
    verified, and how many of them accepted the first, second, ... draft."""

    verifications: int
    drafted: int
    accepted_by_position: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KvTierRecording:
    """A tier of memory behind the KV caches of a pool, all replicas together.

    ``hit_tokens`` of ``looked_up_tokens`` were loaded from it [tokens], as ``read_bytes`` [bytes];
    requests spent ``loading_ns`` waiting for that, queueing included [ns]. ``written_bytes`` came to it over
    a link [bytes]; 0 where writing takes no time.
    """

    name: str
    looked_up_tokens: int
    hit_tokens: int
    read_bytes: float
    loading_ns: int
    written_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class FleetRecording:
    """The machines of a pool over time.

    ``on``, ``serving`` and ``down`` machines of ``slots`` from each ``time_ns`` to the next, shape (n,), and
    ``computing`` ones, that serve or end what they have; None where these were not told apart;
    ``starts`` and ``stops`` of replicas by an autoscaler; ``failures`` of machines, with the requests that
    were lost with them and the tokens of KV cache that those held. Where a pool ``changes_sides``, its
    machines come from another one and go there.
    """

    slots: int
    time_ns: Ints
    on: Ints
    serving: Ints
    down: Ints
    starts: int
    stops: int
    failures: int
    lost_requests: int
    lost_kv_tokens: int
    changes_sides: bool = False
    computing: Ints | None = None


@dataclass(frozen=True, slots=True)
class PoolRecording:
    """Everything recorded for one pool. ``windows`` sums over its replicas.

    Windows, steps and the table of steps are of the whole run. Inter-token latencies, prefix look-ups and
    hits, preemptions, drafts and loads from tiers count from the end of the warm-up on.
    """

    name: str
    replicas: int
    kv_blocks_per_replica: int
    block_size: int
    windows: StepWindows
    inter_token: LatencyHistogram
    steps: int
    prefix_queried_tokens: int
    prefix_hit_tokens: int
    preemptions: int
    step_table: StepTable | None = None
    drafting: DraftingRecord | None = None
    kv_tiers: tuple[KvTierRecording, ...] = ()
    fleet: FleetRecording | None = None


#: A verdict that nobody can give: no quality curve applies.
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class TaskColumns:
    """One element per ended task, in order of ending, shape (n,), int64.

    A task is one arrival of the workload where a strategy of test-time compute works on it.

    Times are simulated nanoseconds, ``NEVER`` where they did not occur. ``first_token_ns`` is the first
    token of any call, ``first_answer_ns`` the first token of the answer that the user sees (the end of
    the task where candidates have to be compared first), ``finish_ns`` when the answer was complete.
    Tokens are sums over the calls; ``vain_tokens`` is thinking that the answer does not rest on (candidates
    not chosen, branches given up, loops cut off). ``wait_ns`` was spent waiting for tools.
    ``answered`` is 0 where a task ended without an answer; ``right`` is 1, 0 or ``UNKNOWN``;
    ``cut_by_depth`` is 1 where a tree was not allowed as many steps as its thinking takes.
    """

    task: Ints
    answered: Ints
    right: Ints
    arrival_ns: Ints
    first_token_ns: Ints
    first_answer_ns: Ints
    finish_ns: Ints
    wait_ns: Ints
    calls: Ints
    prompt_tokens: Ints
    cached_tokens: Ints
    output_tokens: Ints
    thinking_tokens: Ints
    vain_tokens: Ints
    cut_by_depth: Ints


@dataclass(frozen=True, slots=True)
class TaskRecording:
    """All tasks of a run.

    Attributes
    ----------
    columns
        The ended tasks.
    task_of_request
        Task of the call with each request number, shape (calls,), int64.
    unfinished
        Tasks that were under way when the run ended.
    strategy
        What they were worked on by, in words.
    quality
        What the verdicts in ``right`` rest on, in words; empty where there are none.
    """

    columns: TaskColumns
    task_of_request: Ints
    unfinished: int
    strategy: str
    quality: str


@dataclass(frozen=True, slots=True)
class LinkRecording:
    """Links of one kind: how many, their bandwidth one way [bytes/s], and what all of them carried.

    ``busy_ns`` is the time during which bytes of a transfer moved on them, the sum over all of them, and
    ``longest_busy_ns`` that of the one with most, None in recordings of before it was kept [ns].
    ``busiest_ns`` is what the fullest of them carried, over its bandwidth [ns].
    """

    name: str
    links: int
    bytes_per_s: float
    transfers: int
    bytes_sent: float
    busy_ns: int
    busiest_ns: float = 0.0
    longest_busy_ns: int | None = None


@dataclass(frozen=True, slots=True)
class TransferRecording:
    """KV caches that went from prefill to decode replicas.

    Of so many transfers that were begun, some ``arrived``, some ``failed`` (and were sent again or not), and
    some were ``cancelled``: a client gave up or a replica was lost. ``bytes_sent`` counts all that left.
    ``time_ns`` is the time of all that arrived together, from when they could be sent to the last byte;
    ``alone_ns`` is what they would have taken had each been the only one, None in recordings of before it was
    kept. ``waits`` requests had to wait for room on the decode side, ``waited_ns`` in all. Layers leave while
    the next ones are computed where it ``overlaps``. All of this from ``since_ns`` on, the end of the warm-up
    [ns]: what was on its way then counts among those that were begun, with the bytes that were left of it.
    """

    transfers: int
    arrived: int
    failed: int
    cancelled: int
    bytes_sent: float
    time_ns: int
    waits: int
    waited_ns: int
    links: tuple[LinkRecording, ...] = ()
    alone_ns: int | None = None
    overlaps: bool = False
    since_ns: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """The columns of one run. ``unfinished`` requests were still in the system at ``end_ns``.

    ``waits`` is what requests spent outside replicas, as far as it was over by then.
    """

    requests: RequestColumns
    pools: tuple[PoolRecording, ...]
    end_ns: int
    unfinished: int
    transfers: TransferRecording | None = None
    tasks: TaskRecording | None = None
    waits: WaitColumns = NO_WAITS
