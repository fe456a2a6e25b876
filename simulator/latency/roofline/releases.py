"""What earlier releases of vLLM did more slowly than the one whose operator times the profiles hold (0.24).

Up to 0.11, expert-parallel layers went through kernels without a tuned configuration for the experts left
on a rank: 16-bit ones with a small tile while there are no more tokens than experts on a rank, and a slow
large one beyond (``get_default_config`` of its fused experts); block-scaled ones in 8 bits with one large
tile. Queries and keys were normalised by a kernel of their own, head by head. Fitted on text models of
ML.ENERGY (vLLM 0.11.1, H100 and B200) by `simulator.calibration.points.mlenergy_fit`. Runs and points of
0.12 and later show none of it.

In 0.15 decode attention and the rest of a layer took a little less than the tables and the profiles say:
fitted on 34 serving runs on H100 by `simulator.calibration.runs.serving_fit`; runs on A100 confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from simulator.hardware.execution import DecodeAttention, Experts, LayerRest
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
    large_tile_factor
        Expert-parallel layers in 16 bits with more tokens than experts on a rank, as a factor [1].
    narrow_factor
        Experts in 8 bits, as a factor [1].
    narrow_expert_us
        A layer of experts in 8 bits, for each expert on a rank [us].
    blackwell_factor
        Experts in 16 bits on Blackwell, for which no kernel was tuned, as a factor [1].
    latent_heads
        Query heads that latent attention is padded to when decoding on Blackwell (CUTLASS kernel); 0: none.
    latent_clusters
        Clusters of multiprocessors that take whole sequences in that kernel; 0: tokens are shared out evenly.
    fullest_rank
        Whether data-parallel ranks are padded to the tokens of the fullest.
    head_norm_ns
        Normalising one query or key head of one token [ns].
    attention_factor
        Decode attention, as a factor [1].
    layer_us
        The rest of a layer [us]; less than nothing where it was faster.
    """

    rank_doubling_us: float = 0.0
    large_tile_factor: float = 1.0
    narrow_factor: float = 1.0
    narrow_expert_us: float = 0.0
    blackwell_factor: float = 1.0
    latent_heads: float = 0.0
    latent_clusters: int = 0
    fullest_rank: bool = False
    head_norm_ns: float = 0.0
    attention_factor: float = 1.0
    layer_us: float = 0.0

    def attention(self, attention: DecodeAttention) -> DecodeAttention:
        """The constants of decode attention under this release."""
        if self.attention_factor == 1.0:
            return attention
        return attention.model_copy(
            update={
                "fixed_us": attention.fixed_us * self.attention_factor,
                "bandwidth_efficiency": attention.bandwidth_efficiency / self.attention_factor,
                "per_kv_head_ns": attention.per_kv_head_ns * self.attention_factor,
            }
        )

    def layer(self, layer: LayerRest) -> LayerRest:
        """The constants of the rest of a layer under this release."""
        return layer.model_copy(update={"fixed_us": max(layer.fixed_us + self.layer_us, 0.0)})

    def slow_down(
        self, experts: Experts, weight_dtype: str, ranks: int, local_experts: int, blackwell: bool
    ) -> Experts:
        """The constants of experts under this release."""
        narrow = weight_dtype == "fp8"
        slower = self.narrow_factor if narrow else self.blackwell_factor if blackwell else 1.0
        fixed_us = self.rank_doubling_us * log2(ranks)
        fixed_us += self.narrow_expert_us * local_experts if narrow else 0.0
        return experts.model_copy(
            update={
                "fixed_us": experts.fixed_us + fixed_us,
                "bandwidth_efficiency": experts.bandwidth_efficiency / slower,
                "compute_efficiency": experts.compute_efficiency / slower,
                "activation_passes": experts.activation_passes * slower,
            }
        )

    def tile_factor(self, weight_dtype: str, ranks: int, tokens: float, local_experts: int) -> float:
        """How much longer a layer's experts take for this many tokens of all ranks [1]."""
        if ranks == 1 or weight_dtype != "bf16" or tokens <= local_experts:
            return 1.0
        return self.large_tile_factor


CURRENT_KERNELS = EarlyKernels()
KERNELS_OF_0_11 = EarlyKernels(
    rank_doubling_us=6.1,
    large_tile_factor=1.48,
    narrow_factor=1.22,
    narrow_expert_us=3.0,
    blackwell_factor=1.36,
    latent_heads=128.0,
    latent_clusters=74,  # B200: 148 multiprocessors
    fullest_rank=True,
    head_norm_ns=6.9,
)
KERNELS_OF_0_15 = EarlyKernels(attention_factor=0.926, layer_us=-1.88)


def kernels_of(version: str) -> EarlyKernels:
    """What this version of vLLM takes on top."""
    number = version_number(version)
    if number is not None and number < CURRENT:
        return KERNELS_OF_0_11
    return KERNELS_OF_0_15 if number == (0, 15) else CURRENT_KERNELS
