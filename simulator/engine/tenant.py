"""Tenants: kinds of requests that a cluster tells apart."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.engine.admission import Limits
from simulator.engine.clients import ClientPlan


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """What the cluster must know about the requests of one tenant.

    Attributes
    ----------
    model
        Which model serves them, as the pools name it.
    pools
        Names of the pools that may take them; None: all that serve the model.
    first_token_ns
        Time to first token that is asked for [ns]; None: no objective.
    client
        How patient their clients are; None: they wait as long as it takes.
    limits
        Of admission; None: none.
    """

    name: str = ""
    model: str = ""
    pools: tuple[str, ...] | None = None
    first_token_ns: int | None = None
    client: ClientPlan | None = None
    limits: Limits | None = None
