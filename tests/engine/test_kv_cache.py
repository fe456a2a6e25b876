"""The KV cache of runs of blocks is vLLM's block pool, whatever requests do to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from simulator.engine.content import Content, block_key, canonical, common_tokens, content_slice
from simulator.engine.kv_cache import KVCache
from simulator.engine.request import Request
from tests.engine.block_pool import BlockPool, Token

#: Few streams, so that contents often share a beginning and part in the middle of blocks.
PIECES = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([0, 0, 0, 3, 8]), st.integers(1, 20)),
    min_size=1,
    max_size=3,
)


def tokens_of(content: Content) -> list[Token]:
    return [(stream, offset + i) for stream, offset, length in content for i in range(length)]


def length_of(content: Content) -> int:
    return sum(length for _, _, length in content)


def of_content(index: int, content: Content) -> Request:
    """A request whose known tokens are the whole content."""
    return Request(index, 0, length_of(content), 1, name=str(index), content=content)


class CacheAgainstPool(RuleBasedStateMachine):
    """Requests come, grow, end and are preempted in a cache and in the pool that it must equal."""

    running = Bundle("running")
    preempted = Bundle("preempted")

    @initialize(blocks=st.integers(4, 24), size=st.sampled_from([1, 2, 4]))
    def begin(self, blocks: int, size: int) -> None:
        self.cache = KVCache(blocks, size, caching=True)
        self.pool = BlockPool(blocks, size)
        self.count = 0
        self.size = size
        self.tokens: dict[Request, list[Token]] = {}
        self.contents: list[Content] = []
        self.holding: set[Request] = set()

    # -- what requests do ------------------------------------------------------------------

    @rule(target=running, pieces=PIECES, chunk=st.integers(1, 30), shares=st.booleans())
    def admit(self, pieces: Any, chunk: int, shares: bool) -> Any:
        content = canonical(pieces)
        request = of_content(self.count, content)
        self.count += 1
        self.tokens[request] = tokens_of(content)
        if shares:
            self.contents.append(content)
        else:
            request.content = None
            own = f"request {request.index}"
            self.tokens[request] = [(own, i) for i in range(request.prompt_tokens)]
        return request if self._admitted(request, chunk) else multiple()

    @rule(target=running, request=consumes(preempted), chunk=st.integers(1, 30))
    def resume(self, request: Request, chunk: int) -> Any:
        return request if self._admitted(request, chunk) else multiple()

    @rule(request=running, chunk=st.integers(1, 9), withheld=st.integers(0, 2))
    def grow(self, request: Request, chunk: int, withheld: int) -> None:
        """Schedule more tokens; of the last ones nothing is known yet."""
        chunk = min(chunk, request.prompt_tokens - request.computed)
        blocks = -(-(request.computed + chunk) // self.size) - request.blocks
        if chunk and blocks <= self.cache.free:
            self._schedule(request, chunk, withheld)

    @rule(request=consumes(running))
    def end(self, request: Request) -> None:
        self._release(request)

    @rule(target=preempted, request=consumes(running))
    def preempt(self, request: Request) -> Request:
        self.cache.identify(request)
        self._release(request)
        request.computed = 0
        if request.content is not None:
            self.contents.append(request.content)
        return request

    # -- what must hold --------------------------------------------------------------------

    @invariant()
    def as_many_blocks_are_free_and_cached(self) -> None:
        # Nobody can find the blocks of a request without content while it holds them: not counted.
        unknown = sum(request.hashed for request in self.holding if request.content is None)
        assert (self.cache.free, self.cache.cached + unknown) == (self.pool.free, self.pool.cached)

    @invariant()
    @precondition(lambda self: self.contents)
    def every_prefix_is_found_as_far(self) -> None:
        for content in {*self.contents[-8:]}:
            request = of_content(-1, content)
            found = self.pool.find(tokens_of(content))
            _, blocks, ownerless = self.cache.lookup(request)
            assert (blocks, ownerless) == (len(found), self.pool.ownerless(found))

    # -- both sides ------------------------------------------------------------------------

    def _admitted(self, request: Request, chunk: int) -> bool:
        found = self.pool.find(self.tokens[request])
        hits, blocks, ownerless = self.cache.lookup(request)
        assert (blocks, ownerless) == (len(found), self.pool.ownerless(found))
        start = blocks * self.size
        chunk = min(chunk, request.prompt_tokens - start)
        if -(-(start + chunk) // self.size) - blocks + ownerless > self.cache.free:
            return False
        self.cache.adopt(request, hits)
        self.pool.adopt(request.name, found)
        self.holding.add(request)
        request.computed = start
        self._schedule(request, chunk, 0)
        return True

    def _release(self, request: Request) -> None:
        self.cache.release(request)
        self.pool.release(request.name)
        self.holding.remove(request)

    def _schedule(self, request: Request, chunk: int, withheld: int) -> None:
        request.computed += chunk
        blocks = -(-request.computed // self.size) - request.blocks
        if blocks:
            self.cache.take(blocks)
            self.pool.take(request.name, blocks)
            request.blocks += blocks
        known = max(request.computed - withheld, 0)
        self.cache.register(request, known)
        self.pool.register(request.name, self.tokens[request][:known])


CacheAgainstPool.TestCase.settings = hypothesis_settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestCacheAgainstPool = CacheAgainstPool.TestCase


def test_without_caching_nothing_is_found() -> None:
    cache = KVCache(10, 4, caching=False)
    first, second = (of_content(i, (("a", 0, 12),)) for i in range(2))
    cache.adopt(first, [])
    cache.take(3)
    first.blocks = 3
    cache.register(first, 12)
    assert cache.lookup(second) == ([], 0, 0)
    cache.release(first)
    assert (cache.free, cache.cached) == (10, 0)


def test_a_full_prompt_recomputes_its_last_block() -> None:
    cache = KVCache(10, 4, caching=True)
    request = of_content(0, (("a", 0, 12),))
    cache.take(3)
    request.blocks = 3
    cache.register(request, 12)
    assert cache.lookup(of_content(1, (("a", 0, 12),)))[1] == 2
    assert cache.lookup(of_content(2, (("a", 0, 13),)))[1] == 3


# -- contents --------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", range(1, 10))
@pytest.mark.parametrize("start", range(9))
def test_a_slice_of_a_content_is_the_slice_of_its_tokens(start: int, stop: int) -> None:
    content = canonical([("a", 0, 2), ("a", 2, 3), ("b", 7, 1), ("a", 0, 3)])
    assert content == (("a", 0, 5), ("b", 7, 1), ("a", 0, 3))
    if start < stop:
        assert tokens_of(content_slice(content, start, stop)) == tokens_of(content)[start:stop]


def test_contents_agree_as_far_as_their_tokens_do() -> None:
    one = canonical([("a", 0, 5), ("b", 7, 4)])
    other = canonical([("a", 0, 5), ("b", 7, 2), ("c", 0, 9)])
    assert common_tokens(one, other) == common_tokens(other, one) == 7
    assert common_tokens(one, one) == 9
    assert common_tokens(one, (("a", 1, 5),)) == 0


def test_equal_blocks_have_equal_keys_however_they_are_cut() -> None:
    whole = (("a", 0, 16),)
    part = canonical([("a", 0, 10), ("b", 0, 6)])
    assert block_key(whole, 4, 4) == block_key(part, 4, 4)
    assert block_key(whole, 8, 4) != block_key(part, 8, 4)
