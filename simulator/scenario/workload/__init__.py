"""What a workload is in YAML: when requests come, how long they are, what they share.

``WorkloadSpec`` says it all; `simulator.workload` builds requests from it. Three families:

- arrivals (``process``): `simulator.scenario.workload.arrivals`
- lengths (``distribution``): `simulator.scenario.workload.lengths`
- thinking, as a length of its own or a share of the output: `simulator.scenario.workload.thinking`
"""

from __future__ import annotations

from simulator.scenario.workload.arrivals import ArrivalSpec, TraceFormat
from simulator.scenario.workload.lengths import LengthSpec
from simulator.scenario.workload.thinking import ThinkingSpec
from simulator.scenario.workload.workload import (
    RequestClassSpec,
    RowsSpec,
    SessionSpec,
    SharedPrefixSpec,
    WorkloadSpec,
)

__all__ = [
    "ArrivalSpec",
    "LengthSpec",
    "RequestClassSpec",
    "RowsSpec",
    "SessionSpec",
    "SharedPrefixSpec",
    "ThinkingSpec",
    "TraceFormat",
    "WorkloadSpec",
]
