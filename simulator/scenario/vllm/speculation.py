"""Reads vLLM's ``--speculative-config`` as the ``speculative:`` section of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.scenario.hugging_face import card_of_checkpoint

#: Methods whose drafts the simulator prices, by vLLM's names.
_METHODS = ("eagle", "eagle3", "medusa", "mtp", "draft_model")
_FREE = ("ngram", "ngram_gpu", "[ngram]")


def speculative_section(config: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """The section but for drafts and acceptance, or None where drafting costs next to nothing.

    The second value names a method whose drafts do cost something that is not simulated.
    """
    method = _method(config)
    if method in _FREE:
        return None, None
    known = "mtp" if method.endswith("_mtp") else method
    if known not in _METHODS:
        return None, method
    section: dict[str, Any] = {"method": known}
    if known == "draft_model":
        card = card_of_checkpoint(str(config.get("model", ""))).card
        if card is None:
            return None, f"draft model {config.get('model')!r}, which has no card"
        section["model"] = card.id
    if config.get("parallel_drafting") and known != "medusa":
        section["parallel_drafting"] = True
    if isinstance(config.get("draft_tensor_parallel_size"), int):
        section["tensor"] = config["draft_tensor_parallel_size"]
    return section, None


def _method(config: Mapping[str, Any]) -> str:
    """As told, else as vLLM concludes from the name of the draft."""
    if config.get("method"):
        return str(config["method"]).lower()
    name = str(config.get("model", "ngram")).lower()
    for part, method in (("ngram", "ngram"), ("eagle3", "eagle3"), ("eagle", "eagle"), ("medusa", "medusa")):
        if part in name:
            return method
    return "mtp" if "mtp" in name else "draft_model"
