"""The engine with one line changed: errors that somebody could make, and golden traces must notice.

A mutated module takes the place of the real one while the modules that import from it are loaded
again; what comes out is a second engine, and the first stays as it was.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from unittest.mock import patch

import simulator.engine
import simulator.engine.scheduler
from simulator.engine.replica import Replica

#: Modules that make up the two engines.
MODULES = ("kv_cache", "scheduler", "listed", "aggregate", "build")
ENGINE = "simulator.engine."


@dataclass(frozen=True)
class Mutation:
    """One error.

    Attributes
    ----------
    error
        What the engine then does, as a statement.
    module
        Where, below ``simulator.engine``.
    line, instead
        Text that occurs once in the module, and what stands there instead.
    caught_by
        Two golden scenarios that notice, among the cheapest.
    """

    error: str
    module: str
    line: str
    instead: str
    caught_by: tuple[str, str]

    def engine(self) -> Callable[..., Replica]:
        """Builds the replica that makes the error."""
        source = self._source()
        with _loading_again(ENGINE + self.module, source):
            if self.module.startswith(("scheduler", "listed")):
                return importlib.import_module(ENGINE + "listed").ListedReplica  # type: ignore[no-any-return]
            return importlib.import_module(ENGINE + "build").build_replica  # type: ignore[no-any-return]

    def _source(self) -> str:
        file = importlib.import_module(ENGINE + self.module).__file__
        assert file is not None
        source = Path(file).read_text(encoding="utf-8")
        found = source.count(self.line)
        assert found == 1, f"{self.module} has {self.line!r} {found} times; bring the mutation up to date"
        return source.replace(self.line, self.instead)


@contextmanager
def _loading_again(mutated: str, source: str) -> Iterator[None]:
    """While this lasts, the engines' modules are imported anew, and one of them from this source."""
    real = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        return compile(source, f"<mutated {name}>", "exec") if name == mutated else real(loader, name)

    kept = {name: module for name, module in sys.modules.items() if not _is_engine(name)}
    with (
        patch.dict(sys.modules, kept, clear=True),
        patch.dict(vars(simulator.engine)),
        patch.dict(vars(simulator.engine.scheduler)),
        patch.object(SourceFileLoader, "get_code", get_code),
    ):
        yield


def _is_engine(name: str) -> bool:
    """Whether a module is one of those, except plans: both engines and their observers share these."""
    below = name.removeprefix(ENGINE)
    return name.startswith(ENGINE) and below.split(".")[0] in MODULES and below != "scheduler.plan"
