"""What a result must know about its run besides the recorded columns.

The room that runs a scenario fills this in; everything computed afterwards (metrics,
cost, energy, carbon, reports) rests on the recording and on this and on nothing else, so
that a saved result can be summed up and drawn again without the scenario's parts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from simulator.models.accuracy import AccuracyChange
from simulator.results.error_bars import NOTHING_KNOWN, KnownErrors
from simulator.results.price_rows import PriceRows
from simulator.results.ranges import Range


@dataclass(frozen=True, slots=True)
class DevicePrice:
    """Rent of one device [USD/h] as a range, with its source and date.

    ``mid`` is the figure that costs are computed with; ``low`` and ``high`` span the market
    where it has a spread (all three equal otherwise). Rent includes electricity. ``rows`` are what it rests
    on, one kind of device each; none where the scenario gives it.
    """

    low: float
    mid: float
    high: float
    source: str
    rows: tuple[PriceRows, ...] = ()

    @property
    def span(self) -> Range:
        """The three figures."""
        return Range(self.low, self.mid, self.high)


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """List price of an API [USD per million tokens], with its name and source."""

    name: str
    input_usd: float
    output_usd: float
    source: str


@dataclass(frozen=True, slots=True)
class DevicesBeside:
    """``count`` devices beside each replica: they hold feed-forward weights, or the draft."""

    device: str
    count: int
    per_system: int = 1


@dataclass(frozen=True, slots=True)
class PoolContext:
    """One pool of equal replicas.

    Attributes
    ----------
    devices_per_replica
        Devices that hold the replica itself, of the kind that ``device`` names.
    beside
        Further devices of each replica; draws and prices have them in.
    idle_w
        Draw of one replica's devices with weights loaded and no work [W], None if unknown.
    rated_w
        Power limit of one replica's devices [W], None if not published.
    no_power
        Where the energy is unknown: which draw is missing and what says it, one phrase each.
    price
        Rent per device-hour with its share of those beside, None if unknown.
    no_price
        Where it is unknown: why, and what says one, in words.
    purchase
        Price of one device with its share of the server and of those beside [USD], where hardware is owned
        and not rented.
    purchase_rows
        What that price rests on; None where the scenario gives it.
    purchase_source
        Where it comes from; empty where hardware is rented.
    no_purchase
        Where hardware is rented although it was to be owned: why, and what says a purchase price, in words.
    autoscale_max
        Most replicas that an autoscaler may have on; None without one.
    host_w
        Draw of a device's share of its server, the device aside [W], None if unknown; likewise.
    embodied_kg
        Emissions of making a device and its share of the server [kg CO2e], None if unknown; likewise.
    devices_per_system
        Devices in one unit as it is sold.
    backend
        Name of the latency backend that priced the steps.
    provenance
        Where the backend's numbers come from and how far it was off on the nearest
        measured data, in one or two sentences.
    estimates
        What the result of this pool rests on that no source supports, one phrase each.
    accuracy_changes
        What the formats of weights and cache change in the model's answers, as published.
    known_errors
        What the backend was compared with near this device and model.
    seats
        Most sequences in a step of one replica, None if unknown.
    """

    name: str
    device: str
    devices_per_replica: int
    replicas: int
    role: str = "unified"
    model: str = ""
    idle_w: float | None = None
    rated_w: float | None = None
    no_power: tuple[str, ...] = ()
    price: DevicePrice | None = None
    no_price: str = ""
    purchase: Range | None = None
    purchase_rows: PriceRows | None = None
    purchase_source: str = ""
    no_purchase: str = ""
    autoscale_max: int | None = None
    host_w: Range | None = None
    embodied_kg: Range | None = None
    devices_per_system: int = 1
    backend: str = "unknown"
    provenance: str = ""
    estimates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    accuracy_changes: tuple[AccuracyChange, ...] = ()
    known_errors: KnownErrors = NOTHING_KNOWN
    seats: int | None = None
    beside: tuple[DevicesBeside, ...] = ()

    @property
    def devices(self) -> int:
        """Devices that hold the replicas which there are at first, those beside them aside."""
        return self.devices_per_replica * self.replicas

    @property
    def most_replicas(self) -> int:
        """Replicas that can be on at once."""
        return max(self.replicas, self.autoscale_max or 0)

    @property
    def most_devices(self) -> int:
        """Devices that can be on at once, those beside the replicas included."""
        each = self.devices_per_replica + sum(other.count for other in self.beside)
        return each * self.most_replicas

    @property
    def most_systems(self) -> int:
        """Units, as they are sold, that hold these devices."""
        kinds = [(self.devices_per_replica, self.devices_per_system)]
        kinds += [(other.count, other.per_system) for other in self.beside]
        return sum(ceil(each * self.most_replicas / per_system) for each, per_system in kinds)

    @property
    def most_rated_w(self) -> float | None:
        """Power limit of all devices that can be on at once [W], None if not published."""
        return None if self.rated_w is None else self.rated_w * self.most_replicas

    @property
    def owned(self) -> bool:
        """Whether its devices are bought and not rented."""
        return self.purchase is not None


@dataclass(frozen=True, slots=True)
class PercentileLimit:
    """``percent`` % of the requests have a latency ("ttft", "tpot", "e2e") of at most ``limit_s`` [s]."""

    percent: float
    latency: str
    limit_s: float

    @property
    def name(self) -> str:
        """As in a scenario: ``p99_ttft``."""
        return f"p{self.percent:g}_{self.latency}"


@dataclass(frozen=True, slots=True)
class Slo:
    """Service-level objectives: thresholds [s], None where not asked for.

    ``attainment`` is the share of requests that must meet all given thresholds; every one of ``percentiles``
    stands for itself.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    attainment: float = 0.99
    percentiles: tuple[PercentileLimit, ...] = ()

    @property
    def per_request(self) -> bool:
        """True where a request by itself can be good or not."""
        return not (self.ttft_s is None and self.tpot_s is None and self.e2e_s is None)

    @property
    def given(self) -> bool:
        """True where there is anything to meet."""
        return self.per_request or bool(self.percentiles)


