"""What all strategies are: a program per task, made from a spec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from simulator.reasoning.task import Program, Task
from simulator.scenario.spec import Spec

AnySpec = TypeVar("AnySpec", bound=Spec)


class Strategy(ABC, Generic[AnySpec]):
    """Turns tasks into calls. Holds no state of any task: thousands run at once."""

    def __init__(self, spec: AnySpec) -> None:
        self.spec = spec

    @abstractmethod
    def run(self, task: Task) -> Program:
        """The program of one task."""
