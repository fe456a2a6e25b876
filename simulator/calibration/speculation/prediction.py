"""Speed-ups as the simulator has them, and the acceptance that explains the lowest load.

Closed and open loops are simulated; a static batch is priced step by step in closed form, for nothing comes
or goes in it: tokens per verification over the time of a step with drafts and one without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.load import Load, closed_loop, fixed, open_loop
from simulator.calibration.points.prediction import predict
from simulator.calibration.points.setup import Setup
from simulator.calibration.speculation.setups import SpeculativeSetup
from simulator.errors import SimulatorError
from simulator.hardware.catalogue import load_device
from simulator.latency.pricer import Step
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.speculation import SpeculationSpec
from simulator.simulation.pools import prepare_pool

#: Requests of a simulated closed loop, as multiples of those in flight, and at least.
_ROUNDS, _FEWEST = 4, 16
#: Length of an open loop [s]: vLLM's benchmark sends 1,000 requests, which take this long at 8 a second.
_OPEN_S = 125.0
#: Acceptance is found to this precision.
_PRECISION = 1e-3

Section = Mapping[str, Any]


class Speedups:
    """The speed-ups of one series of a set-up."""

    def __init__(self, setup: SpeculativeSetup, series: str) -> None:
        self._setup = setup
        self._prompt = setup.prompt_tokens(series)
        self._section = setup.drafting(series)
        self._bare: dict[float, float] = {}

    def at(self, load: float, acceptance: Section) -> float:
        """Speed-up at a load, with ``acceptance`` or ``acceptance_per_position``.

        Raises
        ------
        NotSimulated
            Where the server cannot be built or hold the load.
        """
        if load not in self._bare:
            self._bare[load] = self._speed(load, self._setup.over)
        return self._speed(load, {**self._section, **acceptance}) / self._bare[load]

    def fitted(self, load: float, speedup: float) -> float:
        """The chance of a draft token being accepted that gives this speed-up, or the nearest that there is.

        Raises
        ------
        NotSimulated
            As `at`.
        """
        return solve(lambda chance: self.at(load, {"acceptance": chance}), speedup)

    def _speed(self, load: float, section: Section | None) -> float:
        """Speed of a client [1/s]: output tokens per second, or requests over their mean latency."""
        setup = self._setup
        content = dict(setup.pool)
        if section is not None:
            engine = {**content["engine"], **setup.engine_while_drafting}
            content |= {"engine": engine, "speculative": section}
        pool = PoolSpec.model_validate(content)
        if setup.load == "static":
            return self._static(round(load), pool)
        figures = predict(
            Setup(
                card=setup.card,
                device=load_device(pool.hardware),
                pools=(pool,),
                weight_dtype=setup.weight_dtype,
                kv_dtype="auto",
                load=self._requests(load),
                measured={},
                steady=False,
            )
        )
        return 1.0 / figures["e2e_s"] if setup.load == "open" else figures["output_tokens_per_s"]

    def _requests(self, load: float) -> Load:
        setup = self._setup
        if setup.load == "open":
            count = max(round(load * _OPEN_S), _FEWEST)
            prompts, outputs = fixed(self._prompt, count), fixed(setup.output, count)
            return open_loop(prompts, outputs, load, seed=0)
        count = max(_ROUNDS * round(load), _FEWEST)
        return closed_loop(fixed(self._prompt, count), fixed(setup.output, count), round(load))

    def _static(self, batch: int, pool: PoolSpec) -> float:
        """Decoded tokens per second of a batch half-way through its answers."""
        setup = self._setup
        try:
            backend = prepare_pool(pool, load_device(pool.hardware), setup.card, setup.weight_dtype).backend
        except SimulatorError as error:
            raise NotSimulated(str(error)) from error
        context = batch * (self._prompt + setup.output // 2)
        if context > backend.placement.kv_capacity_tokens:
            raise NotSimulated("the batch does not fit the KV cache")
        drafts, expected = _drafting(pool.speculation)
        step_ns = backend.pricer.step_ns(*Step.of_verifications(batch, drafts, context))
        return batch * expected / step_ns * 1e9


def _drafting(spec: SpeculationSpec | None) -> tuple[int, float]:
    """Drafts of a verification, and the tokens that it delivers on average."""
    if spec is None:
        return 0, 1.0
    return spec.num_speculative_tokens, 1.0 + float(np.sum(spec.positions))


def solve(rising: Callable[[float], float], wanted: float) -> float:
    """Where a rising function of a chance takes this value, by bisection; else the nearer end."""
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
