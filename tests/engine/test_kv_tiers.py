"""Memory behind the KV cache: loaded instead of computed, and never more than there is."""

from __future__ import annotations

import pytest

from simulator.engine.kv_tiers import Tier, TierPlan
from simulator.engine.link import LinkPlan
from simulator.engine.request import Request
from simulator.results.conservation import check_conservation
from tests.engine.clusters import MS, STEP_NS, cluster, pool, request, run, settings
from tests.engine.test_fleet import serve

#: One token takes a millisecond to load at this bandwidth.
BYTES_PER_TOKEN = 1000.0
LINK = LinkPlan(1e6)


def tier(**changes):
    return TierPlan(**{"name": "host", "link": LINK, "blocks": 1000, **changes})


def prompt(index, arrival_ns, stream, tokens=160, output=5, **more):
    content = ((stream, 0, tokens), (f"out:{index}", 0, output))
    return request(index, arrival_ns, tokens, output, content=content, **more)


def tiered(*plans, blocks=1000, **changes):
    one = settings(enable_prefix_caching=True, num_gpu_blocks=blocks)
    return cluster(
        pool(settings=one, kv_bytes_per_token=BYTES_PER_TOKEN, kv_tiers=plans, **changes.pop("pool", {})),
        **changes,
    )


def ended_request(index, stream, tokens):
    ended = Request(index, 0, tokens, 1, content=((stream, 0, tokens), (f"out:{index}", 0, 1)))
    ended.outputs = 1
    return ended


def test_a_tier_keeps_what_was_used_last():
    host = Tier(tier(blocks=20), block_size=16)
    for index, stream in enumerate("abc"):
        host.keep(host.remains(ended_request(index, stream, 160)))
    found = [host.find(Request(9, 0, 161, 1, content=((stream, 0, 161),))) for stream in "abc"]
    assert found == [0, 160, 160]


def test_what_the_device_has_evicted_is_loaded_instead_of_computed():
    # The device holds one such prompt at a time, the host all of them.
    target = tiered(tier(), blocks=12)
    first, other, again = (prompt(0, 0, "a"), prompt(1, 500 * MS, "b"), prompt(2, 1000 * MS, "a"))
    run(target, [first, other, again])
    # 9 of its 10 blocks: the last token is always computed.
    assert (first.cached_tokens, other.cached_tokens, again.cached_tokens) == (0, 0, 144)
    load_ns = 144 * MS
    assert again.first_token_ns == again.arrival_ns + load_ns + STEP_NS + 16 * 10_000
    (recorded,) = target.recording().pools[0].kv_tiers
    assert (recorded.hit_tokens, recorded.read_bytes, recorded.loading_ns) == (144, 144_000, load_ns)
    check_conservation(target.recording())


def test_what_is_still_being_written_is_not_found():
    # Writing a prompt's ten blocks takes 1.6 s: what comes in between is computed again.
    def cached(gap_ns, **changes):
        target = tiered(tier(**changes), blocks=12)
        ones = [prompt(0, 0, "a"), prompt(1, 100 * MS, "b"), prompt(2, gap_ns, "a")]
        run(target, ones)
        return ones[2].cached_tokens, target.recording().pools[0].kv_tiers[0].written_bytes

    slow = LinkPlan(1e5)
    assert cached(1000 * MS) == (144, 0.0)
    assert cached(1000 * MS, writes=slow)[0] == 0
    found, written = cached(5000 * MS, writes=slow)
    assert found == 144
    assert written == 2 * 160 * BYTES_PER_TOKEN  # the third time all of it is there


def test_writing_goes_on_for_nobody():
    target = tiered(tier(writes=LinkPlan(1.0)))
    (only,) = serve(target, [prompt(0, 0, "a")])
    assert target.recording().end_ns == only.finish_ns


def test_what_the_device_still_has_is_not_loaded():
    target = tiered(tier())
    first, again = prompt(0, 0, "a"), prompt(1, 500 * MS, "a")
    run(target, [first, again])
    assert again.cached_tokens == 144
    assert again.first_token_ns == again.arrival_ns + STEP_NS + 16 * 10_000
    assert target.recording().pools[0].kv_tiers[0].hit_tokens == 0


