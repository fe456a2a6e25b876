"""Disaggregated serving: one replica computes the prompt, another one the output.

A prefill replica runs the request for one output token, the request's first. Then the KV
cache of the prompt travels over the replica's link to a decode replica, chosen when the
prompt is done, which goes on from there without computing the prompt again. What the client
sees is one request: its first token comes from the prefill pool, the rest from the decode pool.

Left out: reservation of blocks on the decode side before the transfer, and back-pressure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router
from simulator.engine.transfer import Link


class DisaggregatedServing:
    """Sends each request through a prefill replica, a link and a decode replica.

    Parameters
    ----------
    pools
        All pools of the cluster, so that a request's pool number finds its pool.
    prefill_router, decode_router
        Choose among the replicas of the prefill and of the decode pools.
    links
        The way out of every prefill replica.
    done
        Called with every request that has ended.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        prefill_router: Router,
        decode_router: Router,
        links: dict[Replica, Link],
        done: Callable[[Request], None],
    ) -> None:
        self._pools = pools
        self._prefill_router = prefill_router
        self._decode_router = decode_router
        self._links = links
        self._done = done
        for pool in pools:
            pool.ended = self._prompt_ended if pool.plan.role == "prefill" else self._output_ended
        # The whole requests whose prompts are with the prefill pools, and how often those were preempted.
        self._whole: dict[int, Request] = {}
        self._prompt_preemptions: dict[int, int] = {}

    def submit(self, request: Request) -> None:
        """Send the prompt of a request on its way."""
        prompt = Request(
            request.index,
            request.arrival_ns,
            request.prompt_tokens,
            1,
            name=request.name,
            content=request.content,
            priority=request.priority,
        )
        self._whole[request.index] = request
        replica = self._prefill_router.choose(prompt)
        self._pools[replica.pool].send(prompt, replica)

    def _prompt_ended(self, prompt: Request) -> None:
        replica = self._replica(prompt)
        self._prefill_router.ended(replica)
        request = self._whole.pop(prompt.index)
        _hand_over(prompt, request)
        if request.output_tokens == 1:
            request.finish_reason = "stop" if request.stops else "length"
            request.pool, request.replica = prompt.pool, prompt.replica
            request.finish_ns = prompt.finish_ns
            request.preemptions = prompt.preemptions
            self._done(request)
            return
        if prompt.preemptions:
            self._prompt_preemptions[request.index] = prompt.preemptions
        size = self._pools[prompt.pool].plan.kv_bytes_per_token * request.prompt_tokens
        decoder = self._decode_router.choose(request)
        self._links[replica].send(size, lambda: self._pools[decoder.pool].send(request, decoder))

    def _output_ended(self, request: Request) -> None:
        self._decode_router.ended(self._replica(request))
        request.preemptions += self._prompt_preemptions.pop(request.index, 0)
        self._done(request)

    def _replica(self, request: Request) -> Replica:
        return self._pools[request.pool].replicas[request.replica]


def _hand_over(prompt: Request, request: Request) -> None:
    """What the prefill pool did becomes part of the whole request."""
    request.outputs = 1
    request.remote_tokens = prompt.prompt_tokens
    request.first_scheduled_ns = prompt.first_scheduled_ns
    request.cached_tokens = prompt.cached_tokens
    request.first_token_ns = prompt.first_token_ns
    if not request.thinking_tokens:
        request.first_answer_ns = prompt.first_token_ns
