"""Latencies of single requests, derived from the recorded times.

=======  =====================================================================
queue    first scheduled - arrival
TTFT     first token - arrival
TTFAT    first answer token (after thinking) - arrival
TPOT     (last token - first token) / (output tokens - 1), as in vLLM;
         undefined for a single output token
E2E      last token - arrival
=======  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.results.recording import NEVER, STATUSES, Floats, Ints, RequestColumns

FINISHED = STATUSES.index("finished")
ABORTED = STATUSES.index("aborted")


@dataclass(frozen=True, slots=True)
class Latencies:
    """Latencies [ms], one element per recorded request, NaN where undefined."""

    queue: Floats
    ttft: Floats
    first_answer: Floats
    tpot: Floats
    e2e: Floats


def latencies_of(requests: RequestColumns) -> Latencies:
    """Latencies of all recorded requests, shape (n,) each."""
    return Latencies(
        queue=_between(requests.arrival_ns, requests.first_scheduled_ns),
        ttft=_between(requests.arrival_ns, requests.first_token_ns),
        first_answer=_between(requests.arrival_ns, requests.first_answer_ns),
        tpot=time_per_output_token_ms(requests),
        e2e=_between(requests.arrival_ns, np.where(is_finished(requests), requests.finish_ns, NEVER)),
    )


def time_per_output_token_ms(requests: RequestColumns) -> Floats:
    """Time per output token after the first [ms], NaN for outputs of one token."""
    span = _between(requests.first_token_ns, requests.finish_ns)
    gaps = requests.output_tokens - 1
    tpot = np.full(len(span), np.nan)
    np.divide(span, gaps, out=tpot, where=(gaps > 0) & is_finished(requests))
    return tpot


def is_finished(requests: RequestColumns) -> NDArray[np.bool_]:
    """True for requests that got their whole output."""
    finished: NDArray[np.bool_] = requests.status == FINISHED
    return finished


def defined(values: Floats) -> Floats:
    """The values without NaN."""
    kept: Floats = values[~np.isnan(values)]
    return kept


def _between(start_ns: Ints, end_ns: Ints) -> Floats:
    """Time from start to end [ms], NaN where either never came."""
    return np.where((start_ns == NEVER) | (end_ns == NEVER), np.nan, (end_ns - start_ns) / 1e6)
