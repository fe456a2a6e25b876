"""How long clients wait for the token after those that they have when a replica is lost under their requests.

Another replica computes prompt and output so far again, as a prompt; the token that comes of it ends a gap
that no decode step shows. The gap counts from the loss, or from the last token where that is known (it came
from a prefill replica): of an output that was being decoded the part of a step before the loss is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.engine.pool import Pool
from simulator.engine.request import NEVER, Request


class Losses:
    """Outputs that lost their replica and have not gone on yet."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self._pools = pools
        self._since: dict[int, tuple[int, int]] = {}  # by the request's index: attempt, time [ns]
        # Of those that a unified replica has, by index: first answer [ns], and tokens when it got them.
        self._first_answers: dict[int, tuple[int, int]] = {}

    def lost(self, request: Request, since_ns: int) -> None:
        """Its client waits since then for a token after those that it has, if it has any."""
        if request.outputs and not self._waits(request):
            self._since[request.index] = request.attempts, since_ns

    def go_on(self, request: Request) -> None:
        """A unified replica gets it: what that notes as the first token is its own first."""
        if self._waits(request):
            request.begun_ns, request.first_token_ns = request.first_token_ns, NEVER
            self._first_answers[request.index] = request.first_answer_ns, request.outputs

    def leave(self, request: Request, now: int) -> None:
        """The unified replica has it no more: the first token is the client's first again."""
        if request.index not in self._first_answers:
            return
        first_answer_ns, outputs = self._first_answers.pop(request.index)
        own_first_ns = request.first_token_ns
        request.first_token_ns, request.begun_ns = request.begun_ns, NEVER
        if first_answer_ns != NEVER:
            request.first_answer_ns = first_answer_ns
        if request.outputs > outputs:
            self.went_on(request, self._pools[request.pool], own_first_ns)

    def went_on(self, request: Request, pool: Pool, token_ns: int) -> None:
        """Its next token came from a replica of a pool."""
        if self._waits(request):
            _, since_ns = self._since.pop(request.index)
            pool.add_gap(since_ns, token_ns)

    def _waits(self, request: Request) -> bool:
        attempt, _ = self._since.get(request.index, (NEVER, NEVER))
        return attempt == request.attempts
