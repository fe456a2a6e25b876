"""What share of a trace's prompts a prefix cache of a given size would have held.

Every request of a trace goes through the engine's own KV cache in order of arrival: its longest cached
prefix is looked up, the rest is computed, and the whole prompt is then free to be evicted (least
recently used first). Time does not matter, outputs are not cached, and only one request holds blocks
at once; what is measured is the traffic, not a cluster. As in the engine a block hits only when it is
full, and the last token of a prompt is always computed.

    python -m simulator.calibration.prefix_hits TRACE [--blocks N ...] [--block-size 512] [--json]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.engine.content import Content, canonical
from simulator.engine.kv_cache import KVCache
from simulator.engine.request import Request
from simulator.errors import InputError, program
from simulator.workload.importers import read_trace

#: Blocks that no trace fills.
UNLIMITED = 1 << 40


@dataclass(frozen=True, slots=True)
class PrefixHits:
    """Hits of one pass over a trace through a cache of ``blocks`` blocks of ``block_size`` tokens."""

    blocks: int
    block_size: int
    blocks_seen: int
    blocks_hit: int
    tokens_seen: int
    tokens_hit: int

    @property
    def block_hit_rate(self) -> float:
        """Blocks found over blocks of all prompts, started ones included."""
        return self.blocks_hit / self.blocks_seen

    @property
    def token_hit_rate(self) -> float:
        """Tokens found over tokens of all prompts."""
        return self.tokens_hit / self.tokens_seen


@dataclass(frozen=True, slots=True)
class Prompt:
    """Length [tokens] and content of one prompt."""

    tokens: int
    content: Content


def prompts_of(trace: Path) -> list[Prompt]:
    """The prompts of a trace in order of arrival.

    Raises
    ------
    InputError
        Where the trace can not be read or says nothing about the content of its prompts.
    """
    traffic = read_trace(trace).traffic
    if traffic.pieces is None:
        raise InputError("says nothing about what its prompts share, so there is nothing to hit", file=trace)
    lengths = traffic.prompt_tokens.tolist()
    return [Prompt(tokens, canonical(pieces)) for tokens, pieces in zip(lengths, traffic.pieces, strict=True)]


def prefix_hits(prompts: Iterable[Prompt], blocks: int = UNLIMITED, block_size: int = 512) -> PrefixHits:
    """One pass of all prompts through a cache of ``blocks`` blocks.

    Raises
    ------
    InputError
        Where a prompt alone needs more blocks than there are.
    """
    cache = KVCache(blocks, block_size, caching=True)
    blocks_seen = blocks_hit = tokens_seen = 0
    for index, prompt in enumerate(prompts):
        needed = -(-prompt.tokens // block_size)
        if needed > blocks:
            raise InputError(
                f"prompt {index} needs {needed:,} blocks of {block_size} tokens, and the cache has {blocks:,}"
            )
        request = Request(index, 0, prompt.tokens, 1, content=prompt.content)
        hits, hit, _ = cache.lookup(request)
        cache.adopt(request, hits)
        cache.take(needed - hit)
        request.blocks = needed
        cache.register(request, prompt.tokens)
        cache.release(request)
        blocks_seen += needed
        blocks_hit += hit
        tokens_seen += prompt.tokens
    if not tokens_seen:
        raise InputError("there are no prompts to look up")
    return PrefixHits(blocks, block_size, blocks_seen, blocks_hit, tokens_seen, blocks_hit * block_size)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the hit rates of a trace by size of the cache."""
    import argparse
    import json

    parser = argparse.ArgumentParser(prog="simulator tool prefix-hits", description=__doc__)
    parser.add_argument("trace", type=Path, help="a request trace with prompt content (Mooncake, table, ...)")
    parser.add_argument("--blocks", type=int, nargs="*", default=[1000, 3000, 10_000, 30_000, 100_000])
    parser.add_argument("--block-size", type=int, default=512, help="tokens in a block")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.block_size < 1 or any(blocks < 1 for blocks in options.blocks):
        parser.error("sizes must be at least 1")
    prompts = prompts_of(options.trace)
    rows = [prefix_hits(prompts, blocks, options.block_size) for blocks in (*options.blocks, UNLIMITED)]
    if options.json:
        print(json.dumps({_size(row): _rates(row) for row in rows}, indent=2))
        return 0
    print(f"{'blocks of ' + str(options.block_size):>16}  block hit rate  token hit rate")
    for row in rows:
        print(f"{_size(row):>16}  {row.block_hit_rate:14.4f}  {row.token_hit_rate:14.4f}")
    return 0


def _size(row: PrefixHits) -> str:
    return "unlimited" if row.blocks == UNLIMITED else str(row.blocks)


def _rates(row: PrefixHits) -> dict[str, float]:
    return {"block_hit_rate": row.block_hit_rate, "token_hit_rate": row.token_hit_rate}


if __name__ == "__main__":
    raise SystemExit(main())
