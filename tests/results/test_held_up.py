"""Who is told that links hold up a run, and what of it."""

from __future__ import annotations

import pytest

from simulator.results.distributions import Distribution
from simulator.results.held_up import held_up, held_up_by_links, held_up_by_room
from simulator.results.latency_summary import LatencySummary
from simulator.results.link_kinds import INTO_NODES, INTO_RACKS, OUT_OF_NODES
from simulator.results.recording import LinkRecording, TransferRecording
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

S = 1_000_000_000
MS = 1_000_000


def latency(ttft_ms=200.0, e2e_ms=3200.0):
    ttft, e2el = (Distribution(10, mean, 0.0, *[mean] * 4) for mean in (ttft_ms, e2e_ms))
    return LatencySummary(ttft, None, None, e2el, None, None)


def links(kind, used, fullest, number=2):
    """Links of 1 GB/s in a run of 10 s."""
    return LinkRecording(kind.name, number, 1e9, 10, used * number * 1e10, 0, fullest * 10 * S, 0)


def transfers(*of_kinds, mean_ms=20, alone_ms=20, **more):
    return TransferRecording(
        10, 10, 0, 0, 1e10, mean_ms * MS * 10, 0, 0, of_kinds, alone_ns=alone_ms * MS * 10, **more
    )


def said(about):
    return held_up_by_links(about, latency(), 10 * S)


def test_links_with_room_left_and_transfers_that_do_not_wait_are_not_worth_a_word():
    assert said(transfers(links(INTO_RACKS, 0.5, 0.8))) is None
    assert held_up_by_links(None, latency(), 10 * S) is None


def test_a_full_link_is_named_with_its_width_its_use_and_what_helps():
    text = said(transfers(links(OUT_OF_NODES, 0.3, 0.4), links(INTO_NODES, 0.6, 0.95), mean_ms=120))
    assert "fullest of 2 links between nodes, into replicas (1 GB/s) carried 95%" in text
    assert "a transfer took 120 ms on average, 20 ms if it were alone" in text
    assert "cluster.network.port.bandwidth" in text
    assert "more decode replicas" in text
    assert "overlap" not in text  # does not make a full link wider


@pytest.mark.parametrize("overlaps", [True, False])
def test_transfers_that_wait_long_for_one_another_are_told_although_no_link_is_full(overlaps):
    text = said(transfers(links(INTO_RACKS, 0.5, 0.8), mean_ms=2300, overlaps=overlaps))
    assert text.startswith("KV transfers wait for one another: the fullest links are those into racks")
    assert "2.3 s on average, 20 ms if it were alone; that wait is 76% of the time" in text
    assert "cluster.network.rack.uplink" in text
    assert ("cluster.transfer.overlap: layers" in text) is not overlaps


def test_a_recording_of_before_times_alone_were_kept_still_tells_of_full_links():
    about = TransferRecording(10, 10, 0, 0, 1e10, 200 * MS, 0, 0, (links(INTO_RACKS, 0.9, 0.95),))
    assert "carried 95% of what it could, and a transfer took 20 ms on average. What helps" in said(about)


def waiting(waits, waited_ms):
    """Ten transfers, of which some waited so long in all for room on the decode side."""
    return TransferRecording(10, 10, 0, 0, 1e10, 200 * MS, waits, waited_ms * MS, (), alone_ns=200 * MS)


def test_a_decode_side_without_room_is_named_with_how_long_prompts_wait_and_what_helps():
    text = held_up_by_room(waiting(4, 12_000), latency())
    assert "4 requests waited 3 s on average for room" in text
    assert "over all that is 40% of the time" in text
    assert "more decode replicas" in text
    assert held_up(waiting(4, 12_000), latency(), 10 * S) == (text,)


def test_short_waits_for_room_are_not_worth_a_word():
    assert held_up_by_room(waiting(4, 400), latency()) is None
    assert held_up_by_room(waiting(0, 0), latency()) is None
    assert held_up(None, latency(), 10 * S) == ()


def scenario(uplink):
    """Prompts make about 44 GB/s of KV cache, outputs are short."""
    settings = {
        "requests": 400,
        "warmup": 0.0,
        "cluster.transfer.overlap": "none",
        "cluster.network.rack.uplink": uplink,
        "workload.output_tokens": {"distribution": "fixed", "tokens": 20},
    }
    return run_scenario(load_scenario("disaggregation-network", settings)).summary


def test_a_thin_uplink_is_found_in_a_run_and_a_wide_one_is_not():
    thin = scenario("10 GB/s")
    (message,) = [one for one in thin.messages if one.startswith("Links hold up")]
    assert "the link into racks (10 GB/s) carried" in message
    assert thin.to_dict()["transfers"]["mean_alone_ms"] < 100 < thin.to_dict()["transfers"]["mean_ms"]
    wide = scenario("400 GB/s")
    assert not any("hold up the run" in one or "wait for one another" in one for one in wide.messages)
