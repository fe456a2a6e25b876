"""Layouts that no machine can have: stages without layers, experts of dense models, chips without heads.

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
from simulator.scenario.backend import BackendSpec

#: What `latency` may say of experts.
_OF_EXPERTS = ("moe_imbalance", "routing_diversity", "routing_spread")


def refuse_impossible(layout: Layout, execution: Execution, spec: BackendSpec) -> None:
    """Refuse a layout that leaves devices without work, or settings of experts where there are none.

    Raises
    ------
    InputError
        With the key inside the pool.
    """
    if isinstance(execution, SramPipelineExecution | InMemoryExecution):
        _refuse_chips_without_heads(layout, execution.group_chips)
    elif not isinstance(execution, WaferExecution):  # a stage of silicon may hold a part of a layer
        _refuse_empty_stages(layout)
    if layout.card.moe is None:
        _refuse_experts(layout, spec)


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


def _refuse_experts(layout: Layout, spec: BackendSpec) -> None:
    name = layout.card.name
    if layout.expert > 1:
        raise InputError(
            f"found {layout.expert}, but {name} is dense: it has no experts to spread; leave it at 1",
            key="parallelism.expert",
        )
    given = [key for key in _OF_EXPERTS if key in spec.model_fields_set]
    if given:
        raise InputError(
            f"{name} is dense and has no experts that {', '.join(given)} could act on; leave that out",
            key=f"latency.{given[0]}",
        )
