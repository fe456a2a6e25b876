"""One scenario in, one Result out: the only room where all parts meet.

Backends are compiled, the workload and the cluster are built, simulated time runs until the
last request has ended, and what was recorded is put together with prices and sources.
"""

from simulator.simulation.run import Progress, run_scenario

__all__ = ["Progress", "run_scenario"]
