"""Schedulers: who runs for how many tokens in the next step. One class per batching policy.

`Scheduler` is vLLM's V1 scheduler; every other class is a variation of it in one or two rules.
"""

from __future__ import annotations

from simulator.engine.scheduler.longest_prefix_first import LongestPrefixFirst
from simulator.engine.scheduler.orca import Orca
from simulator.engine.scheduler.prefill_first import PrefillFirst
from simulator.engine.scheduler.sarathi import Sarathi
from simulator.engine.scheduler.shortest_job_first import ShortestJobFirst
from simulator.engine.scheduler.static import StaticBatching
from simulator.engine.scheduler.vllm import Scheduler

__all__ = [
    "SCHEDULERS",
    "LongestPrefixFirst",
    "Orca",
    "PrefillFirst",
    "Sarathi",
    "Scheduler",
    "ShortestJobFirst",
    "StaticBatching",
]

#: The class of every scheduler that a scenario can name (``scenario.engine.SchedulerName``).
SCHEDULERS: dict[str, type[Scheduler]] = {
    "vllm": Scheduler,
    "static": StaticBatching,
    "orca": Orca,
    "sarathi": Sarathi,
    "prefill_first": PrefillFirst,
    "shortest_job_first": ShortestJobFirst,
    "longest_prefix_first": LongestPrefixFirst,
}
