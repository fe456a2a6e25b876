"""What a predictor thinks of a request's output: its true length times a lognormal error.

Stands for the small models that guess answer lengths from prompts. An error of 0 is an oracle.
Left out: that guesses shrink towards the mean.
"""

from __future__ import annotations

import math

import numpy as np


class LengthPredictor:
    """Predicts output lengths.

    Parameters
    ----------
    error
        Standard deviation of the logarithm of predicted over true length, at least 0.
    random
        Where the errors come from.
    """

    def __init__(self, error: float, random: np.random.Generator) -> None:
        self._error = error
        self._random = random

    def predict(self, output_tokens: int) -> float:
        """Predicted output [tokens]."""
        return output_tokens * math.exp(self._error * self._random.standard_normal())
