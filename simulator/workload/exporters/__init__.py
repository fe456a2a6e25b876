"""Writers of request traces: one module per family of layouts, the counterparts of the importers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from simulator.workload.exporters.block_rows import block_rows_writer
from simulator.workload.exporters.csv_traces import AZURE, BURSTGPT, BURSTGPT_V3, csv_writer
from simulator.workload.exporters.request_table import write_traffic
from simulator.workload.exporters.servegen import write_servegen
from simulator.workload.importers.block_rows import BAILIAN, BLOCK_TOKENS
from simulator.workload.traffic import Traffic

__all__ = ["WRITERS", "ExportFormat", "write_trace", "write_traffic"]

#: Layouts that can be written; ``table`` is our own (CSV or Parquet).
ExportFormat = Literal[
    "aiperf",
    "azure",
    "bailian",
    "burstgpt",
    "burstgpt-v3",
    "guidellm",
    "mooncake",
    "servegen",
    "table",
    "timed-trace",
]

Writer = Callable[[Iterable[Traffic], Path], int]

WRITERS: dict[ExportFormat, Writer] = {
    "aiperf": block_rows_writer(BLOCK_TOKENS),
    "azure": csv_writer(AZURE),
    "bailian": block_rows_writer(BAILIAN.block_tokens, per_second=1, decimals=3),
    "burstgpt": csv_writer(BURSTGPT),
    "burstgpt-v3": csv_writer(BURSTGPT_V3),
    "guidellm": block_rows_writer(BLOCK_TOKENS),
    "mooncake": block_rows_writer(BLOCK_TOKENS),
    "servegen": write_servegen,
    "table": write_traffic,
    "timed-trace": block_rows_writer(BLOCK_TOKENS),
}


def write_trace(chunks: Iterable[Traffic], path: str | Path, layout: ExportFormat = "table") -> int:
    """Write requests in a layout, chunk by chunk; the file appears whole or not at all.

    Returns
    -------
    int
        Requests written.

    Raises
    ------
    InputError
        Where the place cannot be written to, or there are no requests.
    """
    return WRITERS[layout](chunks, Path(path))
