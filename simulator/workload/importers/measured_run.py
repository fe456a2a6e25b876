"""Measured runs: a folder with ``run.yaml`` and ``requests.csv.gz`` (format measured-run/1).

Only the load is read here: when requests came, their lengths and content, whether outputs
ran to ``max_tokens`` and whether the client kept a fixed number in flight.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.units.yaml_file import read_mapping
from simulator.workload.importers.request_table import read_request_table
from simulator.workload.importers.trace import Trace

FORMAT = "measured-run/1"
REQUEST_FILES = ("requests.csv.gz", "requests.csv", "requests.parquet")


def read_measured_run(path: Path) -> Trace:
    """Read the load of a measured run, given its folder or one of its two files."""
    folder = path if path.is_dir() else path.parent
    description = folder / "run.yaml"
    requests = next((folder / name for name in REQUEST_FILES if (folder / name).exists()), None)
    if not description.exists():
        raise InputError("there is no run.yaml; expected a measured run", file=folder)
    client = _client(description)
    if requests is None:
        raise InputError("has no requests.csv.gz: this run tells its load in words only", file=folder)
    loop = client.get("loop")
    return replace(
        read_request_table(requests),
        ignore_eos=client.get("ignore_eos"),
        concurrency=_concurrency(description, client) if loop == "closed_loop" else None,
    )


def _client(description: Path) -> dict[str, Any]:
    """The section of run.yaml about the client."""
    run = read_mapping(description, "measured run")
    if run.get("format") != FORMAT:
        raise InputError(f"found {run.get('format')!r}; expected {FORMAT}", file=description, key="format")
    client = run.get("client") or {}
    if not isinstance(client, dict):
        raise InputError(f"found {client!r}; expected a mapping", file=description, key="client")
    return client


def _concurrency(description: Path, client: dict[str, Any]) -> int:
    concurrency = client.get("concurrency")
    if not isinstance(concurrency, int) or concurrency < 1:
        raise InputError(
            f"found {concurrency!r}; a closed loop needs a whole number of at least 1",
            file=description,
            key="client.concurrency",
        )
    return concurrency
