"""A machine that runs slower than its kind."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.latency.pricer import Step, StepColumns
from simulator.latency.slowed import SlowedPricer

FACTOR = 1.7


@pytest.fixture
def pricers(compiled):
    pricer = compiled("nvidia-h100-sxm", "llama-3.1-8b").pricer
    return pricer, SlowedPricer(pricer, FACTOR)


@pytest.mark.parametrize("sequences", [1, 16, 200])
def test_its_decode_steps_last_so_many_times_as_long(pricers, sequences):
    pricer, slowed = pricers
    for context in np.geomspace(100 * sequences, 100_000 * sequences, 50).astype(int).tolist():
        step = Step.of_decodes(sequences, context)
        assert slowed.step_ns(*step) == pytest.approx(FACTOR * pricer.step_ns(*step), rel=1e-4)
        line = slowed.decode_line(sequences, context)
        assert line.context_start <= context <= line.context_end
        assert line.step_ns(sequences, context) == slowed.step_ns(*step)


@pytest.mark.parametrize("step", [Step.of_prompts(2, 700), Step.of_verifications(8, 3, 9000)])
def test_so_do_its_other_steps(pricers, step):
    pricer, slowed = pricers
    assert slowed.step_ns(*step) == int(FACTOR * pricer.step_ns(*step))


def test_the_work_in_them_is_the_same(pricers):
    pricer, slowed = pricers
    step = Step.of_decodes(8, 9000)
    lasting = np.array([slowed.step_ns(*step)])
    steps = StepColumns(lasting, *(np.array([value]) for value in step))
    assert slowed.costs(steps).decode_j[0] == pricer.costs(steps).decode_j[0] > 0.0
    assert slowed.idle_w == pricer.idle_w
