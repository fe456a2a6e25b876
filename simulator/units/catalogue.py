"""Folders of YAML entries found by name: model cards, hardware profiles.

An entry's id is the name of its file. It may list further names under ``aliases`` (and
cards under ``huggingface``). A new entry needs a file and no code; a user's own entry is
named by its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from simulator.errors import InputError, nearest
from simulator.units.data_files import data_folder
from simulator.units.explain import as_input_error, validate
from simulator.units.key_paths import Step
from simulator.units.yaml_file import read_mapping

Entry = TypeVar("Entry", bound=BaseModel)

_SUFFIXES = (".yaml", ".yml")
#: Keys under which an entry lists its other names.
_NAME_KEYS = ("aliases", "huggingface")


def shipped_names(folder: str) -> tuple[str, ...]:
    """Ids of the entries in a shipped folder, sorted."""
    return tuple(path.stem for path in _files(folder))


def load_entry(folder: str, name_or_path: str | Path, type_: type[Entry], *, what: str) -> Entry:
    """The entry of this name in a shipped folder, or the entry in this file, as a ``type_``.

    Names are matched without regard to case. Whatever ends in .yaml or .yml is a path.

    Raises
    ------
    InputError
        Where there is no such entry or file, or it is not valid; with the nearest known name.
    """
    name = str(name_or_path)
    path = Path(name) if name.endswith(_SUFFIXES) else find_entry(folder, name, what=what)
    content = read_mapping(path, what=what)
    content.setdefault("id", path.stem)
    return validate(type_, with_citations(content, path), path)


def written_ns(name_or_path: str) -> int:
    """When the user's own file of this path was last changed [ns]; 0 for names and where there is no file.

    Part of the key of every cache of entries: who changes a file between two runs of one process means
    the file as it is now.
    """
    own = name_or_path.endswith(_SUFFIXES) and Path(name_or_path).is_file()
    return Path(name_or_path).stat().st_mtime_ns if own else 0


def find_entry(folder: str, name: str, *, what: str) -> Path:
    """File of the shipped entry with this id or other name.

    Raises
    ------
    InputError
        Naming the nearest known name.
    """
    exact = data_folder(folder) / f"{name.lower()}.yaml"
    if "/" not in name and exact.is_file():
        return exact
    for path in _files(folder):
        # parsing all entries takes a tenth of a second: only those that mention the name at all
        if name and name.lower() in path.read_text(encoding="utf-8").lower() and name.lower() in _names(path):
            return path
    ids = shipped_names(folder)
    known = [*ids, *(other for path in _files(folder) for other in _names(path))]
    raise InputError(
        f"unknown {what} {name!r}{nearest(name, known)}; `simulator show` lists the {len(ids)} known ones, "
        f"and the path of a YAML file names your own"
    )


def _files(folder: str) -> list[Path]:
    return sorted(data_folder(folder).glob("*.yaml"))


def _names(path: Path) -> list[str]:
    """Further names of an entry, in lower case."""
    content = read_mapping(path, what="catalogue entry")
    return [name.lower() for key in _NAME_KEYS for name in content.get(key) or ()]


def with_citations(content: dict[str, Any], file: Path | None = None) -> dict[str, Any]:
    """``content`` with the citations of its ``sources`` table in place of the keys in every ``source``.

    Each group of values in a file names its sources by short keys; the table at the end of
    the file says what they are. A citation may also stand in place: it has more than one word,
    or is an address (a URL, an arXiv number, a DOI).

    Raises
    ------
    InputError
        Where a source of one word is no key of the table; with the nearest key.
    """
    citations = content.get("sources")
    if not isinstance(citations, dict):
        return content
    citing = _Citing(citations)
    cited = {key: citing.part(value, (key,)) for key, value in content.items() if key != "sources"}
    if citing.problems:
        raise as_input_error(citing.problems, file)
    return {**cited, "sources": citations}


class _Citing:
    """Puts citations in place of their keys, and gathers keys that the table does not have."""

    def __init__(self, citations: dict[str, str]) -> None:
        self.citations = citations
        self.problems: list[tuple[tuple[Step, ...], str]] = []

    def part(self, value: Any, place: tuple[Step, ...]) -> Any:
        if isinstance(value, list):
            return [self.part(item, (*place, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        return {
            key: self._source(part, (*place, key)) if key == "source" else self.part(part, (*place, key))
            for key, part in value.items()
        }

    def _source(self, source: Any, place: tuple[Step, ...]) -> Any:
        keys = [source] if isinstance(source, str) else source
        if not isinstance(keys, list):
            return source
        for key in keys:
            if isinstance(key, str) and key not in self.citations and _is_key(key):
                near = nearest(key, self.citations)
                known = ", ".join(self.citations) or "none"
                self.problems.append((place, f"no source {key!r}{near} under sources; known are {known}"))
        return [self.citations.get(key, key) if isinstance(key, str) else key for key in keys]


def _is_key(source: str) -> bool:
    """Whether a source is meant as a key: citations have several words, and addresses are no words."""
    return len(source.split()) == 1 and not set(source) & set(":/")
