"""Azure's and BurstGPT's CSV layouts. Lengths and times only: they have no place for content."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.exporters.whole_file import partial_of, text_of
from simulator.workload.traffic import Traffic

#: Simulated time zero as a date: a Monday, so that hours and weekdays can be read off.
EPOCH = np.datetime64("2024-01-01T00:00:00", "ns")
#: Azure's stamps count 100 ns.
_TICK_NS = 100


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """The header, and the columns of a chunk in its order."""

    header: tuple[str, ...]
    columns: Callable[[Traffic], list[list[Any]]]


def _azure(traffic: Traffic) -> list[list[Any]]:
    stamps = EPOCH + (traffic.arrival_ns // _TICK_NS * _TICK_NS).astype("timedelta64[ns]")
    texts = [text.replace("T", " ")[:27] for text in np.datetime_as_string(stamps, unit="ns").tolist()]
    return [texts, traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist()]


def _burstgpt(traffic: Traffic) -> tuple[list[str], list[int], list[int], list[int]]:
    """Time [s] with all its decimals, tokens of prompt, output and both."""
    times = [np.format_float_positional(at, precision=9, trim="-") for at in traffic.arrival_ns / NS_PER_S]
    prompt, output = traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist()
    return times, prompt, output, (traffic.prompt_tokens.astype(np.int64) + traffic.output_tokens).tolist()


def _burstgpt_v1(traffic: Traffic) -> list[list[Any]]:
    times, prompt, output, total = _burstgpt(traffic)
    count = len(traffic)
    return [times, [_MODEL] * count, prompt, output, total, [_LOG] * count]


def _burstgpt_v3(traffic: Traffic) -> list[list[Any]]:
    times, prompt, output, total = _burstgpt(traffic)
    count = len(traffic)
    sessions = traffic.names or [""] * count
    return [times, sessions, [""] * count, [_MODEL] * count, prompt, output, total, [_LOG] * count]


#: What vLLM's reader keeps: it takes rows of this model only.
_MODEL = "GPT-4"
_LOG = "API log"

AZURE = CsvLayout(("TIMESTAMP", "ContextTokens", "GeneratedTokens"), _azure)
BURSTGPT = CsvLayout(
    ("Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type"), _burstgpt_v1
)
BURSTGPT_V3 = CsvLayout(
    (
        "Timestamp",
        "Session ID",
        "Elapsed time",
        "Model",
        "Request tokens",
        "Response tokens",
        "Total tokens",
        "Log Type",
    ),
    _burstgpt_v3,
)


def csv_writer(layout: CsvLayout) -> Callable[[Iterable[Traffic], Path], int]:
    """A writer of traces in this layout."""

    def write(chunks: Iterable[Traffic], target: Path) -> int:
        count = 0
        with partial_of(target) as partial:
            with text_of(partial, target) as text:
                writer = csv.writer(text, lineterminator="\n")
                writer.writerow(layout.header)
                for chunk in chunks:
                    writer.writerows(zip(*layout.columns(chunk), strict=True))
                    count += len(chunk)
            if not count:
                raise InputError("there are no requests to write", file=target)
        return count

    return write
