"""Dotted paths of values in a file."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.units.key_paths import format_path, parse_path


@pytest.mark.parametrize("text", ["seed", "cluster.pools[0].engine.block_size", "a[0][1].b"])
def test_paths_are_written_as_they_are_read(text: str) -> None:
    assert format_path(parse_path(text)) == text


def test_an_index_may_stand_between_dots_too() -> None:
    assert parse_path("cluster.pools.0.replicas") == parse_path("cluster.pools[0].replicas")


@pytest.mark.parametrize("text", ["", ".seed", "seed.", "cluster..pools", "pools[x]", "pools[0"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a path of keys"):
        parse_path(text)
