"""A thousand concurrent tree searches, and a thousand agents, as requests per CPU second.

Eight H100 with Llama-3.1-8B serve a closed loop of a thousand tasks. The searches are beam searches of five
levels over steps of some 80 tokens, each step checked; their branches share prefixes in the real KV cache.
Agents take 5 to 25 calls with tools between. Costs count the whole life of the tasks, from drawing their
lengths to the finished columns; what is done once per scenario they leave out.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.figures import Case, Figures
from benchmarks.timeouts import timeout_cost_s

TASKS = 1000
WORKLOAD = {
    "name": "tasks",
    "arrivals": {"process": "closed_loop", "concurrency": TASKS},
    "prompt_tokens": {"distribution": "fixed", "tokens": 300},
    "output_tokens": {"distribution": "fixed", "tokens": 100},
    "thinking": {"tokens": {"distribution": "lognormal", "median": 1000, "sigma": 0.3, "max": 4000}},
}
SEARCH = {
    "kind": "beam_search",
    "beams": 8,
    "width": 4,
    "depth": 5,
    "step_tokens": {"distribution": "lognormal", "median": 80, "sigma": 0.5, "max": 400},
}
AGENT = {
    "kind": "agent",
    "turns": {"distribution": "uniform", "low": 5, "high": 25},
    "tool": {"median": "2 s", "sigma": 0.8},
    "tool_tokens": {"distribution": "lognormal", "median": 300, "sigma": 0.8, "max": 4000},
    "turn_tokens": {"distribution": "lognormal", "median": 120, "sigma": 0.6, "max": 1000},
}


def run(strategy: dict[str, Any]) -> tuple[int, float]:
    """Requests of a thousand tasks, and the CPU time they took [s]."""
    from simulator.scenario.loading import load_scenario
    from simulator.simulation.event_loop import simulate
    from simulator.simulation.pools import prepare_pools
    from simulator.simulation.run import cluster_plan
    from simulator.units.random_streams import RandomStreams
    from simulator.workload.build import build_workload

    engine = {"max_model_len": 16384, "max_num_seqs": 1024}
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "replicas": 8, "engine": engine}
    scenario = load_scenario(
        {
            "workload": WORKLOAD,
            "model": "llama-3.1-8b",
            "cluster": {"pools": [pool]},
            "requests": TASKS,
            "reasoning": {"strategy": strategy},
        }
    )
    plan = cluster_plan(scenario, prepare_pools(scenario))
    streams = RandomStreams(scenario.seed)
    source = build_workload(scenario.workload, streams, TASKS)
    cpu = time.process_time()
    recording = simulate(plan, source, streams, reasoning=scenario.reasoning)
    return len(recording.requests.request), time.process_time() - cpu


def tree_searches() -> Figures:
    """A thousand beam searches at the same time."""
    requests, cpu_s = run(SEARCH)
    return {
        "reasoning.requests_per_s": requests / cpu_s,
        "reasoning.request_cost_timeouts": cpu_s / requests / timeout_cost_s(),
    }


def agents() -> Figures:
    """A thousand agents at the same time."""
    requests, cpu_s = run(AGENT)
    return {"reasoning.agent_requests_per_s": requests / cpu_s}


CASES = (
    Case("reasoning.tree_searches", tree_searches, repeats=3, timeout_s=240),
    Case("reasoning.agents", agents, repeats=3, timeout_s=120),
)
