"""Folders of YAML entries found by name: model cards, hardware profiles.

An entry's id is the name of its file. It may list further names under ``aliases`` (and
cards under ``huggingface``). A new entry needs a file and no code; a user's own entry is
named by its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from simulator.errors import InputError, nearest
from simulator.units.data_files import data_folder
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
    return validated(content, type_, file=path)


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


def with_citations(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` with the citations of its ``sources`` table in place of the keys in every ``source``.

    Each group of values in a file names its sources by short keys; the table at the end of
    the file says what they are.
    """
    citations = content.get("sources")
    if not isinstance(citations, dict):
        return content
    return {key: _cited(value, citations) for key, value in content.items()}


def _cited(value: Any, citations: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_cited(item, citations) for item in value]
    if not isinstance(value, dict) or "source" not in value:
        return value
    keys = [value["source"]] if isinstance(value["source"], str) else value["source"]
    if not isinstance(keys, list):
        return value
    return {**value, "source": [citations.get(key, key) if isinstance(key, str) else key for key in keys]}


def validated(content: dict[str, Any], type_: type[Entry], *, file: Path) -> Entry:
    """``content`` as a ``type_``.

    Raises
    ------
    InputError
        For the first value that is wrong, with file and key.
    """
    try:
        return type_.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = nearest(str(first["loc"][-1]), type_.model_fields)
            raise InputError(f"unknown key{near}", file=file, key=key) from None
        if first["type"] == "missing":
            raise InputError("this value is missing", file=file, key=key) from None
        text = first["msg"].removeprefix("Value error, ")
        found = "" if text.startswith("found") or not key else f"; found {first['input']!r}"
        raise InputError(f"{text}{found}", file=file, key=key or None) from None
