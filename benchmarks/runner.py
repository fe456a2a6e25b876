"""Runs cases in processes of their own and gathers their figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Case, Figures, Sample

PROJECT = Path(__file__).resolve().parent.parent


class CaseFailedError(Exception):
    """A case ended with an error, ran past its limit or printed no figures."""


def run(case: Case) -> list[Sample]:
    """Measures ``case`` as often as it asks for, one process each."""
    rounds = [_run_once(case) for _ in range(case.repeats)]
    return [Sample(key, tuple(figures[key] for figures in rounds)) for key in rounds[0]]


def _run_once(case: Case) -> Figures:
    command = [sys.executable, "-m", "benchmarks.case", case.name]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=case.timeout_s)
    except subprocess.TimeoutExpired:
        raise CaseFailedError(f"{case.name} ran past its limit of {case.timeout_s:g} s") from None
    if done.returncode != 0:
        raise CaseFailedError(f"{case.name} failed:\n{done.stderr.strip()}")
    try:
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise CaseFailedError(f"{case.name} printed no figures, but: {done.stdout[-500:]!r}") from None
    return figures
