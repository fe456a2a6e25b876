"""The shipped workloads, and workloads in files of the user's own."""

from __future__ import annotations

from pathlib import Path

from simulator.scenario.references import find_file
from simulator.scenario.workload import WorkloadSpec
from simulator.scenario.workload.arrivals import ReplaySpec
from simulator.scenario.workload.populations import ServeGenSpec
from simulator.units.catalogue import shipped_names
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

FOLDER = "workloads"


def workload_names() -> tuple[str, ...]:
    """Names of the shipped workloads."""
    return shipped_names(FOLDER)


def load_workload(name_or_path: str | Path, base_dir: str | Path | None = None) -> WorkloadSpec:
    """Read a workload by its shipped name or from a YAML file.

    Relative names of traces in it start from the YAML file's folder and come back absolute.

    Raises
    ------
    InputError
        Where there is no such workload or it is wrong; names file, key and what is allowed.
    """
    base = Path.cwd() if base_dir is None else Path(base_dir)
    if isinstance(name_or_path, Path):
        file = base / name_or_path
    else:
        file = find_file(name_or_path, FOLDER, base, "workload")
    return read_workload(file, file.resolve().parent)


def read_workload(file: Path, folder: Path) -> WorkloadSpec:
    """A workload from its YAML file, relative names of traces in it meant from ``folder``.

    Raises
    ------
    InputError
        Where the file is missing or wrong.
    """
    spec = validate(WorkloadSpec, read_mapping(file, "workload"), file)
    return with_absolute_files(spec, folder)


def with_absolute_files(spec: WorkloadSpec, folder: Path) -> WorkloadSpec:
    """The same workload with its traces named from the root."""
    changes: dict[str, object] = {}
    if isinstance(spec.arrivals, ReplaySpec | ServeGenSpec):
        changes["arrivals"] = spec.arrivals.model_copy(update={"file": str(folder / spec.arrivals.file)})
    if spec.rows is not None:
        changes["rows"] = spec.rows.model_copy(update={"file": str(folder / spec.rows.file)})
    return spec.model_copy(update=changes) if changes else spec
