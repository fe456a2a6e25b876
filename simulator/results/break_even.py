"""The cluster against an API's list price for the same tokens.

An API costs by the token, a cluster by the hour. With ``r`` requests per second of the run's mean lengths,

    API per hour     = 3600 r * (input tokens * input price + output tokens * output price) / 10^6
    cluster per hour = fixed

so they break even at a certain load; below it the API is cheaper. Whether the cluster can carry that load
within its objectives is a question of its own: ``utilisation`` is the load at break-even over the one that
was simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.results.context import ApiPrice
from simulator.results.cost import CostSummary
from simulator.results.ranges import Range, named


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What the same tokens cost from an API.

    Attributes
    ----------
    api
        Name of the offer, with its source.
    total
        Its price for all tokens of the measured time [USD].
    requests_per_s
        Load from which on the cluster is cheaper [1/s].
    utilisation
        That load over the simulated one [1]; above 1 the API is cheaper at this load.
    """

    api: str
    total: float
    requests_per_s: Range | None
    utilisation: Range | None


def break_even_of(
    price: ApiPrice | None,
    cost: CostSummary,
    duration_s: float,
    *,
    input_tokens: int,
    output_tokens: int,
    requests: int,
) -> BreakEven | None:
    """The comparison with an API; None without one or where nothing was finished."""
    if price is None or not requests or not duration_s:
        return None
    api = (input_tokens * price.input_usd + output_tokens * price.output_usd) / 1e6
    per_request = api / requests
    if cost.per_hour is None or not per_request:
        return BreakEven(price.name, api, None, None)
    rate = cost.per_hour / (3600 * per_request)
    return BreakEven(price.name, api, rate, rate / (requests / duration_s))


def break_even_keys(found: BreakEven | None) -> dict[str, Any]:
    """Flat keys of a summary."""
    return {
        "api": None if found is None else found.api,
        "api_cost_usd": None if found is None else found.total,
        **named("break_even_requests_per_s", None if found is None else found.requests_per_s),
        **named("break_even_load", None if found is None else found.utilisation),
    }
