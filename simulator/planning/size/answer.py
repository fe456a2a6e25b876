"""What a sizing question was answered with: design, failing neighbour, verification; for all hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from simulator.planning.designs import changed
from simulator.planning.size.bound import Estimate
from simulator.planning.size.rules import Rules
from simulator.planning.size.search import Found
from simulator.planning.size.trial import Trial
from simulator.planning.size.verdict import verdict_of
from simulator.reporting import numbers as show
from simulator.results.hosts import NONE_MISSING, MissingHosts
from simulator.results.price_rows import PriceKind
from simulator.results.ranges import Range, mid, times, total
from simulator.scenario.scenario import Scenario
from simulator.scenario.size import Minimise


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one kind of hardware came to.

    Attributes
    ----------
    found
        Its best design; None where it has none.
    reason
        Why it has none.
    estimate
        Bound, guess and price of the best design's family.
    others
        What became of its other layouts, settings and splits, one phrase each.
    spare
        Units on top that may fail.
    """

    hardware: str
    found: Found | None
    estimate: Estimate | None
    reason: str | None
    others: tuple[str, ...]
    spare: int

    @property
    def units(self) -> int:
        """Units to buy, spares included."""
        assert self.found is not None
        return self.found.units + self.spare

    @property
    def devices(self) -> int:
        """Devices to buy, spares included."""
        assert self.found is not None
        return self.found.family.devices * self.units

    @property
    def usd_per_hour(self) -> Range | None:
        """Cost of all of it [USD/h], as simulated, the spares at rest; None where a price is unknown."""
        return self.usd_of(self.units)

    @property
    def drawn_w(self) -> float | None:
        """Mean draw of the site as simulated, the spares at rest [W]; None where unknown."""
        return self.drawn_by(self.units)

    @property
    def limit_w(self) -> float | None:
        """Power limit of all devices, spares included [W]; None where one publishes none."""
        each = self._of_one("power_limit_w")
        return None if each is None else each * self.units

    def usd_of(self, units: int) -> Range | None:
        """Cost of so many units, of which the spares rest [USD/h]; None where a price is unknown."""
        return _with_spares(self.unit_usd, units - self.spare, self.spare_usd, self.spare)

    def drawn_by(self, units: int) -> float | None:
        """Mean draw of the site for so many units, of which the spares rest [W]; None where unknown."""
        each = self._of_one("facility_power_w")
        rest = None if self.estimate is None else self.estimate.resting_w
        working = None if each is None else Range.exactly(each)
        return mid(_with_spares(working, units - self.spare, rest, self.spare))

    @property
    def unit_usd(self) -> Range | None:
        """Cost of one unit that works [USD/h], as simulated; None where a price is unknown."""
        low, middle, high = (self._of_one(f"cost_per_hour_usd{end}") for end in ("_low", "", "_high"))
        return None if low is None or middle is None or high is None else Range(low, middle, high)

    @property
    def spare_usd(self) -> Range | None:
        """Cost of one unit at rest [USD/h]; None where a price is unknown."""
        return None if self.estimate is None else self.estimate.resting_usd_per_hour

    def _of_one(self, key: str) -> float | None:
        """One unit's part of a figure's mean in the trials, in which no spare is."""
        assert self.found is not None
        known = self.found.verdict.mean(key)
        return None if known is None else known / self.found.units

    @property
    def scenario(self) -> Scenario:
        """The design, spares included, ready to run."""
        assert self.found is not None
        return changed(self.found.family.with_units(self.units), size=None, compare=None)

    @property
    def fewest(self) -> int:
        """Units that the trials leave possible at the least, spares included."""
        assert self.found is not None
        least = self.found.units if self.found.doubt is None else self.found.doubt[0]
        return least + self.spare

    @property
    def most(self) -> int:
        """Units that the trials leave possible at the most, spares included."""
        assert self.found is not None
        most = self.found.units if self.found.doubt is None else self.found.doubt[1]
        return most + self.spare

    @property
    def undecided(self) -> str | None:
        """In words, between which numbers of units to buy the answer lies; None where there is no doubt."""
        if self.found is None or self.found.doubt is None:
            return None
        least, most = (number + self.spare for number in self.found.doubt)
        spare = f", {self.spare} of them spare" if self.spare else ""
        return f"undecided between {least} and {most} units{spare}: raise requests or size.replications"

    @property
    def prices(self) -> tuple[PriceKind, ...]:
        """What kind of price its cost rests on."""
        return () if self.estimate is None else self.estimate.prices

    @property
    def missing(self) -> MissingHosts:
        """Whose hosts its draw leaves out, for theirs is not known."""
        known = self.estimate is not None and self.drawn_w is not None
        return self.estimate.missing if known and self.estimate is not None else NONE_MISSING

    def weight(self, minimise: Minimise, units: int | None = None) -> tuple[float, float, float]:
        """What the choice is made by, least first, of so many units (None: its own); the unknown comes last.

        A draw that is not known comes behind all that are, and among its like by the limit of the devices:
        the two are never held against each other.
        """
        if self.found is None:
            return (inf, inf, inf)
        units = self.units if units is None else units
        devices = float(self.found.family.devices * units)
        by = {"cost": mid(self.usd_of(units)), "devices": devices, "power": self.drawn_by(units)}[minimise]
        limit = self.limit_w if minimise == "power" else None
        return (
            inf if by is None else by,
            inf if limit is None else limit * units / self.units,
            devices,
        )

    def unweighed(self, rules: Rules) -> bool:
        """Whether what is to be least is unknown of this design."""
        return self.found is not None and self.weight(rules.minimise)[0] == inf

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        about: dict[str, Any] = {
            "hardware": self.hardware,
            "reason": self.reason,
            "others": list(self.others),
        }
        if self.found is None:
            return {**about, "met": False}
        found, cost = self.found, self.usd_per_hour
        pools = self.scenario.cluster.pools
        return {
            **about,
            "met": True,
            "undecided": self.undecided,
            "undecided_units": None if found.doubt is None else list(found.doubt),
            "label": found.family.label,
            "units": found.units,
            "spare": self.spare,
            "units_with_spare": self.units,
            "replicas": {pool.name: pool.replicas for pool in pools},
            "devices": self.devices,
            "parallelism": [pool.parallelism.model_dump() for pool in pools],
            "cost_per_hour_usd": None if cost is None else cost.mid,
            "cost_per_hour_usd_low": None if cost is None else cost.low,
            "cost_per_hour_usd_high": None if cost is None else cost.high,
            "prices": [price.to_dict() for price in self.prices],
            "facility_power_w": self.drawn_w,
            "facility_power_leaves_out_hosts_of": list(self.missing.devices),
            "power_limit_w": self.limit_w,
            "bound": None if self.estimate is None else self.estimate.least,
            "verdict": found.verdict.to_dict(),
            "one_fewer": None if found.neighbour is None else found.neighbour.to_dict(),
            "verification": {**verdict_of([found.verification]).to_dict(), "seed": found.verification.seed},
            "refuted": [{"units": units, **verdict_of([trial]).to_dict()} for units, trial in found.refuted],
        }


