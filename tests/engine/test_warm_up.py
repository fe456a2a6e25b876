"""What happens before the end of the warm-up is no figure."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.kv_tiers import TierPlan
from simulator.engine.link import LinkPlan
from tests.engine.clusters import MS, STEP_NS, cluster, pool, request, run, settings
from tests.engine.test_membership import at

ENGINES = pytest.mark.parametrize("policy", ["fcfs", "priority"])
JUMPING = pytest.mark.parametrize("jumping", [True, False])


def recorded(requests, counted_from_ns, jumping=True, **changes):
    """The recording of one pool that serves these requests."""
    kv_tiers = changes.pop("kv_tiers", ())
    target = cluster(
        pool(settings=settings(**changes), kv_tiers=kv_tiers, kv_bytes_per_token=1e3),
        jumping=jumping,
        keep_steps=True,
        counted_from_ns=counted_from_ns,
    )
    run(target, requests)
    return target.recording().pools[0]


def traffic():
    draw = np.random.default_rng(5)
    return [
        request(i, int(draw.integers(0, 2000 * MS)), int(draw.integers(20, 400)), int(draw.integers(1, 60)))
        for i in range(40)
    ]


@ENGINES
@JUMPING
@pytest.mark.parametrize("since_ms", [1, 333, 905, 1500, 10_000_000])
def test_inter_token_latencies_are_those_of_the_steps_that_end_behind_it(policy, jumping, since_ms):
    since_ns = since_ms * MS
    counted = recorded(traffic(), since_ns, jumping, policy=policy)
    steps = counted.step_table
    late = steps.start_ns + steps.duration_ns >= since_ns
    assert counted.inter_token.total == steps.decode_sequences[late].sum()
    assert counted.inter_token.sum_ns == (steps.decode_sequences * steps.duration_ns)[late].sum()
    assert counted.inter_token.count.sum() == counted.inter_token.total


@ENGINES
@JUMPING
@pytest.mark.parametrize("passed", [0, 1, 7, 19, 20, 21])
def test_the_step_behind_a_stop_token_counts_on_neither_side(policy, jumping, passed):
    """One prompt step of 11 ms, then 19 tokens at 10 ms each; the twentieth step is in vain."""
    one = request(0, output=20, max_tokens=30)
    counted = recorded([one], 11 * MS + passed * STEP_NS, jumping, policy=policy, async_scheduling=True)
    latencies = counted.inter_token
    expected = min(19 - passed + 1, 19) if passed <= 19 else 0
    assert (latencies.total, latencies.sum_ns) == (expected, expected * STEP_NS)
    assert latencies.count.sum() == expected


def test_hits_and_loads_are_those_behind_it():
    """The first request leaves its prompt in both caches, and the second hits; only the third counts."""
    said = (("system", 0, 64),)
    requests = [request(i, i * 1000 * MS, prompt=64, output=2, content=said) for i in range(3)]
    tier = TierPlan("store", LinkPlan(1e9), blocks=None, hit_rate=0.9)
    counted = recorded(requests, 1500 * MS, enable_prefix_caching=True, kv_tiers=(tier,))
    whole = recorded(requests_again(requests), 0, enable_prefix_caching=True, kv_tiers=(tier,))
    assert counted.kv_tiers[0].looked_up_tokens == 64
    assert whole.kv_tiers[0].looked_up_tokens == 3 * 64
    assert whole.prefix_queried_tokens > counted.prefix_queried_tokens
    assert (counted.prefix_queried_tokens, counted.prefix_hit_tokens) == (64, 48)


def requests_again(requests):
    return [
        request(r.index, r.arrival_ns, r.prompt_tokens, r.output_tokens, content=r.content) for r in requests
    ]


@JUMPING
def test_preemptions_are_those_of_requests_that_end_behind_it(jumping):
    tight = {"num_gpu_blocks": 14, "max_model_len": 200}
    everything = recorded(preempting(), 0, jumping, **tight)
    early = preempting()
    counted = recorded(early, 1000 * MS, jumping, **tight)
    late = sum(r.preemptions for r in early if r.finish_ns >= 1000 * MS)
    assert 0 < counted.preemptions == late < everything.preemptions


def preempting():
    return [request(i, i * 150 * MS, prompt=60, output=60) for i in range(12)]


@pytest.mark.parametrize(("since_ms", "gaps"), [(0, 1), (50, 1), (52, 0), (200, 0)])
def test_the_wait_for_the_token_after_a_loss_counts_if_that_comes_behind_it(since_ms, gaps):
    """The replica is lost at 40 ms, and the other one delivers the next token at 51 ms."""
    target = cluster(pool(replicas=2), counted_from_ns=since_ms * MS, keep_steps=True)
    first = target.pools[0].replicas[0]
    at(target, 40 * MS, lambda: [target.again(lost) for lost in target.kill(first)])
    run(target, [request(0, output=30)])
    counted = target.recording().pools[0]
    steps = counted.step_table
    late = steps.start_ns + steps.duration_ns >= since_ms * MS
    assert counted.inter_token.total == steps.decode_sequences[late].sum() + gaps


def test_a_run_that_ends_in_its_warm_up_has_no_figures():
    counted = recorded(preempting(), 10**15, num_gpu_blocks=14, max_model_len=200)
    assert (counted.preemptions, counted.inter_token.total) == (0, 0)
