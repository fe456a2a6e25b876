"""A router that predicts which tasks need the large model (RouteLLM, arXiv 2406.18665).

No accuracy is reported: it takes a joint table of which model is right on which task.
"""

from __future__ import annotations

from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.scenario.reasoning.strategies import RoutingSpec


class Router(Strategy[RoutingSpec]):
    """Pays for one model per task, and for the prediction."""

    def run(self, task: Task) -> Program:
        """Predict, then answer."""
        spec = self.spec
        if spec.router_tokens:
            task.call(task.prompt.then("router", spec.router_tokens), 0, 1, spec.small)
            yield task.all_ended()
        thinking, answer = task.chain_tokens()
        if task.random.random() < spec.large_share:
            call = task.call(task.prompt, thinking, answer, spec.large)
        else:
            scale = spec.small_length
            call = task.call(task.prompt, round(thinking * scale), max(round(answer * scale), 1), spec.small)
        yield task.all_ended()
        return Outcome(call, streamed=True)
