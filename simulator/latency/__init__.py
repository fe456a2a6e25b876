"""What one engine step costs (time, energy, bottleneck), and where a model's bytes lie.

``compile_backend`` turns what a scenario says about a pool into a `CompiledBackend`: a
`StepPricer` (the engine asks it for durations), a `Placement` (blocks of KV cache) and the
provenance of its constants. One module per execution model:

====================  ====================================================================
roofline              machines that stream weights and cache from HBM, GDDR or LPDDR
static_shapes         compiled graphs with fixed seats and length buckets (Inferentia, Trainium)
lpu, wafer            weights resident in SRAM; a token walks through a pipeline
linear, fitted        coefficients given by the user or fitted to measured runs
====================  ====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.latency.compile import BackendProvenance, CompiledBackend, compile_backend
    from simulator.latency.placement import Placement

__all__ = ["BackendProvenance", "CompiledBackend", "Placement", "compile_backend"]


def __getattr__(name: str) -> Any:
    """Load on first use: the contract file in this room must not drag in all backends."""
    if name == "Placement":
        from simulator.latency.placement import Placement

        return Placement
    if name in __all__:
        from simulator.latency import compile as compiled

        return getattr(compiled, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
