"""Measure matrix products and power on the GPU of this machine, with PyTorch and NVML.

    python -m simulator.calibration.kernels.measure DEVICE FILE

``DEVICE`` is the name of its profile. Products of the layers of common models, bf16 and fp8, each from a
CUDA graph whose weights are more than the L2 cache holds; then the draw of steady loads. Takes about two
minutes. PyTorch and ``nvidia-ml-py`` are not installed with the simulator.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from simulator.calibration.kernels.measured import FORMAT
from simulator.errors import InputError, program
from simulator.hardware.catalogue import load_device

#: (n, k) of the products of a layer: whole models, and one of four tensor-parallel ranks.
SHAPES = {
    "llama-3.1-8b": {"qkv": (6144, 4096), "o": (4096, 4096), "gate_up": (28672, 4096), "down": (4096, 14336)},
    "llama-3.1-70b": {"qkv": (2560, 8192), "o": (8192, 2048), "gate_up": (14336, 8192), "down": (8192, 7168)},
    "qwen3-32b": {"qkv": (10240, 5120), "o": (5120, 8192), "gate_up": (51200, 5120), "down": (5120, 25600)},
}
TOKENS = (1, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
#: Tokens of the loads whose draw is measured: most of them below the cap of a large card.
STEADY_TOKENS = (1, 4, 8, 16, 32, 64, 128, 512, 2048)
#: What is copied to load the memory alone [bytes].
COPIED = 4e9
#: More than any L2 cache holds [bytes], how long a load is kept up and how long it settles before [s].
BEYOND_CACHE, STEADY_S, SETTLES_S = 4e8, 4.0, 1.5

Call = Callable[[], Any]


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the file."""
    import argparse

    parser = argparse.ArgumentParser(prog="simulator tool measure-kernels", description=__doc__)
    parser.add_argument("device", help="name of the device's profile")
    parser.add_argument("file", type=Path, help="where to write")
    options = parser.parse_args(arguments)
    load_device(options.device)  # a name that nobody knows is refused before anything is measured
    gpu = _Gpu()
    products = [
        {
            "shape": f"{model} {role}",
            "n": n,
            "k": k,
            "tokens": m,
            "dtype": dtype,
            "us": gpu.product_us(n, k, m, dtype),
        }
        for model, shapes in SHAPES.items()
        for role, (n, k) in shapes.items()
        for dtype in ("bf16", "fp8")
        for m in TOKENS
    ]
    draws = [{"work": "idle", "watts": round(gpu.watts(None)[0], 1)}, gpu.copying()]
    draws += [gpu.draw("qwen3-32b", m, dtype) for dtype in ("bf16", "fp8") for m in STEADY_TOKENS]
    head = {
        "format": FORMAT,
        "device": options.device,
        "source": gpu.about,
        "date": date.today().isoformat(),
    }
    options.file.write_text(_as_json(head, products=products, draws=draws))
    return 0


def _as_json(head: dict[str, str], **tables: list[dict[str, Any]]) -> str:
    """One line for each entry of the head and for each row of the tables."""
    parts = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    for name, rows in tables.items():
        parts.append(f'"{name}": [\n' + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


class _Gpu:
    """The first GPU of this machine."""

    def __init__(self) -> None:
        try:
            import pynvml
            import torch
        except ImportError as error:
            raise InputError(f"{error.name} is needed to measure: pip install torch nvidia-ml-py") from None
        if not torch.cuda.is_available():
            raise InputError("PyTorch finds no GPU on this machine")
        pynvml.nvmlInit()
        self._torch, self._nvml = torch, pynvml
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        name = torch.cuda.get_device_name()
        self.about = f"{name}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}"

    def product_us(self, n: int, k: int, tokens: int, dtype: str) -> float:
        """Median time of one product [us]."""
        copies = max(2, int(BEYOND_CACHE // (n * k * 2)) + 1)
        calls = [self._product(n, k, tokens, dtype) for _ in range(copies)]
        seconds = self._timed(self._graph(calls)) / copies
        del calls
        self._torch.cuda.empty_cache()
        return round(1e6 * seconds, 3)

    def copying(self) -> dict[str, Any]:
        """Power of copies from memory to memory, over and over."""
        torch = self._torch
        source = torch.empty(int(COPIED / 2), device="cuda", dtype=torch.bfloat16)
        target = torch.empty_like(source)
        watts, seconds = self.watts(lambda: target.copy_(source))
        return {"work": "copy", "bytes_per_s": round(2 * COPIED / seconds), "watts": round(watts, 1)}

    def draw(self, model: str, tokens: int, dtype: str) -> dict[str, Any]:
        """Power of the products of a model's layers, over and over."""
        shapes = list(SHAPES[model].values()) * 2
        calls = [self._product(n, k, tokens, dtype) for n, k in shapes]
        watts, seconds = self.watts(self._graph(calls))
        del calls  # not before: the graph works on their tensors
        self._torch.cuda.empty_cache()
        weights = sum(n * k for n, k in shapes)
        return {
            "work": f"products of {model}",
            "dtype": dtype,
            "tokens": tokens,
            "bytes_per_s": round(weights * (2 if dtype == "bf16" else 1) / seconds),
            "flops_per_s": round(2.0 * weights * tokens / seconds),
            "watts": round(watts, 1),
        }

    def watts(self, replay: Call | None) -> tuple[float, float]:
        """Mean power of a load that is kept up [W], and how long one round of it takes [s]."""
        counter: list[tuple[float, int]] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                joules = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
                counter.append((time.monotonic(), joules))

        watcher = threading.Thread(target=watch)
        watcher.start()
        begin, rounds = time.monotonic(), 0
        try:
            while time.monotonic() - begin < STEADY_S:
                if replay is None:
                    time.sleep(0.1)
                else:
                    for _ in range(5):
                        replay()
                    self._torch.cuda.synchronize()
                rounds += 5
            took = time.monotonic() - begin
        finally:
            over.set()
            watcher.join()
        steady = [reading for reading in counter if reading[0] > begin + SETTLES_S]
        (first_s, first_mj), (last_s, last_mj) = steady[0], steady[-1]
        return 1e-3 * (last_mj - first_mj) / (last_s - first_s), took / rounds

    def _product(self, n: int, k: int, tokens: int, dtype: str) -> Call:
        torch = self._torch
        weights = 0.02 * torch.randn(n, k, device="cuda", dtype=torch.bfloat16)
        if dtype == "bf16":
            inputs = torch.randn(tokens, k, device="cuda", dtype=torch.bfloat16)
            outputs = torch.empty(tokens, n, device="cuda", dtype=torch.bfloat16)
            return lambda: torch.matmul(inputs, weights.t(), out=outputs)
        rows = -(-tokens // 16) * 16  # what the kernel asks for
        inputs = torch.randn(rows, k, device="cuda", dtype=torch.bfloat16).to(torch.float8_e4m3fn)
        narrow, one = weights.to(torch.float8_e4m3fn), torch.ones((), device="cuda")
        return lambda: torch._scaled_mm(
            inputs, narrow.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=True
        )

    def _graph(self, calls: Sequence[Call]) -> Call:
        torch = self._torch
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for call in calls:
                call()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for call in calls:
                call()
        replay: Call = graph.replay
        return replay

    def _timed(self, replay: Call) -> float:
        torch = self._torch
        times = []
        for _ in range(10):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            replay()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end) * 1e-3)
        return float(sorted(times[3:])[3])


if __name__ == "__main__":
    raise SystemExit(main())
