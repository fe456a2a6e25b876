"""What a router knows of the prefixes that replicas have cached.

The exact view asks the replica's own cache (a router that gets its KV events at once, as in NVIDIA
Dynamo or llm-d). The approximate view is what a router can tell from its own decisions: it remembers
what it sent where, as much as the replica's cache holds, and forgets the least recently used first
(SGLang's cache-aware router). It learns of a prompt ``staleness`` after sending it and of an output
when the request ends, and never of evictions that preemptions or other routers caused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from simulator.engine.kv_cache import KVCache
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.timing import NsEnvironment


class PrefixView(ABC):
    """Cached prefixes of several replicas."""

    @abstractmethod
    def matched(self, replica: Replica, request: Request) -> int:
        """Tokens at the start of a prompt that the replica is believed to have [tokens]."""

    def sent(self, replica: Replica, request: Request) -> None:  # noqa: B027  (the exact view sees for itself)
        """A request goes to a replica."""

    def ended(self, replica: Replica, request: Request) -> None:  # noqa: B027
        """A request has ended there."""

    def leave(self, replica: Replica) -> None:  # noqa: B027
        """A replica is gone, and what it had cached."""


class ExactView(PrefixView):
    """The caches themselves."""

    def matched(self, replica: Replica, request: Request) -> int:
        """A look-up that leaves no trace."""
        return replica.cached_tokens_now(request)


class ApproximateView(PrefixView):
    """A cache per replica, filled by what was sent there.

    Parameters
    ----------
    staleness_ns
        How long it takes until a prompt that was sent counts as cached [ns].
    """

    def __init__(self, staleness_ns: int) -> None:
        self._staleness_ns = staleness_ns
        self._caches: dict[Replica, KVCache] = {}
        self._news: deque[tuple[int, Replica, Request, int]] = deque()

    def matched(self, replica: Replica, request: Request) -> int:
        """A look-up in the memory of that replica."""
        self._catch_up(replica.env)
        cache = self._caches.get(replica)
        return 0 if cache is None else cache.peek(request) * cache.block_size

    def sent(self, replica: Replica, request: Request) -> None:
        """Its prompt will be there soon."""
        self._hear(replica, request, request.prompt_tokens)

    def ended(self, replica: Replica, request: Request) -> None:
        """Its output is there too; the last token of it never enters the cache."""
        self._hear(replica, request, request.prompt_tokens + request.outputs - 1)

    def leave(self, replica: Replica) -> None:
        """Forgotten."""
        self._caches.pop(replica, None)

    def _hear(self, replica: Replica, request: Request, tokens: int) -> None:
        if request.content is not None:
            self._news.append((int(replica.env.now) + self._staleness_ns, replica, request, tokens))

    def _catch_up(self, env: NsEnvironment) -> None:
        news = self._news
        now = int(env.now)
        while news and news[0][0] <= now:
            _, replica, request, tokens = news.popleft()
            self._learn(replica, request, tokens)

    def _learn(self, replica: Replica, request: Request, tokens: int) -> None:
        """Run the tokens through the remembered cache: the least recently used make room."""
        cache = self._caches.get(replica)
        if cache is None:
            settings = replica.settings
            cache = KVCache(settings.usable_blocks, settings.block_size, caching=True)
            self._caches[replica] = cache
        visit = Request(request.index, 0, tokens + 1, 1, content=request.content)
        hits, hit_blocks, _ = cache.lookup(visit)
        cache.adopt(visit, hits)
        blocks = tokens // cache.block_size
        if blocks - hit_blocks > cache.free:
            cache.release(visit)
            return
        cache.take(blocks - hit_blocks)
        visit.blocks = blocks
        cache.register(visit, blocks * cache.block_size)
        cache.release(visit)
