"""What routers ask a replica: the answers are those of an engine that takes every step by itself."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.timing import Appointment
from tests.engine.clusters import MS, cluster, pool, request, run, settings


def answers(seed, *, jumping, caching, asynchronous, scheduler="vllm"):
    """Free blocks, waiting requests and cached tokens of one replica at random times."""
    draw = np.random.default_rng(seed)
    own = settings(
        enable_prefix_caching=caching,
        async_scheduling=asynchronous,
        num_gpu_blocks=int(draw.integers(45, 120)),
        max_num_seqs=int(draw.integers(2, 16)),
        scheduler=scheduler,
    )
    target = cluster(pool(settings=own), jumping=jumping)
    replica = target.pools[0].replicas[0]
    found = []

    def ask(event):
        asked = request(999, prompt=399, content=(("prefix:0", 0, 30), (f"s{len(found) % 7}", 0, 400)))
        cached = replica.cached_tokens_now(asked)
        found.append((replica.waiting_now(), replica.free_blocks_now(), cached, replica.queued_tokens_now()))

    for time_ns in draw.integers(0, 4_000 * MS, 200).tolist():
        Appointment(target.env, time_ns, ask)
    times = np.sort(draw.integers(0, 3_000 * MS, 60)).tolist()
    sizes = draw.integers(1, 300, (60, 2)).tolist()
    run(
        target,
        [
            request(
                i,
                times[i],
                prompt=30 + p,
                output=o,
                content=(("prefix:0", 0, 30), (f"s{i % 7}", 0, p), (f"out:{i}", 0, o)),
            )
            for i, (p, o) in enumerate(sizes)
        ],
    )
    assert replica.free_blocks_now() == own.usable_blocks
    return found


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("caching", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_answers_do_not_depend_on_jumps(seed, caching, asynchronous):
    jumped = answers(seed, jumping=True, caching=caching, asynchronous=asynchronous)
    stepped = answers(seed, jumping=False, caching=caching, asynchronous=asynchronous)
    assert jumped == stepped
    assert len({free for _, free, _, _ in jumped}) > 5
    assert not caching or max(cached for _, _, cached, _ in jumped) > 0
