"""The words of a ``vllm serve`` command line: environment, model, flags with raw values.

Understood are environment prefixes, ``python -m vllm.entrypoints.openai.api_server``,
``docker run ... vllm/vllm-openai``, line continuations, quotes, ``--flag=value``, ``--no-flag``,
underscores for dashes, JSON arguments and their dotted form (``--speculative-config.method ngram``).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.errors import InputError, nearest
from simulator.scenario.vllm.flags import FLAGS, SHORT_FLAGS, Effect

#: What a command line is called in messages.
WHERE = "vllm command line"
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SHELL_ENDS = {"&", "&&", "|", "||", ";", ">", ">>", "<"}
_MODULES = ("vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What stands in a command line.

    Attributes
    ----------
    environment
        Variables that are set before the command.
    model
        The model, wherever it stands; None where none is named.
    flags
        Long names of the other flags, and their raw values: a text, True, False or a mapping.
    """

    environment: dict[str, str]
    model: str | None
    flags: tuple[tuple[str, Any], ...]


def read_command_line(text: str) -> CommandLine:
    """The words of a pasted command line, sorted.

    Raises
    ------
    InputError
        Where no server of vLLM is started in it, or a word is out of place.
    """
    joined = re.sub(r"[\\^`][ \t]*\r?\n", " ", text)
    try:
        tokens = shlex.split(joined, comments=True)
    except ValueError as error:
        raise InputError(f"cannot be split into words: {error}", file=WHERE) from None
    start = _command_start(tokens)
    environment = dict(token.split("=", 1) for token in tokens[:start] if _ENVIRONMENT.fullmatch(token))
    words: list[str] = []
    for token in tokens[start:]:
        if token in _SHELL_ENDS or re.match(r"\d?>{1,2}", token):
            break
        words.append(token)
    arguments = list(_arguments(words))
    model = next((str(value) for name, value in arguments if name == "model"), None)
    return CommandLine(environment, model, tuple(one for one in arguments if one[0] != "model"))


def _command_start(tokens: list[str]) -> int:
    """Index of the first word after the command itself."""
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token.rsplit("/", 1)[-1] == "vllm" and after == "serve":
            return index + 2
        if token == "-m" and after in _MODULES:
            return index + 2
        if re.match(r"([\w.:-]+/)*vllm[\w-]*(:|@|$)", token) and "/" in token and "run" in tokens[:index]:
            return index + 1
    if tokens and tokens[0].startswith("--"):
        return 0
    raise InputError(
        "found no vllm server in it; expected e.g. `vllm serve MODEL --tensor-parallel-size 4` or"
        " `python -m vllm.entrypoints.openai.api_server --model MODEL`",
        file=WHERE,
    )


def _arguments(words: list[str]) -> Iterator[tuple[str, Any]]:
    """Long flag names with raw values: a text, True, False or a mapping. A lone word is the model.

    Flags that reach the simulation take one value or, if they switch something, none. Others may
    take several; the words after their first value are theirs unless the model is still missing.
    """
    dotted: dict[str, dict[str, Any]] = {}
    has_model = any(re.fullmatch(r"--model(=.*)?", word) for word in words)
    takes_several = False
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not _is_flag(word):
            if not has_model:
                has_model = True
                yield "model", word
            elif not takes_several:
                raise InputError(f"found {word!r} where a flag was expected", file=WHERE)
            continue
        name, value = _name_and_value(word)
        flag = FLAGS.get(name)
        switch = flag is not None and flag.kind is bool
        takes_several = name != "model" and (flag is None or flag.effect in (Effect.NONE, Effect.UNSUPPORTED))
        if value is None and index < len(words) and not _is_flag(words[index]):
            following = words[index]
            if not switch or following.lower() in ("true", "false"):
                value, index = following, index + 1
        if "." in name:
            outer, _, inner = name.partition(".")
            _put(dotted.setdefault(outer, {}), inner.split("."), _json_value(value or "true"))
        elif name.startswith("no-") and flag is None:
            yield name.removeprefix("no-"), False
        else:
            yield name, True if value is None else value
    yield from dotted.items()


def _name_and_value(word: str) -> tuple[str, str | None]:
    """Long name of a flag and the value behind its ``=``; underscores count as dashes."""
    name, equals, inline = word.partition("=")
    value = inline if equals else None
    if name.startswith("-O") and name[2:].isdigit():  # -O3: optimisation level
        return "compilation-config.level", name[2:]
    if name.startswith("--"):
        outer, dot, inner = name[2:].partition(".")
        return outer.replace("_", "-").lower() + dot + inner, value
    short, dot, inner = name.partition(".")
    if short in SHORT_FLAGS:
        return SHORT_FLAGS[short] + dot + inner, value
    raise InputError(f"unknown flag {name!r}{nearest(name, SHORT_FLAGS)}", file=WHERE)


def _is_flag(word: str) -> bool:
    return word.startswith("-") and re.fullmatch(r"-\d+(\.\d+)?", word) is None


def _put(config: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        config = config.setdefault(key, {})
    config[path[-1]] = value


def _json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