@dataclass(frozen=True, slots=True)
class TenantContext:
    """One kind of requests: its model, objectives, priority and traffic."""

    name: str
    model: str = ""
    slo: Slo = Slo()
    priority: int = 0
    workload: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The place that houses the cluster; None where unknown.

    Attributes
    ----------
    pue
        Facility energy over the energy of computers.
    electricity_usd_per_kwh
        Price of electricity [USD/kWh].
    grid_kg_per_kwh
        Carbon intensity of the grid [kg CO2e/kWh].
    grid_kg_per_kwh_by_hour
        The same for each hour of the day, 24 figures, instead.
    first_hour
        Hour of the day at which the run starts.
    site_l_per_kwh
        Water evaporated on site per energy of computers [l/kWh].
    grid_l_per_kwh
        Water used to make the electricity [l/kWh].
    source
        Where these come from.
    """

    pue: Range | None = None
    electricity_usd_per_kwh: Range | None = None
    grid_kg_per_kwh: Range | None = None
    grid_kg_per_kwh_by_hour: tuple[float, ...] | None = None
    first_hour: int = 0
    site_l_per_kwh: Range | None = None
    grid_l_per_kwh: Range | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run in words and prices. ``pools`` stand in the order of the recording's pools; ``model`` names all
    that they serve.

    Hardware lives ``life_years`` by ``life_source``, is in service for ``share_in_service`` of it and costs
    ``upkeep_per_year`` of its price every year; ``api`` is what the same tokens could be bought from. In an
    ``open_loop`` requests come at times of their own, whatever becomes of those before.
    """

    scenario: str
    model: str
    pools: tuple[PoolContext, ...]
    seed: int = 0
    slo: Slo = Slo()
    site: Site = Site()
    warmup_ns: int = 0
    workload: str = ""
    notes: tuple[str, ...] = ()
    api: ApiPrice | None = None
    life_years: float = 3.0
    life_source: str = ""
    share_in_service: float = 1.0
    upkeep_per_year: float = 0.0
    tenants: tuple[TenantContext, ...] = ()
    open_loop: bool = True

    @property
    def has_objectives(self) -> bool:
        """True where requests have thresholds to meet."""
        return any(slo.per_request for slo in self.objectives)

    @property
    def objectives(self) -> list[Slo]:
        """Objectives that requests are held to: each tenant's, or the scenario's."""
        return [tenant.slo for tenant in self.tenants] or [self.slo]

    @property
    def rests_on_estimates(self) -> bool:
        """True where any value behind the result is an estimate."""
        return any(pool.estimates for pool in self.pools)

    def to_dict(self) -> dict[str, Any]:
        """The context as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunContext:
        """The inverse of ``to_dict``. Raises KeyError or TypeError on other data."""
        fields = dict(data)
        fields["pools"] = tuple(_pool_from(pool) for pool in fields["pools"])
        fields["slo"] = _slo_from(fields["slo"])
        fields["site"] = _site_from(fields["site"])
        fields["api"] = None if fields["api"] is None else ApiPrice(**fields["api"])
        fields["notes"] = tuple(fields["notes"])
        fields["tenants"] = tuple(
            TenantContext(**{**tenant, "slo": _slo_from(tenant["slo"])})
            for tenant in fields.get("tenants", ())
        )
        return cls(**fields)


def _slo_from(data: dict[str, Any]) -> Slo:
    limits = tuple(PercentileLimit(**limit) for limit in data.get("percentiles", ()))
    return Slo(**{**data, "percentiles": limits})


def _pool_from(data: dict[str, Any]) -> PoolContext:
    price = data["price"]
    return PoolContext(
        **{
            **data,
            "price": None if price is None else _price_from(price),
            "purchase_rows": _rows_from(data.get("purchase_rows")),
            **{name: _range_from(data[name]) for name in ("purchase", "host_w", "embodied_kg")},
            "no_power": tuple(data.get("no_power", ())),
            "beside": tuple(DevicesBeside(**other) for other in data.get("beside", ())),
            "estimates": tuple(data["estimates"]),
            "notes": tuple(data["notes"]),
            "accuracy_changes": tuple(AccuracyChange(**change) for change in data["accuracy_changes"]),
            "known_errors": KnownErrors.from_dict(data["known_errors"]),
        }
    )


def _price_from(data: dict[str, Any]) -> DevicePrice:
    rows = tuple(PriceRows.from_dict(one) for one in data.get("rows", ()))
    return DevicePrice(**{**data, "rows": rows})


def _rows_from(data: dict[str, Any] | None) -> PriceRows | None:
    return None if data is None else PriceRows.from_dict(data)


def _site_from(data: dict[str, Any]) -> Site:
    by_hour = data["grid_kg_per_kwh_by_hour"]
    ranges = ("pue", "electricity_usd_per_kwh", "grid_kg_per_kwh", "site_l_per_kwh", "grid_l_per_kwh")
    return Site(
        **{name: _range_from(data[name]) for name in ranges},
        grid_kg_per_kwh_by_hour=None if by_hour is None else tuple(by_hour),
        first_hour=data["first_hour"],
        source=data["source"],
    )


def _range_from(data: dict[str, float] | None) -> Range | None:
    return None if data is None else Range(**data)
