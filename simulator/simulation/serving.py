"""Time around the engine: what the scenario says, else what a fitted backend measured, else none."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.engine.gateway import NO_DELAYS, ServingDelays
from simulator.scenario.engine_versions import version_defaults
from simulator.scenario.scenario import Scenario
from simulator.simulation.pools import PreparedPool
from simulator.units.clock import ns_from_seconds


def serving_delays(scenario: Scenario, pools: Sequence[PreparedPool]) -> ServingDelays:
    """Of the pool that takes requests in; what the scenario leaves open is as its engine's version has it."""
    serving = scenario.serving
    if serving is None:
        measured_s = max(pool.backend.request_s for pool in pools)
        return ServingDelays(request_ns=ns_from_seconds(measured_s)) if measured_s else NO_DELAYS
    usual = version_defaults(pools[0].spec.engine.engine_version)

    def resolved(given: float | None, default: float) -> int:
        return ns_from_seconds(default if given is None else given)

    return ServingDelays(
        request_ns=resolved(serving.api_request, usual.api_request_s),
        prompt_token_ns=ns_from_seconds(serving.api_prompt_token),
        token_ns=resolved(serving.api_token, usual.api_token_s),
        token_share_ns=resolved(serving.api_token_share, usual.api_token_share_s),
    )
