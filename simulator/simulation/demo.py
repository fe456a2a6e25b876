"""What ``simulator demo`` shows: a real run beside its prediction, and one workload on four machines."""

from __future__ import annotations

from simulator.reporting.comparison import Comparison, measured_run
from simulator.scenario.loading import load_scenario
from simulator.simulation.event_loop import Progress
from simulator.simulation.measured_run import measured_requests, simulate_measured_run
from simulator.simulation.run import run_scenario
from simulator.units.data_files import data_folder

#: The bundled run of a real engine, in ``workloads/``.
RUN = "vllm-cpu-chat"
#: The same traffic on a GPU, an LPU, a wafer and an Inferentia: shipped scenario and its name in tables.
MACHINES = {
    "azure-conv-h100": "GPU: H100",
    "azure-conv-groq": "LPU: Groq",
    "azure-conv-wse3": "Wafer: WSE-3",
    "azure-conv-inferentia2": "ASIC: Inferentia2",
}


def real_run() -> Comparison:
    """Predicted beside measured for the bundled run."""
    folder = data_folder("workloads") / RUN
    real = measured_requests(folder)
    result = simulate_measured_run(folder, RUN)
    measured = measured_run(
        RUN,
        "vLLM 0.32 on one CPU thread, measured for this project; 300 requests",
        ttft_s=real.ttft_s,
        e2e_s=real.e2e_s,
        prompt_tokens=real.prompt_tokens,
        output_tokens=real.output_tokens,
        duration_s=real.duration_s,
    )
    return Comparison(
        "A real run, predicted and measured",
        [result],
        measured,
        "A real vLLM server was measured under chat traffic. The simulator meets the same 300 requests with"
        " its own scheduler and KV cache and with step times fitted to the run's iterations; what it predicts"
        " is who waits and who is batched with whom, and so every latency.",
        ["simulator"],
    )


def machines(progress: Progress | None = None) -> Comparison:
    """Azure's conversation traffic on four kinds of machine."""
    results = [run_scenario(load_scenario(name), progress=progress) for name in MACHINES]
    return Comparison(
        "One conversation workload on four kinds of machine",
        results,
        text=(
            "Llama-3.1-70B under the traffic of a production chat service (Azure, 2023), the same requests"
            " for all. The clusters are of very different sizes and prices; the table says what each gives"
            " and costs."
        ),
        labels=list(MACHINES.values()),
    )
