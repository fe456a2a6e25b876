"""What a recording holds besides tables, as plain JSON values and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from simulator.results import tables
from simulator.results.recording import (
    DraftingRecord,
    FleetRecording,
    KvTierRecording,
    LatencyHistogram,
    LinkRecording,
    PoolRecording,
    TaskRecording,
    TransferRecording,
)

Columns = dict[str, tables.Column]


def pool_dict(pool: PoolRecording) -> dict[str, Any]:
    """A pool without its tables."""
    filled = np.flatnonzero(pool.inter_token.count)
    return {
        "name": pool.name,
        "replicas": pool.replicas,
        "kv_blocks_per_replica": pool.kv_blocks_per_replica,
        "block_size": pool.block_size,
        "steps": pool.steps,
        "prefix_queried_tokens": pool.prefix_queried_tokens,
        "prefix_hit_tokens": pool.prefix_hit_tokens,
        "preemptions": pool.preemptions,
        "drafting": None if pool.drafting is None else asdict(pool.drafting),
        "kv_tiers": [asdict(tier) for tier in pool.kv_tiers],
        "fleet": None if pool.fleet is None else _fleet_dict(pool.fleet),
        "window_ns": pool.windows.width_ns,
        "has_step_table": pool.step_table is not None,
        "inter_token": {
            "lowest_ns": pool.inter_token.lowest_ns,
            "ratio": pool.inter_token.ratio,
            "bins": len(pool.inter_token.count),
            "filled": [[int(i), int(pool.inter_token.count[i])] for i in filled],
            "sum_ns": int(pool.inter_token.sum_ns),
            "total": int(pool.inter_token.total),
        },
    }


def pool_from(about: dict[str, Any], windows: Columns, steps: Columns | None) -> PoolRecording:
    """The recording of a pool from `pool_dict`, and from its tables."""
    scalars = ("replicas", "kv_blocks_per_replica", "block_size", "steps", "prefix_queried_tokens")
    return PoolRecording(
        name=about["name"],
        **{key: about[key] for key in (*scalars, "prefix_hit_tokens", "preemptions")},
        windows=tables.windows_from(windows, about["window_ns"]),
        inter_token=_histogram_from(about["inter_token"]),
        step_table=None if steps is None else tables.steps_from(steps),
        drafting=_drafting_from(about.get("drafting")),
        kv_tiers=tuple(KvTierRecording(**tier) for tier in about.get("kv_tiers", ())),
        fleet=_fleet_from(about.get("fleet")),
    )


def _drafting_from(about: dict[str, Any] | None) -> DraftingRecord | None:
    if about is None:
        return None
    return DraftingRecord(about["verifications"], about["drafted"], tuple(about["accepted_by_position"]))


#: What varies with time in the record of a fleet.
_FLEET_SERIES = ("time_ns", "on", "serving", "down", "computing")


def _fleet_dict(fleet: FleetRecording) -> dict[str, Any]:
    columns = {key: getattr(fleet, key) for key in _FLEET_SERIES}
    series = {key: None if column is None else column.tolist() for key, column in columns.items()}
    return {**{key: getattr(fleet, key) for key in fleet.__slots__}, **series}


def _fleet_from(about: dict[str, Any] | None) -> FleetRecording | None:
    if about is None:
        return None
    # Recordings of before replicas that end what they have were told apart have no such series.
    known = [key for key in _FLEET_SERIES if about.get(key) is not None]
    series: dict[str, Any] = {key: np.array(about[key], dtype=np.int64) for key in known}
    return FleetRecording(**{**about, **series})


def _histogram_from(about: dict[str, Any]) -> LatencyHistogram:
    count = np.zeros(about["bins"], dtype=np.int64)
    for index, tokens in about["filled"]:
        count[index] = tokens
    return LatencyHistogram(about["lowest_ns"], about["ratio"], count, about["sum_ns"], about["total"])


def tasks_dict(tasks: TaskRecording | None) -> dict[str, Any] | None:
    """What the task table cannot hold."""
    if tasks is None:
        return None
    return {"unfinished": tasks.unfinished, "strategy": tasks.strategy, "quality": tasks.quality}


def transfers_from(about: dict[str, Any] | None) -> TransferRecording | None:
    """The transfers, where there were any."""
    if about is None:
        return None
    links = tuple(LinkRecording(**link) for link in about["links"])
    # Recordings of before cancelled ones were told apart counted them among those that took the time.
    arrived = about.get("arrived", about["transfers"] - about["failed"])
    return TransferRecording(**{"cancelled": 0, **about, "arrived": arrived, "links": links})
