"""From the name of a checkpoint (``RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic``) to a model card.

The catalogue knows the makers' own names. Re-uploads and quantised versions differ in the
organisation and in suffixes that say tuning and precision; those are taken off until a
card is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import InputError, nearest
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model, model_names

#: Suffixes that say a precision, most specific first.
_PRECISIONS = (
    (re.compile(r"[-_.](nvfp4(a16)?|fp4)\b"), "nvfp4"),
    (re.compile(r"[-_.]mxfp4\b"), "mxfp4"),
    (re.compile(r"[-_.](fp8|fp8[-_](dynamic|block|kv)|w8a8[-_]fp8)\b"), "fp8"),
    (re.compile(r"[-_.](awq|gptq)([-_]int4|[-_]marlin)?\b|[-_.]w4a16\b|[-_.]int4\b|[-_.]4bit\b"), "int4"),
    (re.compile(r"[-_.](w8a8|w8a16|int8|8bit)\b|[-_.]gptq[-_]int8\b"), "int8"),
    (re.compile(r"[-_.](bf16|fp16)\b"), "bf16"),
)
_DECORATIONS = re.compile(
    r"[-_.](instruct|chat|it|hf|base|dynamic|quantized|block|kv|unsloth|bnb|v\d+(\.\d+)*|\d{4})(?=[-_.]|$)"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the name of a checkpoint says: card and precision, None where it does not say.

    ``hint`` names the nearest known card where none was found.
    """

    card: ModelCard | None
    weight_dtype: str | None
    hint: str = ""


def card_of_checkpoint(name: str) -> Checkpoint:
    """The card and precision behind a Hugging Face name, a card's name, or a local path."""
    bare = name.rstrip("/").rsplit("/", 1)[-1].lower()
    card = _first_card([name, bare])
    if card is not None:
        return Checkpoint(card, None)
    dtype = next((dtype for pattern, dtype in _PRECISIONS if pattern.search(bare)), None)
    plain = bare
    for pattern, _ in _PRECISIONS:
        plain = pattern.sub("", plain)
    shortened = _DECORATIONS.sub("", plain)
    variants = [plain, shortened]
    variants += [variant.removeprefix("meta-") for variant in variants]
    card = _first_card(variants)
    return Checkpoint(card, dtype, "" if card else nearest(shortened, model_names()))


def _first_card(names: list[str]) -> ModelCard | None:
    for name in names:
        try:
            return load_model(name)
        except InputError:
            continue
    return None
