"""Number formats."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.models.precision import OTHER_SPELLINGS, bytes_per_value, canonical_dtype


@pytest.mark.parametrize(
    ("dtype", "size"), [("bf16", 2), ("fp8", 1), ("mxfp4", 17 / 32), ("nvfp4", 9 / 16), ("q4_0", 18 / 32)]
)
def test_block_formats_count_their_scales(dtype: str, size: float) -> None:
    assert bytes_per_value(dtype) == size


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
def test_other_spellings_are_known_formats(spelling: str) -> None:
    assert bytes_per_value(spelling.upper()) > 0


def test_an_unknown_format_brings_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'bf16'"):
        canonical_dtype("bf15")
