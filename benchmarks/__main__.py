"""Runs the benchmarks, prints a table and, if asked, writes JSON and checks the thresholds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import runner, thresholds
from benchmarks.cases import CASES
from benchmarks.figures import Case, Sample
from benchmarks.thresholds import Threshold


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    samples, failures = measure(options.only)
    limits = thresholds.load()
    print_table(samples, limits)
    medians = {sample.key: sample.median for sample in samples}
    if options.json:
        write_json(options.json, medians)
    if options.check:
        measured_all = len(options.only) == len(CASES)
        failures += thresholds.broken(
            medians, {key: limit for key, limit in limits.items() if measured_all or key in medians}
        )
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, ``only`` as the list of cases to run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the medians here, under flat keys")
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help=f"a case or the beginning of a name; may be repeated: {', '.join(c.name for c in CASES)}",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 unless all thresholds hold")
    options = parser.parse_args(arguments)
    wanted = tuple(options.only or [""])
    for name in wanted:
        if not any(case.name.startswith(name) for case in CASES):
            parser.error(f"no case {name!r}; there are {', '.join(case.name for case in CASES)}")
    options.only = [case for case in CASES if case.name.startswith(wanted)]
    return options


def measure(cases: Sequence[Case]) -> tuple[list[Sample], list[str]]:
    """All samples of the cases that ran, and why the others did not."""
    samples: list[Sample] = []
    failures: list[str] = []
    with Console(stderr=True).status("") as status:
        for case in cases:
            status.update(f"{case.name} ({case.repeats} processes)")
            try:
                samples += runner.run(case)
            except runner.CaseFailedError as error:
                failures.append(str(error))
    return samples, failures


def print_table(samples: Sequence[Sample], limits: Mapping[str, Threshold]) -> None:
    table = Table("figure", title="Benchmarks", title_justify="left")
    for heading in ("median", "lowest", "highest", "repeats"):
        table.add_column(heading, justify="right")
    table.add_column("must be")
    for sample in samples:
        limit = limits.get(sample.key, Threshold())
        colour = "default" if limit.holds(sample.median) else "red"
        table.add_row(
            sample.key,
            f"[{colour}]{number(sample.median)}[/]",
            number(min(sample.values)),
            number(max(sample.values)),
            str(len(sample.values)),
            str(limit),
        )
    Console().print(table)


def number(value: float) -> str:
    """Four significant digits, large ones in full."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def write_json(file: Path, medians: Mapping[str, float]) -> None:
    """The medians, and on what they were measured."""
    machine = {
        "meta.python": platform.python_version(),
        "meta.machine": platform.machine(),
        "meta.cores": os.cpu_count(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**medians, **machine}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
