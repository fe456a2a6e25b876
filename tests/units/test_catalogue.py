"""Entries are found by id, other name or path; what is wrong with one is said clearly."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.models.card import ModelCard
from simulator.units.catalogue import load_entry, with_citations


def _load(path: Path) -> ModelCard:
    return load_entry("model_cards", path, ModelCard, what="model")


def test_an_unknown_name_brings_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"unknown model 'llama-3.1-8' \(did you mean 'llama-3.1-8b'\?\)"):
        load_entry("model_cards", "llama-3.1-8", ModelCard, what="model")


@pytest.mark.parametrize("name", ["../pyproject", "", "a/b", "model_cards/llama-2-7b"])
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(InputError, match="unknown model"):
        load_entry("model_cards", name, ModelCard, what="model")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\x00\xff\xfe", "not a text file"),
        (b"- a\n- b\n", "expected a mapping"),
        (b"name: x\nname: y\n", "stands twice"),
        (b"name: x\n", "missing"),
        (b"name: [\n", "not valid YAML"),
    ],
)
def test_a_broken_file_gives_one_clear_message(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        _load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        _load(tmp_path / "none.yaml")


def test_citations_take_the_place_of_their_keys() -> None:
    content = {"sources": {"a": "A paper"}, "tdp": {"value": 1, "source": ["a", "free text"]}, "x": 3}
    assert with_citations(content)["tdp"]["source"] == ["A paper", "free text"]


@pytest.mark.parametrize(
    "address", ["https://acme.com/x1.pdf", "arXiv:2104.08378", "10.1145/3600006.3613165"]
)
def test_an_address_is_a_citation_in_its_place(address: str) -> None:
    content = {"sources": {"sheet": "A data sheet"}, "tdp": {"value": 1, "source": address}}
    assert with_citations(content)["tdp"]["source"] == [address]


@pytest.mark.parametrize("source", ["shet", ["sheet", "shet"]])
def test_a_misspelt_source_is_refused_with_the_nearest_one(source: object) -> None:
    content = {"sources": {"sheet": "A data sheet"}, "memory": [{"capacity": 1, "source": source}]}
    with pytest.raises(InputError, match=r"memory\[0\]\.source: no source 'shet' \(did you mean 'sheet'\?\)"):
        with_citations(content)


def test_citations_inside_sections_are_found_too() -> None:
    content = {"sources": {"a": "A paper"}, "execution": {"gemm": {"source": "a"}}}
    assert with_citations(content)["execution"]["gemm"]["source"] == ["A paper"]


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: Mine\nkind: dnse\nlayers: 0\nhiden: 5\n")
    with pytest.raises(InputError) as caught:
        _load(path)
    for wrong in ("kind: found 'dnse'", "layers: found 0", "hidden: this key is required", "more"):
        assert wrong in str(caught.value)
