"""Drafts that are checked by their author, and written again where the check fails: exact.

A draft is right with the problem's chance p ~ Beta(a, b). A check passes right and wrong drafts at rates of
their own; the first draft that passes is the answer, or the last one. With p integrated out, drafts come from
Polya's urn, as ballots do in `plurality`.
"""

from __future__ import annotations

import numpy as np

from simulator.reasoning.quality.coverage import BetaProblems


def checked_right(problems: BetaProblems, rounds: int, accepts_right: float, accepts_wrong: float) -> float:
    """Share of problems right after at most ``rounds`` drafts."""
    found = 0.0
    going = np.ones(1)  # chance that no draft has passed yet, by right ones among them
    for drafts in range(rounds):
        is_right = (problems.alpha + np.arange(drafts + 1)) / (problems.alpha + problems.beta + drafts)
        right, wrong = going * is_right, going * (1.0 - is_right)
        found += float(right.sum()) * (1.0 if drafts == rounds - 1 else accepts_right)
        going = np.append(wrong * (1.0 - accepts_wrong), 0.0)
        going[1:] += right * (1.0 - accepts_right)
    return found
