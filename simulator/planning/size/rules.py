"""How long, how often and how surely designs are tried."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.scenario.scenario import Scenario
from simulator.scenario.size import Minimise, SizeSpec

#: Requests of the short trials that bracket the answer.
SCREENING_REQUESTS = 2000
#: A short trial that misses an objective by more than this is believed without a long one [1].
BEYOND_DOUBT = 0.05
#: Distance between the seed of the scenario and those that verify, so that they never meet.
VERIFICATION_SEED = 1_000_003


@dataclass(frozen=True, slots=True)
class Rules:
    """What `SizeSpec` says about the search."""

    seed: int
    requests: int | None
    replications: int
    spare: int
    most_units: int
    minimise: Minimise

    @property
    def screens(self) -> bool:
        """Whether a short trial is shorter than a long one."""
        return self.requests is None or self.requests > SCREENING_REQUESTS

    def seeds(self) -> range:
        """Seeds of the replications; the same for all designs."""
        return range(self.seed, self.seed + self.replications)

    def fresh_seed(self, attempt: int) -> int:
        """A seed that no design was chosen by."""
        return self.seed + VERIFICATION_SEED * (attempt + 1)


def rules_of(scenario: Scenario) -> Rules:
    """The rules of a scenario's question."""
    spec = scenario.size or SizeSpec()
    return Rules(
        seed=scenario.seed,
        requests=scenario.requests,
        replications=spec.replications,
        spare=spec.spare,
        most_units=spec.most_units,
        minimise=spec.minimise,
    )
