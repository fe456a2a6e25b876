"""A run of decode steps priced as a vector is bit for bit what single steps are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.latency.context_lines import STRAIGHT, ContextLines, DecodeLines
from simulator.scenario.backend import LinearBackendSpec

BACKENDS = [
    ("nvidia-h100-sxm", "llama-3.1-8b", {}),
    ("nvidia-h200-sxm", "gpt-oss-120b", {"tensor": 2}),
    ("nvidia-h200-sxm", "deepseek-v3", {"tensor": 8}),
    ("aws-inferentia2", "llama-3.1-8b", {"tensor": 12}),
    ("groq-lpu-v1", "llama-3.1-8b", {"tensor": 8, "pipeline": 32, "weights": "int8"}),
    ("cerebras-wse3", "llama-3.1-8b", {}),
]


@pytest.mark.parametrize(("device", "model", "layout"), BACKENDS)
@settings(max_examples=60, deadline=None)
@given(sequences=st.integers(1, 600), context=st.integers(1, 200_000), run=st.integers(1, 3_000))
def test_a_run_of_decode_steps_equals_its_single_steps(
    compiled, device, model, layout, sequences, context, run
):
    pricer = compiled(device, model, **layout).pricer
    start = sequences * context
    line = pricer.decode_line(sequences, start)
    assert line.context_end >= start
    contexts = start + sequences * np.arange(run)
    contexts = contexts[contexts <= line.context_end]
    first = line.step_ns(sequences, start)
    as_vector = first + line.growth_ns * np.arange(len(contexts))
    for c, ns in zip(
        contexts[:: max(1, len(contexts) // 20)], as_vector[:: max(1, len(contexts) // 20)], strict=True
    ):
        assert pricer.step_ns(0, 0, 0, 0, sequences, sequences, int(c)) == ns
        assert pricer.decode_line(sequences, int(c)) == line


@settings(max_examples=300, deadline=None)
@given(context=st.integers(0, 1 << 40), sequences=st.integers(1, 4096))
def test_a_segment_does_not_depend_on_where_in_it_one_asks(context, sequences):
    lines = ContextLines(lambda n, c: n + c**0.9)
    line = lines.line(sequences, context)
    assert context <= line.context_end
    assert lines.line(sequences, line.context_end) == line
    assert lines.line(sequences, line.context_end + 1) != line


def test_chords_follow_a_smooth_curve():
    def curve(n: int, c: int) -> float:
        return 1e6 + (c**1.4 + (50.0 * n) ** 1.4) ** (1 / 1.4)

    lines = ContextLines(curve)
    for context in np.unique(np.geomspace(1, 1e7, 500).astype(int)):
        line = lines.line(64, int(context))
        value = line.fixed_ns + line.ns_per_token * context
        assert value == pytest.approx(curve(64, context), rel=1.5 * STRAIGHT)


def test_a_corner_is_cut_no_wider_than_the_narrowest_segment():
    """Two bounds meet at 70,000 tokens: the chord over 1/32 of a doubling is off by 0.8 % at most."""

    def curve(n: int, c: int) -> float:
        return float(max(c, 70_000))

    lines = ContextLines(curve)
    contexts = np.arange(1 << 16, 1 << 17, 37)
    chords = [lines.line(1, context) for context in contexts.tolist()]
    values = np.array([chord.fixed_ns for chord in chords])
    values += contexts * np.array([chord.ns_per_token for chord in chords])
    off = values / np.maximum(contexts, 70_000) - 1
    assert off.min() >= -1e-9
    assert off.max() <= 0.008
    assert (off > 1e-9).sum() <= len(contexts) / 32 + 1


@settings(max_examples=300, deadline=None)
@given(corner=st.integers(1, 1 << 20), context=st.integers(1, 1 << 21), sequences=st.integers(1, 64))
def test_a_corner_s_segments_do_not_depend_on_what_was_asked_before(corner, context, sequences):
    def curve(n: int, c: int) -> float:
        return 1e5 * n + max(3.0 * c, corner)

    used, fresh = DecodeLines(curve), DecodeLines(curve)
    for other in (corner, corner - 1, 2 * context, context - 1, context + sequences):
        used.line(sequences, max(other, 1))
    assert used.line(sequences, context) == fresh.line(sequences, context)
    line = used.line(sequences, context)
    assert line.context_start <= context <= line.context_end
    assert used.line(sequences, line.context_start) == used.line(sequences, line.context_end) == line


@pytest.mark.parametrize("sequences", [1, 7, 64, 500])
@pytest.mark.parametrize("ns_per_token", [0.0004, 0.04, 3.0, 110.7])
def test_lines_in_whole_nanoseconds_neither_fall_nor_lose_time(sequences, ns_per_token):
    def curve(n: int, c: int) -> float:
        return 2e6 + 1e3 * n + ns_per_token * c

    lines = DecodeLines(curve)
    contexts = range(100 * sequences, 2_000 * sequences, sequences)
    priced = np.array([lines.line(sequences, c).step_ns(sequences, c) for c in contexts])
    exact = np.array([curve(sequences, c) for c in contexts])
    assert (np.diff(priced) >= 0).all()
    steps_of_the_narrowest = max(contexts) / 32 / sequences
    assert (np.abs(priced - exact) <= np.maximum(0.5 * steps_of_the_narrowest, STRAIGHT * exact) + 1.5).all()
    assert np.mean(priced - exact) == pytest.approx(0.0, abs=1.5)


def test_the_linear_backend_is_the_oracle_s_form_in_integers(compiled):
    spec = LinearBackendSpec(
        base_ns=1_000_003, prefill_token_ns=7, decode_token_ns=11, context_token_ns=3, prefill_attn_ns=2
    )
    pricer = compiled("nvidia-h100-sxm", "llama-3.1-8b", spec=spec).pricer
    assert pricer.step_ns(5, 1, 9, 45, 2, 4, 100) == 1_000_003 + 35 + 44 + 3 * 109 + 90
    line = pricer.decode_line(8, 123_456_789)
    assert line.step_ns(8, 123_456_789) == 1_000_003 + 88 + 3 * 123_456_789
