"""KV-load aware: the replica with the most room in its KV cache.

What inference gateways do with the two figures that an engine exports, requests waiting and KV
cache use (vLLM: ``vllm:num_requests_waiting``, ``vllm:gpu_cache_usage_perc``; the scheduler of the
Kubernetes Gateway API inference extension filters by the first and orders by the second). Here the
figures are those of the moment; real ones are some 100 ms old.
"""

from __future__ import annotations

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.counting import CountingRouter


class KvLoad(CountingRouter):
    """The smallest share of KV blocks in use among those with the fewest waiting requests.

    Of replicas that are equal in both, the one with the fewest outstanding requests, then the first.
    """

    def choose(self, request: Request) -> Replica:
        """Looks at all candidates."""
        return min(self.replicas, key=self._pressure)

    def _pressure(self, replica: Replica) -> tuple[int, float, int]:
        usable = replica.settings.usable_blocks
        return (replica.waiting_now(), 1.0 - replica.free_blocks_now() / usable, self.load[replica])