def _with_spares(working: Range | None, units: int, resting: Range | None, spare: int) -> Range | None:
    """A figure of one ``working`` unit for so many of them, and of a ``resting`` one for each spare."""
    whole = times(working, units)
    return total((whole, times(resting, spare))) if spare else whole


@dataclass(frozen=True, slots=True)
class SizeAnswer:
    """The answer, best candidate first.

    Attributes
    ----------
    simulations, requests
        How many simulations it took, and how many requests they served.
    """

    scenario: Scenario
    rules: Rules
    candidates: tuple[Candidate, ...]
    simulations: int
    requests: int

    @property
    def best(self) -> Candidate | None:
        """The chosen design; None where nothing meets the objectives."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.found is not None else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        best = self.best
        return {
            "scenario": self.scenario.name,
            "solved": best is not None,
            "minimise": self.rules.minimise,
            "design": None if best is None else best.to_dict(),
            "might_win": [one.to_dict() for one in might_win(self.candidates, self.rules.minimise)],
            "design_scenario": None if best is None else scenario_of(best.scenario),
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "simulations": self.simulations,
            "simulated_requests": self.requests,
        }


def scenario_of(scenario: Scenario) -> dict[str, Any]:
    """A scenario as it can be written to a file and run."""
    written = scenario.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    if scenario.tenants:  # which have workloads of their own
        written.pop("workload", None)
    return written


def ranked(candidates: Sequence[Candidate], rules: Rules) -> tuple[Candidate, ...]:
    """Candidates, the best first, those without a design last."""
    return tuple(sorted(candidates, key=lambda one: (one.found is None, one.weight(rules.minimise))))


@dataclass(frozen=True, slots=True)
class Rival:
    """A design that would beat the best, if the trials turned out so as they leave possible.

    Attributes
    ----------
    units
        Units of it that would, spares included: its own, or the fewest that its trials leave possible.
    best, best_units
        What it would beat, and the most units that the trials of that leave possible, spares included, where
        it would not beat fewer; None where it beats the units of the answer.
    """

    candidate: Candidate
    units: int
    best: Candidate
    best_units: int | None
    minimise: Minimise

    @property
    def sentence(self) -> str:
        """In words, what would be better, and on what that hangs.

        ``1 unit of google-tpu-v6e, if it is enough, would be cheaper: $21.60 per hour``;
        ``3 units of nvidia-l4 would be cheaper, if nvidia-h100-sxm takes 2 units: $2.42 per hour``.
        """
        one, units = self.candidate, self.units
        amount = one.weight(self.minimise, units)[0]
        better, so_much = {
            "cost": ("be cheaper", f"{show.dollars(amount)} per hour"),
            "devices": ("take fewer devices", f"{amount:.0f}"),
            "power": ("draw less", show.watts(amount)),
        }[self.minimise]
        hangs = "" if units == one.units else f", if {'it is' if units == 1 else 'they are'} enough,"
        takes = (
            ""
            if self.best_units is None
            else f", if {self.best.hardware} takes {show.counted(self.best_units, 'unit')}"
        )
        return f"{show.counted(units, 'unit')} of {one.hardware}{hangs} would {better}{takes}: {so_much}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        one = self.candidate
        return {
            "hardware": one.hardware,
            "units": self.units - one.spare,
            "units_with_spare": self.units,
            "best_units_with_spare": self.best_units,
            "cost_per_hour_usd": mid(one.usd_of(self.units)),
            "reason": self.sentence,
        }


def might_win(candidates: Sequence[Candidate], minimise: Minimise) -> list[Rival]:
    """Of which designs the trials leave open whether they would be the best, as undecided as all are."""
    found = [one for one in candidates if one.found is not None]
    if not found:
        return []
    best = min(found, key=lambda one: one.weight(minimise))
    rivals = [_rival(one, best, minimise) for one in found if one is not best]
    return [one for one in rivals if one is not None]


def _rival(one: Candidate, best: Candidate, minimise: Minimise) -> Rival | None:
    """How a design might beat the best, by what hangs on least; None where it can not."""
    least, most = (best.weight(minimise, units)[0] for units in (best.units, best.most))
    for units, best_units, limit in (
        (one.fewest, None, least),
        (one.units, best.most, most),
        (one.fewest, best.most, most),
    ):
        if one.weight(minimise, units)[0] < limit:
            return Rival(one, units, best, best_units, minimise)
    return None


def count(trials: Sequence[Trial]) -> tuple[int, int]:
    """How many trials, and requests in them."""
    return len(trials), sum(trial.requests for trial in trials)
