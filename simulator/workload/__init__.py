"""The workload room: which requests come, when, how long they are and what they share.

``load_workload`` reads a spec, ``build_workload`` makes a source of requests from it in
bounded chunks (``Traffic``), ``read_trace`` and ``write_traffic`` exchange request traces.
"""

from __future__ import annotations

from simulator.workload.build import build_workload
from simulator.workload.exporters import write_trace, write_traffic
from simulator.workload.importers import Trace, read_trace
from simulator.workload.library import load_workload, workload_names
from simulator.workload.traffic import Piece, RequestSource, Traffic

__all__ = [
    "Piece",
    "RequestSource",
    "Trace",
    "Traffic",
    "build_workload",
    "load_workload",
    "read_trace",
    "workload_names",
    "write_trace",
    "write_traffic",
]
