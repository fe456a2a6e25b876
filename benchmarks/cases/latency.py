"""What pricing costs: every question that the engine puts to the pricer over the conversation yardstick.

The yardstick runs once with a pricer that notes the questions; then the same questions go to a fresh pricer
against the clock, in the same order, so that its tables are filled as in a run. Counted are the durations
(`step_ns`, `decode_line`) and what is asked about recorded steps (`costs`: energy and bottleneck), over all
simulated steps, those of jumps included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.cases.engine import CONVERSATION, REQUESTS
from benchmarks.figures import Case, Figures
from benchmarks.timeouts import timeout_cost_s

if TYPE_CHECKING:
    from simulator.latency.pricer import DecodeLine, StepColumns, StepCosts, StepPricer

#: Times that the questions are put; the quickest counts, for a shared machine only ever adds time.
ROUNDS = 3


class NotingPricer:
    """Passes questions on to another pricer and notes them."""

    def __init__(self, pricer: StepPricer) -> None:
        self.idle_w = pricer.idle_w
        self.questions: list[tuple[str, tuple[Any, ...]]] = []
        self._pricer = pricer

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`."""
        self.questions.append(("decode_line", (sequences, context)))
        return self._pricer.decode_line(sequences, context)

    def step_ns(self, *aggregates: int) -> int:
        """See `StepPricer`."""
        self.questions.append(("step_ns", aggregates))
        return self._pricer.step_ns(*aggregates)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        self.questions.append(("costs", (steps,)))
        return self._pricer.costs(steps)


def pricing() -> Figures:
    """Pricing per simulated step of the yardstick [us], and in bare SimPy timeouts."""
    noting = NotingPricer(_pricer())
    steps = _run_yardstick(noting)
    seconds = min(_answer(noting.questions) for _ in range(ROUNDS))
    return {
        "latency.price_us": seconds / steps * 1e6,
        "latency.price_timeouts": seconds / steps / timeout_cost_s(),
    }


def _prepared() -> Any:
    from simulator.scenario.loading import load_scenario
    from simulator.simulation.pools import prepare_pools

    engine = {"max_num_seqs": 512, "enable_prefix_caching": False}
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": engine}
    content = {"workload": CONVERSATION, "model": "llama-3.1-8b", "cluster": {"pools": [pool]}}
    scenario = load_scenario({**content, "requests": REQUESTS})
    return scenario, prepare_pools(scenario)


def _pricer() -> StepPricer:
    """A pricer whose tables are empty."""
    _, (pool,) = _prepared()
    pricer: StepPricer = pool.backend.pricer
    return pricer


def _run_yardstick(pricer: StepPricer) -> int:
    """Steps of the yardstick, priced by ``pricer``."""
    from dataclasses import replace

    from simulator.simulation.event_loop import simulate
    from simulator.simulation.run import cluster_plan
    from simulator.units.random_streams import RandomStreams
    from simulator.workload.build import build_workload

    scenario, pools = _prepared()
    plan = cluster_plan(scenario, pools)
    plan = replace(plan, pools=(replace(plan.pools[0], pricer=pricer),))
    streams = RandomStreams(scenario.seed)
    recording = simulate(plan, build_workload(scenario.workload, streams, REQUESTS), streams)
    return sum(pool.steps for pool in recording.pools)


def _answer(questions: list[tuple[str, tuple[Any, ...]]]) -> float:
    """Processor time that a fresh pricer takes for all questions [s]."""
    pricer = _pricer()
    asked: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (getattr(pricer, name), arguments) for name, arguments in questions
    ]
    start = time.process_time()
    for ask, arguments in asked:
        ask(*arguments)
    return time.process_time() - start


CASES = (Case("latency.pricing", pricing),)
