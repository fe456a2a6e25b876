"""What a result must know about its run: names, prices, power and sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.errors import InputError
from simulator.hardware.device import Device
from simulator.hardware.price_lists import PriceRange
from simulator.hardware.prices import (
    check_tier,
    priced_tiers,
    purchase_price,
    rental_price,
    server_of,
    token_price,
)
from simulator.latency.compile import BackendProvenance, CompiledBackend
from simulator.models.accuracy import accuracy_changes
from simulator.models.catalogue import name_shown
from simulator.results.context import ApiPrice, DevicePrice, DevicesBeside, PoolContext, RunContext
from simulator.results.price_rows import PriceRows
from simulator.results.ranges import Range, times, total
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.prices import OwnershipSpec, PricesSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation.known_errors import known_errors
from simulator.simulation.place import site_of
from simulator.simulation.pools import PreparedPool
from simulator.simulation.tenants import slo_of, tenant_contexts
from simulator.simulation.unknown_power import unknown_power
from simulator.units.clock import ns_from_seconds

#: Source of a price that a scenario gives.
GIVEN = "given in the scenario"
#: Source of the life of hardware where a scenario says none.
ASSUMED_LIFE = (
    "assumption of EcoLogits (GitHub mlco2/ecologits @5be90da, 2026-03-13, MPL-2.0,"
    " docs/methodology/llm_inference.md)"
)


def context_of(scenario: Scenario, pools: list[PreparedPool], notes: tuple[str, ...] = ()) -> RunContext:
    """The context of a run of these pools; ``notes`` are what a reader must know of this run alone."""
    prices = scenario.prices
    owned = prices.own or OwnershipSpec()
    models = [name_shown(scenario.model_of(pool.spec).card) for pool in pools]
    return RunContext(
        scenario=scenario.name,
        model=", ".join(dict.fromkeys(models)),
        pools=tuple(
            _pool(number, pool, model, prices)
            for number, (pool, model) in enumerate(zip(pools, models, strict=True))
        ),
        seed=scenario.seed,
        slo=slo_of(scenario.slo),
        site=site_of(prices),
        warmup_ns=ns_from_seconds(scenario.warmup),
        workload=scenario.workload.name or scenario.workload.arrivals.process,
        api=_api(prices.api),
        life_years=prices.hardware_life_years,
        life_source=GIVEN if "hardware_life_years" in prices.model_fields_set else ASSUMED_LIFE,
        share_in_service=owned.share_in_service,
        upkeep_per_year=owned.upkeep_per_year,
        tenants=tenant_contexts(scenario),
        open_loop=not scenario.workload.waits_for_answers,
        notes=notes,
    )


def _pool(number: int, pool: PreparedPool, model: str, prices: PricesSpec) -> PoolContext:
    backend, device, spec, card = pool.backend, pool.device, pool.spec, pool.card
    devices = backend.placement.devices
    price = _with_partners(device_price(device, spec.price, prices.tier), backend, prices.tier)
    beside = [(partner, count / devices) for partner, count in backend.partners]
    purchase = None if prices.own is None else _purchase(device, spec, backend)
    return PoolContext(
        name=spec.name,
        device=device.name,
        devices_per_replica=devices,
        replicas=spec.replicas,
        role=spec.role,
        model=model,
        idle_w=backend.pricer.idle_w,
        rated_w=_rated_w(device, backend),
        no_power=unknown_power(number, pool),
        price=price,
        no_price="" if price is not None else _no_price(number, pool, prices),
        purchase=purchase,
        purchase_rows=None if purchase is None or spec.purchase is not None else _purchase_rows(device),
        purchase_source="" if purchase is None else _purchase_source(device, spec),
        no_purchase="" if prices.own is None or purchase is not None else _no_purchase(number, pool),
        autoscale_max=None if spec.autoscale is None else spec.autoscale.max,
        host_w=_host_w(device, spec, beside),
        embodied_kg=_with_shares(_embodied_kg, device, beside),
        devices_per_system=device.devices_per_system,
        backend=backend.provenance.backend,
        provenance=_provenance(backend.provenance),
        estimates=_estimates(device, backend.provenance),
        known_errors=known_errors(spec.latency, card, device, backend),
        notes=backend.provenance.notes,
        accuracy_changes=accuracy_changes(card, *pool.formats),
        beside=tuple(
            DevicesBeside(partner.name, count, partner.devices_per_system)
            for partner, count in backend.partners
        ),
        seats=min(spec.engine.max_num_seqs, spec.engine.max_num_active_seqs or spec.engine.max_num_seqs),
    )


def replica_price(pool: PreparedPool, prices: PricesSpec) -> float | None:
    """Rent of all devices of one replica [USD/h], None where unknown."""
    price = device_price(pool.device, pool.spec.price, prices.tier)
    price = _with_partners(price, pool.backend, prices.tier)
    return None if price is None else price.mid * pool.backend.placement.devices


def device_price(device: Device, given: float | None, tier: str | None) -> DevicePrice | None:
    """Rent of one device [USD/h]: the scenario's own, else the shipped one, else unknown."""
    if given is not None:
        return DevicePrice(given, given, given, GIVEN)
    shipped = rental_price(device.id, None if tier is None else check_tier(tier))
    if shipped is None:
        return None
    rows = (_rows(device, shipped),)
    return DevicePrice(shipped.low, shipped.mid, shipped.high, shipped.citation, rows)


