"""Measures one case once, in this process: ``python -m benchmarks.case NAME``.

The figures are the last line of standard output, as JSON. The runner starts this for every
repeat; by hand it is the way to profile a case.
"""

from __future__ import annotations

import json
import sys

from benchmarks.cases import CASES


def main(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    print(json.dumps(case.measure()))


if __name__ == "__main__":
    main(sys.argv[1])
