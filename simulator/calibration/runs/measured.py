"""What the folder of a measured run says: configuration, load in words, figures, peers.

Only what a simulation needs or is compared with is read; a run may say more.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)

from simulator.errors import InputError
from simulator.latency.measured_on import SIZES, MeasuredOn
from simulator.scenario.cluster import ParallelismSpec
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

FORMAT = "measured-run/1"
DESCRIPTION = "run.yaml"
REQUESTS = "requests.csv.gz"
ITERATIONS = "iterations.csv.gz"

#: Scope of a peer's figures that were compared with the whole run.
WHOLE_RUN = "whole_run"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class HardwareUsed(_Part):
    """Devices of a run; ``values`` are those of a device that is in no catalogue."""

    device: str
    count: PositiveInt = 1
    nodes: PositiveInt = 1
    values: dict[str, Any] = Field(default_factory=dict, alias="not_in_hardware_yaml")


class ModelUsed(_Part):
    """The model of a run; ``architecture`` describes one that is in no catalogue."""

    id: str
    weight_dtype: str = "bf16"
    kv_dtype: str = "bf16"
    architecture: dict[str, Any] = Field(default_factory=dict)


class ParallelismUsed(_Part):
    """How the model was spread, and how many independent engines there were."""

    tensor: PositiveInt = 1
    pipeline: PositiveInt = 1
    data: PositiveInt = 1
    expert: PositiveInt = 1
    replicas: PositiveInt = 1
    roles: dict[str, Any] | None = None

    @property
    def spec(self) -> ParallelismSpec:
        """Of one engine."""
        return ParallelismSpec(tensor=self.tensor, pipeline=self.pipeline, data=self.data, expert=self.expert)


class EngineUsed(_Part):
    """The engine and its settings, under vLLM's names."""

    name: str
    version: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    usable_kv_blocks: PositiveInt | None = None


class Client(_Part):
    """Who sent the requests. ``ttft_from`` says in words where TTFT and E2E begin."""

    name: str = ""
    ignore_eos: bool | None = None
    loop: Literal["open_loop", "closed_loop"] = "open_loop"
    concurrency: PositiveInt | None = None
    timeout_s: PositiveFloat | None = None
    ttft_from: str = ""

    @property
    def in_process(self) -> bool:
        """Whether the engine was called directly, with no API server that fills in sampling defaults."""
        return self.name.startswith("in-process")


class Stage(_Part):
    """Part of a load at one rate: ``duration`` [s] at ``rate`` [requests/s]."""

    duration: PositiveFloat
    rate: PositiveFloat


class LoadInWords(_Part):
    """The load of a run whose requests were not published [tokens]."""

    name: str = ""
    load_stages: tuple[Stage, ...] = ()
    distinct_prompts: PositiveInt | None = None
    prompt_groups: PositiveInt | None = None
    system_prompt_tokens: int = Field(default=0, ge=0)
    question_tokens: PositiveInt | None = None
    prompt_tokens_mean: PositiveFloat | None = None
    output_tokens: PositiveInt | None = None


def _numbers(figures: Any) -> Any:
    """The entries of a mapping that are numbers."""
    if not isinstance(figures, dict):
        return figures
    return {
        key: value
        for key, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


Figures = Annotated[dict[str, float], BeforeValidator(_numbers)]


class Peer(_Part):
    """Another simulator's figures for a run, and those it was compared with."""

    simulator: str
    scope: str = WHOLE_RUN
    measured: Figures = Field(default_factory=dict)
    predicted: Figures = Field(default_factory=dict)
    fitted_on_this_run: bool = False
    profiled: bool = Field(default=False, alias="profiled_on_this_device_and_model")


class MeasuredRun(_Part):
    """One measured run.

    Attributes
    ----------
    folder
        Where it lies.
    measured
        Figures by key; seconds, tokens, joules, watts.
    wall_over_cpu
        Wall time over CPU time of a run on a CPU: above one, other programs were in the way.
    server_power
        What draws power in the server, where it was measured at the wall.
    """

    format: Literal["measured-run/1"]
    name: str
    source: str
    hardware: HardwareUsed
    model: ModelUsed
    parallelism: ParallelismUsed | None = None
    engine: EngineUsed
    client: Client | None = None
    workload: LoadInWords = LoadInWords()
    measured: Figures = Field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    wall_over_cpu: NonNegativeFloat | None = None
    server_power: dict[str, Any] = Field(default_factory=dict, alias="power_model_of_the_peer")
    folder: Path

    @property
    def requests_file(self) -> Path | None:
        """The rows of its requests, where they were published."""
        path = self.folder / REQUESTS
        return path if path.is_file() else None

    @property
    def iterations_file(self) -> Path | None:
        """The rows of its engine steps, where they were noted."""
        path = self.folder / ITERATIONS
        return path if path.is_file() else None

    @property
    def figures(self) -> dict[str, float]:
        """What was measured; figures that only stand beside a peer's prediction of the whole run included."""
        found: dict[str, float] = {}
        for peer in self.peers:
            if peer.scope == WHOLE_RUN:
                found |= peer.measured
        return found | self.measured


def measured_on(run: MeasuredRun) -> MeasuredOn:
    """What step times that are fitted to a run are of."""
    model, layout = run.model, run.parallelism
    return MeasuredOn(
        device=run.hardware.device,
        model=model.id,
        weight_dtype=model.weight_dtype if "weight_dtype" in model.model_fields_set else None,
        **({} if layout is None else {size: getattr(layout.spec, size) for size in SIZES}),
    )


def read_run(folder: Path) -> MeasuredRun:
    """Read the description of a measured run.

    Raises
    ------
    InputError
        Where the folder holds none, or a damaged one.
    """
    file = folder / DESCRIPTION
    if not file.is_file():
        raise InputError(f"there is no {DESCRIPTION}; expected a measured run", file=folder)
    content = read_mapping(file, "measured run")
    if content.get("format") != FORMAT:
        raise InputError(f"found {content.get('format')!r}, expected {FORMAT}", file=file, key="format")
    return validate(MeasuredRun, content | {"folder": folder}, file)


def runs_at(paths: Iterable[Path]) -> list[Path]:
    """Folders of the runs that the paths mean: themselves, or those inside, by name.

    Raises
    ------
    InputError
        Where a path holds no run.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise InputError("there is no such folder; expected a measured run", file=path)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        own = [path] if (path / DESCRIPTION).is_file() else []
        runs = own or [place for place in inside if (place / DESCRIPTION).is_file()]
        if not runs:
            raise InputError(f"there is no measured run here; expected {DESCRIPTION}", file=path)
        found |= dict.fromkeys(runs)
    return list(found)
