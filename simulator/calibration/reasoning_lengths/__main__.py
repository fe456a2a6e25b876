"""The command; see the package."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.calibration.reasoning_lengths.errors import (
    errors_left_out,
    from_mean,
    from_mean_and_loops,
    leave_one_model_out,
    scores_of,
)
from simulator.calibration.reasoning_lengths.fit import fit_law
from simulator.calibration.reasoning_lengths.limits import limits_of
from simulator.calibration.reasoning_lengths.parts import spread_parts
from simulator.calibration.reasoning_lengths.responses import read_cells, tables_in
from simulator.errors import program
from simulator.workload.lengths.reasoning_profiles import shipped_law

#: Fewer models than this are not fitted but predicted with the shipped law.
FEWEST_MODELS = 8


def report_on(file: Path) -> dict[str, Any]:
    """Everything that is printed about one table."""
    cells = read_cells(file)
    models = list(dict.fromkeys(cell.model for cell in cells))
    left_out = len(models) >= FEWEST_MODELS
    laws = leave_one_model_out(cells) if left_out else dict.fromkeys(models, shipped_law())
    by_cell, by_model = errors_left_out(laws, cells, from_mean)
    law = fit_law(cells) if left_out else shipped_law()
    limits = limits_of(law, cells)
    columns = file.open(encoding="utf-8", errors="ignore").readline() if file.suffix == ".csv" else ""
    return {
        "table": file.name,
        "how": "each model left out of the fit" if left_out else "shipped law",
        "scores": asdict(scores_of(by_cell, by_model)),
        "scores_with_loops_told": asdict(scores_of(*errors_left_out(laws, cells, from_mean_and_loops))),
        "limits": asdict(limits) if limits else None,
        "law": asdict(law),
        "parts_of_spread": asdict(spread_parts(file)) if "quiz_id" in columns else None,
        "cells": [asdict(cell) for cell in by_cell],
        "models": [asdict(model) for model in by_model],
    }


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="simulator tool reasoning-lengths",
        description="Reasoning lengths of models left out of the fit.",
    )
    parser.add_argument("folder", type=Path, help="folder of CSV tables of responses, or one such table")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    reports = [report_on(file) for file in tables_in(asked.folder)]
    if asked.json:
        print(json.dumps(reports, indent=2))
        return 0
    for report in reports:
        _print(report)
    return 0


def _print(report: dict[str, Any]) -> None:
    scores, law = report["scores"], report["law"]
    print(f"{report['table']}: {scores['models']} models, {scores['cells']} cells; {report['how']}")
    for cell in report["cells"]:
        capped = f"  {cell['at_cap']} at the cap" if cell["at_cap"] else ""
        print(
            f"  {cell['model']:36s} {cell['difficulty']:>6s}"
            f"  p50 {cell['p50']:+7.1%}  p90 {cell['p90']:+7.1%}{capped}"
        )
    for model in report["models"]:
        print(f"  {model['model']:36s}    all  p99 {model['p99']:+7.1%}")
    print(
        f"within 15 %: p50 in {scores['p50_within_15_percent']:.1%} of cells,"
        f" p90 in {scores['p90_within_15_percent']:.1%}, both in {scores['both_within_15_percent']:.1%}"
    )
    if scores["p90_within_15_percent_without_cap"] is not None:
        print(
            f"  where no response hit the cap ({scores['cells_without_cap']} cells):"
            f" p50 {scores['p50_within_15_percent_without_cap']:.1%},"
            f" p90 {scores['p90_within_15_percent_without_cap']:.1%},"
            f" both {scores['both_within_15_percent_without_cap']:.1%}"
        )
    print(f"p99 over all difficulties: median error {scores['p99_median_error']:.1%}")
    told = report["scores_with_loops_told"]
    print(
        "with the share of responses at the cap told beside the mean:"
        f" p50 {told['p50_within_15_percent']:.1%}, p90 {told['p90_within_15_percent']:.1%},"
        f" both {told['both_within_15_percent']:.1%}; p99 {told['p99_median_error']:.1%} off"
    )
    if report["limits"] is not None:
        print(
            f"both within 15 %, were the law exact: {report['limits']['law_exact']:.1%} of cells;"
            " with the one shape for all that is best on these very cells:"
            f" {report['limits']['one_shape_in_hindsight']:.1%}"
        )
        if report["limits"]["by_likeness"] is not None:
            print(
                "with the shape of the cells most alike by level, place and reach of the means,"
                f" each model left out: {report['limits']['by_likeness']:.1%}"
            )
    print("law: " + ", ".join(f"{name} {value:.4g}" for name, value in law.items()))
    if report["parts_of_spread"] is not None:
        parts = report["parts_of_spread"]
        print("parts of the spread of ln(tokens): " + ", ".join(f"{k} {v:.3f}" for k, v in parts.items()))


if __name__ == "__main__":
    sys.exit(main())
