"""All benchmark cases, one module per part of the simulator.

Case modules import nothing heavy at their top: whatever stands there is loaded in the process
of every other case too.
"""

from __future__ import annotations

from benchmarks.cases import cluster, engine, latency, reasoning, start
from benchmarks.figures import Case

CASES: tuple[Case, ...] = (*start.CASES, *engine.CASES, *latency.CASES, *cluster.CASES, *reasoning.CASES)
