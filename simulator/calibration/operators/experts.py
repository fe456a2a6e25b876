"""Routed experts: streaming those that are visited, the traffic of their inputs and outputs, computing.

In balanced rows every token visits other experts than the last, as long as there are any, so
``min(local experts, visits)`` are read. In power-law rows tokens choose at random, some experts more often:
those are computed less efficiently. Real prompts lie between; both kinds of rows are fitted together.
"""

from __future__ import annotations

import numpy as np

from simulator.calibration.operators.search import Constant, Floats, Found, search, tried
from simulator.calibration.operators.table import OperatorTable
from simulator.hardware.execution import Experts
from simulator.latency.roofline.terms import experts_s
from simulator.models.precision import bytes_per_value

#: Shapes that no published model has are left out.
MOST_EXPERTS = 512
MOST_ACTIVE = 10

_CONSTANTS = {
    "fixed_us": Constant(30.0, 0.0, 300.0),
    "bandwidth_efficiency": Constant(0.8, 0.1, 1.0),
    "compute_efficiency": Constant(0.4, 0.02, 1.0),
    "overlap": Constant(2.0, 1.0, 33.0),
    "activation_passes": Constant(2.0, 0.0, 30.0),
}


def fit_experts(table: OperatorTable, weight_dtype: str, bandwidth: float, peak: float) -> Found:
    """Constants of experts in one format.

    ``table`` has the columns num_tokens, hidden_size, inter_size, topk, num_experts, moe_tp_size
    and moe_ep_size.
    """
    usual = (table.column("num_experts") <= MOST_EXPERTS) & (table.column("topk") <= MOST_ACTIVE)
    kept = table.where(usual)
    balanced = (kept.rows["distribution"] == "balanced").to_numpy()
    hidden = kept.column("hidden_size")
    inner = kept.column("inter_size") / kept.column("moe_tp_size")
    local = kept.column("num_experts") / kept.column("moe_ep_size")
    visits = kept.column("num_tokens") * kept.column("topk") / kept.column("moe_ep_size")
    per_expert = 3 * hidden * inner
    in_turn = np.minimum(local, np.maximum(visits, 1.0))
    share = kept.column("topk") / kept.column("num_experts")
    at_random = local * (1.0 - (1.0 - share) ** kept.column("num_tokens"))
    weights = np.where(balanced, in_turn, at_random) * per_expert * bytes_per_value(weight_dtype)
    traffic = visits * (2 * hidden + 3 * inner) * 2
    work = list(zip(weights.tolist(), traffic.tolist(), (2 * visits * per_expert).tolist(), strict=True))

    def predict(values: dict[str, float]) -> Floats:
        constants = tried(Experts, values)
        times = [experts_s(constants, *one, bandwidth, peak) for one in work]
        return np.array(times) + constants.fixed_us * 1e-6

    return search(_CONSTANTS, predict, kept.seconds)
