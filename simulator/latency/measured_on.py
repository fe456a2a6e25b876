"""What step times were fitted on, and in what a pool that they price differs from that.

A fitted backend is one of one device, model, format of weights and layout. It prices any other just as well
in form, and wrongly: what differs, and what its file does not say, is said to the user.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.latency.layout import Layout
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.models.precision import canonical_dtype
from simulator.scenario.spec import Count

SIZES = ("tensor", "pipeline", "data", "expert", "context")
#: What publishers of quantised checkpoints put behind a model's name.
_PRECISIONS = re.compile(r"([-._](fp8|fp4|nvfp4|mxfp4|int[48]|w\da\d+|awq|gptq|bnb|dynamic|quantized|kv))+$")


class MeasuredOn(BaseModel):
    """Device, model, format of weights and layout of a fit, as far as they are known.

    ``device`` and ``model`` may be any name, of a profile and card or not. Of the sizes of the layout, those
    that are not given are one where others are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str | None = Field(default=None, min_length=1)
    model: str | None = Field(default=None, min_length=1)
    weight_dtype: str | None = None
    tensor: Count | None = None
    pipeline: Count | None = None
    data: Count | None = None
    expert: Count | None = None
    context: Count | None = None

    @property
    def layout(self) -> dict[str, int] | None:
        """All sizes, None where none is known."""
        sizes = {name: getattr(self, name) for name in SIZES}
        if all(size is None for size in sizes.values()):
            return None
        return {name: size or 1 for name, size in sizes.items()}

    @property
    def unsaid(self) -> list[str]:
        """What is not known, in words."""
        known = {
            "device": self.device,
            "model": self.model,
            "format of weights": self.weight_dtype,
            "layout": self.layout,
        }
        return [name for name, value in known.items() if value is None]


#: Of what says nothing of it.
NOTHING_KNOWN = MeasuredOn()


def remarks(name: str, on: MeasuredOn, layout: Layout, device: Device) -> tuple[str, ...]:
    """What a user must know before a fit prices a pool: in what it differs, and what cannot be told."""
    differing = _differences(on, layout, device)
    found = []
    if differing:
        fitted = ", ".join(theirs for theirs, _ in differing)
        priced = ", ".join(ours for _, ours in differing)
        found.append(
            f"Step times {name!r} were fitted on {fitted}, but price {priced}, as if that were the same:"
            " latencies are those of what was measured. Measure there, or leave `latency` out."
        )
    if on.unsaid:
        found.append(
            f"The file of step times {name!r} does not say what {listed(on.unsaid)} they were fitted on, so"
            " that is not checked: add `measured_on` (simulator calibrate --on KEY=VALUE)."
        )
    return tuple(found)


def _differences(on: MeasuredOn, layout: Layout, device: Device) -> list[tuple[str, str]]:
    """Pairs of what was measured and what is priced."""
    found = []
    if on.device is not None and _device_id(on.device) != device.id.lower():
        found.append((on.device, device.id))
    if on.model is not None and not _is_model(on.model, layout.card):
        found.append((f"model {on.model}", f"model {layout.card.id}"))
    if on.weight_dtype is not None and _dtype(on.weight_dtype) != layout.weight_dtype:
        found.append((f"weights in {on.weight_dtype}", f"weights in {layout.weight_dtype}"))
    for size, theirs in (on.layout or {}).items():
        ours = getattr(layout, size)
        if theirs != ours:
            found.append((f"{size} {theirs}", f"{size} {ours}"))
    return found


def _device_id(name: str) -> str:
    try:
        return load_device(name).id.lower()
    except InputError:
        return name.lower()


def _is_model(name: str, card: ModelCard) -> bool:
    """Whether a name of a checkpoint, with or without folder and precision, is one of the card's."""
    for asked in (name, _without_precision(name)):
        try:
            return load_model(asked).id == card.id
        except InputError:
            continue
    known = {
        bare_name(one) for one in (card.id, card.name.replace(" ", "-"), *card.aliases, *card.huggingface)
    }
    return bool({bare_name(name), bare_name(_without_precision(name))} & known)


def _without_precision(model: str) -> str:
    return _PRECISIONS.sub("", model.lower())


def bare_name(model: str) -> str:
    """A model's name without the folder or organisation in front of it."""
    return model.rstrip("/").rsplit("/", 1)[-1].lower()


def _dtype(name: str) -> str:
    try:
        return canonical_dtype(name)
    except InputError:
        return name


def listed(names: list[str]) -> str:
    """Words with commas and an `and`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
