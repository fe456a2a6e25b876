"""Dense matrix products: the efficiency of streaming and computing, and what small ones wait for.

Products in 16 bits are fitted without the wait along the inner dimension: whole engines run as fast
as the plain form says (a factor left free on 39 serving runs came out as 0.99 to 1.00). Formats that
quantise their input need it and the passes over the input.
"""

from __future__ import annotations

import numpy as np

from simulator.calibration.operators.search import Constant, Floats, Found, search, tried
from simulator.calibration.operators.table import OperatorTable
from simulator.hardware.execution import Gemm
from simulator.latency.roofline.terms import gemm_s
from simulator.models.precision import bytes_per_value

#: Sides of matrices that occur in layers, and tokens of a step.
SIDES = (1024, 32768)
MOST_TOKENS = 8192

_PLAIN = {
    "fixed_us": Constant(4.0, 0.0, 40.0),
    "bandwidth_efficiency": Constant(0.8, 0.2, 1.0),
    "compute_efficiency": Constant(0.7, 0.1, 1.0),
    "overlap": Constant(2.0, 1.0, 12.0),
}
_QUANTISED = _PLAIN | {
    "per_inner_ns": Constant(0.3, 0.0, 1.0),
    "activation_passes": Constant(2.0, 0.0, 10.0),
}


#: Where small and large batches were measured finely.
BY_WIDTH = _PLAIN | {"wide_factor": Constant(1.05, 1.0, 1.5)}


def fit_gemm(
    table: OperatorTable,
    weight_dtype: str,
    bandwidth: float,
    peak: float,
    constants: dict[str, Constant] | None = None,
) -> Found:
    """Constants of products with weights in one format.

    Parameters
    ----------
    table
        Columns m (tokens), n, k; one format only.
    bandwidth, peak
        Of the device [bytes/s, FLOP/s].
    constants
        Which to fit; default: those of the format.
    """
    sides = np.stack([table.column("n"), table.column("k")])
    shaped = (sides.min(axis=0) >= SIDES[0]) & (sides.max(axis=0) <= SIDES[1])
    kept = table.where(shaped & (table.column("m") <= MOST_TOKENS))
    shapes = kept.rows[["n", "k", "m"]].to_numpy().tolist()
    size = bytes_per_value(weight_dtype)

    def predict(values: dict[str, float]) -> Floats:
        constants = tried(Gemm, _unused() | values)
        times = [gemm_s(constants, n, k, m, size, bandwidth, peak) for n, k, m in shapes]
        return np.array(times) + constants.fixed_us * 1e-6

    wanted = constants or (_PLAIN if weight_dtype == "bf16" else _QUANTISED)
    return search(wanted, predict, kept.seconds)


def _unused() -> dict[str, float]:
    return {"per_inner_ns": 0.0, "activation_passes": 0.0, "wide_factor": 1.0}
