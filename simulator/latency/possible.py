"""Layouts that no machine can have: stages without layers, chips without heads.

What the matrix products themselves refuse (heads or experts that cannot be divided) is theirs to say, see
`simulator.models.gemms`.
"""

from __future__ import annotations

from simulator.errors import InputError
from simulator.hardware.execution import (
    Execution,
    InMemoryExecution,
    SramPipelineExecution,
    WaferExecution,
)
from simulator.latency.layout import Layout


def refuse_impossible(layout: Layout, execution: Execution) -> None:
    """Refuse a layout that leaves devices without work.

    Raises
    ------
    InputError
        With the key inside the pool.
    """
    if isinstance(execution, SramPipelineExecution | InMemoryExecution):
        _refuse_chips_without_heads(layout, execution.group_chips)
    elif not isinstance(execution, WaferExecution):  # a stage of silicon may hold a part of a layer
        _refuse_empty_stages(layout)


def _refuse_empty_stages(layout: Layout) -> None:
    layers = layout.card.layers
    if layout.pipeline > layers:
        raise InputError(
            f"found {layout.pipeline} stages, but {layout.card.name} has {layers} layers and a stage takes at"
            f" least one: at most {layers}",
            key="parallelism.pipeline",
        )


def _refuse_chips_without_heads(layout: Layout, group: int) -> None:
    """The chips of a stage share its attention heads; those beyond would have none."""
    most = max(layout.card.heads, group)
    if layout.tensor > most:
        raise InputError(
            f"found {layout.tensor} chips in a stage, but {layout.card.name} has {layout.card.heads}"
            f" attention heads for them to share: at most {most}; stages (pipeline) take the others, of"
            f" {group} chips as the profile has them",
            key="parallelism.tensor",
        )
