"""Names that stand for shipped files, and paths that stand for the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from simulator.errors import InputError, nearest_file
from simulator.units import catalogue
from simulator.units.catalogue import find_entry

#: How files of requests end, which a workload replays.
_TRACES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz")
#: Keys whose text is the path of a file or folder, and keys whose text is a name, or the path of a YAML file.
_PATH_KEYS = ("file", "folder")
_NAME_KEYS = ("workload", "from", "model", "models", "card", "hardware", "small", "large")


@dataclass(frozen=True, slots=True)
class NameOrInline:
    """Marks a field that a scenario may also fill with a name or a path.

    The loader puts the mapping in its place before validation; here the JSON Schema
    learns that a string is allowed too.
    """

    what: str
    extends: bool = False
    """Whether ``{from: NAME, ...}`` may stand there too: the named one with changes."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        inline = handler(core)
        name = {"type": "string", "description": f"Name of a shipped {self.what}, or path of a YAML file."}
        if not self.extends:
            return {"anyOf": [name, inline]}
        changed = {
            "type": "object",
            "description": f"A {self.what} with changes: the other keys are laid over it.",
            "properties": {"from": name},
            "required": ["from"],
        }
        return {"anyOf": [name, inline, changed]}


def looks_like_path(reference: str) -> bool:
    """Whether a reference is meant as a path and not as a name."""
    return reference.endswith((".yaml", ".yml"))


def with_paths(value: Any, place: Callable[[str], str], key: str | int = "") -> Any:
    """A part of a scenario with every path in it replaced by ``place(path)``; names stay.

    ``key`` is where the part stands: it says whether a text may be a path.
    """
    if isinstance(value, Mapping):
        return {name: with_paths(part, place, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [with_paths(item, place, key) for item in value]
    if not isinstance(value, str):
        return value
    return place(value) if key in _PATH_KEYS or (key in _NAME_KEYS and looks_like_path(value)) else value


def meant_from(folder: Path) -> Callable[[str], str]:
    """Makes relative paths absolute, as written in a file of this folder."""
    return lambda path: str((folder / path).resolve())


def meant_from_here(path: str) -> str:
    """A path as given at the command line: absolute where the current folder has it, else as it is."""
    return str(Path(path).resolve()) if path and Path(path).exists() else path


def shipped_names(folder: str) -> list[str]:
    """Names of the YAML files in a shipped folder, sorted."""
    return list(catalogue.shipped_names(folder))


def find_file(reference: str, folder: str, base: Path, what: str, key: str | None = None) -> Path:
    """The file that a name or path stands for.

    Parameters
    ----------
    reference
        A shipped name (``azure-conv-2023``), or a path ending in .yaml or .yml, meant from
        ``base`` if relative.
    folder
        Shipped folder that the name is sought in.
    base
        Folder that a relative path is meant from.
    what
        What the file holds, for the message.
    key
        Where the reference stands, for the message.

    Raises
    ------
    InputError
        Where there is no such file or name; names the nearest one.
    """
    if looks_like_path(reference):
        own = (base / reference).resolve()
        if own.exists():
            return own
        raise InputError(f"there is no {what} file {str(own)!r}{nearest_file(own)}", key=key)
    if what == "workload" and reference.endswith(_TRACES):
        raise InputError(
            f"{reference!r} is a file of requests and not a workload; the workload that replays it is"
            f" {{arrivals: {{process: replay, file: {reference}}}}}",
            key=key,
        )
    try:
        return find_entry(folder, reference, what=what)
    except InputError as error:
        raise InputError(error.message, file=error.file, key=key) from None