def _no_price(number: int, pool: PreparedPool, prices: PricesSpec) -> str:
    """Why the devices of the pool with this number have no price, and what says one."""
    tier = prices.tier
    for partner, _ in pool.backend.partners:
        if device_price(partner, None, tier) is None:
            return f"that of {partner.name} beside it is not known"
    others = priced_tiers(pool.device.id)
    owned = "" if prices.own is None else f"; to own it say cluster.pools.{number}.purchase"
    if tier is None or not others or check_tier(tier) in others:
        return f"in no tier of the shipped lists; say cluster.pools.{number}.price{owned}"
    return f"none in prices.tier {tier!r}, but in {', '.join(others)}{owned}"


def _with_partners(
    price: DevicePrice | None, backend: CompiledBackend, tier: str | None
) -> DevicePrice | None:
    """The price of a device with its share of the devices that stand beside the replica."""
    for partner, count in backend.partners:
        other = device_price(partner, None, tier)
        if price is None or other is None:
            return None
        share = count / backend.placement.devices
        price = DevicePrice(
            price.low + share * other.low,
            price.mid + share * other.mid,
            price.high + share * other.high,
            f"{price.source}; {partner.name}: {other.source}",
            price.rows + other.rows,
        )
    return price


def _purchase(device: Device, spec: PoolSpec, backend: CompiledBackend) -> Range | None:
    if spec.purchase is not None:
        return Range.exactly(spec.purchase)
    found = purchase_price(device.id)
    if found is None or backend.partners:
        return None
    return Range(found.low, found.mid, found.high)


def _no_purchase(number: int, pool: PreparedPool) -> str:
    """Why it is not known what the devices of the pool with this number cost to buy, and what says it."""
    beside = ", ".join(partner.name for partner, _ in pool.backend.partners)
    what = f"{pool.device.name} with {beside} beside it" if beside else pool.device.name
    return f"no purchase price of {what} is known; say cluster.pools.{number}.purchase"


def _purchase_rows(device: Device) -> PriceRows | None:
    found = purchase_price(device.id)
    return None if found is None else _rows(device, found)


def _purchase_source(device: Device, spec: PoolSpec) -> str:
    found = None if spec.purchase is not None else purchase_price(device.id)
    return GIVEN if found is None else found.citation


def _rows(device: Device, found: PriceRange) -> PriceRows:
    return PriceRows(device.name, found.rows, found.date, found.unverified, found.tiers)


def _rated_w(device: Device, backend: CompiledBackend) -> float | None:
    """Power limit of one replica's devices, partners included [W]."""
    parts = [(device, backend.placement.devices), *backend.partners]
    if any(part.tdp_w is None for part, _ in parts):
        return None
    return sum((part.tdp_w or 0.0) * count for part, count in parts)


def _with_shares(
    figure: Callable[[Device], Range | None], device: Device, beside: Sequence[tuple[Device, float]]
) -> Range | None:
    """A figure of a device with its share of the devices beside the replica, None where one is unknown."""
    return total([figure(device), *(times(figure(other), share) for other, share in beside)])


def _host_w(device: Device, spec: PoolSpec, beside: Sequence[tuple[Device, float]]) -> Range | None:
    """Draw of hosts; what the scenario says is that of each device, whichever side it stands on."""
    given = spec.power.host
    if given is not None:
        return Range.exactly(given * (1.0 + sum(share for _, share in beside)))
    return _with_shares(_shipped_host_w, device, beside)


def _shipped_host_w(device: Device) -> Range | None:
    return next((Range(*row.host) for row in server_of(device.id) if row.host is not None), None)


def _embodied_kg(device: Device) -> Range | None:
    return next((Range(*row.embodied) for row in server_of(device.id) if row.embodied is not None), None)


def _api(name: str | None) -> ApiPrice | None:
    if name is None:
        return None
    found = token_price(name)
    if found is None or found.input is None or found.output is None:
        raise InputError(f"no API price of {name!r} is known; see prices/api_tokens.yaml", key="prices.api")
    source = f"{'; '.join(found.source)}, {found.date}"
    return ApiPrice(found.model, found.input, found.output, source)


def _provenance(provenance: BackendProvenance) -> str:
    return f"{provenance.error}. Sources: {'; '.join(provenance.sources)}."


def _estimates(device: Device, provenance: BackendProvenance) -> tuple[str, ...]:
    profile = tuple(f"{name} of {device.name}" for name in device.estimates)
    announced = (f"{device.name} is only announced",) if device.status == "announced" else ()
    return (*announced, *provenance.estimated, *profile)
