"""What ``--set key=v1,v2`` means, and the grid that several of them span."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from simulator.errors import InputError, nearest_file
from simulator.planning.sweep.point import Point
from simulator.scenario.loading import load_scenario
from simulator.units.key_paths import format_path, parse_path
from simulator.units.yaml_file import parse_value

_OPEN, _CLOSE, _QUOTES = "[{(", "]})", "\"'"
_WHOLE_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
#: Name of the column that holds the seed, in tables of points.
SEED = "seed"
#: The option that gives values, unless another did.
SET = "--set"


@dataclass(frozen=True, slots=True)
class Axis:
    """One key and the values it takes in turn; ``option`` is what gave them."""

    key: str
    values: tuple[Any, ...]
    option: str = SET


def parse_axis(text: str, option: str = SET) -> Axis:
    """An axis from ``key=v1,v2``; every value is read as YAML.

    Commas inside brackets, braces or quotes belong to a value. ``1..4`` stands for 1,2,3,4.

    Raises
    ------
    InputError
        Where there is no ``=``, no key, no value, or a value twice.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not key or not values.strip():
        raise InputError(
            f"found {text!r}, expected key=v1,v2, e.g. cluster.pools[0].replicas=1,2,4", file=option
        )
    parse_path(key)
    found: list[Any] = []
    for part in _parts(values):
        found += _values(part.strip(), key, option)
    twice = [value for index, value in enumerate(found) if value in found[:index]]
    if twice:
        raise InputError(f"the value {twice[0]!r} stands twice", file=option, key=key)
    return Axis(key, tuple(found), option)


def grid(
    axes: Sequence[Axis], listed: Sequence[Mapping[str, Any]] = ({},), seeds: Sequence[int] = (0,)
) -> Iterator[Point]:
    """Every combination of the axes, for every listed point and seed.

    Seeds turn fastest: what is compared under the same traffic stands together.
    """
    for given in listed:
        for values in product(*(axis.values for axis in axes)):
            settings = (*given.items(), *zip((axis.key for axis in axes), values, strict=True))
            for seed in seeds:
                yield Point(settings, seed)


def check_axes(
    source: str | Path | Mapping[str, Any], axes: Sequence[Axis], listed: Sequence[Mapping[str, Any]] = ({},)
) -> None:
    """Refuse a value that is wrong by itself, before anything runs.

    Every value is tried with the first of all other axes. Combinations that do not go together are for the
    points to say.

    Raises
    ------
    InputError
        With file, key and what is allowed; also where two axes set the same key.
    """
    _refuse_twice([*axes, *(Axis(key, (), "--points") for given in listed[:1] for key in given)])
    first = {axis.key: axis.values[0] for axis in axes}
    _check(source, {**listed[0], **first}, axes)
    for axis in axes:
        for value in axis.values[1:]:
            _check(source, {**listed[0], **first, axis.key: value}, axes)
    for given in listed[1:]:
        _check(source, {**given, **first}, axes)


def _refuse_twice(axes: Sequence[Axis]) -> None:
    paths = [parse_path(axis.key) for axis in axes]
    for index, (axis, path) in enumerate(zip(axes, paths, strict=True)):
        for earlier, other in zip(axes[:index], paths[:index], strict=True):
            if path[: len(other)] != other and other[: len(path)] != path:
                continue
            twice = f"{axis.key!r} is set more than once"
            if axis.option != earlier.option:
                where = f"by {earlier.option} {earlier.key} and by {axis.option} {axis.key}; keep one of them"
                raise InputError(f"{twice}: {where}", file=axis.option)
            raise InputError(f"{twice}; give all its values in one {axis.option}", file=axis.option)


def _check(source: str | Path | Mapping[str, Any], settings: Mapping[str, Any], axes: Sequence[Axis]) -> None:
    """Load the scenario with these settings; what is wrong with one names the option that gave it."""
    try:
        load_scenario(source, settings)
    except InputError as error:
        if error.file != SET or error.key is None:
            raise
        given = [axis.option for axis in axes if _meet(format_path(parse_path(axis.key)), error.key)]
        raise type(error)(error.message, file=given[0] if given else SET, key=error.key) from None


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def read_points(file: Path) -> list[dict[str, Any]]:
    """Listed points: a CSV file whose first line holds keys, or a YAML file with a list of mappings.

    Raises
    ------
    InputError
        Where the file is missing, empty or neither.
    """
    if file.suffix == ".csv":
        return _csv_points(file)
    try:
        content = parse_value(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"there is no such file{nearest_file(file)}; expected points in CSV or YAML", file=file
        ) from None
    if not isinstance(content, list) or not content or not all(isinstance(one, dict) for one in content):
        raise InputError("expected a list of mappings from keys of the scenario to values", file=file)
    return [{str(key): value for key, value in one.items()} for one in content]


def _csv_points(file: Path) -> list[dict[str, Any]]:
    import csv

    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        raise InputError(
            f"there is no such file{nearest_file(file)}; expected points in CSV or YAML", file=file
        ) from None
    if not rows or any(None in row or None in row.values() for row in rows):
        raise InputError("expected a first line of keys and as many values in every line", file=file)
    return [{key: parse_value(value) for key, value in row.items()} for row in rows]


def _parts(text: str) -> Iterator[str]:
    """The text cut at commas that stand outside brackets and quotes."""
    depth, quote, start = 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES and not text[start:position].strip():
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _values(text: str, key: str, option: str) -> list[Any]:
    if not text:
        raise InputError("a value is missing between two commas", file=option, key=key)
    whole = _WHOLE_RANGE.fullmatch(text)
    if whole is None:
        return [parse_value(text)]
    low, high = int(whole[1]), int(whole[2])
    if low > high:
        raise InputError(f"the range {text} is empty; write {high}..{low}", file=option, key=key)
    return list(range(low, high + 1))
