"""What earlier releases of vLLM did more slowly than the one whose operator times the profiles hold (0.24).

Up to 0.11, expert-parallel layers went through kernels without a tuned configuration for the experts left
on a rank, block-scaled experts in 8 bits through generic ones, and queries and keys were normalised by
a kernel of their own, head by head. Fitted on text models of ML.ENERGY (vLLM 0.11.1, H100 and B200) by
`simulator.calibration.points.mlenergy_fit`. Runs and points of 0.12 and later show none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from simulator.hardware.execution import Experts
from simulator.scenario.engine_versions import version_number

#: First version whose kernels are as fast as the operator tables have them.
CURRENT = (0, 12)


@dataclass(frozen=True, slots=True)
class EarlyKernels:
    """What a release takes on top of the operator tables.

    Attributes
    ----------
    rank_doubling_us
        An expert-parallel layer, per doubling of the ranks [us].
    narrow_factor
        Experts in 8 bits, as a factor [1].
    head_norm_ns
        Normalising one query or key head of one token [ns].
    """

    rank_doubling_us: float = 0.0
    narrow_factor: float = 1.0
    head_norm_ns: float = 0.0

    def slow_down(self, experts: Experts, weight_dtype: str, ranks: int) -> Experts:
        """The constants of experts under this release."""
        slower = self.narrow_factor if weight_dtype == "fp8" else 1.0
        return experts.model_copy(
            update={
                "fixed_us": experts.fixed_us + self.rank_doubling_us * log2(ranks),
                "bandwidth_efficiency": experts.bandwidth_efficiency / slower,
                "compute_efficiency": experts.compute_efficiency / slower,
                "activation_passes": experts.activation_passes * slower,
            }
        )


CURRENT_KERNELS = EarlyKernels()
KERNELS_OF_0_11 = EarlyKernels(rank_doubling_us=22.0, narrow_factor=1.5, head_norm_ns=6.9)


def kernels_of(version: str) -> EarlyKernels:
    """What this version of vLLM takes on top."""
    number = version_number(version)
    return CURRENT_KERNELS if number is None or number >= CURRENT else KERNELS_OF_0_11
