"""Is the scheduler vLLM's, step for step? Replays recorded schedules and compares every record.

Two kinds of recordings are known: scenarios of the scheduler oracle with the trace beside them
(`calibration.oracle`), and runs of a real engine that noted every iteration
(`calibration.measured_steps`). Both are replayed by the engine that simulations use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from simulator.calibration.measured_steps import is_measured_run, read_measured_steps
from simulator.calibration.oracle import SCENARIO_SUFFIXES, Record, is_scenario
from simulator.calibration.replay import read_replay
from simulator.engine.build import build_replica
from simulator.engine.replica import Replica
from simulator.errors import InputError, SimulatorError, nearest_file

ReplicaFactory = Callable[..., Replica]


class Recording(Protocol):
    """A recorded schedule that can be replayed.

    Attributes
    ----------
    name
        For the report.
    expected
        Records of the steps in order, then those of the requests.
    """

    @property
    def name(self) -> str: ...

    @property
    def expected(self) -> list[Record]: ...

    def replay(self, factory: ReplicaFactory) -> Iterator[Record]:
        """The same records as an engine makes them, one by one while it runs."""
        ...


@dataclass(frozen=True)
class Difference:
    """The first record in which a replay departs from its recording.

    ``expected`` and ``found`` hold the fields that differ; None where a side has no record left.
    """

    where: str
    expected: Record | None
    found: Record | None


@dataclass(frozen=True)
class ScenarioReport:
    """Outcome of one recording."""

    name: str
    steps: int
    identical_steps: int
    difference: Difference | None


@dataclass(frozen=True)
class ConformanceReport:
    """Outcome of all recordings."""

    scenarios: tuple[ScenarioReport, ...]

    @property
    def identical(self) -> bool:
        """True where nothing differs anywhere."""
        return all(scenario.difference is None for scenario in self.scenarios)

    @property
    def headline(self) -> str:
        """The one line that counts."""
        same = sum(scenario.difference is None for scenario in self.scenarios)
        steps = sum(scenario.steps for scenario in self.scenarios)
        identical = sum(scenario.identical_steps for scenario in self.scenarios)
        return f"{same} of {len(self.scenarios)} scenarios, {identical} of {steps} steps identical"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"headline": self.headline, "identical": self.identical, **asdict(self)}


def check_conformance(paths: Iterable[Path], factory: ReplicaFactory = build_replica) -> ConformanceReport:
    """Replay recordings and compare each replay with what was recorded.

    Parameters
    ----------
    paths
        Scenario files, folders of measured runs, or folders of either.
    factory
        Builds the replica that replays; the simulations' own by default.

    Raises
    ------
    InputError
        Where a path holds no recording, or a damaged one.
    """
    places = [place for path in paths for place in recordings_at(path)]
    return ConformanceReport(tuple(compare(read_recording(place), factory) for place in places))


def recordings_at(path: Path) -> list[Path]:
    """The recordings that a path means: itself, or those in the folder."""
    if not path.exists():
        raise InputError(f"there is no such file or folder{nearest_file(path)}", file=path)
    if is_scenario(path) or is_measured_run(path):
        return [path]
    inside = sorted(path.iterdir()) if path.is_dir() else []
    found = [place for place in inside if is_scenario(place) or is_measured_run(place)]
    if not found:
        raise InputError(
            f"no recorded schedule here; expected files *{SCENARIO_SUFFIXES[0]} with their traces,"
            " or a measured run with run.yaml and iterations.csv.gz",
            file=path,
        )
    return found


def read_recording(place: Path) -> Recording:
    """Read the recording at one of the places that `recordings_at` found."""
    return read_measured_steps(place) if is_measured_run(place) else read_replay(place)


def compare(recording: Recording, factory: ReplicaFactory = build_replica) -> ScenarioReport:
    """Compare a whole replay with its recording."""
    steps = sum(record["type"] == "step" for record in recording.expected)
    identical = 0
    difference = None
    for want, have in _side_by_side(recording, factory):
        if want == have:
            identical += want is not None and want["type"] == "step"
        else:
            difference = difference or _difference(want, have)
    return ScenarioReport(recording.name, steps, identical, difference)


def first_difference(recording: Recording, factory: ReplicaFactory = build_replica) -> Difference | None:
    """The first difference, without replaying what comes after it."""
    pairs = _side_by_side(recording, factory)
    return next((_difference(want, have) for want, have in pairs if want != have), None)


def _side_by_side(
    recording: Recording, factory: ReplicaFactory
) -> Iterator[tuple[Record | None, Record | None]]:
    return zip_longest(recording.expected, _until_it_breaks(recording.replay(factory)))


def _until_it_breaks(found: Iterator[Record]) -> Iterator[Record]:
    """An engine that gets stuck has departed from its recording, which did not."""
    try:
        yield from found
    except InputError:
        raise
    except SimulatorError as error:
        yield {"type": "error", "error": str(error)}


def _difference(want: Record | None, have: Record | None) -> Difference:
    where = _where(want or have or {})
    if want is None or have is None:
        return Difference(where, want, have)
    fields = [key for key in want | have if want.get(key) != have.get(key)]
    return Difference(where, {key: want.get(key) for key in fields}, {key: have.get(key) for key in fields})


def _where(record: Record) -> str:
    match record["type"]:
        case "step":
            return f"step {record['i']}"
        case "request":
            return f"request {record['id']}"
        case "abort":
            return f"abort at {record['t_ns']} ns"
        case kind:
            return str(kind)
