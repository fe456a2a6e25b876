"""Readers of request traces: one module per layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.errors import InputError
from simulator.scenario.workload.arrivals import TraceFormat
from simulator.workload.importers.azure import read_azure
from simulator.workload.importers.block_rows import (
    AIPERF,
    BAILIAN,
    GUIDELLM,
    MOONCAKE,
    TIMED_TRACE,
    reader_of,
)
from simulator.workload.importers.burstgpt import read_burstgpt
from simulator.workload.importers.measured_run import read_measured_run
from simulator.workload.importers.request_table import read_request_table
from simulator.workload.importers.text_file import first_line, located
from simulator.workload.importers.trace import Trace

__all__ = ["READERS", "Trace", "read_trace", "trace_format"]

#: The reader of each layout.
READERS: dict[TraceFormat, Callable[[Path], Trace]] = {
    "aiperf": reader_of(AIPERF),
    "azure": read_azure,
    "bailian": reader_of(BAILIAN),
    "burstgpt": read_burstgpt,
    "guidellm": reader_of(GUIDELLM),
    "measured-run": read_measured_run,
    "mooncake": reader_of(MOONCAKE),
    "table": read_request_table,
    "timed-trace": reader_of(TIMED_TRACE),
}


def read_trace(file: str | Path, layout: TraceFormat = "auto", base_dir: Path | None = None) -> Trace:
    """Read a trace of requests.

    Parameters
    ----------
    file
        The file, or the folder of a measured run.
    layout
        Its layout; ``auto`` tells it from the content.
    base_dir
        Folder that a relative name starts from.

    Raises
    ------
    InputError
        Where the file is missing, empty, corrupt or of an unknown layout.
    """
    path = located(file, base_dir)
    if path.is_dir() and layout not in ("auto", "measured-run"):
        raise InputError(f"is a folder; expected a trace file of format {layout}", file=path)
    return READERS[trace_format(path) if layout == "auto" else layout](path)


def trace_format(path: Path) -> TraceFormat:
    """The layout of a trace, told from its name and first line."""
    if path.is_dir() or path.name == "run.yaml":
        return "measured-run"
    if path.suffix == ".parquet":
        return "table"
    line = first_line(path)
    if line.startswith("{"):
        return _json_lines(line)
    header = {name.strip() for name in line.split(",")}
    if {"ContextTokens", "GeneratedTokens"} <= header:
        return "azure"
    if {"Request tokens", "Response tokens"} <= header:
        return "burstgpt"
    if {"arrival_s", "prompt_tokens", "output_tokens"} <= header:
        return "measured-run" if (path.parent / "run.yaml").exists() else "table"
    known = ", ".join(sorted(READERS))
    raise InputError(
        f"the first line {line[:80]!r} belongs to no known layout ({known})", file=path, key="line 1"
    )


def _json_lines(line: str) -> TraceFormat:
    """Which relative of Mooncake's layout a row belongs to; GuideLLM's and vLLM's look like Mooncake's."""
    if '"chat_id"' in line:
        return "bailian"
    return "aiperf" if '"session_id"' in line or '"delay"' in line else "mooncake"
