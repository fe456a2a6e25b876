"""Traffic of ServeGen's clients: each with rates, burstiness and lengths of its own.

A window of ten minutes holds as many requests of a client as were measured (scaled, and
rounded up or down by chance), with gaps drawn from the client's distribution in that
window and stretched to fill it, as in ServeGen's own generator. Prompt, output and share
of thinking are drawn apart; ServeGen draws all from one uniform number, which makes them
perfectly correlated by rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.scenario.workload.populations import ServeGenSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals.renewal import gamma_gaps, weibull_gaps
from simulator.workload.chunking import ended, rechunked
from simulator.workload.generated import constant_priority
from simulator.workload.importers.servegen import WINDOW_S, Client, Window
from simulator.workload.traffic import Traffic

Floats = NDArray[np.float64]
MEDIA = ("image", "audio", "video")


@dataclass(slots=True)
class ServeGenSource:
    """Requests of a population of clients. Implements ``RequestSource``."""

    spec: ServeGenSpec
    clients: dict[int, Client]
    priority: int | None
    streams: RandomStreams
    requests: int | None
    end_ns: int | None
    ends_on_stop: bool
    chunk_size: int
    max_total_tokens: int | None = None
    concurrency: int | None = None

    def chunks(self) -> Iterator[Traffic]:
        """The requests in arrival order; a fresh, identical iteration at every call."""
        return rechunked(ended(self._windows(), self.requests, self.end_ns), self.chunk_size)

    def _windows(self) -> Iterator[Traffic]:
        clients = busiest(self.clients, self.spec.top)
        starts = sorted({start for client in clients.values() for start in client.windows})
        span = starts[-1] + WINDOW_S - starts[0]
        scale = self._scale(clients, span)
        gaps = {number: self.streams.generator(f"client {number}") for number in clients}
        lengths = LengthsByClient(clients, self.streams)
        begin = int(self.spec.start // WINDOW_S * WINDOW_S)
        for index in count():
            at = starts[0] + (begin - starts[0] + index * WINDOW_S) % span
            owners, times = [], []
            for number, client in clients.items():
                window = client.windows.get(at)
                if window is not None:
                    arrivals = within(window, scale, gaps[number])
                    owners.append(np.full(len(arrivals), number))
                    times.append(arrivals)
            if times:
                order = np.argsort(np.concatenate(times), kind="stable")
                owner, seconds = np.concatenate(owners)[order], np.concatenate(times)[order]
                arrival_ns = np.rint((index * WINDOW_S + seconds) * NS_PER_S).astype(np.int64)
                yield lengths(at, owner, arrival_ns, self.priority)

    def _scale(self, clients: dict[int, Client], span_s: int) -> float:
        """Factor on all rates."""
        mean = sum(client.requests for client in clients.values()) / span_s
        if mean <= 0.0:
            raise InputError("the clients send nothing", key="workload.arrivals.file")
        return 1.0 if self.spec.rate is None else self.spec.rate / mean


def busiest(clients: dict[int, Client], top: int | None) -> dict[int, Client]:
    """The clients with the most requests, by number."""
    kept = sorted(clients, key=lambda number: -clients[number].requests)[:top]
    return {number: clients[number] for number in sorted(kept)}


def within(window: Window, scale: float, random: np.random.Generator) -> Floats:
    """Arrival times of one client in one window, from its start [s]."""
    requests = int(window.rate * scale * WINDOW_S + random.random())
    if requests == 0:
        return np.empty(0)
    family = gamma_gaps if window.family == "gamma" else weibull_gaps
    reached = np.cumsum(family(random, window.shape)(requests + 1))
    share = reached[:-1] / reached[-1] if reached[-1] > 0.0 else random.random(requests)
    return np.sort(share) * WINDOW_S


class LengthsByClient:
    """Draws the lengths of requests from their clients' histograms."""

    def __init__(self, clients: dict[int, Client], streams: RandomStreams) -> None:
        self._clients = clients
        self._prompts = streams.generator("prompt_tokens")
        self._outputs = streams.generator("output_tokens")
        self._thinking = streams.generator("thinking")
        self._media = streams.generator("media")

    def __call__(
        self, at_s: int, owner: NDArray[np.int64], arrival_ns: NDArray[np.int64], priority: int | None
    ) -> Traffic:
        """Requests of one window, in order of arrival."""
        size = len(owner)
        first, second = self._prompts.random(size), self._outputs.random(size)
        third, fourth = self._thinking.random(size), self._media.random((size, 2))
        prompt, output, share = np.ones(size), np.ones(size), np.full(size, np.nan)
        for number in np.unique(owner).tolist():
            here = np.flatnonzero(owner == number)
            fields = self._clients[number].histograms(at_s)
            text = fields.get("input_tokens") or fields.get("text_tokens")
            prompt[here] = text.draw(first[here]) if text else 0.0
            for kind in MEDIA:
                if f"{kind}_tokens" in fields and f"{kind}_count" in fields:
                    each = fields[f"{kind}_tokens"].draw(fourth[here, 0])
                    prompt[here] += each * fields[f"{kind}_count"].draw(fourth[here, 1])
            output[here] = fields["output_tokens"].draw(second[here])
            if "reason_ratio" in fields:
                share[here] = fields["reason_ratio"].draw(third[here])
        prompts = np.maximum(np.rint(prompt), 1).astype(np.int32)
        outputs = np.maximum(np.rint(output), 1).astype(np.int32)
        thought = None
        if not np.isnan(share).all():
            whole = np.rint(np.nan_to_num(share) * outputs)
            thought = np.clip(whole, 0, outputs - 1).astype(np.int32)
        return Traffic(arrival_ns, prompts, outputs, thought, constant_priority(priority, size))
