"""How well votes of 64 are predicted from pass@1, each model left out in turn.

    python -m simulator.calibration.voting [--json]

fits the one shared exponent of `simulator.reasoning.quality.voting` to all published models but one and
predicts that one's cons@64 on AIME 2024 from its pass@1. Also printed: the coverage curve of SWE-bench
Lite, which is a fit through its two published points and predicts nothing at them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from simulator.errors import program
from simulator.reasoning.quality.coverage import fit_beta_problems, fit_exponent, power_law
from simulator.reasoning.quality.published import coverage_points, vote_pairs
from simulator.reasoning.quality.voting import fit_vote_exponent, leave_one_out, median_error

#: Samples that the coverage curve is printed at.
SAMPLES = (1, 2, 5, 10, 25, 50, 100, 250)


def voting_report() -> dict[str, Any]:
    """Every model left out, and the fit to all."""
    pairs = vote_pairs()
    found = leave_one_out(pairs)
    return {
        "task_set": "aime24",
        "law": "cons@64 = pass@1 ** (64 ** -exponent)",
        "shared_parameter": fit_vote_exponent(pairs),
        "median_error_points": median_error(found),
        "largest_error_points": max(abs(one.error_points) for one in found),
        "models": [
            {
                "model": one.pair.model,
                "pass_at_1": one.pair.pass_at_1,
                "cons_at_64": one.pair.cons_at_64,
                "predicted": one.predicted,
                "error_points": one.error_points,
                "exponent_without_it": one.exponent,
            }
            for one in found
        ],
    }


def coverage_report() -> dict[str, Any]:
    """The coverage curve of SWE-bench Lite: a fit through two points."""
    model, points, source = coverage_points("swe-bench-lite")
    (_, alone), (samples, covered) = sorted(points.items())
    problems = fit_beta_problems(alone, samples, covered)
    exponent = fit_exponent(alone, samples, covered)
    return {
        "task_set": "swe-bench-lite",
        "model": model,
        "label": "a fit through two published points, not a prediction",
        "source": source,
        "published": points,
        "beta": {"alpha": problems.alpha, "beta": problems.beta},
        "power_law_exponent": exponent,
        "curve": [
            {
                "samples": k,
                "beta_binomial": problems.coverage(k),
                "power_law": power_law(alone, k, exponent),
            }
            for k in SAMPLES
        ],
    }


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="simulator tool voting", description="Votes of 64 predicted from pass@1, models left out."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    voting, coverage = voting_report(), coverage_report()
    if asked.json:
        print(json.dumps({"voting": voting, "coverage": coverage}, indent=2))
        return 0
    print(f"{voting['law']}, one exponent for all: {voting['shared_parameter']:.4f} fitted to all nine")
    for row in voting["models"]:
        print(
            f"  {row['model']:32s} pass@1 {row['pass_at_1']:5.1%}  cons@64 {row['cons_at_64']:5.1%}"
            f"  predicted {row['predicted']:5.1%}  error {row['error_points']:+5.1f} points"
        )
    middle, largest = voting["median_error_points"], voting["largest_error_points"]
    print(f"median error {middle:.1f} points, largest {largest:.1f}")
    print(f"\ncoverage of {coverage['task_set']} ({coverage['model']}): {coverage['label']}")
    for point in coverage["curve"]:
        k, beta, power = point["samples"], point["beta_binomial"], point["power_law"]
        print(f"  {k:4d} samples: beta-binomial {beta:5.1%}, power law {power:5.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
