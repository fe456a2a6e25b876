"""Compiles what a scenario says about a pool into an object that prices its steps.

Once per (model, device, parallelism, precision, engine settings); the engine then knows
only the `StepPricer` and the `Placement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.hardware.execution import (
    Evidence,
    Execution,
    Program,
    RooflineExecution,
    SramPipelineExecution,
    StaticShapesExecution,
    StreamedExecution,
)
from simulator.latency.decode_offload import LINK_S, DecodeOffloadPricer, Partner
from simulator.latency.execution_models import NAMES, WholeStepExecution, whole_step_pricer
from simulator.latency.fitted import FittedPricer, read_fitted
from simulator.latency.layout import Layout, lay_out
from simulator.latency.linear import LinearPricer
from simulator.latency.machine import Machine, machine_of
from simulator.latency.measured_on import remarks
from simulator.latency.memory import overflow_tier, place_layout, streamed_tier
from simulator.latency.operator_tables.source import TableSource, find_tables
from simulator.latency.operator_tables.work import Operator, TabledWork, with_tables
from simulator.latency.placement import Placement
from simulator.latency.possible import refuse_impossible
from simulator.latency.pricer import StepPricer
from simulator.latency.roofline.constants import RooflineConstants, resolve_constants
from simulator.latency.roofline.pricer import RooflinePricer
from simulator.latency.roofline.releases import EarlyKernels, kernels_of
from simulator.latency.roofline.step_work import Routing, StepWork
from simulator.latency.roofline.verification import verification_of
from simulator.latency.speculation import draft_devices, draft_layout, with_drafts
from simulator.models.card import ModelCard
from simulator.scenario.backend import (
    AutoBackendSpec,
    BackendSpec,
    DecodeOffloadBackendSpec,
    FittedBackendSpec,
    LinearBackendSpec,
    OperatorTablesBackendSpec,
    PhysicalBackendSpec,
    RooflineBackendSpec,
)
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.engine_versions import Sampler, version_defaults
from simulator.scenario.speculation import SpeculationSpec

#: Largest step vLLM captures a CUDA graph for [tokens].
_LARGEST_GRAPH = 512


@dataclass(frozen=True, slots=True)
class BackendProvenance:
    """What priced a pool, for the result.

    ``error`` says in words how far the backend was off on measured data; ``estimated`` names
    the groups of constants that rest on estimates; ``notes`` are what the user must know, in sentences.
    """

    backend: str
    sources: tuple[str, ...]
    error: str
    estimated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledBackend:
    """One pool's backend, ready to price.

    ``partners`` are further devices beside each replica; ``request_s`` is the time of a request in the API
    server where the backend was measured with it [s].
    """

    pricer: StepPricer
    placement: Placement
    provenance: BackendProvenance
    partners: tuple[tuple[Device, int], ...] = ()
    request_s: float = 0.0


def compile_backend(
    spec: BackendSpec,
    card: ModelCard,
    device: Device,
    parallelism: ParallelismSpec | None = None,
    engine: EngineSpec | None = None,
    speculation: SpeculationSpec | None = None,
    *,
    weight_dtype: str = "auto",
    kv_dtype: str = "auto",
    base_dir: Path | None = None,
    kernels: EarlyKernels | None = None,
) -> CompiledBackend:
    """Compile the backend of one pool.

    Parameters
    ----------
    spec
        The ``latency:`` section of the pool.
    weight_dtype, kv_dtype
        Of the scenario's model; the engine's ``kv_cache_dtype`` goes before ``kv_dtype``.
    speculation
        What drafts tokens; default: nothing.
    base_dir
        Where the scenario lies; paths in ``spec`` are relative to it.
    kernels
        What the release takes on top of the operator tables; default: what its version says.

    Raises
    ------
    DoesNotFitError
        Where the model does not fit the devices.
    InputError
        Where the layout is impossible or the spec does not suit the device.
    """
    parallelism = parallelism or ParallelismSpec()
    engine = engine or EngineSpec()
    layout = lay_out(
        card,
        parallelism.tensor,
        parallelism.pipeline,
        parallelism.data,
        parallelism.expert,
        weight_dtype,
        engine.kv_cache_dtype if engine.kv_cache_dtype != "auto" else kv_dtype,
        parallelism.context,
        parallelism.micro_batches,
    )
    execution = _execution(spec, device)
    streams = isinstance(spec, RooflineBackendSpec | OperatorTablesBackendSpec)
    if streams and not isinstance(execution, RooflineExecution):
        execution = RooflineExecution()
    refuse_impossible(layout, execution)
    machine = machine_of(device, streamed_tier(execution), overflow_tier(execution))
    draft = None if speculation is None else draft_layout(speculation, layout)
    guest = draft if speculation is not None and speculation.apart is None else None
    placement = place_layout(layout, machine, execution, engine, guest)
    compiled = _compiled(spec, layout, machine, execution, placement, engine, base_dir, kernels, device)
    if speculation is None:
        return compiled

    def price(drafting: Layout, where: Device) -> StepPricer:
        return _draft_pricer(drafting, where, spec, placement, engine)

    return replace(
        compiled,
        pricer=with_drafts(speculation, compiled.pricer, device, draft, price, engine.engine_version),
        provenance=_speculative_provenance(compiled.provenance, speculation),
        partners=(*compiled.partners, *draft_devices(speculation)),
    )


def _compiled(
    spec: BackendSpec,
    layout: Layout,
    machine: Machine,
    execution: Execution,
    placement: Placement,
    engine: EngineSpec,
    base_dir: Path | None,
    kernels: EarlyKernels | None,
    device: Device,
) -> CompiledBackend:
    """The backend of the model alone."""
    if isinstance(spec, LinearBackendSpec):
        idle_w = spec.idle_w if spec.idle_w is not None else _idle_w(machine, layout)
        return CompiledBackend(
            LinearPricer(spec, idle_w),
            placement,
            BackendProvenance(
                "linear", ("coefficients of the scenario",), "unknown: coefficients given by the user"
            ),
        )
    if isinstance(spec, DecodeOffloadBackendSpec):
        return _offloaded(spec, layout, machine, execution, placement, engine)
    if isinstance(spec, FittedBackendSpec):
        fit = read_fitted((base_dir or Path()) / spec.file)
        return CompiledBackend(
            FittedPricer(fit, _idle_w(machine, layout)),
            placement,
            BackendProvenance(
                f"fitted ({fit.name})",
                (f"{fit.source}, {fit.date}",),
                fit.error,
                notes=remarks(fit.name, fit.measured_on, layout, device),
            ),
            request_s=fit.request_ms / 1e3,
        )
    tables = None
    if isinstance(spec, OperatorTablesBackendSpec):
        folder = None if spec.folder is None else (base_dir or Path()) / spec.folder
        tables = find_tables(device.id, folder)
    pricer, provenance = _physical(spec, layout, machine, execution, placement, engine, kernels, tables)
    return CompiledBackend(pricer, placement, provenance)


def _draft_pricer(
    layout: Layout, device: Device, spec: BackendSpec, placement: Placement, engine: EngineSpec
) -> StepPricer:
    """A draft on a device: greedy, and launched by the step it belongs to."""
    software = spec.software if isinstance(spec, AutoBackendSpec) else None
    own = AutoBackendSpec(software=software)
    execution = _execution(own, device)
    if isinstance(execution, RooflineExecution):
        own = AutoBackendSpec(software=software, sampler="greedy", host_us=0.0, host_per_sequence_us=0.0)
    elif isinstance(execution, StreamedExecution):
        execution = execution.model_copy(update={"step_us": 0.0, "sequence_us": 0.0})
    machine = machine_of(device, streamed_tier(execution), overflow_tier(execution))
    ahead = engine.model_copy(update={"async_scheduling": True})
    lying = replace(placement, weight_bytes_per_device=layout.weight_bytes)
    return _physical(own, layout, machine, execution, lying, ahead, None)[0]


def _speculative_provenance(provenance: BackendProvenance, spec: SpeculationSpec) -> BackendProvenance:
    """The same, with what speculation rests on."""
    if spec.method not in ("eagle", "eagle3", "medusa"):
        return provenance
    return replace(provenance, estimated=(*provenance.estimated, f"shape of the {spec.method} head"))


def _offloaded(
    spec: DecodeOffloadBackendSpec,
    layout: Layout,
    machine: Machine,
    execution: Execution,
    placement: Placement,
    engine: EngineSpec,
) -> CompiledBackend:
    """GPUs with other devices beside them."""
    device = load_device(spec.partner)
    beside = device.execution or RooflineExecution()
    if not isinstance(beside, SramPipelineExecution | RooflineExecution):
        raise InputError(
            f"{device.name} neither keeps weights in SRAM nor streams them as a GPU does: it can not take the"
            " feed-forward part of decodes",
            key="latency.partner",
        )
    sram = beside if isinstance(beside, SramPipelineExecution) else None
    alone, own = _physical(AutoBackendSpec(), layout, machine, execution, placement, engine, None)
    link_s = LINK_S if spec.latency is None else spec.latency
    partner = Partner(machine_of(device), sram, spec.devices, spec.bandwidth, link_s, spec.micro_batches)
    pricer = DecodeOffloadPricer(alone, layout, machine, partner)
    source = "feed-forward on GPUs: a roofline with estimated efficiencies"
    if sram is not None:
        source = f"{sram.source}, {sram.date}"
    return CompiledBackend(
        pricer,
        placement,
        BackendProvenance(
            f"decode offload to {spec.devices} x {device.name} beside {own.backend}",
            (*own.sources, source),
            "unknown: nothing measured on such a pair is public",
            (*own.estimated, "decode offload", "link to the devices beside"),
        ),
        ((device, spec.devices),),
    )


def _idle_w(machine: Machine, layout: Layout) -> float | None:
    return None if machine.idle_w is None else machine.idle_w * layout.devices


def _physical(
    spec: PhysicalBackendSpec,
    layout: Layout,
    machine: Machine,
    execution: Execution,
    placement: Placement,
    engine: EngineSpec,
    kernels: EarlyKernels | None,
    tables: TableSource | None = None,
) -> tuple[StepPricer, BackendProvenance]:
    """The execution model of the device."""
    if isinstance(execution, RooflineExecution):
        constants = resolve_constants(
            execution, machine.bandwidth, layout.weight_dtype, layout.kv_dtype, spec, machine.family
        )
        kernels = kernels or kernels_of(engine.engine_version)
        local = layout.gemms.experts.local_experts if layout.gemms.experts is not None else 0
        blackwell = "fp4" in machine.peak_flops
        experts = kernels.slow_down(constants.experts, layout.weight_dtype, layout.expert, local, blackwell)
        attention, layer = kernels.attention(constants.decode_attention), kernels.layer(constants.layer)
        constants = replace(constants, experts=experts, decode_attention=attention, layer=layer)
        sampler = _sampler(spec, layout.card, engine)
        work = StepWork(
            layout,
            machine,
            constants,
            sampler,
            engine.enforce_eager,
            program=_program(spec) or "vllm",
            routing=Routing(**_given(diversity=spec.routing_diversity, spread=spec.routing_spread)),
            expert_exchange=engine.all2all_backend,
            overlaps_halves=engine.enable_dbo,
            kernels=kernels,
        )
        work.exchange_s(1)  # refuses devices without a known link now, not in the middle of a run
        largest_graph = 0 if engine.enforce_eager else min(2 * engine.max_num_seqs, _LARGEST_GRAPH)
        provenance = _roofline_provenance(layout, constants)
        if tables is not None:
            work = with_tables(work, tables)
            provenance = _tabled_provenance(work, provenance)
        ahead, verification = engine.schedules_ahead, verification_of(engine.engine_version)
        return RooflinePricer(work, largest_graph, ahead, verification), provenance
    _refuse_overrides(spec, execution.model, machine.name)
    _refuse_split_sequences(layout, execution.model)
    whole_steps = whole_step_pricer(execution, layout, machine, placement, engine.max_num_seqs)
    notes = _notes_on_seats(execution, machine, engine)
    return whole_steps, _provenance(NAMES[execution.model], execution, notes)


def _execution(spec: BackendSpec, device: Device) -> Execution:
    """The device's execution model under the software that the scenario names."""
    software = spec.software if isinstance(spec, AutoBackendSpec) else None
    if software not in device.software and _program(spec) is not None:
        software = None
    return device.execution_under(software) or RooflineExecution()


