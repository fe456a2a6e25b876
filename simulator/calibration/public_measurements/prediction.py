"""What the simulator says about a published figure."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.calibration.public_measurements.measurement import PublicMeasurement
from simulator.calibration.public_measurements.setup import CannotSimulateError, Setup, set_up
from simulator.errors import InputError
from simulator.simulation import run_scenario


@dataclass(frozen=True, slots=True)
class Prediction:
    """Medians of TPOT and TTFT [ms], mean latency of a request [s], rate of all devices [tokens/s]."""

    setup: Setup
    tpot_ms: float
    ttft_ms: float
    end_to_end_s: float
    tokens_per_s: float


def predict(row: PublicMeasurement) -> Prediction:
    """Simulate a published figure.

    Raises
    ------
    CannotSimulateError
        Where too little is published or the model does not fit what is stated.
    """
    setup = set_up(row)
    try:
        result = run_scenario(setup.scenario)
    except InputError as error:
        raise CannotSimulateError(error.message) from None
    figures = result.summary.to_dict()
    return Prediction(
        setup,
        figures["median_tpot_ms"],
        figures["median_ttft_ms"],
        figures["mean_e2el_ms"] / 1e3,
        figures["output_throughput"] * setup.replicas,
    )
