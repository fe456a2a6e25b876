"""What pydantic found, as one message with keys of the user's file."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import InputError
from simulator.units.explain import unknown_keys, validate


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Fixed(_Part):
    kind: Literal["fixed"]
    tokens: int = Field(gt=0)


class _Normal(_Part):
    kind: Literal["normal"]
    mean: float


class _Whole(_Part):
    lengths: tuple[Annotated[_Fixed | _Normal, Field(discriminator="kind")], ...] = ()
    by_name: dict[str, _Fixed] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"lenghts": []}, r"^lenghts: unknown key 'lenghts' \(did you mean 'lengths'\?\)"),
        (
            {"lengths": [{"kind": "fixed", "tokens": 0}]},
            r"^lengths\[0\]\.tokens: found 0, expected more than 0",
        ),
        ({"lengths": [{"kind": "fixde"}]}, r"^lengths\[0\]\.kind: found 'fixde', expected .*'fixed'"),
        ({"lengths": [{"tokens": 3}]}, r"^lengths\[0\]\.kind: this key is missing"),
        (
            {"by_name": {"a": {"kind": "fixed", "tokns": 3, "tokens": 3}}},
            r"^by_name\.a\.tokns: unknown key .*'tokens'",
        ),
    ],
)
def test_a_problem_is_placed_by_the_keys_of_the_file_without_the_tags_of_unions(
    content: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        validate(_Whole, content)


def test_five_problems_are_told_and_the_others_counted() -> None:
    with pytest.raises(InputError) as caught:
        validate(_Whole, {"lengths": [{"kind": "fixed", "tokens": 0}] * 7})
    assert str(caught.value).count("expected more than 0") == 5
    assert str(caught.value).endswith("and 2 more")


def test_keys_that_do_not_exist_are_told_from_values_that_are_wrong() -> None:
    content = {"lengths": [{"kind": "normal", "mean": None, "median": None}]}
    with pytest.raises(ValidationError) as caught:
        _Whole.model_validate(content)
    assert unknown_keys(caught.value, _Whole, content) == [("lengths", 0, "median")]
