"""One published figure: which device ran which model, with how many sequences, how fast."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping


class Bound(BaseModel):
    """How the figure stands to the memory traffic it takes [1]."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measured_over_bound: float | None = None


class PublicMeasurement(BaseModel):
    """Times in seconds, rates in tokens per second; None where not published.

    ``output_tok_s_user`` is the decode rate one user sees, or, where ``end_to_end_s`` is given, output
    tokens over the latency of the whole request.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    device: str
    chips: int | None = None
    model: str
    weights: str | None = None
    concurrency: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    output_tok_s_total: float | None = None
    output_tok_s_user: float | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    end_to_end_s: float | None = None
    speculative_decoding: bool = False
    scenario: str | None = None
    framework: str | None = None
    source: tuple[str, ...] = ()
    note: str | None = None
    bound: Bound | None = None

    @property
    def above_bound(self) -> bool:
        """Whether the stated chips could not even read the stated weights at this rate."""
        ratio = None if self.bound is None else self.bound.measured_over_bound
        return ratio is not None and ratio > 1.0


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    rows: tuple[PublicMeasurement, ...]


def read_measurements(path: str | Path) -> tuple[PublicMeasurement, ...]:
    """The rows of a file of public measurements.

    Raises
    ------
    InputError
        Where the file is missing or not of that form.
    """
    file = Path(path)
    content = read_mapping(file, what="file of public measurements")
    return validate(_File, {"rows": content.get("rows")}, file).rows
