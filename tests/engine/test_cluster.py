"""The cluster: what clients see, what is refused, what the serving program adds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.gateway import ServingDelays
from simulator.errors import InputError
from simulator.results.conservation import check_tokens
from tests.engine.clusters import MS, PREFILL_TOKEN_NS, STEP_NS, cluster, evenly, pool, request, run, settings


def test_a_lone_request_takes_one_step_per_token():
    (only,) = run(cluster(), [request(0, arrival_ns=7 * MS, prompt=100, output=5)])
    first = 7 * MS + STEP_NS + 100 * PREFILL_TOKEN_NS
    assert (only.first_token_ns, only.finish_ns) == (first, first + 4 * STEP_NS)


def test_every_request_leaves_one_row_in_order_of_ending():
    target = cluster(pool(replicas=2))
    ended = run(target, evenly(20, gap_ns=3 * MS))
    recording = target.recording()
    assert recording.requests.request.tolist() == [r.index for r in ended]
    assert np.all(np.diff(recording.requests.finish_ns) >= 0)
    assert (recording.unfinished, recording.end_ns) == (0, ended[-1].finish_ns)
    check_tokens(recording)


def test_the_client_of_a_request_hears_of_its_end_at_that_instant():
    target = cluster()
    heard = []
    target.submit(request(0, on_end=lambda r: heard.append((r.index, target.env.now))))
    target.env.run()
    assert heard == [(0, STEP_NS + 100 * PREFILL_TOKEN_NS + 4 * STEP_NS)]


def test_a_program_can_wait_for_its_requests():
    """Tree searches and agents are SimPy processes; `Event.succeed` is all the glue they need."""
    target = cluster()
    finished = []

    def program():
        for index in range(2):
            answered = target.env.event()
            target.submit(request(index, on_end=answered.succeed))
            answer = yield answered
            finished.append((answer.index, target.env.now))

    target.env.process(program())
    target.env.run()
    each = STEP_NS + 100 * PREFILL_TOKEN_NS + 4 * STEP_NS
    assert finished == [(0, each), (1, 2 * each)]


def test_the_serving_program_delays_requests_and_tokens():
    (plain,) = run(cluster(), [request(0)])
    (delayed,) = run(cluster(delays=ServingDelays(request_ns=7 * MS, token_ns=2 * MS)), [request(0)])
    assert delayed.arrival_ns == plain.arrival_ns
    assert delayed.first_scheduled_ns == plain.first_scheduled_ns + 7 * MS
    assert delayed.first_token_ns == plain.first_token_ns + 9 * MS
    assert delayed.first_answer_ns == plain.first_answer_ns + 9 * MS
    assert delayed.finish_ns == plain.finish_ns + 9 * MS


def test_a_delayed_client_is_still_in_flight_and_the_run_lasts_until_it_has_its_answer():
    target = cluster(delays=ServingDelays(token_ns=2 * MS))
    (only,) = run(target, [request(0)])
    assert target.recording().end_ns == only.finish_ns


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_model_len": 1000}, "max_model_len of pool 'main' is 1,000"),
        ({"num_gpu_blocks": 51}, r"KV cache .* holds 800 tokens \(50 blocks of 16\)"),
    ],
)
def test_a_request_longer_than_context_or_cache_is_refused(limit, words):
    target = cluster(pool(settings=settings(**limit)))
    target.submit(request(0, prompt=700, output=100))
    with pytest.raises(
        InputError, match=rf"request 1 \(prompt 900 \+ output 200\) has 1,100 tokens, but .*{words}"
    ):
        target.submit(request(1, prompt=900, output=200))


def test_preemptions_are_those_of_the_pool_and_of_the_requests():
    target = cluster(pool(settings=settings(num_gpu_blocks=61)))
    run(target, [request(i, prompt=150, output=200) for i in range(4)])
    recording = target.recording()
    assert recording.pools[0].preemptions == recording.requests.preemptions.sum() > 0


def test_thinking_ends_with_the_first_token_of_the_answer():
    (only,) = run(cluster(), [request(0, output=10, thinking_tokens=6)])
    assert only.first_answer_ns == only.first_token_ns + 6 * STEP_NS
