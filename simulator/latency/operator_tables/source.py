"""Where operator tables come from: a folder of CSV files, or the data of the package aiconfigurator-core.

The package (Apache-2.0, extra ``aiconfigurator``) is only located, never imported: its tables are Parquet
files. Of several versions of vLLM the newest is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "aiconfigurator_core"
#: Systems of the package, by our devices.
SYSTEMS = {
    "nvidia-a100-80g-sxm": "a100_sxm",
    "nvidia-b200-sxm": "b200_sxm",
    "nvidia-b300-sxm": "b300_sxm",
    "nvidia-gb200-nvl72": "gb200",
    "nvidia-gb300-nvl72": "gb300",
    "nvidia-h100-sxm": "h100_sxm",
    "nvidia-h200-sxm": "h200_sxm",
    "nvidia-l40s": "l40s",
    "nvidia-rtx-pro-6000-server": "rtx_pro_6000_server",
}
#: Our names of tables: where the package has them (family, table).
TABLES = {
    "gemm": ("gemm", "gemm_perf"),
    "attention-context": ("attention", "context_attention_perf"),
    "attention-generation": ("attention", "generation_attention_perf"),
    "moe": ("moe", "moe_perf"),
    "comm-custom_allreduce": ("comm", "custom_allreduce_perf"),
}


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table and the software that it was measured with."""

    path: Path
    software: str

    def rows(self) -> pd.DataFrame:
        """Its rows; times in the column ``latency_ms`` [ms]."""
        import pandas as pd

        try:
            table = pd.read_parquet(self.path) if self.path.suffix == ".parquet" else pd.read_csv(self.path)
        except (OSError, ValueError, ImportError) as error:
            raise InputError(f"is no readable table: {error}", file=self.path) from None
        table = table.rename(columns={"latency": "latency_ms"})
        if "latency_ms" not in table.columns:
            raise InputError("has no column latency_ms", file=self.path)
        return table[table["latency_ms"] > 0]


@dataclass(frozen=True, slots=True)
class TableSource:
    """The tables of one device: files by our names of them; ``missing`` says why there are none."""

    name: str
    files: dict[str, TableFile]
    missing: str = ""


def find_tables(device: str, folder: Path | None) -> TableSource:
    """The tables of a device, in a folder of the user or in the package.

    Raises
    ------
    InputError
        Where the folder does not exist or holds no table.
    """
    if folder is not None:
        return _in_folder(folder)
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        reason = "aiconfigurator-core is not installed (pip install 'simulator[aiconfigurator]')"
        return TableSource("aiconfigurator-core", {}, reason)
    system = SYSTEMS.get(device)
    data = Path(next(iter(spec.submodule_search_locations))) / "systems" / "data" / (system or "none")
    if system is None or not data.is_dir():
        return TableSource("aiconfigurator-core", {}, f"aiconfigurator-core has no tables of {device}")
    files = {ours: found for ours, names in TABLES.items() if (found := _newest(data, *names)) is not None}
    return TableSource(f"aiconfigurator-core, {system}", files)


def _in_folder(folder: Path) -> TableSource:
    if not folder.is_dir():
        raise InputError("there is no such folder of operator tables", file=folder, key="latency.folder")
    files = {ours: found for ours in TABLES if (found := _csv(folder, ours)) is not None}
    if not files:
        raise InputError(
            f"holds no operator table; expected files like {', '.join(f'{name}*.csv.gz' for name in TABLES)}",
            file=folder,
            key="latency.folder",
        )
    return TableSource(f"operator tables in {folder.name}", files)


def _csv(folder: Path, name: str) -> TableFile | None:
    found = sorted([*folder.glob(f"{name}*.csv.gz"), *folder.glob(f"{name}*.csv")])
    if not found:
        return None
    bare = found[-1].name.split(".csv")[0]
    return TableFile(found[-1], " ".join(bare.split("-")[-2:]))


def _newest(data: Path, family: str, table: str) -> TableFile | None:
    found = [(version, path) for version, path in _versions(data / family / "vllm", table)]
    if not found:
        return None
    version, path = max(found, key=lambda one: _number(one[0]))
    return TableFile(path, f"vllm {version}")


def _versions(folder: Path, table: str) -> Iterator[tuple[str, Path]]:
    for path in folder.glob(f"*/{table}.parquet"):
        yield path.parent.name, path


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
