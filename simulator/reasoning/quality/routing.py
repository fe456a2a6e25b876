"""Two models and who is right on which task: what a router or a cascade can keep of the strong one.

A joint table of right answers bounds every router: chance sends tasks at random, an oracle sends to the
strong model only what the weak one gets wrong and the strong one right. A router in between is said by its
*skill*, 0 for chance and 1 for the oracle. Tables: computed from the response files of lm-sys/RouteLLM.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JointTable:
    """Shares of tasks by who is right: both, only one of them, neither."""

    name: str
    both: float
    strong_only: float
    weak_only: float
    source: str

    @property
    def strong(self) -> float:
        """Accuracy of the strong model alone."""
        return self.both + self.strong_only

    @property
    def weak(self) -> float:
        """Accuracy of the weak model alone."""
        return self.both + self.weak_only

    def by_chance(self, share: float) -> float:
        """Accuracy where a ``share`` of the tasks, drawn at random, goes to the strong model."""
        return self.weak + share * (self.strong - self.weak)

    def by_oracle(self, share: float) -> float:
        """Accuracy where the tasks sent to the strong model are the best ones to send."""
        needed = min(share, self.strong_only)
        harmless = 1.0 - self.strong_only - self.weak_only
        harmful = max(share - self.strong_only - harmless, 0.0)
        return self.weak + needed - min(harmful, self.weak_only)

    def accuracy(self, share: float, skill: float) -> float:
        """Accuracy of a router of some skill."""
        return (1.0 - skill) * self.by_chance(share) + skill * self.by_oracle(share)
