"""Prefill and decode apart: one request to its client, two halves to the pools."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from simulator.engine.clients import ClientPlan, _has_token
from simulator.engine.link import LinkPlan
from simulator.engine.request import NEVER
from simulator.engine.tenant import TenantPlan
from simulator.engine.timing import Appointment
from simulator.errors import InputError
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES
from simulator.results.transfers import transfer_dict
from simulator.results.wait_log import DECODE_ROOM
from tests.engine.clusters import MS, PREFILL_TOKEN_NS, STEP_NS, cluster, evenly, pool, request, run, settings

BYTES_PER_TOKEN = 1000.0
#: A token of KV cache takes 1 us on the link.
LINK = LinkPlan(BYTES_PER_TOKEN * 1e6, latency_ns=500)


def pair(prefills=1, decodes=1, link=LINK, prefill_settings=None, decode_settings=None, **plan):
    """A prefill and a decode pool with a link."""
    return cluster(
        pool(
            "prompts",
            layers=plan.pop("layers", 1),
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


def gaps_and_time(recording):
    """Inter-token latencies of the decode pool, and all time from first tokens to last ones [ns]."""
    requests = recording.requests
    return recording.pools[1].inter_token, int((requests.finish_ns - requests.first_token_ns).sum())


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("scheduler", ["fcfs", "priority"])
@pytest.mark.parametrize("jumping", [False, True])
def test_the_gap_of_the_hand_over_is_one_of_the_inter_token_latencies(asynchronous, scheduler, jumping):
    """All gaps of a request add up to the time from its first token to its last, the hand-over included."""
    own = settings(async_scheduling=asynchronous, policy=scheduler)
    target = pair(2, 2, decode_settings=own, policy="least_outstanding", jumping=jumping)
    rng = np.random.default_rng(5)
    lengths = rng.integers(2, 60, (300, 2)).tolist()
    run(
        target,
        [request(i, i * 4 * MS, prompt=prompt, output=out) for i, (prompt, out) in enumerate(lengths)],
    )
    recording = target.recording()
    gaps, spent_ns = gaps_and_time(recording)
    assert gaps.total == gaps.count.sum() == (recording.requests.output_tokens - 1).sum()
    assert gaps.sum_ns == spent_ns
    assert gaps.count.min() == 0


def test_a_slow_hand_over_is_seen_among_the_inter_token_latencies():
    target = pair(link=LinkPlan(BYTES_PER_TOKEN * 1e6, latency_ns=2000 * MS))
    run(target, [request(0, output=5)])
    gaps, spent_ns = gaps_and_time(target.recording())
    assert gaps.sum_ns == spent_ns > 2000 * MS
    assert sorted(gaps.count[gaps.count > 0].tolist()) == [1, 3]
    (longest,) = np.flatnonzero(gaps.count == 1)
    assert gaps.lowest_ns * gaps.ratio**longest == pytest.approx(2010 * MS, rel=0.01)


def test_gaps_are_found_although_steps_are_reduced_in_between():
    """Long outputs at one replica: several reductions lie between the first token and the last."""
    target = pair(decode_settings=settings(max_num_seqs=16, num_gpu_blocks=100_000, max_model_len=20_000))
    run(target, [request(i, i * 20_000 * MS, output=9_000) for i in range(6)])
    gaps, spent_ns = gaps_and_time(target.recording())
    assert gaps.sum_ns == spent_ns
    assert not target.pools[1].log._resumptions


def test_a_lost_decode_replica_leaves_no_gap_open_and_the_clients_first_tokens_as_they_were():
    target = pair(2, 2)

    def kill():
        for lost in target.kill(target.pools[1].replicas[0]):
            target.again(lost)

    Appointment(target.env, 50 * MS, lambda _: kill())
    ended = run(target, evenly(20, gap_ns=5 * MS))
    first_ns = STEP_NS + 100 * PREFILL_TOKEN_NS
    assert min(one.first_token_ns for one in ended) == first_ns
    recording = target.recording()
    check_conservation(recording)
    gaps = recording.pools[1].inter_token
    assert not target.pools[1].log._resumptions
    # The lost step's tokens never came, but its requests came to the other replica with gaps of their own.
    assert gaps.sum_ns > recording.pools[1].windows.busy_ns.sum()
    assert (recording.requests.status == 0).all()


def test_a_client_with_a_first_token_does_not_wait_for_it_while_the_output_is_decoded():
    target = pair(link=LinkPlan(BYTES_PER_TOKEN * 1e6, latency_ns=30 * MS))
    target.submit(one := request(0, output=5))
    first_ns = STEP_NS + 100 * PREFILL_TOKEN_NS
    known = []
    Appointment(target.env, first_ns + 32 * MS, lambda _: known.append(_has_token(one, target.env.now)))
    target.env.run()
    assert known == [True]
    assert one.first_token_ns == first_ns


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


# -- room on the decode side -------------------------------------------------------------------------


def test_prompts_wait_for_room_on_the_decode_side_and_hold_their_blocks():
    """11 blocks on each side and prompts of 5: two outputs fit, the third waits for the first to end."""
    small = settings(num_gpu_blocks=12)
    target = pair(prefill_settings=small, decode_settings=small)
    ended = run(target, [request(i, prompt=70, output=8) for i in range(4)])
    recording = target.recording()
    check_conservation(recording)
    assert recording.transfers.waits == 2
    first, second, third, _ = ended
    # Prefill has room for two prompts: the others are admitted when their blocks have been handed over.
    assert first.first_scheduled_ns == second.first_scheduled_ns == 0
    assert third.first_scheduled_ns > 0
    assert recording.transfers.waited_ns > 0
    assert third.finish_ns > first.finish_ns


def test_a_full_decode_side_holds_up_the_prefill_side():
    """Nothing is admitted there while its blocks are held by prompts that wait for room."""
    target = pair(prefill_settings=settings(num_gpu_blocks=12), decode_settings=settings(num_gpu_blocks=12))
    slow = [request(i, prompt=70, output=80) for i in range(2)]
    blocked = [request(2 + i, arrival_ns=MS, prompt=70, output=2) for i in range(3)]
    ended = {r.index: r for r in run(target, [*slow, *blocked])}
    decoded = min(ended[0].finish_ns, ended[1].finish_ns)
    assert ended[4].first_scheduled_ns > decoded  # two of three fit beside each other on the prefill side
    assert ended[4].finish_ns > ended[3].first_token_ns


def test_a_decode_replica_with_room_is_found_although_another_was_chosen():
    target = pair(decodes=2, decode_settings=settings(num_gpu_blocks=12), policy="random")
    run(target, [request(i, prompt=70, output=60) for i in range(4)])
    assert target.recording().transfers.waits == 0


# -- transfers ---------------------------------------------------------------------------------------------


def test_layers_leave_while_the_next_are_computed():
    """A tenth of the cache is the last layer's; the link could carry all others during the prompt."""
    prompt_ns = STEP_NS + 100 * PREFILL_TOKEN_NS
    (after,) = run(pair(), [request(0)])
    target = pair(overlaps=True, layers=10)
    (during,) = run(target, [request(0)])
    assert after.finish_ns - prompt_ns - 4 * STEP_NS == 100 * 1000 + 500
    assert during.finish_ns - prompt_ns - 4 * STEP_NS == 10 * 1000 + 500


