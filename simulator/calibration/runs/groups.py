"""Which runs are summed up together, and which were overloaded.

The groups are those that accuracy is promised for; a run of another source forms a group with the
others on its device. Overloaded runs have no steady state: a step time that is off by a percent moves
their latencies without bound, so they are shown apart and stay out of all medians.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from simulator.calibration.runs.measured import MeasuredRun

#: Names of runs that are known to be overloaded.
OVERLOADED = ("blis-*-reasoning*", "vllm-cpu-s04*", "vllm-cpu-s07*", "*overload*")
#: Sources whose requests come at a steady rate, so that a long drain after the last one tells overload.
STEADY_ARRIVALS = ("vllm-cpu",)
#: Time to serve everything over time in which it arrived [1], from where a steady load was too much.
DRAINED_LATE = 1.1


@dataclass(frozen=True, slots=True)
class Group:
    """Runs whose errors are summed up in one line."""

    title: str
    holds: Callable[[MeasuredRun], bool]


def _of(*sources: str, device: str = "*") -> Callable[[MeasuredRun], bool]:
    return lambda run: run.source in sources and fnmatchcase(run.hardware.device, device)


GROUPS = (
    Group("H100 and A100", _of("blis-training", "blis-sim2real")),
    Group("A100 alone", _of("blis-training", "blis-sim2real", device="nvidia-a100*")),
    Group("RTX PRO 6000, RTX 4090", _of("llmservingsim-bench")),
    Group("vLLM on a CPU", _of("vllm-cpu")),
    Group("several instances", _of("llmservingsim-ispass26")),
)


def groups_of(run: MeasuredRun) -> tuple[str, ...]:
    """Titles of the groups that a run belongs to."""
    known = tuple(group.title for group in GROUPS if group.holds(run))
    return known or (run.hardware.device,)


def is_overloaded(run: MeasuredRun) -> bool:
    """Whether more came than could be served."""
    if any(fnmatchcase(run.name, pattern) for pattern in OVERLOADED):
        return True
    took = run.measured.get("duration_s")
    if run.source not in STEADY_ARRIVALS or took is None or run.requests_file is None:
        return False
    import pandas as pd

    arrivals = pd.read_csv(run.requests_file, usecols=["arrival_s"])["arrival_s"]
    return bool(took > DRAINED_LATE * (arrivals.max() - arrivals.min()))