def _program(spec: BackendSpec) -> Program | None:
    """The serving program, where the scenario names one that all profiles know."""
    named = spec.software if isinstance(spec, AutoBackendSpec) else None
    return next((program for program in get_args(Program) if program == named), None)


def _given(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _sampler(spec: PhysicalBackendSpec, card: ModelCard, engine: EngineSpec) -> Sampler:
    """What filters tokens: as told, else nothing if the model asks for no filter, else the engine's own."""
    if spec.sampler is not None:
        return spec.sampler
    if card.sampling is not None and not card.sampling.filtered:
        return "greedy"
    return version_defaults(engine.engine_version).sampler


def _refuse_overrides(spec: PhysicalBackendSpec, model: str, device: str) -> None:
    given = sorted(spec.model_fields_set - {"backend", "software"})
    if given:
        raise InputError(
            f"{', '.join(given)} only act on roofline machines, but {device} runs models as {model!r}",
            key="latency",
        )


def _refuse_split_sequences(layout: Layout, model: str) -> None:
    if layout.context > 1:
        raise InputError(
            f"context is {layout.context}, but {model!r} machines do not share the tokens of a sequence;"
            " leave it at 1",
            key="parallelism.context",
        )


def _roofline_provenance(layout: Layout, constants: RooflineConstants) -> BackendProvenance:
    gemm = constants.gemm_for(layout.weight_dtype)
    groups: dict[str, Evidence] = {
        "matrix products": gemm,
        "decode attention": constants.decode_attention,
        "prefill attention": constants.prefill_attention,
        "rest of a layer": constants.layer,
    }
    if layout.card.moe is not None:
        groups["experts"] = constants.experts
    errors = [
        f"{name} {group.fit_error:.0%}" for name, group in groups.items() if group.fit_error is not None
    ]
    text = (
        f"mean error on operator tables: {', '.join(errors)}"
        if errors
        else "never compared with measurements"
    )
    sources = tuple(dict.fromkeys(f"{group.source}, {group.date}" for group in groups.values()))
    estimated = tuple(
        name for name in constants.estimated if name != "experts" or layout.card.moe is not None
    )
    return BackendProvenance("roofline", sources, text, estimated)


def _tabled_provenance(work: TabledWork, roofline: BackendProvenance) -> BackendProvenance:
    """Operator by operator how its time is known; those without a table are a note to the user."""
    found = work.operators
    by_table = [f"{one.name} {one.how}" for one in found if one.how != "roofline"]
    left = [one for one in found if one.how == "roofline"]
    tables = sorted({file.software for file in work.tables.files.values()})
    source = f"{work.tables.name} ({', '.join(tables)}): {', '.join(by_table)}"
    notes = [
        f"Without operator table, priced by the roofline: {', '.join(names)} ({why})."
        for why, names in _by_reason(left).items()
    ]
    error = f"operators as measured where there is a table; of the roofline that joins them, {roofline.error}"
    sources = ((source,) if by_table else ()) + roofline.sources
    return BackendProvenance("operator tables", sources, error, roofline.estimated, tuple(notes))


def _by_reason(operators: Sequence[Operator]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for one in operators:
        reasons.setdefault(one.why, []).append(one.name)
    return reasons


def _notes_on_seats(execution: Execution, machine: Machine, engine: EngineSpec) -> tuple[str, ...]:
    """A hint where graphs are compiled for seats that nobody chose."""
    if not isinstance(execution, StaticShapesExecution) or "max_num_seqs" in engine.model_fields_set:
        return ()
    return (
        f"{machine.name} runs graphs compiled for a fixed number of seats, and a step costs them all, taken"
        f" or not: {engine.max_num_seqs} by default. Say engine.max_num_seqs, near the requests in flight.",
    )


def _provenance(name: str, execution: WholeStepExecution, notes: tuple[str, ...] = ()) -> BackendProvenance:
    error = (
        "never compared with measurements"
        if execution.fit_error is None
        else f"mean error on the public rows it was fitted to: {execution.fit_error:.0%}"
    )
    guessed = tuple(f"{constant} of the {name}" for constant in execution.estimated)
    estimated = (name,) if execution.confidence == "estimate" else guessed
    return BackendProvenance(name, (f"{execution.source}, {execution.date}",), error, estimated, notes)
