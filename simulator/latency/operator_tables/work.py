"""The parts of a step with measured operators in place of modelled ones."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from simulator.latency.operator_tables.ratios import Grid, Line, between, filled
from simulator.latency.operator_tables.source import TableSource
from simulator.latency.roofline.step_work import StepWork
from simulator.latency.roofline.terms import gemm_s
from simulator.models.attention import AttentionGroup
from simulator.models.gemms import Gemm

if TYPE_CHECKING:
    import pandas as pd

NO_TABLES = TableSource("", {})
How = Literal["measured", "interpolated", "roofline"]

_GEMM_FORMATS = {"bf16": "bfloat16", "fp8": "fp8", "nvfp4": "nvfp4"}
_CACHE_FORMATS = {"bf16": "bfloat16", "fp8": "fp8"}
_EXPERT_FORMATS = {
    "bf16": ("bfloat16",),
    "fp8": ("fp8_block", "fp8"),
    "nvfp4": ("nvfp4",),
    "int4": ("int4_wo",),
    "mxfp4": ("w4a8_mxfp4_mxfp8", "w4a16_mxfp4"),
}
#: Loads of experts in the table that are nearest to those of real prompts, the nearest first.
_DISTRIBUTIONS = ("power_law_1.2", "power_law_1.01", "balanced")
#: Prompt whose measured attention sets the rate of prompt attention [tokens].
_PROMPT = 2048
_WIRE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a step, and how its time is known; ``why`` where it is not by a table."""

    name: str
    how: How
    why: str = ""


