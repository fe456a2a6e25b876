"""What no engine can be faster than, whatever its kernels: reading the caches of all that it answers.

A row that is faster was not one engine under the load it gives: the load is that of several, and how many
the row does not say.
"""

from __future__ import annotations

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import lengths_of, load_value_of
from simulator.hardware.device import Device
from simulator.latency.machine import machine_of
from simulator.models.accounting import kv_bytes
from simulator.models.card import ModelCard


def refuse_faster_than_memory(
    point: OperatingPoint, card: ModelCard, device: Device, kv_dtype: str, devices: int
) -> None:
    """Refuse a closed loop whose tokens come faster than ``devices`` devices could read what they need.

    Raises
    ------
    NotSimulated
        With both times.
    """
    measured_s = point.measured.get("tpot_s")
    if measured_s is None:
        return
    least_s = cache_read_s(point, measured_s, card, kv_dtype, devices * machine_of(device).bandwidth)
    if measured_s < least_s:
        raise NotSimulated(
            f"a token took {measured_s * 1e3:.1f} ms, but the caches of all requests in flight take"
            f" {least_s * 1e3:.1f} ms to read on {devices} devices: the load is that of several engines, and"
            " the row does not say of how many"
        )


def cache_read_s(
    point: OperatingPoint, tpot_s: float, card: ModelCard, kv_dtype: str, bandwidth: float
) -> float:
    """Least time of a step [s]: all requests that answer are read once at this bandwidth [bytes/s].

    Of those in flight, by the share of time that answering takes. What does not grow with the context
    (windows, states, and the tokens that an indexer chooses) is left out.
    """
    prompt, output = lengths_of(point)
    if card.sparse_attention_tokens is not None:
        return 0.0
    answering_s = tpot_s * (output - 1)
    waiting_s = point.measured.get("ttft_s", 0.0)
    if answering_s <= 0:
        return 0.0
    answering = load_value_of(point) * answering_s / (answering_s + waiting_s)
    return answering * (prompt + output / 2) * kv_bytes(card, kv_dtype).full / bandwidth
