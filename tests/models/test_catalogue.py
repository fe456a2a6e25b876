"""Shipped model cards, and users' own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from simulator.errors import InputError
from simulator.models.catalogue import load_model, model_names
from simulator.units.data_files import data_folder


@pytest.mark.parametrize("name", model_names())
def test_every_card_is_valid_and_says_where_its_shape_comes_from(name: str) -> None:
    card = load_model(name)
    assert card.id == name
    assert card.year is not None
    assert card.provenance is not None and card.provenance.shape.source
    if card.params_total_published is not None:
        assert card.provenance.published is not None


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("llama-3.3-70b", "llama-3.1-70b"),
        ("deepseek-r1", "deepseek-v3"),
        ("DeepSeek-R1", "deepseek-v3"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("mistral-nemo", "mistral-nemo-12b"),
    ],
)
def test_cards_are_known_by_alias_and_hugging_face_name(name: str, id_: str) -> None:
    assert load_model(name).id == id_


def test_no_name_stands_for_two_cards() -> None:
    names = [
        name.lower()
        for id_ in model_names()
        for card in [load_model(id_)]
        for name in (card.id, *card.aliases, *card.huggingface)
    ]
    assert len(names) == len(set(names))


def _own_card(tmp_path: Path, **changes: object) -> Path:
    content = yaml.safe_load((data_folder("model_cards") / "llama-3.1-8b.yaml").read_text())
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def test_a_user_card_needs_a_file_and_no_code(tmp_path: Path) -> None:
    card = load_model(_own_card(tmp_path, layers=16, name="Half of it"))
    assert (card.id, card.layers) == ("mine", 16)


def test_a_card_that_changes_between_two_runs_is_read_again(tmp_path: Path) -> None:
    path = _own_card(tmp_path)
    before = load_model(path)
    _own_card(tmp_path, name="Another")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    assert before.name != "Another" == load_model(path).name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": 32}, r"layer: unknown key 'layer' \(did you mean 'layers'\?\)"),
        ({"layers": 0}, "layers: found 0, expected more than 0"),
        ({"kv_heads": 7}, "not a multiple of kv_heads"),
        ({"ffn": None}, "ffn is needed"),
        ({"weight_dtype": "bf61"}, "did you mean 'bf16'"),
        ({"attention_layers": {"full": 3, "sliding": 3, "window_tokens": 128}}, "do not add up"),
        ({"attention_layers": {"full": 16, "sliding": 16}}, "need window_tokens"),
    ],
)
def test_a_wrong_card_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_model(_own_card(tmp_path, **changes))


def test_cards_carry_the_collected_shapes(shared: Path) -> None:
    facts = yaml.safe_load((shared / "facts" / "models.yaml").read_text())["models"]
    assert set(facts) <= set(model_names())
    for id_, fact in facts.items():
        card = load_model(id_)
        for key in ("layers", "hidden", "heads", "kv_heads", "head_dim", "vocab", "context_tokens"):
            assert getattr(card, key) == fact[key], (id_, key)
