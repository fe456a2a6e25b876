"""The file format of measured kernels: matrix products, and the draw of steady loads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from simulator.errors import InputError
from simulator.units.data_files import data_folder

FORMAT: Literal["measured-kernels/1"] = "measured-kernels/1"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Product(_Frozen):
    """A product of ``tokens`` rows with an (n, k) matrix, in microseconds."""

    shape: str
    n: PositiveInt
    k: PositiveInt
    tokens: PositiveInt
    dtype: Literal["bf16", "fp8"]
    us: PositiveFloat


class Draw(_Frozen):
    """Power of a load that was kept up: weights read and products made per second."""

    work: str
    watts: PositiveFloat
    dtype: Literal["bf16", "fp8"] = "bf16"
    tokens: PositiveInt | None = None
    bytes_per_s: NonNegativeFloat = 0.0
    flops_per_s: NonNegativeFloat = 0.0


class MeasuredKernels(_Frozen):
    """What was measured on one device, with the programs it was measured with."""

    format: Literal["measured-kernels/1"]
    device: str
    source: str
    date: str
    products: tuple[Product, ...] = Field(min_length=1)
    draws: tuple[Draw, ...] = ()


def read_measured(path: Path) -> MeasuredKernels:
    """Read such a file.

    Raises
    ------
    InputError
        Where it is missing or not in the format.
    """
    try:
        return MeasuredKernels.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}") from None


def shipped() -> list[Path]:
    """The files that come with the project."""
    return sorted((data_folder("validation") / "measured").glob("*.json"))
