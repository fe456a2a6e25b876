"""How many copies of a token leave its device on the way to its experts, by the kernels that take it there.

DeepSeek's expert-parallel kernels send tokens only where their experts are. The high-throughput kernels
send one copy to every other node that holds one of them, which spreads it inside; the low-latency kernels
send one copy to each expert. With ``a`` experts per token spread evenly over ``d`` devices in ``g`` nodes,

    nodes visited = g (1 - (1 - 1/g)^a)         devices visited = d (1 - (1 - 1/d)^a)

of which 1/g and 1/d are the token's own. Left out: limits on how many nodes a token may visit (DeepSeek-V3
trains with four), and imbalance between devices, which the experts' own time carries.

Source: DeepEP (github deepseek-ai/DeepEP, README), whose kernels reach 39 to 47 of a 50 GB/s network link.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.scenario.engine import ExpertExchange


class Copies(NamedTuple):
    """Copies of one token that leave its device: inside its node, and to other nodes."""

    local: float
    outer: float


def copies_sent(kernels: ExpertExchange, active: int, devices: int, domain: int) -> Copies:
    """Copies per token with ``active`` experts on ``devices`` devices, ``domain`` to a node."""
    nodes = -(-devices // domain)
    per_node = devices / nodes
    visited = _distinct(devices, active)
    inside = visited / nodes * (1.0 - 1.0 / per_node)
    if nodes == 1:
        return Copies(inside, 0.0)
    away = 1.0 - 1.0 / nodes
    if kernels == "deepep_low_latency":
        return Copies(inside, active * away)
    # What comes from other nodes is passed on inside this one, to all devices visited but the first.
    forwarded = max(visited - _distinct(nodes, active), 0.0) * away
    return Copies(inside + forwarded, _distinct(nodes, active) * away)


def _distinct(places: int, draws: int) -> float:
    return places * (1.0 - (1.0 - 1.0 / places) ** draws)
