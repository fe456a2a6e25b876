"""A small whole scenario to vary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = """\
name: small
workload:
  arrivals: {process: poisson, rate: 6.45 /s}
  prompt_tokens: {distribution: fixed, tokens: 100}
  output_tokens: {distribution: fixed, tokens: 50}
model: llama-3.1-8b
cluster:
  pools:
    - name: main
      hardware: nvidia-h100-sxm
requests: 100
"""


@pytest.fixture
def small() -> dict[str, Any]:
    import yaml

    return yaml.safe_load(SMALL)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scenario file, by default the small one."""

    def write(text: str | bytes = SMALL, name: str = "scenario.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
