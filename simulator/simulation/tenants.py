"""From the tenants of a scenario to their traffic, their rights in the engine and their place in results."""

from __future__ import annotations

from simulator.engine.admission import Limits
from simulator.engine.clients import ClientPlan
from simulator.engine.tenant import TenantPlan
from simulator.models.catalogue import name_shown
from simulator.results.context import PercentileLimit, Slo, TenantContext
from simulator.scenario.admission import ClientSpec, LimitsSpec
from simulator.scenario.objectives import SloSpec, percentile_parts
from simulator.scenario.scenario import Scenario
from simulator.scenario.tenant import TenantSpec
from simulator.simulation.traffic import TenantTraffic
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload


def traffic_of(scenario: Scenario, streams: RandomStreams) -> list[TenantTraffic]:
    """The requests of every tenant; of the whole scenario where there are no tenants.

    Each tenant draws from streams of its own name, so that one more tenant leaves the others' traffic
    as it was.
    """
    if not scenario.tenants:
        source = build_workload(
            scenario.workload, streams, scenario.requests, scenario.duration, scenario.workload_dir
        )
        return [TenantTraffic(source, until_ns=_until(scenario.duration))]
    return [_traffic(scenario, tenant, streams) for tenant in scenario.tenants]


def _traffic(scenario: Scenario, tenant: TenantSpec, streams: RandomStreams) -> TenantTraffic:
    own_end = tenant.requests is not None or tenant.duration is not None
    requests = tenant.requests if own_end else scenario.requests
    duration = tenant.duration if own_end else scenario.duration
    source = build_workload(
        tenant.workload, streams.within(tenant.name), requests, duration, scenario.workload_dir
    )
    return TenantTraffic(source, tenant.name, tenant.priority, _until(duration))


def tenant_plans(scenario: Scenario) -> tuple[TenantPlan, ...]:
    """What the engine must know about each of them."""
    if not scenario.tenants:
        plan = TenantPlan(
            model=scenario.model.card,
            first_token_ns=_until(scenario.slo.ttft),
            client=client_of(scenario.client),
        )
        # Calls of a strategy that name a model are told apart by the tenant that has it.
        named = scenario.reasoning.models if scenario.reasoning else ()
        return (plan, *(TenantPlan(name=model, model=model) for model in named))
    return tuple(
        TenantPlan(
            name=tenant.name,
            model=tenant.model or scenario.model.card,
            pools=tenant.pools,
            first_token_ns=_until((tenant.slo or scenario.slo).ttft),
            client=client_of(tenant.client or scenario.client),
            limits=limits_of(tenant.limits),
        )
        for tenant in scenario.tenants
    )


def tenant_contexts(scenario: Scenario) -> tuple[TenantContext, ...]:
    """What a result must know about each of them."""
    return tuple(
        TenantContext(
            name=tenant.name,
            model=name_shown(tenant.model or scenario.model.card),
            slo=slo_of(tenant.slo or scenario.slo),
            priority=tenant.priority or 0,
            workload=tenant.workload.name or tenant.workload.arrivals.process,
        )
        for tenant in scenario.tenants
    )


def client_of(spec: ClientSpec | None) -> ClientPlan | None:
    """Patience in nanoseconds; None where clients wait as long as it takes and never try again."""
    if spec is None:
        return None
    usual = ClientPlan()
    return ClientPlan(
        timeout_ns=ns_from_seconds(spec.timeout or 0.0),
        first_token_ns=ns_from_seconds(spec.first_token_timeout or 0.0),
        retries=spec.retries,
        backoff_ns=_until(spec.backoff) or usual.backoff_ns,
        factor=spec.factor,
        longest_backoff_ns=_until(spec.max_backoff) or usual.longest_backoff_ns,
        jitter=spec.jitter,
        retry_on=spec.retry_on,
    )


def limits_of(spec: LimitsSpec | None) -> Limits | None:
    """Limits of admission; None where there are none."""
    if spec is None:
        return None
    limits = Limits(
        outstanding=spec.max_outstanding,
        tokens=spec.max_outstanding_tokens,
        queue=spec.max_queue,
        queue_ns=_until(spec.max_queue_time),
        rate=spec.rate,
        burst=spec.burst,
    )
    return None if limits == Limits(burst=spec.burst) else limits


def slo_of(spec: SloSpec) -> Slo:
    """Objectives as results use them."""
    limits = tuple(
        PercentileLimit(*percentile_parts(name), limit) for name, limit in spec.percentiles.items()
    )
    return Slo(spec.ttft, spec.tpot, spec.e2e, spec.attainment, limits)


def _until(seconds: float | None) -> int | None:
    return None if seconds is None else ns_from_seconds(seconds)
