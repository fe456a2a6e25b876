"""What a version of vLLM does where its settings are left alone.

These defaults move the time per token by 5 to 50 %, so a scenario can say each of them; here
is what it gets if it does not.

Sources: change logs and pull requests of vllm-project/vllm: 32558 (January 2026: a Triton kernel
in place of the native sort), 40376 (April 2026: FlashInfer sampling again); asynchronous scheduling
on by default since 0.14 (general knowledge; the runs of 0.11.1 and 0.15.1 that were measured agree). The
version numbers of the samplers are estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How sampled tokens are chosen. ``greedy`` costs nothing; the others filter by top-p/top-k.
Sampler = Literal["greedy", "sort", "triton", "flashinfer"]

#: Time of a request in the API server [s]: parsing and tokenisation before the engine sees it, and its share
#: in front of each token on the way back. One constant served ten models and prompts of 590 to 1,080 tokens
#: (38 runs of vLLM 0.15.1 behind HTTP: 6.8 to 7.5 ms together, whichever model is left out of the fit,
#: `simulator.calibration.runs.serving_fit`); the split is an estimate.
API_REQUEST_S = 5.10e-3
API_TOKEN_S = 1.85e-3
API_TOKEN_SHARE_S = 35e-6


@dataclass(frozen=True, slots=True)
class VersionDefaults:
    """Defaults of one version of vLLM.

    Attributes
    ----------
    async_scheduling
        Whether the next step is scheduled while the present one executes.
    sampler
        What filters by top-p and top-k.
    api_request_s, api_token_s, api_token_share_s
        Time in the API server before the engine, on the way back, and there for each neighbour [s]. Measured
        on 0.15.1 only; other versions are taken to be alike.
    """

    async_scheduling: bool
    sampler: Sampler
    api_request_s: float = API_REQUEST_S
    api_token_s: float = API_TOKEN_S
    api_token_share_s: float = API_TOKEN_SHARE_S


#: First versions that do something by default; what is older does as the line before.
CHANGES: tuple[tuple[tuple[int, int], VersionDefaults], ...] = (
    ((0, 0), VersionDefaults(async_scheduling=False, sampler="sort")),
    ((0, 14), VersionDefaults(async_scheduling=True, sampler="sort")),
    ((0, 16), VersionDefaults(async_scheduling=True, sampler="triton")),
    ((0, 20), VersionDefaults(async_scheduling=True, sampler="flashinfer")),
)


def version_defaults(version: str) -> VersionDefaults:
    """Defaults of a version such as "0.15.1" or "v0.11.0"; of the newest one where it is no number."""
    number = version_number(version)
    if number is None:
        return CHANGES[-1][1]
    return next(defaults for since, defaults in reversed(CHANGES) if number >= since)


def version_number(version: str) -> tuple[int, int] | None:
    """Major and minor number of a version such as "0.15.1" or "v0.11.0"; None where it is no number."""
    try:
        major, minor = (int(part) for part in version.lstrip("v").split(".")[:2])
    except ValueError:
        return None
    return major, minor
