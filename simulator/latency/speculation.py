"""The draft behind a ``speculative:`` section: its shape, where it lies, and what its passes cost."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.latency.drafting import (
    Draft,
    DraftedPricer,
    Passes,
    WindowedPasses,
    all_at_once,
    heads_at_once,
    one_by_one,
    texts_searched,
)
from simulator.latency.host_search import search_of
from simulator.latency.layout import Layout, lay_out
from simulator.latency.pricer import StepPricer
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model, model_names
from simulator.models.drafts import EAGLE3_VOCAB, eagle_card, medusa_card, mtp_card
from simulator.scenario.speculation import SpeculationSpec
from simulator.units.clock import ns_from_seconds

#: Makes a pricer for a layout on a device, without the host's work for a step of its own.
PriceDraft = Callable[[Layout, Device], StepPricer]


def draft_layout(spec: SpeculationSpec, model: Layout) -> Layout | None:
    """The draft on its devices; None where it has no weights of its own.

    By default it is cut over the model's devices as far as its attention heads allow.

    Raises
    ------
    InputError
        Where there is no card of the draft model, or it cannot be cut like that.
    """
    card = draft_card(spec, model.card)
    if card is None:
        return None
    dtype = spec.weight_dtype
    if dtype == "auto" and spec.method == "mtp":
        dtype = model.weight_dtype
    if spec.apart is not None:
        return lay_out(card, spec.apart.tensor, 1, 1, 1, dtype, model.kv_dtype)
    tensor = spec.tensor or gcd(card.heads, model.tensor)
    expert = gcd(model.expert, tensor * model.data) if card.moe is not None else 1
    return lay_out(card, tensor, 1, model.data, expert, dtype, model.kv_dtype)


def draft_card(spec: SpeculationSpec, model: ModelCard) -> ModelCard | None:
    """What drafts, as a card; None for n-grams and for the model itself.

    Raises
    ------
    InputError
        Where there is no card of the draft model, or the model was trained without the layer that drafts.
    """
    match spec.method:
        case "draft_model":
            assert spec.model is not None
            return load_model(spec.model)
        case "eagle":
            return eagle_card(model)
        case "eagle3":
            return eagle_card(model, min(spec.draft_vocab or EAGLE3_VOCAB, model.vocab))
        case "medusa":
            return medusa_card(model, spec.num_speculative_tokens)
        case "mtp":
            _check_trained_with_mtp(model)
            return mtp_card(model)
        case _:
            return None


def _check_trained_with_mtp(model: ModelCard) -> None:
    if model.mtp_layers:
        return
    trained = [name for name in model_names() if load_model(name).mtp_layers]
    raise InputError(
        f"{model.name} was not trained with a multi-token-prediction layer, which method mtp drafts with;"
        f" models that were: {', '.join(trained)} (a card of your own says so with mtp_layers: 1);"
        " any model can be given method eagle3, draft_model or ngram",
        key="speculative.method",
    )


def with_drafts(
    spec: SpeculationSpec,
    model: StepPricer,
    device: Device,
    layout: Layout | None,
    price: PriceDraft,
    version: str,
) -> StepPricer:
    """The model's pricer with the draft's passes on top.

    Parameters
    ----------
    layout
        Of the draft, as `draft_layout` gave it.
    version
        Of the engine: early ones searched for n-grams with operators of the device.
    """
    if spec.method == "ngram":
        return DraftedPricer(model, Draft(search_of(version), texts_searched))
    if layout is None:  # the model itself, with a window of its cache
        return DraftedPricer(model, Draft(model, WindowedPasses(spec.window)))
    if spec.apart is None:
        return DraftedPricer(model, Draft(price(layout, device), _passes(spec)))
    own = price(layout, load_device(spec.apart.hardware))
    round_trip_ns = ns_from_seconds(spec.apart.round_trip)
    return DraftedPricer(model, Draft(own, _passes(spec), round_trip_ns, own.idle_w))


def draft_devices(spec: SpeculationSpec) -> tuple[tuple[Device, int], ...]:
    """Devices that stand beside each replica for the draft."""
    if spec.apart is None:
        return ()
    return ((load_device(spec.apart.hardware), spec.apart.tensor),)


def _passes(spec: SpeculationSpec) -> Passes:
    if spec.method == "medusa":
        return heads_at_once
    return all_at_once if spec.parallel_drafting else one_by_one
