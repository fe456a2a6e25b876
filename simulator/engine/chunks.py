"""When which part of a prompt was computed, for layers that leave while the next ones are computed.

An observer of the replicas of a prefill pool: there every step is an event anyway, for no output goes on.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan


class Chunk(NamedTuple):
    """Part of a prompt that one step computes.

    Attributes
    ----------
    begin_ns
        When the step begins [ns].
    tokens
        Of the prompt with the end of it, what comes before included [tokens].
    """

    begin_ns: int
    tokens: int


class Chunks:
    """The chunks of all prompts that some replicas have begun."""

    def __init__(self) -> None:
        self._of: dict[Request, list[Chunk]] = {}

    def take(self, prompt: Request) -> list[Chunk]:
        """Those of a prompt, in order; they are forgotten here."""
        return self._of.pop(prompt, [])

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        """Prompts go on, or begin anew after a preemption."""
        del replica, now
        for prompt, scheduled, start, *_ in plan.entries:
            chunks = self._of.setdefault(prompt, [])
            if chunks and start < chunks[-1].tokens:
                chunks.clear()
            chunks.append(Chunk(plan.start_ns, start + scheduled))

    def completed(
        self,
        replica: Replica,
        plan: StepPlan,
        emitted: list[tuple[Request, int]],
        finished: list[Request],
        aborted: list[Request],
    ) -> None:
        """Nothing to do: the time at which a step ends is that at which the prompt does."""

    def aborted(self, replica: Replica, requests: list[Request], now: int) -> None:
        """Nothing to do: who handed the prompts in takes back what is known of them."""
