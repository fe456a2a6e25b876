"""Prefill and decode apart: one request to its client, two halves to the pools."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.request import NEVER
from simulator.engine.transfer import LinkPlan
from simulator.errors import InputError
from simulator.results.conservation import check_conservation
from tests.engine.clusters import MS, PREFILL_TOKEN_NS, STEP_NS, cluster, evenly, pool, request, run, settings

BYTES_PER_TOKEN = 1000.0
#: A token of KV cache takes 1 us on the link.
LINK = LinkPlan(BYTES_PER_TOKEN * 1e6, latency_ns=500)


def pair(prefills=1, decodes=1, link=LINK, prefill_settings=None, decode_settings=None, **plan):
    """A prefill and a decode pool with a link."""
    return cluster(
        pool(
            "prompts",
            role="prefill",
            replicas=prefills,
            settings=prefill_settings or settings(),
            kv_bytes_per_token=BYTES_PER_TOKEN,
        ),
        pool("outputs", role="decode", replicas=decodes, settings=decode_settings or settings()),
        link=link,
        **plan,
    )


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_request_is_prefilled_moved_and_decoded(asynchronous):
    target = pair(
        prefill_settings=settings(async_scheduling=asynchronous),
        decode_settings=settings(async_scheduling=asynchronous),
        keep_steps=True,
    )
    run(target, [request(0, arrival_ns=MS, prompt=100, output=5)])
    recording = target.recording()
    row = {name: getattr(recording.requests, name)[0] for name in recording.requests.__slots__}
    first = MS + STEP_NS + 100 * PREFILL_TOKEN_NS
    moved = first + 100 * 1000 + 500
    assert (row["first_scheduled_ns"], row["first_token_ns"], row["first_answer_ns"]) == (MS, first, first)
    assert row["finish_ns"] == moved + 4 * STEP_NS
    assert (row["output_tokens"], row["pool"], row["preemptions"]) == (5, 1, 0)
    prompts, outputs = (p.step_table for p in recording.pools)
    assert (prompts.prefill_tokens.sum(), prompts.decode_tokens.sum()) == (100, 0)
    assert (outputs.prefill_tokens.sum(), outputs.decode_tokens.sum()) == (0, 4)
    assert outputs.decode_context.tolist() == [101, 102, 103, 104]


@pytest.mark.parametrize("caching", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_token_is_lost_between_the_pools(caching, asynchronous):
    own = settings(enable_prefix_caching=caching, async_scheduling=asynchronous)
    target = pair(2, 3, prefill_settings=own, decode_settings=own, policy="least_outstanding")
    rng = np.random.default_rng(3)
    arrivals = np.cumsum(rng.exponential(5 * MS, 200)).astype(int).tolist()
    run(
        target,
        [
            request(i, t, prompt=int(rng.integers(1, 500)), output=int(rng.integers(1, 40)))
            for i, t in enumerate(arrivals)
        ],
    )
    recording = target.recording()
    check_conservation(recording)
    prompts, outputs = recording.pools
    requests = recording.requests
    assert prompts.windows.prefill_tokens.sum() == requests.prompt_tokens.sum()
    assert outputs.windows.decode_tokens.sum() == (requests.output_tokens - 1).sum()
    assert prompts.windows.decode_tokens.sum() == outputs.windows.prefill_tokens.sum() == 0
    assert recording.unfinished == 0


def test_a_request_of_one_token_ends_where_its_prompt_is_computed():
    target = pair()
    (only,) = run(target, [request(0, output=1)])
    assert only.finish_ns == only.first_token_ns == STEP_NS + 100 * PREFILL_TOKEN_NS
    assert target.recording().pools[1].steps == 0
    assert only.pool == 0


def test_the_prompts_of_one_replica_queue_for_its_link():
    slow = LinkPlan(BYTES_PER_TOKEN * 1e4)  # 100 us per token: 10 ms per prompt
    first, second = run(pair(link=slow), [request(0), request(1)])
    assert first.first_token_ns == second.first_token_ns
    assert second.finish_ns - first.finish_ns == 10 * MS


def test_a_preempted_output_is_computed_again_where_it_was():
    """The decode pool cannot fetch the cache a second time: it prefills prompt and output itself."""
    target = pair(decode_settings=settings(num_gpu_blocks=61))
    run(target, [request(i, prompt=150, output=200) for i in range(4)])
    recording = target.recording()
    check_conservation(recording)
    assert recording.pools[1].preemptions == recording.requests.preemptions.sum() > 0
    assert recording.pools[1].windows.prefill_tokens.sum() >= 150
    assert (recording.requests.output_tokens == 200).all()


def test_thinking_counts_from_the_prefill_pools_token():
    (only,) = run(pair(), [request(0, output=10, thinking_tokens=3)])
    # The first token was thought by the prefill pool; two more, then the answer.
    assert only.first_answer_ns == only.first_token_ns + 100 * 1000 + 500 + 3 * STEP_NS


def test_a_prompt_too_long_for_the_prefill_pool_is_refused():
    target = pair(prefill_settings=settings(max_model_len=200))
    with pytest.raises(InputError, match=r"prompt 300 \+ its first output.*pool 'prompts' is 200"):
        target.submit(request(0, prompt=300))


def test_stages_of_all_rows_are_in_order():
    target = pair(2, 2)
    run(target, evenly(50, gap_ns=2 * MS))
    requests = target.recording().requests
    assert (requests.first_scheduled_ns != NEVER).all()
    assert (requests.first_token_ns < requests.finish_ns).all()
