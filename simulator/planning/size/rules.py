"""How long, how often and how surely designs are tried."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import InputError
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


def refuse_without_objectives(scenario: Scenario, asker: str) -> None:
    """Only what is held to something can be enough.

    Raises
    ------
    InputError
        Where neither the scenario nor any tenant has objectives.
    """
    if not scenario.has_objectives:
        raise InputError(
            f"{asker} needs objectives, e.g. slo: {{ttft: 500 ms, tpot: 50 ms, attainment: 0.99}}",
            file=scenario.file,
            key="slo",
        )


def refuse_changing_machines(scenario: Scenario) -> None:
    """Only what stays as it is can be counted.

    Raises
    ------
    InputError
        Where an autoscaler or failures decide how many replicas serve at a time.
    """
    for number, pool in enumerate(scenario.cluster.pools):
        if pool.autoscale is not None:
            raise InputError(
                f"sizing asks how many replicas are enough, and of pool {pool.name!r} an autoscaler decides"
                " that; leave autoscale out, or sweep its limits and targets",
                file=scenario.file,
                key=f"cluster.pools[{number}].autoscale",
            )
    if scenario.cluster.failures is not None:
        raise InputError(
            "sizing asks how many replicas are enough while all of them serve; leave failures out and pay for"
            " replicas to spare with size: {spare: 1}, or sweep cluster.pools[0].replicas under failures",
            file=scenario.file,
            key="cluster.failures",
        )
