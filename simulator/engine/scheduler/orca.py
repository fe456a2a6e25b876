"""Iteration-level batching without chunking: requests join and leave between steps, prompts run whole.

Yu et al., "Orca: A Distributed Serving System for Transformer-Based Generative Models", OSDI
2022: first come first served, a batch of decodes and whole prompts, memory for ``max_tokens``
reserved at admission. A long prompt holds up all decodes of its step. Left out: selective
batching of operators, which is a matter of the step's cost.
"""

from __future__ import annotations

from simulator.engine.scheduler.reserving import Reserving


class Orca(Reserving):
    """Whole prompts beside decodes, on reserved memory."""

    splits_prompts = False
