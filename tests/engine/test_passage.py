"""Prompts on their way through a pipeline when their step has ended: aborted, lost and waited for."""

from __future__ import annotations

import random

import pytest

from simulator.engine.clients import ClientPlan
from simulator.engine.link import LinkPlan
from simulator.engine.request import NEVER
from simulator.engine.tenant import TenantPlan
from simulator.latency.linear import LinearPricer
from simulator.scenario.backend import LinearBackendSpec
from tests.engine.clusters import MS, PREFILL_TOKEN_NS, STEP_NS, cluster, pool, request, run, settings
from tests.engine.test_membership import at


class PipelinedPricer(LinearPricer):
    """Steps as everywhere here; prompts come out 7 ms after theirs."""

    def through_ns(self, *prompts: int) -> int:
        """See `latency.pricer.passage_of`."""
        return self.step_ns(*prompts, 0, 0, 0) + 7 * MS


def pipelined() -> PipelinedPricer:
    return PipelinedPricer(LinearBackendSpec(base_ns=STEP_NS, prefill_token_ns=PREFILL_TOKEN_NS), None)


@pytest.mark.parametrize("jumping", [True, False])
@pytest.mark.parametrize("roles", [("unified",), ("prefill", "decode")])
def test_a_client_may_give_up_while_its_token_comes_out(roles, jumping):
    tried = cluster(
        *(pool(role, role=role, pricer=pipelined(), kv_bytes_per_token=1e3) for role in roles),
        link=LinkPlan(1e9, 1000),
        jumping=jumping,
        tenants=(TenantPlan(client=ClientPlan(timeout_ns=13 * MS)),),
    )
    (ended,) = run(tried, [request(0, output=1 if len(roles) == 1 else 50)])
    assert (ended.finish_reason, ended.finish_ns, ended.first_token_ns) == ("abort", 13 * MS, NEVER)
    assert all(one.counts().free_blocks == 1000 for own in tried.pools for one in own.replicas)


@pytest.mark.parametrize("jumping", [True, False])
@pytest.mark.parametrize("policy", ["fcfs", "priority"])
def test_whoever_waits_for_the_blocks_of_a_prompt_that_comes_out_gets_them(policy, jumping):
    few = settings(num_gpu_blocks=9, max_model_len=128, policy=policy)  # one prompt at a time
    tried = cluster(
        pool("p", role="prefill", settings=few, pricer=pipelined(), kv_bytes_per_token=1e3),
        pool("d", role="decode"),
        link=LinkPlan(1e9, 1000),
        jumping=jumping,
    )
    ended = run(tried, [request(index, index * MS) for index in range(6)])
    assert {one.finish_reason for one in ended} == {"length"}


@pytest.mark.parametrize("jumping", [True, False])
@pytest.mark.parametrize("policy", ["fcfs", "priority"])
@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("roles", [("unified",), ("prefill", "decode")])
@pytest.mark.parametrize("pipeline", [True, False])
def test_lost_replicas_leave_one_gap_fewer_than_tokens(roles, pipeline, stops, policy, jumping):
    draw = random.Random(3)
    own = settings(async_scheduling=True, policy=policy)
    pricer = {"pricer": pipelined()} if pipeline else {}
    pools = [
        pool(role, role=role, replicas=6, settings=own, kv_bytes_per_token=1e3, **pricer) for role in roles
    ]
    tried = cluster(*pools, policy="least_outstanding", link=LinkPlan(1e6, 1000), jumping=jumping)

    def lose(number, replica):
        for one in tried.kill(tried.pools[number].replicas[replica]):
            tried.again(one)

    for replica in range(4):
        for number in range(len(roles)):
            at(tried, draw.randint(80 * MS, 400 * MS), lambda n=number, r=replica: lose(n, r))
    lengths = [draw.randint(1, 30) for _ in range(120)]
    more = [{"max_tokens": length + 1} if stops else {} for length in lengths]
    run(tried, [request(i, 3 * i * MS, output=lengths[i], **more[i]) for i in range(120)])
    recording = tried.recording()
    gaps = [own.inter_token for own in recording.pools]
    assert sum(one.total for one in gaps) == (recording.requests.output_tokens - 1).sum()
    assert all(one.count.min() >= 0 for one in gaps)


def test_blocks_set_aside_are_free_again_where_the_prompt_is_lost():
    tried = cluster(
        pool("p", role="prefill", replicas=2, kv_bytes_per_token=1e3),
        pool("d", role="decode"),
        link=LinkPlan(1e6, 1000),
        policy="round_robin",
    )

    def lose():
        for one in tried.kill(tried.pools[0].replicas[1]):
            tried.again(one)

    at(tried, 150 * MS, lose)
    run(tried, [request(0, output=60), request(1, 20 * MS, prompt=300, output=5)])
    assert tried.pools[1].replicas[0].counts().free_blocks == 1000


def test_a_dead_link_has_no_room_for_layers():
    """The prompt is computed from 50 to 130 ms, and its layers could go meanwhile."""

    def ends(dead):
        tried = cluster(
            pool(
                "p",
                role="prefill",
                layers=10,
                kv_bytes_per_token=1e3,
                settings=settings(max_model_len=8192, max_num_batched_tokens=8192),
            ),
            pool("d", role="decode", settings=settings(max_model_len=8192)),
            link=LinkPlan(1e8, 1000),
            overlaps=True,
        )
        if dead:
            source = tried.pools[0].replicas[0]
            at(tried, 60 * MS, lambda: tried.change_link_pace(source, float("inf")))
            at(tried, 125 * MS, lambda: tried.change_link_pace(source, 1.0))
        ended = run(tried, [request(0, prompt=10, output=2), request(1, 50 * MS, prompt=7000, output=2)])
        return next(one.finish_ns for one in ended if one.index == 1)

    # 7 MB need 70 ms; 15 ms of those in which the prompt is computed are left.
    assert ends(dead=True) - ends(dead=False) == pytest.approx(50 * MS, abs=10 * MS)
