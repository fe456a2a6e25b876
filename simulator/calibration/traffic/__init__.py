"""A workload beside a trace: are the generated counts and lengths those of the real traffic?

    python -m simulator.calibration.traffic WORKLOAD TRACE [--json] [--seeds N]

Traffic generators are judged by counts, not by gaps: the index of dispersion at 1, 10 and 60 s over the whole
trace and over slices of it, quantiles of lengths, and the rank correlation of prompt and output.
"""

from __future__ import annotations

from simulator.calibration.traffic.comparison import TrafficRow, compare_traffic

__all__ = ["TrafficRow", "compare_traffic"]
