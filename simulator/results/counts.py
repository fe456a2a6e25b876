"""How many requests came, how they ended, and the tokens they asked for and got."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.results.context import RunContext
from simulator.results.latencies import Latencies, is_finished
from simulator.results.recording import STATUSES, Recording, RequestColumns
from simulator.results.slo import Mask, meets_own


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to the requests.

    ``completed`` and the token totals belong to requests that finished in the measured time, ``by_status``
    and ``all_output_tokens`` to all that ended in it, cut off or not; ``measured`` arrived in it and ended:
    the latencies are theirs. ``issued`` and ``unfinished`` belong to the whole run. ``vain_thinking_tokens``
    were thought for no answer, by requests that were cut off too.
    """

    issued: int
    measured: int
    completed: int
    unfinished: int
    by_status: dict[str, int]
    input_tokens: int
    output_tokens: int
    all_output_tokens: int
    thinking_tokens: int
    vain_thinking_tokens: int
    goodput_requests: int | None
    max_concurrent: int

    @property
    def failed(self) -> int:
        """Requests that ended in the measured time without their whole output."""
        return sum(self.by_status.values()) - self.completed


def counts_of(recording: Recording, context: RunContext, latencies: Latencies, measured: Mask) -> Counts:
    requests = recording.requests
    ended = requests.finish_ns >= context.warmup_ns
    completed = ended & is_finished(requests)
    by_status = np.bincount(requests.status[ended], minlength=len(STATUSES))
    good = meets_own(requests, latencies, context) & ended if context.has_objectives else None
    return Counts(
        issued=len(requests.request) + recording.unfinished,
        measured=int(measured.sum()),
        completed=int(completed.sum()),
        unfinished=recording.unfinished,
        by_status={name: int(n) for name, n in zip(STATUSES, by_status, strict=True)},
        input_tokens=int(requests.prompt_tokens[completed].sum()),
        output_tokens=int(requests.output_tokens[completed].sum()),
        all_output_tokens=int(requests.output_tokens[ended].sum()),
        thinking_tokens=int(requests.thinking_tokens[completed].sum()),
        vain_thinking_tokens=_thought_in_vain(recording, context.warmup_ns),
        goodput_requests=None if good is None else int(good.sum()),
        max_concurrent=max_concurrent(requests, recording.unfinished, context.warmup_ns),
    )


def max_concurrent(requests: RequestColumns, unfinished: int, since_ns: int = 0) -> int:
    """Most requests in the system at one time from then on [1].

    Those cut off by the end of the run are known to be there at the end only, so the figure is a lower
    bound then.
    """
    if len(requests.arrival_ns) == 0:
        return unfinished
    arrivals, ends = np.sort(requests.arrival_ns), np.sort(requests.finish_ns)
    # Just after the k-th arrival, k + 1 requests have come and those that ended by then are gone.
    present = np.arange(1, len(arrivals) + 1) - np.searchsorted(ends, arrivals, side="right")
    first = int(np.searchsorted(arrivals, since_ns))
    at_first = first - int(np.searchsorted(ends, since_ns, side="right"))
    return max(int(present[first:].max(initial=at_first)), unfinished)


def _thought_in_vain(recording: Recording, warmup_ns: int) -> int:
    """Thinking that no answer rests on: of tasks what they did not choose, else of requests cut off."""
    if recording.tasks is not None:
        tasks = recording.tasks.columns
        return int(tasks.vain_tokens[tasks.finish_ns >= warmup_ns].sum())
    requests = recording.requests
    cut_off = (requests.finish_ns >= warmup_ns) & ~is_finished(requests)
    return int(requests.thinking_tokens[cut_off].sum())
