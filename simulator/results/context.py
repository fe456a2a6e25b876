"""What a result must know about its run besides the recorded columns.

The room that runs a scenario fills this in; everything computed afterwards (metrics,
cost, energy, carbon, reports) rests on the recording and on this and on nothing else, so
that a saved result can be summed up and drawn again without the scenario's parts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DevicePrice:
    """Rent of one device [USD/h] as a range, with its source and date.

    ``mid`` is the figure that costs are computed with; ``low`` and ``high`` span the market
    where it has a spread (all three equal otherwise). Rent includes electricity.
    """

    low: float
    mid: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class PoolContext:
    """One pool of equal replicas.

    Attributes
    ----------
    idle_w
        Draw of one replica's devices with weights loaded and no work [W], None if unknown.
    price
        Rent per device-hour, None if unknown.
    backend
        Name of the latency backend that priced the steps.
    provenance
        Where the backend's numbers come from and how far it was off on the nearest
        measured data, in one or two sentences.
    estimates
        What the result of this pool rests on that no source supports, one phrase each.
    """

    name: str
    device: str
    devices_per_replica: int
    replicas: int
    role: str = "unified"
    idle_w: float | None = None
    price: DevicePrice | None = None
    backend: str = "unknown"
    provenance: str = ""
    estimates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def devices(self) -> int:
        """Devices of the whole pool."""
        return self.devices_per_replica * self.replicas


@dataclass(frozen=True, slots=True)
class Slo:
    """Service-level objectives: thresholds [s], None where not asked for.

    ``attainment`` is the share of requests that must meet all given thresholds.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    attainment: float = 0.99

    @property
    def given(self) -> bool:
        """True where at least one threshold is set."""
        return not (self.ttft_s is None and self.tpot_s is None and self.e2e_s is None)


@dataclass(frozen=True, slots=True)
class Site:
    """The place that houses the cluster; None where unknown.

    Attributes
    ----------
    pue
        Facility energy over device energy.
    electricity_usd_per_kwh
        Price of electricity [USD/kWh].
    grid_kg_per_kwh
        Carbon intensity of the grid [kg CO2e/kWh].
    source
        Where these come from.
    """

    pue: float | None = None
    electricity_usd_per_kwh: float | None = None
    grid_kg_per_kwh: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run in words and prices. ``pools`` stand in the order of the recording's pools."""

    scenario: str
    model: str
    pools: tuple[PoolContext, ...]
    seed: int = 0
    slo: Slo = Slo()
    site: Site = Site()
    warmup_ns: int = 0
    workload: str = ""
    notes: tuple[str, ...] = ()

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
        fields["slo"] = Slo(**fields["slo"])
        fields["site"] = Site(**fields["site"])
        fields["notes"] = tuple(fields["notes"])
        return cls(**fields)


def _pool_from(data: dict[str, Any]) -> PoolContext:
    price = data["price"]
    return PoolContext(
        **{
            **data,
            "price": None if price is None else DevicePrice(**price),
            "estimates": tuple(data["estimates"]),
            "notes": tuple(data["notes"]),
        }
    )
