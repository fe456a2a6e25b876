"""What the shipped error figures have near a pool: its device or one like it, its class of model."""

from __future__ import annotations

from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.device import Device
from simulator.latency.compile import CompiledBackend
from simulator.models.card import ModelCard
from simulator.results.accuracy import Accuracy, ErrorGroup, shipped_accuracy
from simulator.results.error_bars import Compared, KnownErrors
from simulator.scenario.backend import BackendSpec

#: Backends that the figures do not speak of, for they do not use the shipped constants.
OWN_ERROR = ("fitted", "linear", "decode_offload")
#: Years between two devices of one vendor and kind that still count as alike.
ALIKE_YEARS = 2


def known_errors(
    spec: BackendSpec,
    card: ModelCard,
    device: Device,
    backend: CompiledBackend,
    accuracy: Accuracy | None = None,
) -> KnownErrors:
    """What the backend of a pool was compared with: of each kind of data the nearest."""
    if spec.backend in OWN_ERROR:
        return KnownErrors(stated=backend.provenance.error)
    wanted = "dense" if card.moe is None else "MoE"
    found = []
    profiled = frozenset(device_names())
    for group in (accuracy or shipped_accuracy()).groups:
        name = _near(group, device, profiled)
        if name is not None:
            same_device, same_class = group.device == device.id, group.model_class == wanted
            found.append(Compared.of(group, name, same_device=same_device, same_class=same_class))
    best: dict[str, tuple[bool, bool]] = {}
    for one in found:
        best[one.kind] = max(_nearness(one), best.get(one.kind, _nearness(one)))
    return KnownErrors(compared=tuple(one for one in found if _nearness(one) == best[one.kind]))


def _nearness(one: Compared) -> tuple[bool, bool]:
    return one.same_device, one.same_class


def _near(group: ErrorGroup, device: Device, profiled: frozenset[str]) -> str | None:
    """Name of the group's device where it is the pool's or like it; None where it is not.

    Machines that only their own runs describe have no profile, and are like nothing else.
    """
    if group.device == device.id:
        return device.name
    if group.device not in profiled:
        return None
    other = load_device(group.device)
    alike = (other.vendor, other.family) == (device.vendor, device.family)
    return other.name if alike and abs(other.year - device.year) <= ALIKE_YEARS else None
