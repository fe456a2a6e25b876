"""Memory behind the KV cache: what was computed once is loaded from it instead of computed again.

A tier keeps what requests leave behind when they end, prompt and output, in an LRU cache of its own
(`engine.kv_cache`): it is written through, so that blocks which the device evicts are already there. Where
writing has a bandwidth, what the tier does not hold yet is written first, one request after the other, and
can be found once it is there. When a request comes to a replica, its longest prefix is looked up in the
replica's own cache and in each tier in turn, at the step boundary at which the engine would have seen it; a
tier that holds more than what was found before it sends the difference, and the engine sees the request when
the last byte has arrived. A tier with a `hit_rate` holds that share of every prompt, whatever it says.

Left out: sharing of device blocks between a loaded prefix and one that the device still held (it is loaded
into blocks of its own), and prefixes that are written twice because two requests ended before either was
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.engine.kv_cache import KVCache
from simulator.engine.link import LinkPlan, SerialLink
from simulator.engine.request import Request
from simulator.engine.timing import Appointment, Background, NsEnvironment
from simulator.results.recording import KvTierRecording


@dataclass(frozen=True, slots=True)
class TierPlan:
    """A tier behind every replica of a pool.

    Attributes
    ----------
    link
        Way of the cache entries to the replica.
    blocks
        That it keeps; None where ``hit_rate`` says what is found.
    shared
        Whether all replicas of the pool have one together.
    writes
        Way of the cache entries from each replica; None: they are there at once.
    """

    name: str
    link: LinkPlan
    blocks: int | None = None
    hit_rate: float = 0.0
    shared: bool = False
    writes: LinkPlan | None = None


class Tier:
    """The content of one tier, and what was found in it."""

    def __init__(self, plan: TierPlan, block_size: int) -> None:
        self.plan = plan
        self.begin_to_count()
        self._block_size = block_size
        self._cache = None if plan.blocks is None else KVCache(plan.blocks, block_size, caching=True)

    def begin_to_count(self) -> None:
        """What has been counted so far is left out."""
        self.looked_up_tokens = self.hit_tokens = self.loading_ns = 0
        self.read_bytes = self.written_bytes = 0.0

    def find(self, request: Request) -> int:
        """Tokens of a request's prefix that are kept here, in whole blocks, its last token excepted."""
        size, known = self._block_size, request.known_tokens
        self.looked_up_tokens += known
        if self._cache is not None:
            return self._cache.lookup(request)[1] * size
        found = int(self.plan.hit_rate * request.prompt_tokens)
        return min(found, known - 1) // size * size

    @property
    def keeps(self) -> bool:
        """Whether it keeps anything at all; else it has its share of every prompt, whatever it says."""
        return self._cache is not None

    def remains(self, request: Request) -> Request | None:
        """What an ended request leaves behind, as whole blocks; None where that can not be kept."""
        cache = self._cache
        assert cache is not None
        if request.content is None:
            return None
        kept = Request(
            request.index, 0, request.prompt_tokens, request.output_tokens, content=request.content
        )
        kept.outputs = request.outputs
        kept.blocks = (request.known_tokens - 1) // self._block_size  # the last token was never an input
        return kept if kept.blocks <= cache.usable else None

    def new_tokens(self, kept: Request) -> int:
        """How much of it is not here yet, in whole blocks [tokens]."""
        assert self._cache is not None
        return (kept.blocks - self._cache.lookup(kept)[1]) * self._block_size

    def keep(self, kept: Request) -> None:
        """It is here from now on."""
        cache, blocks = self._cache, kept.blocks
        assert cache is not None
        kept.blocks = 0
        hits, hit, _ = cache.lookup(kept)
        cache.adopt(kept, hits)
        cache.take(blocks - hit)
        kept.blocks = blocks
        cache.register(kept, kept.known_tokens - 1)
        cache.release(kept)


class KvTiers:
    """The tiers behind one replica.

    Parameters
    ----------
    bytes_per_token
        Of KV cache that is loaded [bytes].
    """

    def __init__(self, env: NsEnvironment, tiers: Sequence[Tier], bytes_per_token: float) -> None:
        self._tiers = tiers
        self._links = [SerialLink(tier.plan.link) for tier in tiers]
        self._writes = [
            (tier, None if tier.plan.writes is None else SerialLink(tier.plan.writes))
            for tier in tiers
            if tier.keeps
        ]
        self._bytes_per_token = bytes_per_token
        self._env = env

    def fetch(self, request: Request, held: int, arrive: Callable[[Request], None]) -> bool:
        """Load what tiers hold of a request beyond ``held`` tokens; False where they hold no more.

        ``arrive`` is called with the request once all of it is there.
        """
        now = arrival_ns = self._env.now
        found = held
        for tier, link in zip(self._tiers, self._links, strict=True):
            more = tier.find(request) - found
            if more > 0:
                found += more
                size = more * self._bytes_per_token
                there_ns = link.send(now, size)
                tier.hit_tokens += more
                tier.read_bytes += size
                tier.loading_ns += there_ns - now
                arrival_ns = max(arrival_ns, there_ns)
        if found == held:
            return False
        request.remote_tokens = found
        Appointment(self._env, arrival_ns - now, lambda _: arrive(request))
        return True

    def keep(self, request: Request) -> None:
        """A request has ended in the replica."""
        for tier, link in self._writes:
            kept = tier.remains(request)
            if kept is None:
                continue
            if link is None:
                tier.keep(kept)
            else:
                self._write(tier, link, kept)

    def _write(self, tier: Tier, link: SerialLink, kept: Request) -> None:
        size = tier.new_tokens(kept) * self._bytes_per_token
        tier.written_bytes += size
        now = self._env.now
        Background(self._env, link.send(now, size) - now, lambda: tier.keep(kept))


def tiers_of_pool(plans: Sequence[TierPlan], block_size: int) -> Callable[[], list[Tier]]:
    """Makes the tiers of each replica: shared ones are the same every time."""
    shared = {plan.name: Tier(plan, block_size) for plan in plans if plan.shared}
    return lambda: [shared.get(plan.name) or Tier(plan, block_size) for plan in plans]


def recorded(tiers: Sequence[Tier]) -> tuple[KvTierRecording, ...]:
    """What was found in the tiers of all replicas of a pool, by name."""
    by_name: dict[str, list[Tier]] = {}
    for tier in dict.fromkeys(tiers):
        by_name.setdefault(tier.plan.name, []).append(tier)
    return tuple(
        KvTierRecording(
            name=name,
            looked_up_tokens=sum(tier.looked_up_tokens for tier in group),
            hit_tokens=sum(tier.hit_tokens for tier in group),
            read_bytes=sum(tier.read_bytes for tier in group),
            loading_ns=sum(tier.loading_ns for tier in group),
            written_bytes=sum(tier.written_bytes for tier in group),
        )
        for name, group in by_name.items()
    )
