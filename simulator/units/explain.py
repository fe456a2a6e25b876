"""Turns what pydantic found into one message for whoever wrote the file, with all that is wrong in it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import InputError, nearest
from simulator.units.key_paths import Step, format_path

Model = TypeVar("Model", bound=BaseModel)

#: Problems shown at once; the rest only counted.
_SHOWN = 5

_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_too_short": "a text that is not empty",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def validate(model: type[Model], content: Any, file: str | Path | None = None) -> Model:
    """``content`` as a ``model``.

    Raises
    ------
    InputError
        Where it is not one; names file, key, what was found and what is allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = explain(error, model, content)
        raise as_input_error(problems, file) from None


def explain(
    error: ValidationError, model: type[BaseModel], content: Any
) -> list[tuple[tuple[Step, ...], str]]:
    """Path and message of every problem, in the order of the file's keys."""
    problems: list[tuple[tuple[Step, ...], str]] = []
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # a list that only lost its wrong items, which have errors of their own
        path = _user_path(details["loc"], content, model)
        if details["type"].startswith("union_tag"):
            path = (*path, details["ctx"]["discriminator"].strip("'"))
        if all(path != earlier for earlier, _ in problems):
            problems.append((path, _message(details, model)))
    return problems


def unknown_keys(error: ValidationError, model: type[BaseModel], content: Any) -> list[tuple[Step, ...]]:
    """Paths of the keys that do not exist, whatever value they were given."""
    return [
        _user_path(details["loc"], content, model)
        for details in error.errors(include_url=False)
        if details["type"] == "extra_forbidden"
    ]


def as_input_error(problems: Sequence[tuple[tuple[Step, ...], str]], file: str | Path | None) -> InputError:
    """One error for all problems: the first with its key, the others below it."""
    (path, message), *others = problems
    lines = [f"\n  also {format_path(other)}: {text}" for other, text in others[: _SHOWN - 1]]
    if len(others) >= _SHOWN:
        lines.append(f"\n  and {len(others) - _SHOWN + 1} more")
    return InputError(message + "".join(lines), file=file, key=format_path(path) or None)


def _user_path(location: Sequence[Step], content: Any, model: type[BaseModel]) -> tuple[Step, ...]:
    """The location without what pydantic adds (the tags of unions), as keys of the user's file.

    The last step may be a key that the file lacks, but not the tag of what is wrong as a whole.
    """
    path: list[Step] = []
    for position, step in enumerate(location):
        last = position == len(location) - 1
        if isinstance(content, Mapping) and step in content:
            content = content[step]
        elif isinstance(content, Sequence) and not isinstance(content, str) and isinstance(step, int):
            content = content[step] if step < len(content) else None
        elif not (last and isinstance(content, Mapping) and _is_key(location, model)):
            continue
        path.append(step)
    return tuple(path)


def _is_key(location: Sequence[Step], model: type[BaseModel]) -> bool:
    """Whether the last step of a location names a field, and not a kind."""
    return any(location[-1] in spec.model_fields for spec in _kinds_at(model, location[:-1]))


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(details["loc"][-1]), _model_at(model, details["loc"][:-1]))
    if kind == "missing":
        return _missing_key(details, model)
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        allowed = context["expected"]
        return f"found {_short(found)}, expected {allowed}{_near_quoted(found, allowed)}"
    if kind == "union_tag_invalid":
        return f"found {context['tag']!r}, expected {context['expected_tags']}" + _near_quoted(
            context["tag"], context["expected_tags"]
        )
    if kind == "union_tag_not_found":
        return f"this key is missing; it says which kind is meant{_tags_at(model, details['loc'])}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"found {_short(found)}, expected {words} {context[name]:g}"
    if kind == "too_short":
        return f"found an empty list, expected at least {context['min_length']} item"
    expected = _EXPECTED.get(kind)
    return (
        f"found {_short(found)}, expected {expected}"
        if expected
        else f"found {_short(found)}: {details['msg']}"
    )


def _missing_key(details: ErrorDetails, model: type[BaseModel]) -> str:
    spec = _model_at(model, details["loc"][:-1])
    given = details["input"]
    text = "this key is required, but missing"
    field = spec.model_fields.get(str(details["loc"][-1])) if spec else None
    if field is not None and field.description:
        text += f" ({field.description.split(chr(10))[0].rstrip('.')})"
    return text if given is not None else text + "; the section is empty"


def _unknown_key(key: str, spec: type[BaseModel] | None) -> str:
    if spec is None:
        return f"unknown key {key!r}"
    known = list(spec.model_fields)
    for name, field in spec.model_fields.items():
        if any(key in inner.model_fields for inner in _models(field.annotation)):
            return f"unknown key {key!r} here; it belongs under {name!r}"
    return f"unknown key {key!r}{nearest(key, known)}; known keys are {', '.join(known)}"


def _near_quoted(found: object, allowed: str) -> str:
    names = [part.strip(" '") for part in allowed.replace(" or ", ",").split(",")]
    return nearest(str(found), names)


def _tags_at(model: type[BaseModel], location: Sequence[Step]) -> str:
    tags = [str(tag) for spec in _kinds_at(model, location) for tag in _literals(spec)]
    return f": {', '.join(tags)}" if tags else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _model_at(model: type[BaseModel], location: Sequence[Step]) -> type[BaseModel] | None:
    """The spec that pydantic was filling at a location."""
    return next(iter(_kinds_at(model, location)), None)


def _kinds_at(model: type[BaseModel], location: Sequence[Step]) -> list[type[BaseModel]]:
    kinds: list[type[BaseModel]] = [model]
    for step in location:
        if isinstance(step, int):
            continue
        tagged = [spec for spec in kinds if step in _literals(spec)]
        if tagged:
            kinds = tagged
            continue
        inner = [
            found
            for spec in kinds
            if step in spec.model_fields
            for found in _models(spec.model_fields[step].annotation)
        ]
        kinds = inner or kinds
    return kinds


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """All specs that a type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, types.UnionType, tuple, list, dict):
        for part in get_args(annotation):
            yield from _models(part)


def _literals(spec: type[BaseModel]) -> list[Any]:
    """The tags that choose this spec in a union: values of its field of a single literal."""
    return [
        value
        for field in spec.model_fields.values()
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
        for value in get_args(field.annotation)
    ]
