"""What all specs have in common: frozen, no unknown keys, docstrings as descriptions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from simulator.units.quantity import Dollars, Seconds


class Spec(BaseModel):
    """One mapping of the scenario file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )


def _whole_number(value: object) -> object:
    """Also read the whole numbers that YAML leaves as text or floats (``1e6``); refuse booleans."""
    if isinstance(value, bool):
        raise ValueError("expected a whole number, found a boolean")
    if isinstance(value, str):
        try:
            value = float(value.replace("_", ""))
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


#: A whole number of at least one.
Count = Annotated[int, Field(ge=1), BeforeValidator(_whole_number)]

#: A whole number of at least zero.
CountOrZero = Annotated[int, Field(ge=0), BeforeValidator(_whole_number)]

#: A share between none (0) and all (1).
Share = Annotated[float, Field(ge=0.0, le=1.0)]

#: A time above zero [s].
PositiveSeconds = Annotated[Seconds, Field(gt=0.0)]

#: A price to buy above zero [USD].
PositiveDollars = Annotated[Dollars, Field(gt=0.0)]
