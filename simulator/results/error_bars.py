"""What is known about the error of one result: that of the backend on the nearest data it was compared with.

Near is the same device, else one of the same vendor, kind and age; the same class of model before the other
(dense before mixture of experts); then the load. Where nothing of that kind was ever measured, that is said.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.results.accuracy import METRICS, ErrorGroup, LoadClass, load_class

_LOADS: tuple[LoadClass, ...] = ("light", "medium", "heavy")
_KINDS = ("runs", "points", "public figures")
_COUNTED = {
    "runs": ("measured run", "measured runs"),
    "points": ("operating point", "operating points"),
    "public figures": ("public figure", "public figures"),
}


@dataclass(frozen=True, slots=True)
class MeasuredError:
    """Absolute error [1] of one metric: median and 90th percentile over ``count`` comparisons."""

    metric: str
    median: float
    p90: float
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Comparisons on one device, class of model and load, as `ErrorGroup` has them.

    ``device_name`` is the device's name in words; ``same_device`` and ``same_class`` say how near it is.
    """

    device_name: str
    same_device: bool
    model_class: str
    same_class: bool
    load: str
    kind: str
    in_flight: tuple[float, float]
    source: str
    errors: tuple[MeasuredError, ...]

    @classmethod
    def of(cls, group: ErrorGroup, device_name: str, *, same_device: bool, same_class: bool) -> Compared:
        """The group as seen from a pool."""
        errors = tuple(
            MeasuredError(metric, spread.median, spread.p90, spread.count)
            for metric, spread in group.errors.items()
        )
        return cls(
            device_name,
            same_device,
            group.model_class,
            same_class,
            group.load,
            group.kind,
            group.in_flight,
            group.source,
            errors,
        )


@dataclass(frozen=True, slots=True)
class KnownErrors:
    """What a pool's backend was compared with.

    Attributes
    ----------
    stated
        What the backend says of its own error (a fit to the user's data); "" where the shipped figures hold.
    compared
        Everything near, over all loads; empty where nothing near was ever measured.
    """

    stated: str = ""
    compared: tuple[Compared, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> KnownErrors:
        """The inverse of ``asdict``."""
        return cls(
            data["stated"],
            tuple(
                Compared(
                    **{
                        **one,
                        "in_flight": tuple(one["in_flight"]),
                        "errors": tuple(MeasuredError(**error) for error in one["errors"]),
                    }
                )
                for one in data["compared"]
            ),
        )


NOTHING_KNOWN = KnownErrors()


@dataclass(frozen=True, slots=True)
class ErrorBar:
    """The error to expect of one pool's figures.

    Attributes
    ----------
    known
        Whether anything near was ever measured.
    in_flight
        Requests in flight at one replica in this result [1].
    text
        The same in a sentence.
    """

    pool: str
    known: bool
    in_flight: float
    text: str
    nearest: tuple[Compared, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "pool": self.pool,
            "known": self.known,
            "in_flight_per_replica": self.in_flight,
            "text": self.text,
            "nearest": [asdict(one) for one in self.nearest],
        }


def error_bar(
    pool: str, device: str, known: KnownErrors, in_flight: float, *, overloaded: bool = False
) -> ErrorBar:
    """The error bar of a pool at its load."""
    if known.stated:
        return ErrorBar(pool, True, in_flight, f"Errors of the backend {known.stated}.")
    if not known.compared:
        text = (
            f"No measurement near this was ever compared with the simulator: neither on {device} nor on a"
            " device like it. How far the figures are off is unknown."
        )
        return ErrorBar(pool, False, in_flight, text)
    wanted: LoadClass = "overloaded" if overloaded else load_class(in_flight)
    nearest = tuple(
        best for kind in _KINDS if (best := _nearest(known.compared, kind, wanted, in_flight)) is not None
    )
    sentences = " ".join(_sentence(one, in_flight) for one in nearest)
    return ErrorBar(pool, True, in_flight, f"{_how_near(nearest, device)} {sentences}".strip(), nearest)


def _nearest(
    compared: tuple[Compared, ...], kind: str, wanted: LoadClass, in_flight: float
) -> Compared | None:
    candidates = [one for one in compared if one.kind == kind]
    return min(candidates, key=lambda one: _distance(one, wanted, in_flight), default=None)


def _distance(one: Compared, wanted: LoadClass, in_flight: float) -> tuple[bool, bool, int, float, int]:
    low, high = one.in_flight
    outside = max(low / max(in_flight, 1.0), in_flight / max(high, 1.0), 1.0)
    count = max(error.count for error in one.errors)
    return (not one.same_device, not one.same_class, _apart(one.load, wanted), outside, -count)


def _apart(load: str, wanted: LoadClass) -> int:
    if "overloaded" in (load, wanted):
        return 0 if load == wanted else len(_LOADS)
    return abs(_LOADS.index(load) - _LOADS.index(wanted))


def _how_near(nearest: tuple[Compared, ...], device: str) -> str:
    """What a reader must know before the figures: that they are of another device or class of model."""
    own = [one for one in nearest if one.same_device]
    if not own:
        return (
            f"Nothing measured on {device} was ever compared; the nearest device that was is"
            f" {nearest[0].device_name}."
        )
    if not any(one.same_class for one in own):
        return f"Only {own[0].model_class} models were compared on {device}."
    return ""


def _sentence(one: Compared, in_flight: float) -> str:
    """ "24 measured runs on H100 SXM, dense models, 9 to 64 requests in flight: TTFT 3.4 % (90th ..." """
    count = max(error.count for error in one.errors)
    counted = _COUNTED[one.kind][count > 1]
    low, high = one.in_flight
    ordered = sorted(one.errors, key=lambda error: list(METRICS).index(error.metric))
    figures = ", ".join(
        f"{METRICS[error.metric]} {_percent(error.median)} (p90 {_percent(error.p90)})" for error in ordered
    )
    load = f"{low:.0f} to {high:.0f} requests" if high > low else f"{low:.0f} request{'s'[: low > 1]}"
    far = "" if low / 2 <= in_flight <= high * 2 else f" (here {in_flight:.0f})"
    word = "overloaded" if one.load == "overloaded" else f"{load} in flight{far}"
    return (
        f"Median absolute error over {count} {counted} of {one.source} on {one.device_name}"
        f" ({one.model_class} models, {word}): {figures}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
