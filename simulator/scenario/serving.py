"""The serving program around the engine: time in the API server on the way in and on the way back.

Without the section, latencies are those at the engine: what a program in the same process would see (and
textbook queues have). With it, also an empty one, they are those of a client of the API server.
"""

from __future__ import annotations

from simulator.scenario.spec import Spec
from simulator.units.quantity import Seconds


class ServingSpec(Spec):
    """Time around the engine; what is left out is as the engine's version has it."""

    api_request: Seconds | None = None
    """From the client to the engine, for each request: parsing, tokenisation of a usual prompt, queues
    between processes; default: 5.10 ms."""

    api_prompt_token: Seconds = 0.0
    """On top of that for each token of the prompt, where prompts are long enough for it to show."""

    api_token: Seconds | None = None
    """From the engine to the client, for every token; default: 1.85 ms."""

    api_token_share: Seconds | None = None
    """On top of that for each request that is with the same replica, for one process hands out all tokens;
    default: 35 us."""