def test_loads_of_a_replica_follow_one_another():
    target = tiered(tier(blocks=None, hit_rate=0.5))
    one, two = prompt(0, 0, "a"), prompt(1, 0, "b")
    run(target, [one, two])
    assert one.cached_tokens == two.cached_tokens == 80
    assert one.first_scheduled_ns == 80 * MS
    assert two.first_scheduled_ns >= 160 * MS


def test_a_slower_tier_gives_only_what_the_nearer_one_lacks():
    near, far = tier(name="host", blocks=None, hit_rate=0.5), tier(name="store", blocks=None, hit_rate=0.8)
    target = tiered(near, far)
    (only,) = run(target, [prompt(0, 0, "a")])
    assert only.cached_tokens == 128
    assert [tier.hit_tokens for tier in target.recording().pools[0].kv_tiers] == [80, 48]


@pytest.mark.parametrize("scheduler", ["vllm", "sarathi"])
def test_hits_of_the_cache_and_of_the_tier_are_all_that_is_cached(scheduler):
    """Of three prefixes by turns the device keeps a part: a hit of its own; the rest comes from the tier."""
    one = settings(enable_prefix_caching=True, num_gpu_blocks=30, max_model_len=400, scheduler=scheduler)
    target = cluster(pool(settings=one, kv_bytes_per_token=BYTES_PER_TOKEN, kv_tiers=(tier(),)))
    requests = [prompt(index, index * 700 * MS, "abc"[index % 3]) for index in range(9)]
    ended = run(target, requests)
    about = target.recording().pools[0]
    asked = sum(one.prompt_tokens for one in ended)
    assert about.prefix_queried_tokens == about.kv_tiers[0].looked_up_tokens == asked
    cached = sum(one.cached_tokens for one in ended)
    assert about.kv_tiers[0].hit_tokens > 0
    assert about.prefix_hit_tokens + about.kv_tiers[0].hit_tokens == cached


@pytest.mark.parametrize("slow_first", [True, False])
def test_a_prompt_is_there_when_the_last_tier_has_sent_its_part(slow_first):
    """80 and 48 tokens at 1 ms or at 10 us each."""
    slow, fast = LinkPlan(1e6), LinkPlan(1e8)
    near = tier(name="host", blocks=None, hit_rate=0.5, link=slow if slow_first else fast)
    far = tier(name="store", blocks=None, hit_rate=0.8, link=fast if slow_first else slow)
    (only,) = run(tiered(near, far), [prompt(0, 0, "a")])
    assert only.first_scheduled_ns == (80 if slow_first else 48) * MS


def test_a_shared_store_serves_a_replica_that_never_computed_the_prompt():
    replicas = {"pool": {"replicas": 2}}
    own = tiered(tier(), **replicas)
    shared = tiered(tier(shared=True), pool={"replicas": 2})
    hits = []
    for target in (own, shared):
        _, again = run(target, [prompt(0, 0, "a"), prompt(1, 500 * MS, "a")])
        assert again.replica == 1  # in turn
        hits.append(again.cached_tokens)
    assert hits == [0, 144]


@pytest.mark.parametrize("scheduler", ["vllm", "sarathi"])
def test_a_replica_that_dies_hands_back_what_it_was_loading(scheduler):
    from tests.engine.test_membership import at

    one = settings(enable_prefix_caching=True, num_gpu_blocks=1000, scheduler=scheduler)
    plan = tier(blocks=None, hit_rate=0.5)
    target = cluster(pool(settings=one, replicas=2, kv_bytes_per_token=BYTES_PER_TOKEN, kv_tiers=(plan,)))
    doomed = target.pools[0].replicas[0]
    at(target, 10 * MS, lambda: [target.again(lost) for lost in target.kill(doomed)])
    (only,) = run(target, [prompt(0, 0, "a")])
    assert (only.replica, only.outputs) == (1, 5)
    assert only.first_scheduled_ns == 90 * MS


def test_jumping_changes_nothing_behind_tiers():
    def rows(jumping):
        target = tiered(tier(), blocks=40, jumping=jumping)
        requests = [prompt(i, 20 * i * MS, "abcdef"[i % 6], output=9 + i % 5) for i in range(60)]
        run(target, requests)
        return [(r.cached_tokens, r.first_scheduled_ns, r.first_token_ns, r.finish_ns) for r in requests]

    assert rows(True) == rows(False)
