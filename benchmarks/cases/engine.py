"""What a simulated request costs: the conversation yardstick, and long outputs in a closed loop.

The yardstick is one H100 with Llama-3.1-8B under requests of the Azure conversation lengths that
arrive as a Poisson process at 6.45/s, with 512 seats and 8,192 tokens a step. Costs count the
whole life of the requests, from drawing their lengths to the finished columns; what is done once
per scenario (reading YAML, compiling the backend) they leave out.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Case, Figures
from benchmarks.timeouts import timeout_cost_s

if TYPE_CHECKING:
    from simulator.results.recording import Recording

REQUESTS = 10_000
CONVERSATION = {"from": "azure-conv-2023", "arrivals": {"process": "poisson", "rate": "6.45 /s"}}
#: 64 users who wait for reasoning outputs of 8,000 tokens on average: mu = ln 8000 - 0.7^2 / 2.
REASONING = {
    "name": "reasoning",
    "arrivals": {"process": "closed_loop", "concurrency": 64},
    "prompt_tokens": {"distribution": "fixed", "tokens": 500},
    "output_tokens": {"distribution": "lognormal", "mu": 8.7422, "sigma": 0.7, "max": 120_000},
}
#: A figure is the best of so many runs, as the bare timeout it is compared with: what else runs only adds.
RUNS = 3
#: What the peers were measured with [blocks of 16 tokens].
PEERS_BLOCKS = 27_000


@dataclass(frozen=True, slots=True)
class Loop:
    """One run of a workload, from the first draw to the finished columns."""

    recording: Recording
    wall_s: float
    cpu_s: float

    @property
    def steps(self) -> int:
        """Engine steps of all replicas."""
        return sum(pool.steps for pool in self.recording.pools)


def run(workload: dict[str, Any], **engine: Any) -> Loop:
    """Run a workload on one H100 with Llama-3.1-8B; ``engine`` has vLLM's names."""
    from simulator.scenario.loading import load_scenario
    from simulator.simulation.event_loop import simulate
    from simulator.simulation.pools import prepare_pools
    from simulator.simulation.run import cluster_plan
    from simulator.units.random_streams import RandomStreams
    from simulator.workload.build import build_workload

    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_num_seqs": 512, **engine}}
    description = {"workload": workload, "model": "llama-3.1-8b", "cluster": {"pools": [pool]}}
    scenario = load_scenario({**description, "requests": REQUESTS})
    plan = cluster_plan(scenario, prepare_pools(scenario))
    streams = RandomStreams(scenario.seed)
    source = build_workload(scenario.workload, streams, REQUESTS)
    wall, cpu = time.perf_counter(), time.process_time()
    recording = simulate(plan, source, streams)
    return Loop(recording, time.perf_counter() - wall, time.process_time() - cpu)


def best_run(workload: dict[str, Any], **engine: Any) -> tuple[Loop, float]:
    """The run that took least time of the processor, and the least that a timeout took in turn with them [s].

    A machine whose pace wanders is slow for both.
    """
    loops, timeouts_s = [], []
    for _ in range(RUNS):
        loops.append(run(workload, **engine))
        timeouts_s.append(timeout_cost_s(repeats=1))
    return min(loops, key=lambda loop: loop.cpu_s), min(timeouts_s)


def conversation() -> Figures:
    """The yardstick without prefix caching."""
    loop, timeout_s = best_run(CONVERSATION, enable_prefix_caching=False)
    return {
        "engine.requests_per_s": REQUESTS / loop.wall_s,
        "engine.steps_per_request": loop.steps / REQUESTS,
        "engine.bytes_per_request": kept_bytes(loop.recording) / REQUESTS,
        "engine.request_cost_timeouts": loop.cpu_s / REQUESTS / timeout_s,
    }


def conversation_cached() -> Figures:
    """The peers' yardstick: prefix caching on, nothing shared, and their number of blocks."""
    loop, timeout_s = best_run(CONVERSATION, enable_prefix_caching=True, num_gpu_blocks=PEERS_BLOCKS)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {
        "engine.conv10k_cpu_s": loop.cpu_s,
        "engine.conv10k_peak_mb": peak_mb,
        "engine.conv10k_steps_per_request": loop.steps / REQUESTS,
        "engine.request_cost_prefix_timeouts": loop.cpu_s / REQUESTS / timeout_s,
    }


def reasoning() -> Figures:
    """Generated tokens that are simulated in a second, and in the time of a bare timeout."""
    loop, timeout_s = best_run(REASONING, enable_prefix_caching=False)
    tokens = float(loop.recording.requests.output_tokens.sum())
    return {
        "engine.reasoning_tokens_per_s": tokens / loop.wall_s,
        "engine.reasoning_tokens_per_timeout": tokens / loop.cpu_s * timeout_s,
    }


def kept_bytes(kept: Any) -> int:
    """Size of all arrays that a recording holds [bytes]."""
    if is_dataclass(kept):
        return sum(kept_bytes(getattr(kept, field.name)) for field in fields(kept))
    if isinstance(kept, tuple):
        return sum(map(kept_bytes, kept))
    return int(getattr(kept, "nbytes", 0))


CASES = (
    Case("engine.conversation", conversation),
    Case("engine.conversation_cached", conversation_cached),
    Case("engine.reasoning", reasoning),
)
