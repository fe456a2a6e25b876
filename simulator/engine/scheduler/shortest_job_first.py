"""Shortest job first: whoever is predicted to answer shortest is admitted first.

Lowers mean waiting under overload and lets long answers starve. Qiu et al., "Efficient
Interactive LLM Serving with Proxy Model-based Sequence Length Prediction", 2024
(arXiv:2404.08509). How wrong predictions are is said by ``length_prediction_error``
(`engine.length_prediction`). Requests that run are not interrupted for shorter ones.
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.engine.scheduler.queues import KeyOrder, WaitingQueue
from simulator.engine.scheduler.vllm import Scheduler


class ShortestJobFirst(Scheduler):
    """The waiting line by predicted output length, then arrival."""

    def _line(self) -> WaitingQueue:
        return KeyOrder(_predicted)


def _predicted(request: Request) -> tuple[float, int]:
    return request.predicted_tokens, request.arrival_ns
