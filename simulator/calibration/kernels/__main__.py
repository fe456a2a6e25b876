"""Measured kernels beside predicted ones: ``python -m simulator.calibration.kernels [FILE]``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from simulator.calibration.kernels.comparison import ComparedProduct, Comparison
from simulator.calibration.kernels.measured import read_measured, shipped
from simulator.errors import program


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare one file, or all that come with the project."""
    import argparse

    parser = argparse.ArgumentParser(prog="simulator tool kernels", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="measured kernels; without: those of the project")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    for path in [options.file] if options.file else shipped():
        kernels = read_measured(path)
        compared = Comparison(kernels)
        if options.json:
            print(json.dumps({"device": kernels.device, **_figures(compared)}, indent=2))
            continue
        print(f"{kernels.device}, {kernels.date}: {kernels.source}")
        for dtype in ("bf16", "fp8"):
            _print_products(dtype, [one for one in compared.products if one.measured.dtype == dtype])
        for draw in compared.draws:
            what = f"{draw.measured.work}, {draw.measured.dtype}, {draw.measured.tokens or '-'} tokens"
            print(f"  {what:44}{draw.measured.watts:6.0f} W{draw.predicted_w:8.0f} W{draw.error:+8.1%}")
    return 0


def _print_products(dtype: str, products: Sequence[ComparedProduct]) -> None:
    if not products:
        return
    print(f"  {len(products)} products in {dtype}: median of the size of the error {_median(products):.1%}")
    for tokens in sorted({one.measured.tokens for one in products}):
        same = [one for one in products if one.measured.tokens == tokens]
        print(f"    {tokens:6} tokens  {_median(same):6.1%}   middle {median(o.error for o in same):+7.1%}")


def _median(products: Sequence[ComparedProduct]) -> float:
    return median(abs(one.error) for one in products)


def _figures(compared: Comparison) -> dict[str, object]:
    return {
        "products": [
            {**one.measured.model_dump(), "predicted_us": one.predicted_us} for one in compared.products
        ],
        "draws": [{**one.measured.model_dump(), "predicted_w": one.predicted_w} for one in compared.draws],
    }


if __name__ == "__main__":
    raise SystemExit(main())
