"""The claims as they stand in ``techniques/claims.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from simulator.errors import InputError, nearest
from simulator.units.data_files import data_folder
from simulator.units.yaml_file import read_mapping


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an independent source found, and which way it points."""

    finding: str
    source: str
    bearing: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim in our own words."""

    id: str
    claim: str
    where: str
    kind: str
    experiment: str
    evidence: tuple[Evidence, ...]
    note: str = ""


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim, in order."""
    rows = read_mapping(data_folder("techniques") / "claims.yaml", "list of claims")["claims"]
    return tuple(
        Claim(**{**row, "evidence": tuple(Evidence(**one) for one in row["evidence"])}) for row in rows
    )


def claims_named(names: list[str] | None) -> list[Claim]:
    """The claims with these numbers; all where none is named.

    Raises
    ------
    InputError
        Where there is no such claim.
    """
    known = {claim.id.lower(): claim for claim in all_claims()}
    if not names:
        return list(known.values())
    for name in names:
        if name.lower() not in known:
            ids = [claim.id for claim in known.values()]
            raise InputError(f"no claim {name!r}{nearest(name, ids)}; they run from {ids[0]} to {ids[-1]}")
    return [known[name.lower()] for name in names]
