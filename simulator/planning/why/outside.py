"""What requests spent outside replicas, by phase: at the gateway, between attempts, in lines, on links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.results.recording import NEVER, WAIT_CAUSES, Floats, Ints, Recording
from simulator.results.wait_log import EARLIER_ATTEMPTS, LINK
from simulator.results.waiting import joined_ns, wait_rows


@dataclass(frozen=True, slots=True)
class Outside:
    """Of some requests.

    Attributes
    ----------
    ns
        Time by phase and cause [ns], shape (requests, phases, ``WAIT_CAUSES``).
    over_ns
        When the last of it was over in each phase, the phase's beginning where there was none [ns], shape
        (requests, phases).
    handed_over
        Which of them went from one replica to another, shape (requests,).
    """

    ns: Floats
    over_ns: Ints
    handed_over: NDArray[np.bool_]


def outside_of(recording: Recording, rows: Ints, edges: Ints) -> Outside:
    """What the requests in these rows of a recording spent outside replicas.

    An attempt that came to nothing counts as a whole, wherever the request was in it.

    Parameters
    ----------
    edges
        Where their phases begin and the last one ends [ns], shape (requests, phases + 1).
    """
    waits, row = recording.waits, wait_rows(recording)
    places = np.full(len(recording.requests.request) + 1, NEVER)
    places[rows] = np.arange(len(rows))
    known = (places[row] != NEVER) & (waits.cause != EARLIER_ATTEMPTS)
    place, cause = places[row][known], waits.cause[known]
    sent, _ = joined_ns(recording, row, recording.requests.first_scheduled_ns)
    begins = edges[:, :-1].copy()
    begins[:, 0] = sent[rows]
    ns = np.zeros((*begins.shape, len(WAIT_CAUSES)))
    ns[:, 0, EARLIER_ATTEMPTS] = begins[:, 0] - edges[:, 0]
    over = begins.copy()
    for phase in range(begins.shape[1]):
        begin = np.maximum(waits.begin_ns[known], begins[place, phase])
        end = np.minimum(waits.end_ns[known], edges[place, phase + 1])
        lasted = np.maximum(end - begin, 0)
        np.add.at(ns, (place, phase, cause), lasted)
        np.maximum.at(over, (place, phase), np.where(lasted > 0, end, 0))
    handed_over = np.zeros(len(rows), dtype=bool)
    handed_over[place[cause == LINK]] = True
    return Outside(ns, over, handed_over)
