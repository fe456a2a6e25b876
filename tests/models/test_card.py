"""A card of the user's own: the page shows one that works, and a wrong one is told all its faults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from simulator.errors import InputError
from simulator.models.accounting import count_parameters, kv_bytes_per_token
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "adding-models.md").read_text()
CARD, *SECTIONS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _written(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "acme-12b.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(CARD), **changes}))
    return path


def test_the_card_of_the_page_is_whole_without_year_and_provenance(tmp_path: Path) -> None:
    card = load_model(_written(tmp_path))
    assert (card.id, card.year, card.provenance) == ("acme-12b", None, None)
    assert count_parameters(card).total == pytest.approx(12.2e9, rel=0.01)
    assert kv_bytes_per_token(card) == 40 * 2 * 8 * 128 * 2


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_the_page_fits_into_a_card(tmp_path: Path, section: str) -> None:
    changes = yaml.safe_load(section)
    if "moe" in changes:
        changes |= {"kind": "moe", "layers": 48}
    if "mla" in changes:
        changes |= {"kv_heads": None}
    assert count_parameters(load_model(_written(tmp_path, **changes))).total > 0


def test_the_page_names_every_key_of_a_card() -> None:
    said = set(re.findall(r"`(\w+)`", PAGE)) | set(yaml.safe_load(CARD))
    assert set(ModelCard.model_fields) - {"id"} <= said


def test_contradictions_are_all_named_at_once(tmp_path: Path) -> None:
    path = _written(tmp_path, kv_heads=7, ffn=None, attention_layers={"full": 3})
    with pytest.raises(InputError) as caught:
        load_model(path)
    for wrong in ("ffn is needed", "not a multiple of kv_heads (7)", "do not add up to layers"):
        assert wrong in str(caught.value)
