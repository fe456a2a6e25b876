"""How time and memory grow with a cluster: a thousand replicas, a million conversation requests.

Every case serves the lengths of Azure's conversations with Llama-3.1-8B on H100, Poisson arrivals at 6/s
per replica, least outstanding requests, prefix caching off.
"""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks.figures import Case, Figures
from benchmarks.timeouts import timeout_cost_s

RATE_PER_REPLICA = 6
BYTES_PER_MB = 1e6
MILLION = 1_000_000

#: Sizes of the two runs whose times give an exponent.
REQUESTS = (20_000, 80_000)
REPLICAS = (50, 400)
REQUESTS_PER_REPLICA = 150


def million() -> Figures:
    """A million requests on a thousand replicas: time and peak memory of the whole process."""
    import resource

    cpu = time.process_time()
    seconds = served_s(MILLION, 1000)
    cpu = time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "cluster.million_requests_s": seconds,
        "cluster.million_peak_mb": peak / BYTES_PER_MB,
        "cluster.request_cost_timeouts": cpu / MILLION / timeout_cost_s(),
    }


def growth() -> Figures:
    """Exponents of time over requests, and of time per request over replicas with equally much to do each."""
    served_s(2_000, 50)  # imports and catalogues
    few, many = (served_s(requests, 100) for requests in REQUESTS)
    small, large = (served_s(replicas * REQUESTS_PER_REPLICA, replicas) / replicas for replicas in REPLICAS)
    return {
        "cluster.requests_exponent": exponent(few, many, REQUESTS),
        "cluster.replicas_exponent": exponent(small, large, REPLICAS),
    }


def exponent(one: float, other: float, sizes: tuple[int, int]) -> float:
    """``p`` where time grows as ``size ** p``."""
    return math.log(other / one) / math.log(sizes[1] / sizes[0])


def served_s(requests: int, replicas: int) -> float:
    """Time to simulate so many requests on so many replicas [s]."""
    import simulator

    scenario = conversations(requests, replicas)
    start = time.perf_counter()
    simulator.run(scenario)
    return time.perf_counter() - start


def conversations(requests: int, replicas: int) -> dict[str, Any]:
    """The scenario."""
    rate = f"{RATE_PER_REPLICA * replicas} /s"
    pool = {
        "name": "main",
        "hardware": "nvidia-h100-sxm",
        "replicas": replicas,
        "engine": {"enable_prefix_caching": False},
    }
    return {
        "name": "cluster benchmark",
        "workload": {"from": "azure-conv-2023", "arrivals": {"process": "poisson", "rate": rate}},
        "model": "llama-3.1-8b",
        "cluster": {"pools": [pool], "router": {"policy": "least_outstanding"}},
        "requests": requests,
    }


CASES = (
    Case("cluster.million", million, repeats=1, timeout_s=600.0),
    Case("cluster.growth", growth, repeats=1, timeout_s=300.0),
)
