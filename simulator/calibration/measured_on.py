"""Of what device, model, format of weights and layout measurements are: one of each, or they are refused.

Measured runs say all of it, reports of benchmarks the model at most; the user says the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.calibration.reports.measurement import Measurement
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.latency.measured_on import SIZES, MeasuredOn, bare_name
from simulator.models.precision import canonical_dtype
from simulator.units.explain import validate


def what_was_measured(measurements: Sequence[Measurement], given: Mapping[str, Any]) -> MeasuredOn:
    """What all measurements are of; ``given`` by the user goes before what they state.

    Raises
    ------
    InputError
        Where they are of several devices, models or layouts, or a key given is unknown.
    """
    _refuse_mixtures(measurements)
    asked = validate(MeasuredOn, dict(given), "--on")
    if asked.weight_dtype is not None:
        asked = asked.model_copy(update={"weight_dtype": canonical_dtype(asked.weight_dtype)})
    if asked.device is not None and asked.device.endswith((".yaml", ".yml")):
        asked = asked.model_copy(update={"device": load_device(asked.device).id})
    stated: dict[str, Any] = {}
    for one in reversed(measurements):
        stated |= _said(one.on)
    said = _said(asked)
    if asked.layout is not None:
        stated = {key: value for key, value in stated.items() if key not in SIZES}
    return MeasuredOn.model_validate(stated | said)


def _said(on: MeasuredOn) -> dict[str, Any]:
    return on.model_dump(exclude_none=True)


def _refuse_mixtures(measurements: Sequence[Measurement]) -> None:
    said: tuple[tuple[str, Callable[[MeasuredOn], str | None]], ...] = (
        ("models", lambda on: on.model and bare_name(on.model)),
        ("devices", lambda on: on.device),
        ("formats of weights", lambda on: on.weight_dtype),
        ("layouts", _layout),
    )
    for what, of in said:
        values = {value for one in measurements if (value := of(one.on))}
        if len(values) > 1:
            raise InputError(
                f"a fitted backend is one of one machine and model, but the data are of {len(values)} {what}:"
                f" {', '.join(sorted(values))}; calibrate them one by one"
            )


def _layout(on: MeasuredOn) -> str | None:
    if on.layout is None:
        return None
    return " ".join(f"{size} {count}" for size, count in on.layout.items() if count > 1) or "one device"