@dataclass(frozen=True)
class TabledWork(StepWork):
    """A `StepWork` whose operators are measured where ``tables`` has them.

    Attributes
    ----------
    exchange
        How the exchange among tensor-parallel devices is priced, where there are several.
    """

    tables: TableSource = NO_TABLES
    exchange: Operator | None = None

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """Every operator that was looked for, and how it is priced."""
        gemms = [*self.layout.gemms.dense, self.layout.gemms.lm_head]
        found = [self._gemm_lines[self._key(gemm)][0] for gemm in gemms]
        found += [self._experts[0]] if self.layout.gemms.experts is not None else []
        found += [how for how, _ in self._decode_grids.values()]
        found += [how for how, _ in self._prompt_rates.values()]
        found += [self.exchange] if self.exchange is not None else []
        return tuple(dict.fromkeys(found))

    def dense_s(self, tokens: int) -> float:
        """See `StepWork`."""
        return sum(
            product.gemm.layers * self._measured_gemm(product.gemm, product.seconds(tokens), tokens)
            for product in self._dense
        )

    def head_s(self, sequences: int) -> float:
        """See `StepWork`."""
        local = -(-sequences // self.ways)
        head = self.layout.gemms.lm_head
        product = self._product(head)
        measured = self._measured_gemm(head, product.seconds(local), local)
        return product.constants.fixed_us * 1e-6 + measured + self.sampling_s(local)

    def experts_s(self, tokens: int) -> float:
        """See `StepWork`."""
        modelled = super().experts_s(tokens)
        experts = self.layout.gemms.experts
        line = None if experts is None else self._experts[1]
        if experts is None or line is None:
            return modelled
        launches = experts.gate_up.layers * self.constants.experts.fixed_us * 1e-6
        return line.at(max(tokens * self.layout.data, 1)) * (modelled + launches) - launches

    def _group_decode_s(self, group: AttentionGroup, sequences: float, context: float, queries: int) -> float:
        modelled = super()._group_decode_s(group, sequences, context, queries)
        grid = self._decode_grids[group][1]
        if grid is None or not sequences:
            return modelled
        launch = self.constants.decode_attention.fixed_us * 1e-6
        return grid.at(sequences, max(context / sequences, 1.0)) * (modelled + launch) - launch

    def prompt_terms(self) -> tuple[tuple[float, float], ...]:
        """See `StepWork`: the same form, at the rate that a prompt of 2,048 tokens was measured with."""
        terms = super().prompt_terms()
        return tuple(
            (seconds * self._prompt_rates[group][1], limit)
            for group, (seconds, limit) in zip(self.layout.attention, terms, strict=True)
        )

    def _key(self, gemm: Gemm) -> tuple[str, int, int]:
        return gemm.role, gemm.n, gemm.k

    def _measured_gemm(self, gemm: Gemm, modelled: float, tokens: int) -> float:
        line = self._gemm_lines[self._key(gemm)][1]
        if line is None:
            return modelled
        launch = self._product(gemm).constants.fixed_us * 1e-6
        return line.at(max(tokens, 1)) * (modelled + launch) - launch

    @cached_property
    def _gemm_lines(self) -> dict[tuple[str, int, int], tuple[Operator, Line | None]]:
        gemms = [*self.layout.gemms.dense, self.layout.gemms.lm_head]
        rows = self._rows("gemm")
        return {self._key(gemm): self._gemm_line(gemm, rows) for gemm in gemms}

    def _gemm_line(self, gemm: Gemm, rows: pd.DataFrame | None) -> tuple[Operator, Line | None]:
        name = f"{gemm.role} ({gemm.n:,} x {gemm.k:,})"
        product = self._product(gemm)
        dtype = self.layout.weight_dtype if product.stored < _WIRE_BYTES else "bf16"
        if rows is None:
            return Operator(name, "roofline", self._no_table("matrix products")), None
        kept = rows[rows["gemm_dtype"] == _GEMM_FORMATS.get(dtype)]
        if kept.empty:
            return Operator(name, "roofline", f"no matrix products in {dtype} were measured"), None
        grid = kept.pivot_table("latency_ms", ["n", "k"], "m", aggfunc="median").dropna()
        sides_n = sorted(set(grid.index.get_level_values("n")))
        sides_k = sorted(set(grid.index.get_level_values("k")))
        low_n, high_n, share_n = between(sides_n, gemm.n)
        low_k, high_k, share_k = between(sides_k, gemm.k)
        sizes = [int(m) for m in grid.columns]
        ratios = np.zeros(len(sizes))
        for n, k, weight in (
            (sides_n[low_n], sides_k[low_k], (1 - share_n) * (1 - share_k)),
            (sides_n[low_n], sides_k[high_k], (1 - share_n) * share_k),
            (sides_n[high_n], sides_k[low_k], share_n * (1 - share_k)),
            (sides_n[high_n], sides_k[high_k], share_n * share_k),
        ):
            if weight == 0.0:
                continue
            if (n, k) not in grid.index:
                return Operator(name, "roofline", "no shape near it was measured"), None
            modelled = [
                product.constants.fixed_us * 1e-6
                + gemm_s(product.constants, n, k, m, product.stored, product.bandwidth, product.peak)
                for m in sizes
            ]
            ratios += weight * grid.loc[(n, k)].to_numpy() * 1e-3 / np.array(modelled)
        exact = gemm.n in sides_n and gemm.k in sides_k
        how: How = "measured" if exact else "interpolated"
        return Operator(name, how), Line(tuple(map(float, sizes)), tuple(ratios.tolist()))

    @cached_property
    def _experts(self) -> tuple[Operator, Line | None]:
        experts, layout = self.layout.gemms.experts, self.layout
        assert experts is not None
        name = f"experts ({experts.experts} of {experts.active} active)"
        rows = self._rows("moe")
        if rows is None:
            return Operator(name, "roofline", self._no_table("experts")), None
        ranks = layout.expert
        inner = experts.down.k * (layout.tensor * layout.data // ranks)
        shape = (
            (rows["hidden_size"] == layout.card.hidden)
            & (rows["inter_size"] == inner)
            & (rows["topk"] == experts.active)
            & (rows["num_experts"] == experts.experts)
            & (rows["moe_ep_size"] == ranks)
            & (rows["moe_tp_size"] == layout.tensor * layout.data // ranks)
        )
        for dtype in _EXPERT_FORMATS.get(layout.weight_dtype, ()):
            for distribution in _DISTRIBUTIONS:
                kept = rows[shape & (rows["moe_dtype"] == dtype) & (rows["distribution"] == distribution)]
                if not kept.empty:
                    times = kept.groupby("num_tokens")["latency_ms"].median()
                    return Operator(name, "measured"), self._expert_line(times)
        return Operator(name, "roofline", "experts of this shape were not measured"), None

    def _expert_line(self, times: pd.Series[float]) -> Line:
        experts = self.layout.gemms.experts
        assert experts is not None
        layers = experts.gate_up.layers
        sizes = [float(tokens) for tokens in times.index]
        ratios = []
        for tokens, milliseconds in zip(sizes, times.tolist(), strict=True):
            modelled = StepWork.experts_s(self, max(tokens / self.layout.data, 1)) / layers  # type: ignore[arg-type]
            ratios.append(milliseconds * 1e-3 / (modelled + self.constants.experts.fixed_us * 1e-6))
        return Line(tuple(sizes), tuple(ratios))

    @cached_property
    def _decode_grids(self) -> dict[AttentionGroup, tuple[Operator, Grid | None]]:
        rows = self._rows("attention-generation")
        return {group: self._decode_grid(group, rows) for group in self.layout.attention}

    def _decode_grid(self, group: AttentionGroup, rows: pd.DataFrame | None) -> tuple[Operator, Grid | None]:
        name = f"decode attention ({group.heads} heads, {group.kv_heads} of KV)"
        if rows is None:
            return Operator(name, "roofline", self._no_table("decode attention")), None
        kept = self._of_heads(rows, group)
        if kept is None or kept.empty:
            return Operator(name, "roofline", "attention of this shape was not measured"), None
        table = kept.pivot_table("latency_ms", "batch_size", "step", aggfunc="median")
        batches = [float(batch) for batch in table.index]
        contexts = [float(step) + 1.0 for step in table.columns]
        launch = self.constants.decode_attention.fixed_us * 1e-6
        modelled = np.array(
            [
                [StepWork._group_decode_s(self, group, batch, batch * context, 1) for context in contexts]
                for batch in batches
            ]
        )
        ratios = filled(table.to_numpy() * 1e-3 / (modelled + launch))
        return Operator(name, "measured"), Grid(tuple(batches), tuple(contexts), ratios)

    @cached_property
    def _prompt_rates(self) -> dict[AttentionGroup, tuple[Operator, float]]:
        rows = self._rows("attention-context")
        return {group: self._prompt_rate(group, rows) for group in self.layout.attention}

    def _prompt_rate(self, group: AttentionGroup, rows: pd.DataFrame | None) -> tuple[Operator, float]:
        name = f"prompt attention ({group.heads} heads, {group.kv_heads} of KV)"
        if rows is None:
            return Operator(name, "roofline", self._no_table("prompt attention")), 1.0
        kept = self._of_heads(rows, group)
        if kept is not None:
            kept = kept[(kept["batch_size"] == 1) & (kept["step"] == 0) & (kept["isl"] == _PROMPT)]
        if kept is None or kept.empty:
            return Operator(name, "roofline", "attention of this shape was not measured"), 1.0
        constants = self.constants.prefill_attention
        rate = constants.compute_efficiency * self.machine.product_flops("bf16")
        products = _PROMPT / 2 * (_PROMPT + constants.ramp_tokens)
        modelled = group.prefill_flops_per_product * products / rate
        launch = self.constants.decode_attention.fixed_us * 1e-6
        measured = max(float(kept["latency_ms"].median()) * 1e-3 - launch, 0.0)
        return Operator(name, "interpolated"), measured / modelled

    def _of_heads(self, rows: pd.DataFrame, group: AttentionGroup) -> pd.DataFrame | None:
        """Rows of attention of this shape; None where the tables have no such kind of attention."""
        if group.kind != "full" or group.window is not None:
            return None
        kept = rows[
            (rows["num_heads"] == group.heads)
            & (rows["num_key_value_heads"] == group.kv_heads)
            & (rows["kv_cache_dtype"] == _CACHE_FORMATS.get(self.layout.kv_dtype))
        ]
        width = group.kv_values_per_token / max(2 * group.kv_heads, 1)
        kept = kept[kept["head_dim"] == width]
        return kept[kept["window_size"] == 0] if "window_size" in kept.columns else kept

    def _rows(self, table: str) -> pd.DataFrame | None:
        file = self.tables.files.get(table)
        return None if file is None else file.rows()

    def _no_table(self, what: str) -> str:
        return self.tables.missing or f"there is no table of {what}"


def with_tables(work: StepWork, tables: TableSource) -> TabledWork:
    """The same work with these tables."""
    values: dict[str, Any] = {one.name: getattr(work, one.name) for one in fields(StepWork)}
    machine, exchange = _with_all_reduce(work, tables)
    return TabledWork(**{**values, "machine": machine}, tables=tables, exchange=exchange)


def _with_all_reduce(work: StepWork, tables: TableSource) -> tuple[Any, Operator | None]:
    """The machine with measured all-reduces of the size of the tensor-parallel group."""
    machine, devices = work.machine, work.layout.tensor
    if devices == 1:
        return machine, None
    name = f"all-reduce over {devices}"
    file = tables.files.get("comm-custom_allreduce")
    if file is None:
        return machine, Operator(name, "roofline", tables.missing or "there is no table of all-reduces")
    rows = file.rows()
    kept = rows[(rows["num_gpus"] == devices)]
    for backend in ("vllm_graph", "vllm"):
        some = kept[kept["backend"] == backend] if "backend" in kept.columns else kept
        if not some.empty:
            kept = some
            break
    if kept.empty:
        return machine, Operator(name, "roofline", f"all-reduces over {devices} devices were not measured")
    times = kept.groupby("message_size")["latency_ms"].median()
    sizes = [float(elements) * _WIRE_BYTES for elements in times.index]
    ratios = [
        milliseconds * 1e-3 / machine.all_reduce_s(devices, size)
        for size, milliseconds in zip(sizes, times.tolist(), strict=True)
    ]
    line, modelled = Line(tuple(sizes), tuple(ratios)), machine.all_reduce_s

    def measured(ranks: int, size: float) -> float:
        return modelled(ranks, size) * (line.at(max(size, 1.0)) if ranks == devices else 1.0)

    return replace(machine, all_reduce_s=measured), Operator(name, "measured")
