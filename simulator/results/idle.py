"""Whose cost per task is that of machines which wait.

In an open loop that holds up, the rent over the rate of arrival is the cost of a task, whatever is done with
it. In a closed loop machines have room left where their seats and their KV cache are mostly empty and nobody
waits: more tasks at once would cost less each, and a strategy of many chains has more in flight than one of
one chain.
"""

from __future__ import annotations

from simulator.results.context import PoolContext, RunContext
from simulator.results.overload import Load
from simulator.results.pool_use import PoolUse
from simulator.results.task_summary import TaskSummary

#: Machines that use less than this share of their time, or of both their seats and their KV cache, have room.
HALF = 0.5

_FULL = "To compare strategies, keep the machines full"


def idle_machines(
    context: RunContext, pools: tuple[PoolUse, ...], load: Load, tasks: TaskSummary | None
) -> str | None:
    """Why the cost per task of a run says little about its strategy; None where it does."""
    if tasks is None or tasks.cost is None or load.overloaded:
        return None
    if context.open_loop:
        return (
            "Cost per task is what all machines cost over the tasks that ended, idle seats included: tasks"
            " arrive at times of their own here, so their rate sets it and not the strategy."
            f" {_FULL}: arrivals: {{process: closed_loop, concurrency: N}}, N raised until the cost falls no"
            " more."
        )
    room = [
        room_left(about, use) for about, use in zip(context.pools, pools, strict=True) if has_room(about, use)
    ]
    if not room:
        return None
    return (
        f"Cost per task is that of machines with room left: {'; '.join(room)}. More tasks at once would cost"
        f" less each. {_FULL}: raise workload.arrivals.concurrency, and requests with it, until the cost"
        " falls no more."
    )


def has_room(about: PoolContext, use: PoolUse) -> bool:
    """Whether a pool would do much more in the same time, did more come at once."""
    if use.utilisation is None or use.mean_batch is None:
        return False
    if use.utilisation < HALF:
        return True
    # A step of prompts is full with a few of them.
    if about.role == "prefill" or about.seats is None or (use.mean_waiting or 0.0) >= 1.0:
        return False
    return use.mean_batch < HALF * about.seats and (use.mean_kv_use or 0.0) < HALF


def room_left(about: PoolContext, use: PoolUse) -> str:
    """How much of a pool is in use, in words."""
    in_use = []
    if use.mean_batch is not None and about.seats is not None:
        in_use.append(f"{use.mean_batch:.3g} of {about.seats} seats")
    if use.mean_kv_use is not None:
        in_use.append(f"{100.0 * use.mean_kv_use:.2g} % of its KV cache")
    taken = f"had {' and '.join(in_use)} in use while it computed, {use.utilisation or 0.0:.0%} of the time"
    return f"{use.name} {taken}"
