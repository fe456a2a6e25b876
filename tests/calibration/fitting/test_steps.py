"""Step times are found again from steps that were made with them, and what steps cannot tell is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.fitting.steps import fit_steps, part_of, read_steps
from simulator.errors import InputError
from simulator.latency.fitted import FittedBackend, FittedPricer
from simulator.latency.pricer import StepColumns

RUN = Path(__file__).parents[3] / "workloads" / "vllm-cpu-chat"
TRUE = FittedBackend(
    format="fitted-backend/1",
    name="true",
    source="made up",
    date="2026-11-27",
    error="none",
    knots_ms={1: 8.0, 64: 24.0, 512: 124.0},
    context_us=1.0,
    product_us=0.2,
    mixed_us=80.0,
)
ABOUT = {"name": "found", "source": "test", "date": "2026-11-27", "error": "none"}


def made_steps(count: int = 2000, most_decodes: int = 40) -> StepColumns:
    random = np.random.default_rng(1)
    decodes = random.integers(0, most_decodes, count)
    prompts = np.where(random.random(count) < 0.3, random.integers(10, 400, count), 0)
    prompts[(prompts == 0) & (decodes == 0)] = 20
    context = decodes * random.integers(20, 600, count)
    rows = np.column_stack([prompts, prompts > 0, prompts, prompts**2, decodes, decodes, context])
    pricer = FittedPricer(TRUE, None)
    durations = np.array([pricer.step_ns(*row) for row in rows.tolist()], dtype=np.int64)
    return StepColumns(durations, *rows.T)


def test_the_coefficients_that_made_the_steps_are_found_again():
    fit = fit_steps(made_steps())
    assert fit.error < 0.005
    assert fit.coefficients["context_us"] == pytest.approx(1.0, rel=0.05)
    assert fit.coefficients["product_us"] == pytest.approx(0.2, rel=0.05)
    assert fit.coefficients["mixed_us"] == pytest.approx(80.0, rel=0.1)


def test_no_step_gets_faster_with_more_tokens():
    heights = list(fit_steps(made_steps()).knots_ms.values())
    assert heights == sorted(heights)


def test_what_never_varied_is_named():
    steps = made_steps()
    decodes_only = part_of(steps, steps.prefill_tokens == 0)
    words = " ".join(fit_steps(decodes_only).identification.unidentified)
    assert "product_us: nothing in the data depends on it" in words
    assert "mixed_us: nothing in the data depends on it" in words


def test_too_few_steps_are_refused():
    with pytest.raises(InputError, match="a fit needs"):
        fit_steps(part_of(made_steps(), np.arange(10)))


def test_half_of_a_measured_run_predicts_the_steps_of_the_other_half():
    steps = read_steps(RUN / "iterations.csv.gz")
    early = np.arange(len(steps.duration_ns)) < len(steps.duration_ns) // 2
    fit = fit_steps(part_of(steps, early)).backend(**ABOUT)
    late, pricer = part_of(steps, ~early), FittedPricer(fit, None)
    predicted = np.array([pricer.step_ns(*step) for step in late.steps()])
    assert np.abs(predicted / late.duration_ns - 1.0).mean() < 0.08
