"""Prefix hits of a trace through the engine's own cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.calibration.prefix_hits import Prompt, main, prefix_hits, prompts_of
from simulator.errors import InputError

CONVERSATION = "traces/workloads/mooncake_fast25/conversation_trace.first_7851_rows.jsonl.gz"


def prompt(*streams: str) -> Prompt:
    """Three tokens of each stream."""
    return Prompt(3 * len(streams), tuple((stream, 0, 3) for stream in streams))


def test_a_prompt_hits_the_full_blocks_of_an_earlier_one() -> None:
    hits = prefix_hits([prompt("a", "b"), prompt("a", "b", "c"), prompt("b")], block_size=3)
    assert (hits.blocks_seen, hits.blocks_hit) == (6, 2)
    assert hits.token_hit_rate == pytest.approx(6 / 18)


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    assert prefix_hits([prompt("a", "b"), prompt("a", "b")], block_size=3).blocks_hit == 1


def test_the_least_recently_used_prompt_is_evicted() -> None:
    a, b, c = prompt("a", "A"), prompt("b", "B"), prompt("c", "C")
    roomy = prefix_hits([a, b, c, a], blocks=6, block_size=3)
    tight = prefix_hits([a, b, c, a], blocks=4, block_size=3)
    assert (roomy.blocks_hit, tight.blocks_hit) == (1, 0)


def test_a_prompt_larger_than_the_cache_is_refused() -> None:
    with pytest.raises(InputError, match="needs 3 blocks"):
        prefix_hits([prompt("a", "b", "c")], blocks=2, block_size=3)


def test_a_trace_without_content_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,10,2\n")
    assert main([str(trace)]) == 2


def test_the_command_prints_rates_by_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"timestamp": 0, "input_length": 1024, "output_length": 1, "hash_ids": [1, 2]}
    trace = tmp_path / "trace.jsonl"
    trace.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")
    assert main([str(trace), "--blocks", "2", "--json"]) == 0
    rates = json.loads(capsys.readouterr().out)
    assert rates["unlimited"] == {"block_hit_rate": 0.25, "token_hit_rate": 0.25}
    assert set(rates) == {"2", "unlimited"}


@pytest.mark.slow
def test_mooncakes_conversation_trace_hits_as_published(shared: Path) -> None:
    import yaml

    facts = yaml.safe_load((shared / "facts/workload_stats.yaml").read_text())
    published = facts["traces"]["mooncake_conversation"]["prefix"]
    prompts = prompts_of(shared / CONVERSATION)
    whole = prefix_hits(prompts)
    assert whole.token_hit_rate == pytest.approx(published["token_hit_rate_infinite_cache"], abs=0.01)
    assert whole.block_hit_rate == pytest.approx(published["block_hit_rate_infinite_cache"], abs=0.01)
    for blocks, rate in published["lru_block_hit_rate_by_capacity_blocks"].items():
        assert prefix_hits(prompts, int(blocks)).block_hit_rate == pytest.approx(rate, abs=0.01), blocks
