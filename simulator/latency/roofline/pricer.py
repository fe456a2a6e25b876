"""Prices steps of machines that stream weights and cache from memory.

    step = body(T) + head(B) + decode attention(n, C) + prefill attention + mixed

with T the tokens of the step (padded to CUDA-graph sizes), B the rows that sample (one per prompt, decode
and draft), n the decode sequences and C their context. ``body`` and ``head`` are tables by token count,
filled as counts first occur; beyond the graphs ``body`` is evaluated at both ends of a tile of tokens, for
it is all but straight between them. In a step with prefill decode attention may take longer
(`mixed_decode_s`), and ``mixed`` is what the layers lose because attention then leaves the CUDA graph. The
host's own work is added where scheduling is synchronous; where it is asynchronous the longer of both counts.

Tokens are shared out evenly among data-parallel ranks. Where a release pads all of them to the fullest
(`EarlyKernels.fullest_rank`), prompts count as often as it has more than its share of them (`crowding`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from simulator.latency.context_lines import ContextLines, DecodeLines
from simulator.latency.power import PhaseWork, step_energy_j
from simulator.latency.pricer import BOUNDS, StepColumns, StepCosts
from simulator.latency.roofline.step_work import PROMPT_TILE, StepWork
from simulator.latency.roofline.terms import QUERY_TILE, TILE_TOKENS, crowding, graph_tokens
from simulator.latency.roofline.verification import Together, Verification
from simulator.models.accounting import experts_touched
from simulator.models.precision import bytes_per_value
from simulator.units.clock import NS_PER_S

#: As a float, which others are multiplied by faster than by an int.
_NS = float(NS_PER_S)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class RooflinePricer:
    """A `StepPricer` for one layout on one machine.

    Parameters
    ----------
    work
        The parts of a step.
    largest_graph
        Largest CUDA graph captured [tokens]; 0 for none.
    asynchronous
        Whether the next step is scheduled while this one executes.
    verification
        How the drafts of a sequence are verified.
    """

    def __init__(
        self, work: StepWork, largest_graph: int, asynchronous: bool, verification: Verification | None = None
    ) -> None:
        machine = work.machine
        self.idle_w = None if machine.idle_w is None else machine.idle_w * work.layout.devices
        self._work = work
        self._context = work.layout.context
        self._largest_graph = largest_graph
        host = work.constants.host
        per_sequence = host.hidden_per_sequence_us if asynchronous else host.per_sequence_us
        # Data-parallel ranks have a scheduler each, which sees their own sequences only.
        self._host_ns, self._host_sequence_ns = host.step_us * 1e3, per_sequence * 1e3 / work.layout.data
        self._asynchronous = asynchronous
        self._padded_ranks = work.layout.data if work.kernels.fullest_rank else 1
        self._verification = verification or Together()
        self._ramp_tokens = work.constants.prefill_attention.ramp_tokens
        self._ramp_per_token = self._ramp_tokens / PROMPT_TILE
        self._mixed_ns = _NS * work.mixed_s() if largest_graph else 0.0
        self._empty_tile_ns = _NS * work.empty_tile_s() / QUERY_TILE
        self._prompt_launch_ns = _NS * work.prompt_launch_s()
        self._prompt_share = work.constants.layer.prompt_share.get(work.program, 1.0)
        self._captured_prompts = largest_graph if work.program == "vllm" else 0
        self._prompt_terms = tuple((_NS * seconds, limit) for seconds, limit in work.prompt_terms())
        self._body_ns: dict[int, float] = {}
        self._rank_body: dict[int, float] = {}
        self._head_ns: dict[int, float] = {}
        self._exchange_s = _ByTokens(lambda tokens: work.exchange_s(ceil(tokens / work.ways)))
        self._crowding = _ByTokens(lambda prompts: crowding(prompts, self._padded_ranks))
        self._experts_touched = _ByTokens(self._touch_experts)
        self._experts_wait_s = _ByTokens(lambda tokens: work.experts_wait_s(ceil(tokens / work.ways)))
        self._attention_lines = ContextLines(self._attention_ns)
        self._mixed_lines = ContextLines(self._mixed_attention_ns)
        self._lines_by_queries: dict[int, ContextLines] = {}
        self.decode_line = DecodeLines(self._decode_step_ns).line
        #: See `latency.pricer.passage_of`.
        self.through_ns = self._through_ns if work.ways > 1 else None

    def step_ns(
        self,
        prefill_tokens: int,
        prefill_sequences: int,
        prefill_context: int,
        prefill_products: int,
        decode_sequences: int,
        decode_tokens: int,
        decode_context: int,
    ) -> int:
        """See `StepPricer`.

        Flat and short of calls, for it runs once per step that is not part of a run; see
        ``tests/latency/test_speed.py``.
        """
        if not prefill_tokens and decode_tokens == decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            return line.step_ns(decode_sequences, decode_context)
        computed, crowded = prefill_tokens, 1.0
        if self._padded_ranks > 1 and prefill_sequences:
            crowded = crowding(prefill_sequences, self._padded_ranks)
            computed = int(prefill_tokens * crowded)
        tokens = -(-computed // self._context) + decode_tokens
        body = self._body_ns.get(tokens)
        if body is None:
            body = self._price_body(tokens)
        rows = prefill_sequences + decode_tokens  # every draft is verified by a row of the head
        head = self._head_ns.get(rows)
        if head is None:
            head = self._price_head(rows)
        time = body + head
        host = self._host_ns + self._host_sequence_ns * (prefill_sequences + decode_sequences)
        if decode_sequences:
            lines = self._mixed_lines if prefill_tokens else self._attention_lines
            fixed, slope, _ = lines.line(decode_sequences, decode_context)
            attention = fixed + slope * decode_context
            if decode_tokens != decode_sequences:
                # a tile of queries holds all drafts of a sequence
                verifying = self._verification_ns(decode_sequences, decode_tokens, decode_context)
                attention = max(attention, verifying) if prefill_tokens else verifying
                host += self._verification.host_ns(decode_sequences, decode_tokens)
            time += attention
        if prefill_tokens:
            triangle = prefill_products - prefill_tokens * prefill_tokens / (2.0 * prefill_sequences)
            edge = prefill_context - 0.5 * prefill_tokens
            ramp = self._ramp_per_token * prefill_tokens / prefill_sequences
            if ramp > self._ramp_tokens:
                ramp = self._ramp_tokens
            time += self._mixed_ns
            time += self._empty_tile_ns * decode_sequences * prefill_tokens / prefill_sequences
            for ns_per_product, limit in self._prompt_terms:
                seen, seen_edge = prefill_tokens * limit, prefill_sequences * limit
                if triangle < seen:
                    seen = triangle
                if edge < seen_edge:
                    seen_edge = edge
                time += crowded * ns_per_product * (seen + ramp * seen_edge)
            if tokens > self._captured_prompts:
                time *= self._prompt_share
                if time < self._prompt_launch_ns:
                    time = self._prompt_launch_ns
        if self._asynchronous:
            return int(time if time > host else host)
        return int(time + host)

    def _through_ns(self, tokens: int, sequences: int, context: int, products: int) -> int:
        """A prompt is on one rank and in one batch: fewer than these take as long as if they were as many.

        Their step counts all ranks and batches in flight as busy.
        """
        ways = self._work.ways
        if sequences >= ways:
            return 0
        return self.step_ns(
            tokens * ways // sequences,
            ways,
            context * ways // sequences,
            products * ways // sequences,
            0,
            0,
            0,
        )

    def _with_host(self, device_ns: float, sequences: int) -> float:
        host = self._host_ns + self._host_sequence_ns * sequences
        return max(device_ns, host) if self._asynchronous else device_ns + host

    def _price_body(self, tokens: int) -> float:
        local = ceil(tokens / self._work.ways)
        last = -(-local // TILE_TOKENS) * TILE_TOKENS
        first = last - TILE_TOKENS + 1
        if first <= max(self._largest_graph, TILE_TOKENS) or self._work.overlaps_halves:
            time = self._rank_body_ns(graph_tokens(local, self._largest_graph))
        else:
            at_first = self._rank_body_ns(first)
            slope = (self._rank_body_ns(last) - at_first) / (last - first)
            time = at_first + slope * (local - first)
        self._body_ns[tokens] = time
        return time

    def _rank_body_ns(self, padded: int) -> float:
        time = self._rank_body.get(padded)
        if time is None:
            time = self._rank_body[padded] = _NS * self._work.body_s(padded)
        return time

    def _price_head(self, sequences: int) -> float:
        time = self._head_ns[sequences] = _NS * self._work.head_s(sequences)
        return time

    def _attention_ns(self, sequences: int, context: int) -> float:
        return _NS * self._work.decode_attention_s(sequences, context)

    def _mixed_attention_ns(self, sequences: int, context: int) -> float:
        return _NS * self._work.mixed_attention_s(sequences, context)

    def _verification_ns(self, sequences: int, tokens: int, context: int) -> float:
        """Attention of decodes with drafts, which are verified."""
        entries = self._verification.entries(sequences, tokens, context)
        queries = entries.queries
        lines = self._lines_by_queries.get(queries)
        if lines is None:

            def curve(number: int, in_all: int) -> float:
                return _NS * self._work.decode_attention_s(number, in_all, queries)

            lines = self._lines_by_queries[queries] = ContextLines(curve)
        fixed, slope, _ = lines.line(entries.sequences, entries.context)
        return fixed + slope * entries.context

    def _decode_step_ns(self, sequences: int, context: int) -> float:
        body = self._body_ns.get(sequences) or self._price_body(sequences)
        head = self._head_ns.get(sequences) or self._price_head(sequences)
        return self._with_host(body + head + self._attention_ns(sequences, context), sequences)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        work = self._work
        machine, layout = work.machine, work.layout
        seconds = steps.duration_ns / _NS
        prefill, decode = self._phase_work(steps)
        peak = machine.product_flops(layout.weight_dtype)
        prefill_j, decode_j = step_energy_j(
            work.constants.power,
            machine.tdp_w,
            machine.idle_w,
            np.maximum(seconds - self._waiting_s(steps), 0.0),
            prefill,
            decode,
            machine.bandwidth,
            peak,
        )
        memory_s = (prefill.bytes + decode.bytes) / machine.bandwidth
        compute_s = (prefill.flops + decode.flops) / peak
        return StepCosts(
            prefill_j * layout.devices,
            decode_j * layout.devices,
            self._bounds(steps, seconds, memory_s, compute_s),
        )

    def _waiting_s(self, steps: StepColumns) -> Floats:
        """What the average device waits in each step [s]: for the host, and for the busiest expert rank.

        Nothing is known of the host where scheduling is ahead.
        """
        waiting = np.zeros(len(steps.duration_ns))
        if not self._asynchronous:
            sequences = (steps.prefill_sequences + steps.decode_sequences).astype(np.float64)
            waiting = waiting + (self._host_ns + self._host_sequence_ns * sequences) / _NS
        if self._work.layout.expert > 1:
            waiting = waiting + self._experts_wait_s(self._computed_prompts(steps) + steps.decode_tokens)
        return waiting

    def _phase_work(self, steps: StepColumns) -> tuple[PhaseWork, PhaseWork]:
        """Bytes and FLOPs of each phase on one device. Weights are shared by tokens."""
        work = self._work
        prompts = self._computed_prompts(steps)
        tokens = np.maximum(prompts + steps.decode_tokens, 1)
        weights = self._weight_bytes(tokens)
        flops = 2.0 * self._weights_per_token * tokens / work.shares
        prefill_share = prompts / tokens
        prompt_flops, decode_flops, cache_bytes = self._attention_work(steps)
        prefill = PhaseWork(weights * prefill_share, flops * prefill_share + prompt_flops)
        decode = PhaseWork(
            weights * (1.0 - prefill_share) + cache_bytes, flops * (1.0 - prefill_share) + decode_flops
        )
        return prefill, decode

    def _computed_prompts(self, steps: StepColumns) -> Ints:
        """Prompt tokens of each step, with those that ranks are padded to the fullest with, shape (n,)."""
        if self._padded_ranks == 1:
            return steps.prefill_tokens
        computed: Ints = (steps.prefill_tokens * self._crowding(steps.prefill_sequences)).astype(np.int64)
        return computed

    def _attention_work(self, steps: StepColumns) -> tuple[Floats, Floats, Floats]:
        """FLOPs of prompts, FLOPs of decodes and bytes of cache read on one device."""
        shares = self._work.shares
        squares = steps.prefill_tokens.astype(float) ** 2 / (2.0 * np.maximum(steps.prefill_sequences, 1))
        triangle = np.maximum(steps.prefill_products - squares, 0.0)
        context = steps.decode_context.astype(float)
        queries = steps.decode_tokens / np.maximum(steps.decode_sequences, 1)
        prompt_flops, decode_flops, cache_bytes = np.zeros((3, len(context)))
        for (prompt, decode, cache), (_, limit) in zip(self._per_token, self._prompt_terms, strict=True):
            seen = triangle if limit == inf else np.minimum(triangle, steps.prefill_tokens * limit)
            read = context if limit == inf else np.minimum(context, steps.decode_sequences * limit)
            prompt_flops += prompt * seen
            decode_flops += decode * queries * read
            cache_bytes += cache * read
        return prompt_flops / shares, decode_flops / shares, cache_bytes / shares

    @cached_property
    def _per_token(self) -> list[tuple[float, float, float]]:
        """Of each kind of layers: FLOPs of prompts per product, of decodes per token read, bytes read."""
        layout = self._work.layout
        size = bytes_per_value(layout.kv_dtype)
        return [
            (
                group.layers * group.prefill_flops_per_product,
                group.layers * group.decode_flops_per_product,
                group.layers * group.kv_values_per_token * size,
            )
            for group in layout.attention
        ]

    @cached_property
    def _weights_per_token(self) -> float:
        """Weights that one token multiplies on one device, as if it held all layers."""
        gemms = self._work.layout.gemms
        dense = sum(gemm.weights for gemm in gemms.dense) + gemms.lm_head.weights
        experts = gemms.experts
        if experts is None:
            return float(dense)
        ranks = self._work.layout.expert
        routed = self._work.layout.data * experts.active / ranks * experts.weights_per_expert
        return float(dense + routed * experts.gate_up.layers)

    def _weight_bytes(self, tokens: Ints) -> Floats:
        """Bytes of weights one device streams in steps of ``tokens`` tokens, shape (n,)."""
        if self._work.layout.gemms.experts is None:
            return np.full(len(tokens), self._dense_bytes)
        return self._dense_bytes + self._experts_touched(tokens) * self._expert_bytes

    @cached_property
    def _dense_bytes(self) -> float:
        layout = self._work.layout
        gemms = (*layout.gemms.dense, layout.gemms.lm_head)
        return float(sum(gemm.weights * layout.weight_size(gemm.role) for gemm in gemms))

    @cached_property
    def _expert_bytes(self) -> float:
        layout = self._work.layout
        experts = layout.gemms.experts
        assert experts is not None
        return experts.weights * layout.weight_size("expert_down") / experts.experts

    def _touch_experts(self, tokens: int) -> float:
        layout = self._work.layout
        assert layout.gemms.experts is not None
        experts = layout.gemms.experts
        return experts_touched(experts.experts, experts.active, tokens * layout.data / self._work.ways)

    def _bounds(
        self, steps: StepColumns, seconds: Floats, memory_s: Floats, compute_s: Floats
    ) -> NDArray[np.int8]:
        """The largest part of each step; whatever none of them explains is overhead."""
        tokens = np.maximum(self._computed_prompts(steps) + steps.decode_tokens, 1)
        network_s = self._exchange_s(tokens)
        sequences = steps.prefill_sequences + steps.decode_sequences
        host_s = (self._host_ns + self._host_sequence_ns * sequences) / _NS
        overhead_s = seconds - np.maximum(memory_s, compute_s) - network_s
        if self._asynchronous:
            host_s = seconds * (host_s >= seconds * (1.0 - 1e-6))
        else:
            overhead_s -= host_s
        largest, bound = compute_s, np.full(len(seconds), BOUNDS.index("compute"), dtype=np.int8)
        others = {"memory": memory_s, "network": network_s, "host": host_s, "overhead": overhead_s}
        for name, part in others.items():
            bound[part > largest] = BOUNDS.index(name)
            largest = np.maximum(largest, part)
        return bound


class _ByTokens:
    """A function of a number of tokens, as a table that grows when larger numbers are asked for."""

    def __init__(self, function: Callable[[int], float]) -> None:
        self._function = function
        self._table = np.full(1, np.nan)

    def __call__(self, tokens: Ints) -> Floats:
        most = int(tokens.max(initial=0))
        if most >= len(self._table):
            grown = np.full(2 * most + 1, np.nan)
            grown[: len(self._table)] = self._table
            self._table = grown
        found: Floats = self._table[tokens]
        missing = np.isnan(found)
        if missing.any():
            for value in np.unique(tokens[missing]).tolist():
                self._table[value] = self._function(value)
            found = self._table[tokens]
        return found
