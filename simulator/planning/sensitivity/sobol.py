"""Shares of a figure's variance by input: Sobol indices.

    S1 = V(E(y | x_i)) / V(y)        of an input alone
    ST = 1 - V(E(y | x_~i)) / V(y)   of an input, with all that it does together with others

over inputs that are equally likely anywhere in their ranges, estimated from Saltelli samples (SALib; Saltelli
et al., Computer Physics Communications 181, 2010). All points have the same seed: what is left of the
variance is the inputs'.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.run_many import Backend, Done
from simulator.planning.sensitivity.question import Question


@dataclass(frozen=True, slots=True)
class SobolIndex:
    """Shares of the variance by one input [1], with half of their 95 % intervals."""

    key: str
    alone: float
    alone_half_width: float
    total: float
    total_half_width: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def sobol(
    question: Question,
    samples: int,
    folder: Path,
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[SobolIndex]:
    """The input with the largest total share first.

    Parameters
    ----------
    samples
        Base samples, a power of two; there are ``samples * (inputs + 2)`` simulations.

    Raises
    ------
    InputError
        Where SALib is missing, no point knows the figure, or some point could not run.
    """
    try:
        from SALib.analyze import sobol as analysis
        from SALib.sample import sobol as sampling
    except ImportError:
        raise InputError("Sobol indices need SALib: pip install 'simulator[sensitivity]'") from None
    problem = {
        "num_vars": len(question.ranges),
        "names": [one.key for one in question.ranges],
        "bounds": [[0.0, 1.0]] * len(question.ranges),
    }
    shares = sampling.sample(problem, samples, calc_second_order=False, seed=question.seed)
    records = question.answered(shares, folder, jobs=jobs, backend=backend, progress=progress)
    values = [question.value(record) for record in records]
    missing = sum(value is None for value in values)
    if missing:
        reason = next((record.reason for record in records if record.reason), "the figure is unknown there")
        raise InputError(f"{missing} of {len(values)} points have no {question.figure}: {reason}")
    found = analysis.analyze(
        problem,
        np.array(values, dtype=float),
        calc_second_order=False,
        seed=question.seed,
        print_to_console=False,
    )
    indices = [
        SobolIndex(one.key, *(float(found[name][index]) for name in ("S1", "S1_conf", "ST", "ST_conf")))
        for index, one in enumerate(question.ranges)
    ]
    return sorted(indices, key=lambda index: -index.total)
