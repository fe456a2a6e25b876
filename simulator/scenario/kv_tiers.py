"""Memory behind the KV cache of a replica: host DRAM, SSD, a remote store."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Share, Spec
from simulator.units.quantity import Bytes, BytesPerSecond, Seconds


class KvTierSpec(Spec):
    """One tier. What a request leaves behind is kept in it; a later prompt that begins alike loads it from
    there instead of computing it again."""

    name: str = Field(min_length=1)
    """Name in the results."""

    bandwidth: BytesPerSecond
    """Of reading, for one replica; loads of a replica follow one another."""

    write_bandwidth: BytesPerSecond | None = None
    """Of writing, for one replica; what a request leaves behind is found once it is written, one after the
    other. Default: at once."""

    latency: Seconds = 0.0
    """From asking to the first byte."""

    capacity: Bytes | None = None
    """Cache entries it keeps, the least recently used going first; one of `capacity` and `hit_rate`."""

    hit_rate: Share | None = None
    """Share of every prompt that is found in it, where its content is not simulated."""

    shared: bool = False
    """One tier for all replicas of the pool (a remote store) instead of one beside each."""

    @model_validator(mode="after")
    def _one_way_to_hit(self) -> Self:
        if (self.capacity is None) == (self.hit_rate is None):
            raise ValueError(
                f"tier {self.name!r} needs either a capacity (its content is simulated) or a hit_rate"
            )
        if self.write_bandwidth is not None and self.capacity is None:
            raise ValueError(
                f"write_bandwidth has no effect on tier {self.name!r}: its content is not simulated"
            )
        if self.shared and self.capacity is None:
            raise ValueError(f"shared has no effect on tier {self.name!r}: its content is not simulated")
        return self
