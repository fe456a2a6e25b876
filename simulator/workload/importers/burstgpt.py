"""BurstGPT traces (HPMLL/BurstGPT), versions 1 to 3.

CSV with Timestamp (seconds from midnight of the first day), Request tokens and Response
tokens. Version 3 puts Session ID and Elapsed time in between, so columns are read by name.
Rows with zero tokens are failed or empty requests and are left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.importers.text_file import read_columns, seconds, token_counts
from simulator.workload.importers.trace import Trace, from_first, tokens
from simulator.workload.traffic import Traffic


def read_burstgpt(path: Path) -> Trace:
    """Read a BurstGPT trace."""
    columns = read_columns(
        path,
        {"Timestamp": seconds, "Request tokens": token_counts, "Response tokens": token_counts},
        {},
    )
    prompt, output = columns["Request tokens"], columns["Response tokens"]
    served = (prompt > 0) & (output > 0)
    if not served.any():
        raise InputError("has no request with tokens; all rows are failures", file=path)
    arrival_ns = np.rint(columns["Timestamp"][served] * NS_PER_S).astype(np.int64)
    traffic = Traffic(arrival_ns, tokens(prompt[served]), tokens(output[served]))
    return Trace(from_first(traffic), left_out=int((~served).sum()))
