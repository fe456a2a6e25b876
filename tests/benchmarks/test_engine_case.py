"""What the engine cases measure."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from benchmarks.cases import engine


def test_kept_bytes_are_those_of_all_arrays_however_deep(monkeypatch):
    monkeypatch.setattr(engine, "REQUESTS", 50)
    recording = engine.run(engine.CONVERSATION, enable_prefix_caching=False).recording
    columns = engine.kept_bytes(recording.requests)
    assert columns == 50 * len(fields(recording.requests)) * np.dtype(np.int64).itemsize
    assert engine.kept_bytes(recording) > columns


def test_reasoning_outputs_have_the_mean_that_is_claimed(monkeypatch):
    monkeypatch.setattr(engine, "REQUESTS", 2000)
    outputs = engine.run(engine.REASONING, enable_prefix_caching=False).recording.requests.output_tokens
    assert np.isclose(outputs.mean(), 8000, rtol=0.05)