def test_a_slow_link_is_hidden_as_far_as_the_prompt_lasts():
    slow = LinkPlan(BYTES_PER_TOKEN * 1e4)  # 10 ms for the cache, the prompt takes 11
    fast_enough = run(pair(link=slow, overlaps=True, layers=10), [request(0)])[0]
    assert fast_enough.finish_ns - fast_enough.first_token_ns - 4 * STEP_NS == MS
    slower = LinkPlan(BYTES_PER_TOKEN * 5e3)  # 20 ms
    late = run(pair(link=slower, overlaps=True, layers=10), [request(0)])[0]
    assert late.finish_ns - late.first_token_ns - 4 * STEP_NS == 20 * MS - 11 * MS


def in_chunks(link, **more):
    """Steps of 100 prompt tokens: 80 of another request and 20 of ours, 100 of ours; 11 ms each."""
    target = pair(
        link=link,
        overlaps=True,
        layers=10,
        prefill_settings=settings(max_num_batched_tokens=100, **more),
    )
    ended = run(target, [request(0, prompt=80, output=1), request(1, prompt=120)])
    (ours,) = [one for one in ended if one.index == 1]
    assert ours.first_token_ns == 2 * 11 * MS
    return ours.finish_ns - ours.first_token_ns - 4 * STEP_NS


