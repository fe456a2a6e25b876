"""Small clusters with a desk in front, and programs run on them."""

from __future__ import annotations

from typing import Any

from simulator.engine.pool import PoolPlan
from simulator.engine.request import Request
from simulator.reasoning.build import build_desk
from simulator.reasoning.desk import TaskDesk
from simulator.results.recording import Recording
from simulator.scenario.reasoning import ReasoningSpec
from simulator.units.random_streams import RandomStreams
from tests.engine.clusters import cluster, pool, settings

THINKING, ANSWER, PROMPT = 400, 50, 64


def desk(strategy: dict[str, Any], quality: dict[str, Any] | None = None, **changes: Any) -> TaskDesk:
    """A desk over one replica with room for thousands of blocks, and a prefix cache."""
    plan: PoolPlan = pool(
        settings=settings(
            num_gpu_blocks=100_001, enable_prefix_caching=True, max_num_seqs=512, max_model_len=20_000
        )
    )
    spec = ReasoningSpec.model_validate({"strategy": strategy, "quality": quality, **changes})
    return build_desk(spec, cluster(plan), RandomStreams(0), stops=False)


def work(target: TaskDesk, tasks: int = 4, **changes: Any) -> Recording:
    """Hand in some tasks at time zero and let time run out."""
    lengths = {"prompt": PROMPT, "output": THINKING + ANSWER, "thinking": THINKING, **changes}
    for index in range(tasks):
        target.submit(
            Request(
                index,
                0,
                lengths["prompt"],
                lengths["output"],
                thinking_tokens=lengths["thinking"],
            )
        )
    target.env.run()
    recording = target.cluster.recording()
    assert recording.unfinished == 0
    return recording


def columns(target: TaskDesk) -> Any:
    """The tasks that ended at a desk."""
    recording = target.recording()
    assert recording.unfinished == 0
    return recording.columns
