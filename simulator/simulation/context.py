"""What a result must know about its run: names, prices, power, place and sources."""

from __future__ import annotations

from simulator.hardware.device import Device
from simulator.hardware.prices import (
    check_tier,
    electricity_price,
    grid_carbon,
    rental_price,
    typical_pue,
)
from simulator.latency.compile import BackendProvenance
from simulator.models.card import ModelCard
from simulator.results.context import DevicePrice, PoolContext, RunContext, Site, Slo
from simulator.scenario.objectives import SloSpec
from simulator.scenario.prices import PricesSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation.pools import PreparedPool
from simulator.units.clock import ns_from_seconds

G_PER_KG = 1000.0


def context_of(scenario: Scenario, seed: int, card: ModelCard, pools: list[PreparedPool]) -> RunContext:
    """The context of a run of these pools."""
    return RunContext(
        scenario=scenario.name,
        model=card.name,
        pools=tuple(_pool(pool, scenario.prices) for pool in pools),
        seed=seed,
        slo=_slo(scenario.slo),
        site=site_of(scenario.prices),
        warmup_ns=ns_from_seconds(scenario.warmup),
        workload=scenario.workload.name or scenario.workload.arrivals.process,
    )


def _pool(pool: PreparedPool, prices: PricesSpec) -> PoolContext:
    backend = pool.backend
    return PoolContext(
        name=pool.spec.name,
        device=pool.device.name,
        devices_per_replica=backend.placement.devices,
        replicas=pool.spec.replicas,
        role=pool.spec.role,
        idle_w=backend.pricer.idle_w,
        price=device_price(pool.device, pool.spec.price, prices.tier),
        backend=backend.provenance.backend,
        provenance=_provenance(backend.provenance),
        estimates=_estimates(pool.device, backend.provenance),
    )


def device_price(device: Device, given: float | None, tier: str | None) -> DevicePrice | None:
    """Rent of one device [USD/h]: the scenario's own, else the shipped one, else unknown."""
    if given is not None:
        return DevicePrice(given, given, given, "given in the scenario")
    shipped = rental_price(device.id, None if tier is None else check_tier(tier))
    if shipped is None:
        return None
    return DevicePrice(shipped.low, shipped.mid, shipped.high, shipped.citation)


def site_of(prices: PricesSpec) -> Site:
    """The place: what the scenario says, else what is shipped for its region, else unknown.

    Without a figure of the scenario, the power usage effectiveness is that of a typical site.
    """
    sources: list[str] = []
    pue = prices.pue
    if pue is None:
        typical = typical_pue()
        pue = typical.pue
        sources.append(f"PUE {pue:g} ({typical.operator}): {'; '.join(typical.source)}")
    electricity, carbon = prices.electricity, prices.grid_carbon
    if electricity is None and prices.region is not None:
        price = electricity_price(prices.region)
        if price is not None:
            electricity = price.mid
            sources.append(f"electricity: {price.citation}")
    if carbon is None and prices.region is not None:
        row = grid_carbon(prices.region)
        if row is not None:
            carbon = row.carbon
            sources.append(f"grid carbon: {'; '.join(row.source)}")
    return Site(pue, electricity, None if carbon is None else carbon / G_PER_KG, "; ".join(sources))


def _slo(spec: SloSpec) -> Slo:
    return Slo(spec.ttft, spec.tpot, spec.e2e, spec.attainment)


def _provenance(provenance: BackendProvenance) -> str:
    return f"{provenance.error}. Sources: {'; '.join(provenance.sources)}."


def _estimates(device: Device, provenance: BackendProvenance) -> tuple[str, ...]:
    profile = tuple(f"{name} of {device.name}" for name in device.estimates)
    return (*provenance.estimated, *profile)
