"""Azure LLM inference traces (Splitwise, ISCA 2024; 2024 and 2025 releases alike).

CSV with TIMESTAMP (date and time with 7 decimals and no zone in 2023; a zone and sometimes
fewer decimals later), ContextTokens (prompt) and GeneratedTokens (output). Other columns
(NumImages) are passed over. Time counts from the first row. No prompt content is told.
"""

from __future__ import annotations

from pathlib import Path

from simulator.workload.importers.text_file import date_times, read_columns, token_counts
from simulator.workload.importers.trace import Trace, from_first, tokens
from simulator.workload.traffic import Traffic


def read_azure(path: Path) -> Trace:
    """Read an Azure trace; a length of zero counts as one token."""
    columns = read_columns(
        path,
        {"TIMESTAMP": date_times, "ContextTokens": token_counts, "GeneratedTokens": token_counts},
        {},
    )
    traffic = Traffic(
        columns["TIMESTAMP"], tokens(columns["ContextTokens"]), tokens(columns["GeneratedTokens"])
    )
    return Trace(from_first(traffic))
