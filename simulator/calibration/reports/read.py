"""Reads whatever a user measured, told apart by content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulator.calibration.reports.guidellm import is_guidellm, read_guidellm
from simulator.calibration.reports.inference_perf import is_inference_perf, read_inference_perf
from simulator.calibration.reports.json_file import read_json
from simulator.calibration.reports.measurement import Measurement
from simulator.calibration.reports.prometheus import is_scrape, read_scrapes
from simulator.calibration.reports.run import read_run_measurement
from simulator.calibration.reports.vllm_bench import is_vllm_bench, read_vllm_bench
from simulator.calibration.runs.measured import DESCRIPTION, runs_at
from simulator.errors import InputError, nearest_file

KNOWN = (
    "a measured run (folder with run.yaml), a result of vllm bench serve, a GuideLLM report,"
    " an inference-perf report (folder) or scrapes of vLLM's /metrics page"
)


def read_measurements(paths: Iterable[Path]) -> list[Measurement]:
    """All measurements that these files and folders hold; scrapes among them belong together.

    Raises
    ------
    InputError
        Where one is missing, damaged or of no known kind.
    """
    measurements: list[Measurement] = []
    scrapes: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no such file{nearest_file(path)}", file=path)
        if is_inference_perf(path):
            measurements += read_inference_perf(path)
        elif path.is_dir():
            measurements += _of_folder(path, scrapes)
        elif path.name == DESCRIPTION:
            measurements.append(read_run_measurement(path.parent))
        elif _is_scrape(path):
            scrapes.append(path)
        else:
            measurements += _of_document(path)
    if scrapes:
        measurements += read_scrapes(scrapes)
    return measurements


def _of_folder(folder: Path, scrapes: list[Path]) -> list[Measurement]:
    """Runs in a folder, else its scrapes and reports."""
    if (folder / DESCRIPTION).is_file() or any(folder.glob(f"*/{DESCRIPTION}")):
        return [read_run_measurement(run) for run in runs_at([folder])]
    files = sorted(file for file in folder.iterdir() if file.is_file())
    pages = [file for file in files if _is_scrape(file)]
    reports = [file for file in files if file.suffix == ".json"]
    if not pages and not reports:
        raise InputError(f"holds nothing to calibrate with; expected {KNOWN}", file=folder)
    scrapes += pages
    return [one for file in reports for one in _of_document(file)]


def _is_scrape(path: Path) -> bool:
    if path.suffix in (".json", ".yaml", ".yml", ".gz"):
        return False
    try:
        with path.open(encoding="utf-8") as text:
            return is_scrape(text.read(4096))
    except (UnicodeDecodeError, OSError):
        return False


def _of_document(path: Path) -> list[Measurement]:
    content = _document(path)
    if is_vllm_bench(content):
        return read_vllm_bench(path, content)
    if is_guidellm(content):
        return read_guidellm(path, content)
    if isinstance(content, dict) and {"elapsed_time", "total_num_tokens"} <= set(content):
        raise InputError(
            "is a result of vllm bench throughput, which says nothing of single requests; use"
            " vllm bench serve --save-result --save-detailed",
            file=path,
        )
    raise InputError(f"is of no known kind; expected {KNOWN}", file=path)


def _document(path: Path) -> Any:
    if path.suffix in (".yaml", ".yml"):
        from simulator.units.yaml_file import read_mapping

        return read_mapping(path, "GuideLLM report")
    return read_json(path)
