"""Finds model cards: shipped ones by id, alias or Hugging Face name, and users' own by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from simulator.models.card import ModelCard
from simulator.units.catalogue import load_entry, shipped_names, written_ns

FOLDER = "model_cards"


def load_model(name_or_path: str | Path) -> ModelCard:
    """The model card of this name, or in this file.

    Names are ids ("llama-3.1-70b"), aliases ("deepseek-r1") and Hugging Face names
    ("meta-llama/Llama-3.1-70B-Instruct"), in any case. Anything ending in .yaml or .yml is a path.

    Raises
    ------
    InputError
        Where there is no such card or file, or the file is no valid card.
    """
    name = str(name_or_path)
    return _load(name, written_ns(name))


@cache
def _load(name_or_path: str, changed_ns: int) -> ModelCard:
    del changed_ns  # only a part of the key
    return load_entry(FOLDER, name_or_path, ModelCard, what="model")


def name_shown(reference: str | Path) -> str:
    """What to call a model in a result: its card's name, and the name asked for where the card only lists it.

    ``deepseek-r1`` has the shape of DeepSeek-V3, and a reader looks for the name that was written.
    """
    card, asked = load_model(reference), str(reference)
    listed = {other.lower() for other in (*card.aliases, *card.huggingface)}
    return f"{asked} (shape of {card.name})" if asked.lower() in listed else card.name


def model_names() -> tuple[str, ...]:
    """Ids of all shipped cards, sorted."""
    return shipped_names(FOLDER)
