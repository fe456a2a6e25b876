"""Named random streams from one seed.

Every use of randomness draws from its own stream, named after what it decides
("arrivals", "prompt_tokens", ...). Changing the hardware therefore leaves the traffic
as it was, and two designs are compared on common random numbers.
"""

from __future__ import annotations

import zlib

import numpy as np


class RandomStreams:
    """Spawns one independent generator per name from a scenario's seed."""

    def __init__(self, seed: int, prefix: str = "") -> None:
        self.seed = seed
        self.prefix = prefix

    def within(self, name: str) -> RandomStreams:
        """Streams of the same seed under names of their own."""
        return RandomStreams(self.seed, f"{self.prefix}{name}/")

    def generator(self, name: str) -> np.random.Generator:
        """A fresh generator for ``name``; the same name always starts the same stream."""
        key = zlib.crc32(f"{self.prefix}{name}".encode())
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(key,))))
