"""Which part of a run is measured: what the warm-up leaves, and the draining after the last arrival."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.results.recording import Recording


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured part of a run.

    Attributes
    ----------
    issued
        Requests that arrived in the whole run.
    requests
        Those that arrived after the warm-up. When requests arrived that the end of the run cut off is not
        known; they count here, as most of them came late.
    warmup_s, duration_s
        Length of the warm-up and of the measured time after it [s].
    last_arrival_s
        Last known arrival [s].
    drain_s
        From the last arrival to the end of the run [s]; None where the end cut requests off, and where all
        arrived at once, as the run is nothing but the working off then. Where tasks arrive, it is from the
        last of them: the calls that they make later on are working off too.
    """

    issued: int
    requests: int
    warmup_s: float
    duration_s: float
    last_arrival_s: float
    drain_s: float | None

    @property
    def nothing(self) -> bool:
        """Whether the warm-up took all requests there were."""
        return self.issued > 0 and self.requests == 0


def measured_part(recording: Recording, warmup_ns: int) -> Measured:
    """What is measured of a run."""
    arrival, cut_off = recording.requests.arrival_ns, recording.unfinished
    return Measured(
        issued=len(arrival) + cut_off,
        requests=int((arrival >= warmup_ns).sum()) + cut_off,
        warmup_s=warmup_ns / 1e9,
        duration_s=max(recording.end_ns - warmup_ns, 0) / 1e9,
        last_arrival_s=int(arrival.max(initial=0)) / 1e9,
        drain_s=_drain_s(recording),
    )


def _drain_s(recording: Recording) -> float | None:
    tasks = recording.tasks
    from_outside = recording.requests.arrival_ns if tasks is None else tasks.columns.arrival_ns
    first, last = int(from_outside.min(initial=recording.end_ns)), int(from_outside.max(initial=0))
    cut_off = recording.unfinished or (tasks is not None and tasks.unfinished)
    return None if cut_off or last <= first else (recording.end_ns - last) / 1e9