@pytest.mark.parametrize("asynchronous", [False, True])
def test_of_a_prompt_in_chunks_the_last_layer_of_the_last_chunk_is_left(asynchronous):
    """A token takes 1 us."""
    assert in_chunks(LINK, async_scheduling=asynchronous) == 10 * 1000 + 500


@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_chunk_leaves_before_it_is_computed(asynchronous):
    """A token takes 150 us: 100 tokens 15 ms, of which 11 ms pass while they are computed."""
    slow = LinkPlan(BYTES_PER_TOKEN / 150e-6)
    assert in_chunks(slow, async_scheduling=asynchronous) == pytest.approx(4 * MS, abs=1)


def test_a_line_that_earlier_chunks_have_left_behind_is_still_to_be_sent():
    """A token takes 1 ms: 20 tokens 20 ms, of which 11 ms pass before 100 more come."""
    assert in_chunks(LinkPlan(BYTES_PER_TOKEN / 1e-3)) == pytest.approx(120 * MS - 22 * MS, abs=1)


@pytest.mark.parametrize("policy", ["fcfs", "priority"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_chunks_of_all_prompts_are_known_and_forgotten(policy, asynchronous):
    """Prompts are preempted, cancelled and lost; jumps change nothing."""
    small = settings(
        max_num_batched_tokens=128, num_gpu_blocks=40, async_scheduling=asynchronous, policy=policy
    )

    def outcome(jumping):
        target = pair(2, 2, prefill_settings=small, overlaps=True, layers=10, sharing="fair", jumping=jumping)
        rng = np.random.default_rng(8)
        prompts = rng.integers(1, 500, 150).tolist()
        requests = [request(i, i * 15 * MS, prompt=n, priority=i % 3) for i, n in enumerate(prompts)]

        def give_up(_):
            for one in requests:
                if one.index % 9 == 0 and one.place is not None and one.finish_ns == NEVER:
                    one.place.abort(one)

        def kill(_):
            for lost in target.kill(target.pools[0].replicas[0]):
                target.again(lost)

        for time_ms in range(0, 2000, 70):
            Appointment(target.env, time_ms * MS, give_up)
        Appointment(target.env, 1000 * MS, kill)
        run(target, requests)
        recording = target.recording()
        check_conservation(recording)
        assert not target.pools[0].chunks._of
        return recording.requests.finish_ns.tolist(), recording.transfers

    assert outcome(jumping=True) == outcome(jumping=False)


@pytest.mark.parametrize("sharing", ["fair", "fifo"])
@pytest.mark.parametrize("times_too_slow", [0.5, 1.5, 4.0])
def test_what_leaves_during_prompts_fits_the_link(sharing, times_too_slow):
    """Every 11 ms a prompt of 100 tokens: what is hidden behind prompts takes its share of the link too."""
    prompt_ns = STEP_NS + 100 * PREFILL_TOKEN_NS
    link = LinkPlan(BYTES_PER_TOKEN * 100 / (prompt_ns * times_too_slow / 1e9))
    target = pair(link=link, overlaps=True, layers=10, sharing=sharing)
    run(target, evenly(200, gap_ns=prompt_ns))
    recording = target.recording()
    (links,) = recording.transfers.links
    assert links.bytes_sent == pytest.approx(200 * 100 * BYTES_PER_TOKEN)
    assert links.bytes_sent <= link.bytes_per_s * recording.end_ns / 1e9
    if times_too_slow < 1:
        assert recording.transfers.time_ns / 200 == pytest.approx(0.1 * prompt_ns * times_too_slow, rel=0.01)


def test_fair_shares_slow_both_transfers_down():
    link = LinkPlan(BYTES_PER_TOKEN * 1e4)
    first, second = run(pair(link=link, sharing="fair"), [request(0), request(1)])
    assert first.finish_ns == second.finish_ns == first.first_token_ns + 20 * MS + 4 * STEP_NS


@pytest.mark.parametrize("sharing", ["fair", "fifo"])
def test_a_degraded_link_is_slower_for_all_that_is_on_it_together(sharing):
    """Two caches of 10 ms at once; after 4 ms the link is four times slower: 16 ms are left of it."""
    prompt_ns = STEP_NS + 200 * PREFILL_TOKEN_NS
    target = pair(link=LinkPlan(BYTES_PER_TOKEN * 1e4), sharing=sharing)
    sender = target.pools[0].replicas[0]
    Appointment(target.env, prompt_ns + 4 * MS, lambda _: target.change_link_pace(sender, 4.0))
    first, second = run(target, [request(0), request(1)])
    assert second.finish_ns - prompt_ns - 4 * STEP_NS == 4 * MS + 4 * 16 * MS
    one = 10 if sharing == "fifo" else 20
    assert first.finish_ns - prompt_ns - 4 * STEP_NS == 4 * MS + 4 * (one - 4) * MS


def test_failed_transfers_are_retried_until_they_succeed_or_the_request_fails():
    target = pair(2, 2, failure_probability=0.3, retries=2)
    run(target, evenly(300, gap_ns=20 * MS))
    recording = target.recording()
    check_conservation(recording)
    status = recording.requests.status
    failed = (status == STATUSES.index("failed")).sum()
    assert 0 < failed < 300 * 0.3**3 * 3
    assert failed + (status == 0).sum() == 300
    assert recording.transfers.transfers == 300 + recording.transfers.failed - failed
    for mine in target.pools:
        for replica in mine.serving:
            assert replica.free_blocks_now() == 1000 and replica.lent == 0


def test_how_long_links_of_a_kind_were_busy_is_told_per_link():
    """Two of three caches go over one of the two links, and their times on it do not overlap."""
    target = pair(2, 1, policy="least_outstanding")
    run(target, [request(0), request(1), request(2, 100 * MS)])
    recording = target.recording()
    about = transfer_dict(recording.transfers, recording.end_ns)["links"][0]
    assert about["busy_s"] == pytest.approx(1.5 * 100_000 / 1e9)
    assert about["busy_share"] == pytest.approx(1.5 * 100_000 / recording.end_ns)
    assert about["longest_busy_share"] == pytest.approx(2 * 100_000 / recording.end_ns)


def test_no_link_is_busy_for_longer_than_the_run():
    target = pair(4, 2, link=LinkPlan(BYTES_PER_TOKEN * 5e3), sharing="fair", policy="least_outstanding")
    run(target, evenly(100, gap_ns=6 * MS))
    recording = target.recording()
    about = transfer_dict(recording.transfers, recording.end_ns)["links"][0]
    assert about["links"] == 4
    assert 0.5 < about["busy_share"] <= about["longest_busy_share"] < 1


@pytest.mark.parametrize("sharing", ["fair", "fifo"])
def test_the_mean_time_is_that_of_the_transfers_that_arrived(sharing):
    """Four caches of 10 ms at once on one link; the clients of the last two give up 4 ms later."""
    prompt_ns = STEP_NS + 400 * PREFILL_TOKEN_NS
    target = pair(link=LinkPlan(BYTES_PER_TOKEN * 1e4), sharing=sharing)
    requests = [request(i) for i in range(4)]

    def give_up():
        for one in requests[2:]:
            one.place.abort(one)

    Appointment(target.env, prompt_ns + 4 * MS, lambda _: give_up())
    run(target, requests)
    about = transfer_dict(target.recording().transfers, target.env.now)
    assert (about["count"], about["arrived"], about["cancelled"], about["failed"]) == (4, 2, 2, 0)
    last_ms = 22 if sharing == "fair" else 20  # 1 ms of each of the cancelled has left, or nothing
    assert about["mean_ms"] == pytest.approx(last_ms if sharing == "fair" else (10 + 20) / 2)
    assert about["bytes"] == about["links"][0]["bytes"] == pytest.approx(last_ms / 10 * 100 * BYTES_PER_TOKEN)


def test_every_transfer_arrives_or_fails_or_is_cancelled():
    """A link that dies, loses caches, and clients that give up."""
    target = pair(2, 2, link=LinkPlan(BYTES_PER_TOKEN * 2e4), failure_probability=0.2, retries=1)
    requests = list(evenly(200, gap_ns=4 * MS))

    def give_up(_):
        for one in requests:
            if one.index % 7 == 0 and one.place is not None and one.finish_ns == NEVER:
                one.place.abort(one)

    for time_ms in range(0, 800, 50):
        Appointment(target.env, time_ms * MS, give_up)
    sender = target.pools[0].replicas[0]
    Appointment(target.env, 300 * MS, lambda _: target.change_link_pace(sender, inf))
    run(target, requests)
    recording = target.recording()
    check_conservation(recording)
    about = recording.transfers
    assert about.arrived > 100 and about.failed > 10 and about.cancelled > 2
    assert about.arrived + about.failed + about.cancelled == about.transfers


def test_links_say_what_they_carried():
    target = pair(2, 2)
    run(target, evenly(10, gap_ns=20 * MS))
    (links,) = target.recording().transfers.links
    assert (links.links, links.transfers, links.bytes_sent) == (2, 10, 10 * 100 * BYTES_PER_TOKEN)
    assert links.busy_ns == 10 * 100 * 1000


def test_the_fullest_link_of_a_kind_is_told_from_the_mean():
    """Two prompts at once go to two replicas, a third one later to either."""
    target = pair(2, 1, policy="least_outstanding")
    run(target, [request(0), request(1), request(2, 100 * MS)])
    recording = target.recording()
    (links,) = recording.transfers.links
    assert links.links == 2
    assert links.busiest_ns == pytest.approx(2 * 100_000)
    about = transfer_dict(recording.transfers, recording.end_ns)["links"][0]
    assert about["busiest_used_share"] == pytest.approx(2 * 100_000 / recording.end_ns)
    assert about["used_share"] == pytest.approx(1.5 * 100_000 / recording.end_ns)


@pytest.mark.parametrize("when_ms", [5, 11, 30, 60, 75])
def test_a_client_that_gives_up_is_dropped_wherever_its_request_is(when_ms):
    """In the prefill replica, in line, on the link, in the decode replica."""
    own = settings(num_gpu_blocks=12)
    target = pair(link=LinkPlan(BYTES_PER_TOKEN * 4e3), prefill_settings=own, decode_settings=own)
    requests = [request(i, prompt=70, output=8) for i in range(4)]

    def give_up():
        for one in requests[1:]:
            if one.finish_ns == NEVER:
                one.place.abort(one)

    Appointment(target.env, when_ms * MS, lambda _: give_up())
    run(target, requests)
    recording = target.recording()
    check_conservation(recording)
    assert recording.unfinished == 0
    assert len(recording.requests.request) == 4
    assert (recording.requests.status == STATUSES.index("aborted")).sum() >= 1
    for mine in target.pools:
        assert mine.replicas[0].free_blocks_now() == own.usable_blocks
        assert mine.replicas[0].lent == 0


def test_a_cache_whose_target_is_lost_is_sent_again_in_one_piece():
    """What left while the prompt was computed went to the replica that is gone."""
    prompt_ns = STEP_NS + 100 * PREFILL_TOKEN_NS  # 11 ms; the cache takes 10 ms on the link
    target = pair(
        decodes=2,
        link=LinkPlan(BYTES_PER_TOKEN * 1e4),
        overlaps=True,
        layers=10,
        sharing="fair",
        policy="round_robin",
    )
    first = target.pools[1].replicas[0]
    Appointment(target.env, prompt_ns + MS // 2, lambda _: target.kill(first))
    (only,) = run(target, [request(0)])
    assert (only.replica, only.first_token_ns) == (1, prompt_ns)
    assert only.finish_ns == prompt_ns + MS // 2 + 10 * MS + 4 * STEP_NS


@pytest.mark.parametrize("sharing", ["fifo", "fair"])
@pytest.mark.parametrize("jumping", [False, True])
def test_transfers_and_links_are_counted_from_the_end_of_the_warm_up(sharing, jumping):
    """Four transfers of 100 ms every second; the warm-up ends while the second four are on the link."""
    slow = LinkPlan(1e6)

    def transfers(counted_from_ns):
        target = pair(link=slow, sharing=sharing, jumping=jumping, counted_from_ns=counted_from_ns)
        times = [second * 1000 * MS + number * 20 * MS for second in range(3) for number in range(4)]
        run(target, [request(index, time_ns) for index, time_ns in enumerate(times)])
        recording = target.recording()
        return recording.transfers, recording.end_ns

    everything, end_ns = transfers(0)
    assert (everything.transfers, everything.since_ns) == (12, 0)
    counted, same_end_ns = transfers(1150 * MS)
    assert same_end_ns == end_ns
    left = {"fifo": 3, "fair": 4}[sharing]
    assert (counted.transfers, counted.arrived, counted.since_ns) == (left + 4, left + 4, 1150 * MS)
    (link,) = counted.links
    (link_of_all,) = everything.links
    moved_ns = 2 * 400 * MS - (1150 - 1011) * MS  # the link moves bytes from the first prompt's end on
    assert link.busy_ns == pytest.approx(moved_ns, abs=MS)
    assert link.bytes_sent == counted.bytes_sent == pytest.approx(moved_ns * 1e6 / 1e9, rel=1e-3)
    assert link_of_all.busy_ns == pytest.approx(1200 * MS, abs=MS)
    shares = transfer_dict(counted, end_ns)["links"][0]
    assert shares["used_share"] == pytest.approx(moved_ns / (end_ns - 1150 * MS), rel=1e-3)


def test_who_waits_for_room_at_the_end_of_the_warm_up_counts_with_all_of_that_time():
    def waits(counted_from_ns):
        roomy, tight = settings(), settings(num_gpu_blocks=11)
        target = pair(prefill_settings=roomy, decode_settings=tight, counted_from_ns=counted_from_ns)
        run(target, [request(index, prompt=80, output=20) for index in range(6)])
        transfers = target.recording().transfers
        return transfers.waits, transfers.waited_ns

    (all_waits, all_waited_ns), (late, late_ns) = waits(0), waits(250 * MS)
    assert 0 < late < all_waits
    assert 250 * MS < late_ns < all_waited_ns
    assert waits(10**12) == (0, 0)


def test_who_gives_up_in_the_line_for_room_has_waited_too():
    patient = TenantPlan(client=ClientPlan(timeout_ns=400 * MS))
    roomy, tight = settings(), settings(num_gpu_blocks=11)
    target = pair(prefill_settings=roomy, decode_settings=tight, tenants=(patient,))
    run(target, [request(index, prompt=80, output=20) for index in range(6)])
    recording = target.recording()
    waits = recording.waits
    of_room = waits.cause == DECODE_ROOM
    gave_up = np.isin(waits.request[of_room], recording.requests.request[recording.requests.status != 0])
    assert gave_up.any()
    assert recording.transfers.waits == of_room.sum()
    assert recording.transfers.waited_ns == (waits.end_ns - waits.begin_ns)[of_room].sum()


@pytest.mark.parametrize("jumping", [False, True])
@pytest.mark.parametrize("policy", ["fcfs", "priority"])
@pytest.mark.parametrize("output", range(44, 54))
def test_the_line_is_served_when_blocks_come_free_that_were_set_aside_in_vain(output, policy, jumping):
    """One runs; the blocks of one on a dead link come free at about its end; one more waits for them."""
    decode = settings(num_gpu_blocks=13, policy=policy)
    target = pair(decode_settings=decode, retries=0, failure_probability=0.0, jumping=jumping)
    source, sink = target.pools[0].replicas[0], target.pools[1].replicas[0]
    for time_ns, factor in ((30 * MS, inf), (200 * MS, 1.0)):
        Appointment(target.env, time_ns + 1, lambda _, factor=factor: target.change_link_pace(source, factor))
    requests = [
        request(0, 0, prompt=16, output=output),
        request(1, 32 * MS, prompt=80, output=5),
        request(2, 60 * MS, prompt=110, output=5),
    ]
    ended = {one.index: one for one in run(target, requests)}
    assert [ended[index].finish_reason for index in range(3)] == ["length", "failed", "length"]
    assert sink.counts().free_blocks == 12


def test_who_waits_for_blocks_that_were_set_aside_gets_them_at_the_end_of_the_step():
    """Blocks of a transfer that fails at about 510 ms; a long output goes on meanwhile."""
    target = pair(decode_settings=settings(num_gpu_blocks=14), retries=0, failure_probability=0.0)
    source = target.pools[0].replicas[0]
    for time_ns, factor in ((30 * MS, inf), (200 * MS, 1.0)):
        Appointment(target.env, time_ns + 1, lambda _, factor=factor: target.change_link_pace(source, factor))
    requests = [
        request(0, 0, prompt=16, output=60),
        request(1, 32 * MS, prompt=80, output=5),
        request(2, 60 * MS, prompt=110, output=5),
    ]
    ended = {one.index: one for one in run(target, requests)}
    failed_ns = ended[1].finish_ns
    assert ended[1].finish_reason == "failed"
    assert failed_ns < ended[2].finish_ns < failed_ns + 7 * STEP_NS < ended[0].finish_ns


@pytest.mark.parametrize("jumping", [False, True])
def test_where_the_first_in_line_gives_up_those_behind_it_are_served(jumping):
    """20 blocks: one of 7 runs, one of 16 heads the line, and one of 4 has room once that is gone."""
    target = pair(decode_settings=settings(num_gpu_blocks=21), jumping=jumping)
    large = request(1, 30 * MS, prompt=250, output=5)
    Appointment(target.env, 100 * MS, lambda _: large.place.abort(large))
    others = [request(0, 0, prompt=100, output=150), request(2, 60 * MS, prompt=50, output=5)]
    ended = {one.index: one for one in run(target, [*others, large])}
    assert ended[1].finish_reason == "abort"
    assert ended[2].finish_ns < 200 * MS


def test_nothing_is_sent_from_a_replica_that_is_gone():
    """One of two prompts of the lost replica is on the link, the other in line for what that one has."""
    target = pair(prefills=2, link=LinkPlan(1e6), decode_settings=settings(num_gpu_blocks=10))
    lost = target.pools[0].replicas[0]
    Appointment(target.env, 60 * MS, lambda _: [target.again(one) for one in target.kill(lost)])
    run(target, [request(0), request(1, MS, prompt=10, output=1), request(2, 2 * MS)])
    transfers = target.recording().transfers
    assert (transfers.transfers, transfers.arrived, transfers.cancelled) == (3, 2, 1)
