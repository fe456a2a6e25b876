"""The load of a scenario, and the same scenario under another: turned up, cut short, or without any.

A load is a mean rate of arrivals [1/s]. That of several tenants is the sum of theirs, and is turned up by one
factor for all of them, so that who asks for what stays in proportion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.errors import InputError
from simulator.planning.designs import changed
from simulator.scenario.objectives import SloSpec, percentile_parts
from simulator.scenario.scenario import Scenario
from simulator.scenario.tenant import TenantSpec
from simulator.scenario.workload import WorkloadSpec
from simulator.scenario.workload.arrivals import ConstantSpec, ReplaySpec
from simulator.scenario.workload.populations import ServeGenSpec

#: Requests of a trial without load, and the rate at which they hardly ever meet [1/s].
ALONE_REQUESTS = 40
ALONE_RATE = 1e-3
#: A short trial goes on until about so many requests of the rarest tenant have come.
FEWEST_OF_A_TENANT = 40


def rate_of(scenario: Scenario) -> float:
    """Mean arrival rate of a scenario, of all its tenants together [1/s].

    Raises
    ------
    InputError
        Where its arrivals have none (closed loops, replays).
    """
    if not scenario.tenants:
        return _needed_rate(scenario, scenario.workload, "workload")
    return sum(
        _needed_rate(scenario, tenant.workload, f"tenants[{number}].workload")
        for number, tenant in enumerate(scenario.tenants)
    )


def rate_if_any(scenario: Scenario) -> float | None:
    """The mean arrival rate of a scenario [1/s]; None where its arrivals have none."""
    try:
        return rate_of(scenario)
    except InputError:
        return None


def _needed_rate(scenario: Scenario, workload: WorkloadSpec, key: str) -> float:
    rate = _rate(workload)
    if rate is None:
        raise InputError(
            f"a load to turn up needs arrivals with a rate, not {workload.arrivals.process!r}",
            file=scenario.file,
            key=f"{key}.arrivals",
        )
    return rate


def _rate(workload: WorkloadSpec) -> float | None:
    rate = getattr(workload.arrivals, "rate", None)
    return None if rate is None else float(rate)


def at_rate(scenario: Scenario, rate: float) -> Scenario:
    """The scenario at another mean arrival rate [1/s], that of each tenant in proportion."""
    if not scenario.tenants:
        return changed(scenario, workload=_at(scenario.workload, rate))
    factor = rate / rate_of(scenario)
    workloads = [_at(one.workload, (_rate(one.workload) or 0.0) * factor) for one in scenario.tenants]
    pairs = zip(scenario.tenants, workloads, strict=True)
    return _with_tenants(scenario, [one.model_copy(update={"workload": other}) for one, other in pairs])


def _at(workload: WorkloadSpec, rate: float) -> WorkloadSpec:
    return workload.model_copy(update={"arrivals": workload.arrivals.model_copy(update={"rate": rate})})


def _with_tenants(scenario: Scenario, tenants: Sequence[TenantSpec]) -> Scenario:
    """The scenario with other tenants; the first one's traffic stands for all, as in `Scenario`."""
    return changed(scenario, tenants=tuple(tenants), workload=tenants[0].workload)


def shortened(scenario: Scenario, requests: int) -> Scenario:
    """The scenario with about so many requests at most, all of which count.

    Its tenants are cut off at one time, for a load that some of them have left is not the one asked about.
    """
    if not scenario.tenants:
        count = min(scenario.requests or requests, requests)
        return changed(scenario, requests=count, duration=None, warmup=0.0)
    rates = [rate for tenant in scenario.tenants if (rate := _rate(tenant.workload))]
    seconds = max(requests / sum(rates), FEWEST_OF_A_TENANT / min(rates)) if rates else None
    cut = [_cut(scenario, tenant, requests, seconds) for tenant in scenario.tenants]
    return changed(_with_tenants(scenario, cut), requests=None, duration=None, warmup=0.0)


def _cut(scenario: Scenario, tenant: TenantSpec, requests: int, seconds: float | None) -> TenantSpec:
    """A tenant whose requests come for no more than some seconds, or, where none says, are no more."""
    own = tenant.requests is not None or tenant.duration is not None
    most, span = (tenant.requests, tenant.duration) if own else (scenario.requests, scenario.duration)
    if seconds is None:
        return tenant.model_copy(update={"requests": min(most or requests, requests), "duration": span})
    return tenant.model_copy(update={"requests": most, "duration": min(span or seconds, seconds)})


def apart(scenario: Scenario) -> list[Scenario]:
    """A few of the scenario's requests so far apart that they do not meet; of each tenant by itself.

    Those whose requests come from a recording with times of its own are left out, and tenants without
    objectives.
    """
    if not scenario.tenants:
        alone = _alone(scenario.workload)
        count = min(scenario.requests or ALONE_REQUESTS, ALONE_REQUESTS)
        return [] if alone is None else [_unhurried(changed(scenario, workload=alone), count)]
    return [
        _unhurried(_with_tenants(scenario, [_by_itself(tenant, alone)]), ALONE_REQUESTS)
        for tenant in scenario.tenants
        if (alone := _alone(tenant.workload)) is not None and (tenant.slo or scenario.slo).given
    ]


def _alone(workload: WorkloadSpec) -> WorkloadSpec | None:
    if isinstance(workload.arrivals, ReplaySpec | ServeGenSpec):
        return None
    return workload.model_copy(update={"arrivals": ConstantSpec(process="constant", rate=f"{ALONE_RATE} /s")})


def _by_itself(tenant: TenantSpec, workload: WorkloadSpec) -> TenantSpec:
    return tenant.model_copy(update={"workload": workload, "requests": None, "duration": None})


def _unhurried(scenario: Scenario, requests: int) -> Scenario:
    return changed(scenario, requests=requests, duration=None, warmup=0.0, record="requests")


def too_slow(alone: Mapping[str, Any], lonely: Scenario) -> str:
    """What requests that do not meet (`apart`) miss, from the figures of their summary."""
    slo = lonely.slo
    who = ""
    if lonely.tenants:
        (tenant,) = lonely.tenants
        slo, who = tenant.slo or slo, f"tenant {tenant.name!r} "
    missed = "; ".join(_missed(alone, slo)) or "too few requests meet them"
    return f"{who}misses the objectives with one request alone: {missed}"


def _missed(alone: Mapping[str, Any], slo: SloSpec) -> list[str]:
    named = (
        ("p99_ttft_ms", "TTFT", slo.ttft),
        ("p99_tpot_ms", "TPOT", slo.tpot),
        ("p99_e2el_ms", "E2E", slo.e2e),
    )
    missed = [
        f"p99 {name} {alone[key]:,.0f} ms, allowed are {limit * 1e3:,.0f}"
        for key, name, limit in named
        if limit is not None and alone.get(key) is not None and alone[key] > limit * 1e3
    ]
    for name, limit in slo.percentiles.items():
        percent, latency = percentile_parts(name)
        found = alone.get(f"p{percent:g}_{latency.replace('e2e', 'e2el')}_ms")
        if found is not None and found > limit * 1e3:
            missed.append(f"p{percent:g} {latency.upper()} {found:,.0f} ms, allowed are {limit * 1e3:,.0f}")
    return missed
