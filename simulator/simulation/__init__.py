"""One scenario in, one Result out: the only room where all parts meet.

`run_scenario` compiles the backends, builds workload and cluster, lets simulated time run
until the last request has ended and puts what was recorded together with prices and sources.
`simulate` is its middle part, for callers that bring a cluster and traffic of their own.
"""

from simulator.simulation.event_loop import Progress, simulate
from simulator.simulation.run import run_scenario

__all__ = ["Progress", "run_scenario", "simulate"]
