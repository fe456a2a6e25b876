"""Chooses the way of stepping for a replica: aggregate where its rules allow, else by lists."""

from __future__ import annotations

from typing import Any

from simulator.engine.aggregate import AggregateReplica, covers
from simulator.engine.listed import ListedReplica
from simulator.engine.replica import Replica
from simulator.engine.settings import EngineSettings
from simulator.engine.timing import NsEnvironment


def build_replica(env: NsEnvironment, settings: EngineSettings, *args: Any, **kwargs: Any) -> Replica:
    """A replica for these settings; see `Replica` for the arguments."""
    if covers(settings):
        return AggregateReplica(env, settings, *args, **kwargs)
    kwargs.pop("jumping", None)
    return ListedReplica(env, settings, *args, **kwargs)
