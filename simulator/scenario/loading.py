"""From a file, a shipped name or a mapping to a checked `Scenario`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.errors import InputError
from simulator.scenario.checks import check_names
from simulator.scenario.overrides import override, parse_assignment, says, without
from simulator.scenario.references import find_file, meant_from, meant_from_here, with_paths
from simulator.scenario.scenario import Scenario
from simulator.units.explain import as_input_error, explain, unknown_keys
from simulator.units.key_paths import Step, parse_path
from simulator.units.yaml_file import read_mapping

Overrides = Iterable[str] | Mapping[str, Any]


def load_scenario(source: str | Path | Mapping[str, Any], overrides: Overrides = ()) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    source
        Path of a YAML file, name of a shipped scenario, or the mapping itself.
    overrides
        Values to replace: ``["cluster.pools[0].replicas=8"]`` or
        ``{"cluster.pools.0.replicas": 8}``; null takes a key back to its default. A path among them
        is meant from the current folder where there is such a file, else, as all paths in a scenario,
        from the scenario's.

    Raises
    ------
    InputError
        Where anything is wrong; names file, key, what was found and what is allowed.
    """
    return _Reading(source, overrides).scenario()


def scenario_content(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The scenario as it is written, with named workloads put in their places; nothing is checked.

    Raises
    ------
    InputError
        Where the file or the workload that it names is missing or no mapping in YAML.
    """
    return _Reading(source, ()).content


def placed_here(path: str, value: Any) -> Any:
    """What is set at a path of keys, with the paths of files in it that the current folder has made absolute.

    Raises
    ------
    InputError
        Where ``path`` is no path of keys.
    """
    return with_paths(value, meant_from_here, _last_key(parse_path(path)))


def _last_key(steps: Iterable[Step]) -> str:
    """The key that a value stands under, itself or as an item of a list."""
    return next((step for step in reversed(tuple(steps)) if isinstance(step, str)), "")


class _Reading:
    """One scenario on its way from text to specs, and where each part of it came from."""

    def __init__(self, source: str | Path | Mapping[str, Any], overrides: Overrides) -> None:
        self.file: Path | None = None
        self.content: dict[str, Any]
        if isinstance(source, Mapping):
            self.content, self.base = dict(source), Path.cwd()
        else:
            self.file = _scenario_file(source)
            self.content, self.base = read_mapping(self.file), self.file.resolve().parent
        self.workload_file: Path | None = None
        self.changed: Mapping[str, Any] = {}  # what the scenario itself says of a workload that it names
        self.overridden: list[tuple[Step, ...]] = []
        self.nulls: dict[tuple[Step, ...], bool] = {}  # keys set to null, and whether they had a value
        self._override(overrides)
        self._open_references()

    def scenario(self) -> Scenario:
        try:
            scenario = self._validated()
        except ValidationError as error:
            raise self._explained(error) from None
        try:
            check_names(scenario)
        except InputError as error:
            raise self._placed(error) from None
        return scenario.located(self.workload_file.parent if self.workload_file else self.base, self.file)

    def _validated(self) -> Scenario:
        """The content as a scenario; a key that was set to null and may not be takes its default.

        Null is a value of its own in some places (no autoscaler, no verifier), so it is tried as such first.
        A key that nothing knows has no default: it may only go where there was one to take away.
        """
        try:
            return Scenario.model_validate(self.content)
        except ValidationError as error:
            wrong = [path for path, _ in explain(error, Scenario, self.content)]
            unknown = unknown_keys(error, Scenario, self.content)
            refused = [
                steps for steps, had in self.nulls.items() if steps in wrong and (had or steps not in unknown)
            ]
            if not refused:
                raise
            for steps in refused:
                self.content = without(self.content, steps)
            return Scenario.model_validate(self.content)

    def _override(self, overrides: Overrides) -> None:
        pairs = overrides.items() if isinstance(overrides, Mapping) else map(parse_assignment, overrides)
        for path, value in pairs:
            steps = parse_path(path)
            found = with_paths(placed_here(path, value), meant_from(self.base), _last_key(steps))
            if value is None and isinstance(steps[-1], str):
                self.nulls.setdefault(steps, says(self.content, steps))
            self.content = override(self.content, steps, found, self._expand)
            self.overridden.append(steps)

    def _expand(self, key: Step, name: str) -> Mapping[str, Any] | None:
        """What a name stands for, so that an override can reach inside it."""
        if key == "workload":
            return self._workload(name)
        return {"card": name} if key == "model" else None

    def _workload(self, name: str) -> dict[str, Any]:
        file = find_file(name, "workloads", self.base, "workload", key="workload")
        self.workload_file = file
        return read_mapping(file, "workload")

    def _open_references(self) -> None:
        """Put shipped workloads in their places and make the user's own paths absolute."""
        workload = self.content.get("workload")
        try:
            if isinstance(workload, str):
                self.content["workload"] = self._workload(workload)
            elif isinstance(workload, Mapping) and isinstance(workload.get("from"), str):
                changes = {key: value for key, value in workload.items() if key != "from"}
                self.changed = with_paths(changes, meant_from(self.base))
                self.content["workload"] = _merged(self._workload(workload["from"]), self.changed)
            self._open_tenants()
        except InputError as error:
            raise self._placed(error) from None
        own = {key: part for key, part in self.content.items() if key != "workload"}
        self.content |= with_paths(own, meant_from(self.base))

    def _open_tenants(self) -> None:
        """The same for the workload of each tenant; paths of its traces are meant from its own file."""
        tenants = self.content.get("tenants")
        if not isinstance(tenants, list | tuple):
            return
        opened = []
        for number, tenant in enumerate(tenants):
            workload = tenant.get("workload") if isinstance(tenant, Mapping) else None
            changes: Mapping[str, Any] = {}
            if isinstance(workload, Mapping) and isinstance(workload.get("from"), str):
                changes = {key: value for key, value in workload.items() if key != "from"}
                workload = workload["from"]
            if isinstance(workload, str):
                key = f"tenants[{number}].workload"
                file = find_file(workload, "workloads", self.base, "workload", key=key)
                read = with_paths(read_mapping(file, "workload"), meant_from(file.parent))
                tenant = {**tenant, "workload": _merged(read, changes)}
            elif isinstance(workload, Mapping):
                tenant = {**tenant, "workload": with_paths(workload, meant_from(self.base))}
            opened.append(tenant)
        self.content["tenants"] = opened

    def _explained(self, error: ValidationError) -> InputError:
        problems = explain(error, Scenario, self.content)
        first = problems[0][0]
        if any(first[: len(steps)] == steps for steps in self.overridden):
            return as_input_error(problems, "--set")
        if self.workload_file is not None and first[:1] == ("workload",) and not self._changes(first[1:]):
            inside = [(path[1:], text) for path, text in problems if path[:1] == ("workload",)]
            return as_input_error(inside, self.workload_file)
        return as_input_error(problems, self.file)

    def _changes(self, steps: tuple[Step, ...]) -> bool:
        """Whether the scenario itself says what stands at this place of the workload that it names."""
        place: Any = self.changed
        for step in steps:
            if not isinstance(place, Mapping):
                break
            if step not in place:
                return False
            place = place[step]
        return True

    def _placed(self, error: InputError) -> InputError:
        """The same error with the scenario's file, where it names none."""
        if error.file is not None:
            return error
        steps = parse_path(error.key) if error.key else ()
        given_by_override = any(steps[: len(path)] == path for path in self.overridden)
        return type(error)(error.message, file="--set" if given_by_override else self.file, key=error.key)


def _scenario_file(source: str | Path) -> Path:
    path = Path(source)
    if isinstance(source, Path) or path.exists() or path.suffix:
        return path
    return find_file(source, "scenarios", Path.cwd(), "scenario")


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it, mapping by mapping.

    A mapping that says its kind (``process``, ``distribution``) replaces the earlier one
    whole: parameters of another kind would make no sense in it.
    """
    result = dict(base)
    for key, value in changes.items():
        earlier = result.get(key)
        replaces = isinstance(value, Mapping) and ("process" in value or "distribution" in value)
        if isinstance(value, Mapping) and isinstance(earlier, Mapping) and not replaces:
            result[key] = _merged(earlier, value)
        else:
            result[key] = value
    return result
