"""What a user waits for before anything is simulated."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figures import Case, Figures

TIMED_IMPORT = """
import time
start = time.perf_counter()
import simulator
print(time.perf_counter() - start)
"""


def import_package() -> Figures:
    """``import simulator`` in an interpreter that has loaded nothing but ``time``."""
    done = subprocess.run([sys.executable, "-c", TIMED_IMPORT], stdout=subprocess.PIPE, text=True, check=True)
    return {"start.import_s": float(done.stdout)}


def show_help() -> Figures:
    """``simulator --help``, from starting the interpreter to the prompt."""
    command = "import sys; from simulator.cli.main import main; sys.exit(main(['--help']))"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", command], stdout=subprocess.DEVNULL, check=True)
    return {"start.help_s": time.perf_counter() - start}


CASES = (
    Case("start.import", import_package, repeats=9),
    Case("start.help", show_help, repeats=9),
)
