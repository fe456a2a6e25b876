"""What the simulator says about a published figure."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.calibration.public_measurements.measurement import PublicMeasurement
from simulator.calibration.public_measurements.setup import CannotSimulateError, Setup, set_up
from simulator.errors import InputError
from simulator.simulation import run_scenario

#: From a client over the internet to a vendor's public API and back [s]: connection, gateway, queue.
#: Fitted to the one row that states it beside a server that answers in milliseconds.
PUBLIC_API_S = 0.232
PUBLIC_API_FITTED_ON = ("cerebras-llama3.1-405b:TTFT",)
#: Vendors whose figures are those of their public API.
_PUBLIC_APIS = frozenset({"Groq", "Cerebras"})


#: Sources whose time to the first token is that of one prompt alone, whatever the concurrency.
_PROMPTS_ALONE = frozenset({"tt-metal"})


@dataclass(frozen=True, slots=True)
class Prediction:
    """Medians of TPOT and TTFT [ms], mean latency of a request [s], rate of all devices [tokens/s].

    The TTFT is that of the client, a public API included where the figure is of one.
    """

    setup: Setup
    tpot_ms: float
    ttft_ms: float
    end_to_end_s: float
    tokens_per_s: float

    @property
    def fitted_on(self) -> tuple[str, ...]:
        """Ids and patterns of the figures that any constant behind this was fitted to."""
        return (*self.setup.fitted_on, *PUBLIC_API_FITTED_ON)


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
    ttft_ms = figures["median_ttft_ms"]
    if row.concurrency != 1 and _PROMPTS_ALONE.intersection(row.source):
        ttft_ms = predict(row.model_copy(update={"concurrency": 1})).ttft_ms
    way_s = PUBLIC_API_S if setup.device.vendor in _PUBLIC_APIS else 0.0
    return Prediction(
        setup,
        figures["median_tpot_ms"],
        ttft_ms + way_s * 1e3,
        figures["mean_e2el_ms"] / 1e3,
        figures["output_throughput"] * setup.replicas,
    )
