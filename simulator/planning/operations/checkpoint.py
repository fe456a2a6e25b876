"""Which checkpoint serves a model in the precision of a design, and the flags that it takes.

A model in the format that it was published in is its maker's checkpoint. vLLM quantises 16-bit weights to fp8
by itself (``--quantization fp8``, general knowledge of its documentation); any other format takes a
checkpoint of its own, which others publish under names of theirs: the maker's name with the format behind it
stands for it. Of caches below 16 bits vLLM keeps fp8 alone (``--kv-cache-dtype``, in its own spellings); a
flag for any other would keep it from starting, so there is none, and a remark.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.models.accounting import resolve_kv_dtype, resolve_weight_dtype
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.scenario.model import ModelSpec

#: Formats that vLLM can quantise while it loads them, and its names for them.
_SIXTEEN_BITS = {"bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Name after ``vllm serve``, flags that its precisions take, and what a reader must put right."""

    name: str
    flags: tuple[tuple[str, str], ...] = ()
    remark: str = ""


def checkpoint_of(model: ModelSpec, kv_cache_dtype: str = "auto") -> Checkpoint:
    """The checkpoint of a model: its maker's, quantised as it is loaded, or one that others publish.

    ``kv_cache_dtype`` is the engine's, which goes before the model's.
    """
    card = load_model(model.card)
    published = _published(model.card, card)
    wanted = resolve_weight_dtype(card, model.weight_dtype)
    flags, remark = _cache(kv_cache_dtype if kv_cache_dtype != "auto" else model.kv_dtype)
    if wanted == card.weight_dtype:
        return Checkpoint(published, flags, remark)
    if wanted in _SIXTEEN_BITS and card.weight_dtype in _SIXTEEN_BITS:
        return Checkpoint(published, (*flags, ("--dtype", _SIXTEEN_BITS[wanted])), remark)
    if wanted == "fp8" and card.weight_dtype in _SIXTEEN_BITS:
        return Checkpoint(published, (*flags, ("--quantization", "fp8")), remark)
    name = f"{published}-{wanted.replace(':', 'of').upper()}"
    named = f"{name} stands for a checkpoint of {published} in {wanted}: name yours"
    return Checkpoint(name, flags, f"{named}; {remark}" if remark else named)


def _cache(asked: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The flag of a format of the KV cache, where vLLM knows it, and the remark where it does not."""
    cache = resolve_kv_dtype(asked)
    if cache in _SIXTEEN_BITS:
        return (), ""
    if cache == "fp8":
        return (("--kv-cache-dtype", asked.lower()),), ""
    return (), f"vLLM keeps no KV cache in {cache}: started like this, it keeps 16 bits; name a format of it"


def _published(asked: str, card: ModelCard) -> str:
    """The maker's checkpoint of this name or alias (``deepseek-r1``); else the first of its shape."""
    names = card.huggingface or (card.name.replace(" ", "-"),)
    wanted = asked.lower()
    of_alias = (name for name in names if name.split("/")[-1].lower().startswith(wanted))
    return next((name for name in names if name.lower() == wanted), next(of_alias, names[0]))
