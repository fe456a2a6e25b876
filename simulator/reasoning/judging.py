"""Who is right, and what a verifier thinks of it.

A problem of a task set with pass@1 = p has its own chance of a right answer, p_i ~ Beta(s p, s (1 - p)):
small s means problems that are nearly always or nearly never solved. Wrong answers agree with each other with
probability ``wrong_agreement`` and are otherwise all different, so that a majority of many is right where
p_i > w (1 - p_i). An answer after thinking that a budget stopped counts as wrong and agrees with no other, a
lower bound: no source says how often it is right. A verifier scores a candidate with d' for a right one plus
unit normal noise (signal detection). Without a published figure nothing is known, and verdicts stay None.

References: Brown et al., Large Language Monkeys, arXiv 2407.21787 (mixture of problems);
Wang et al., Self-Consistency, arXiv 2203.11171.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol


class Candidate(NamedTuple):
    """An answer.

    Attributes
    ----------
    right
        Whether it is right, None where nothing is known.
    label
        Equal for answers that agree; None for no answer at all.
    """

    right: bool | None
    label: object


class Problem(Protocol):
    """What is known about answers to one task."""

    def answer(self, random: Random) -> Candidate:
        """What one run answers."""
        ...

    def early_answer(self, random: Random) -> Candidate:
        """What a run answers whose thinking was stopped."""
        ...

    def no_answer(self) -> Candidate:
        """What a run comes to that was cut off."""
        ...


class UnknownProblem:
    """Nothing is known; all answers are as good as any."""

    def answer(self, random: Random) -> Candidate:
        """An answer about which nothing is known."""
        return Candidate(None, object())

    def early_answer(self, random: Random) -> Candidate:
        """No more is known of it."""
        return self.answer(random)

    def no_answer(self) -> Candidate:
        """No answer."""
        return Candidate(None, None)


@dataclass(frozen=True, slots=True)
class AgreeingProblem:
    """Nothing is known but how often runs agree (for early stopping)."""

    agreement: float

    def answer(self, random: Random) -> Candidate:
        """The most common answer, or one of its own."""
        return Candidate(None, "common" if random.random() < self.agreement else object())

    def early_answer(self, random: Random) -> Candidate:
        """The share that agrees is that of all runs."""
        return self.answer(random)

    def no_answer(self) -> Candidate:
        """No answer."""
        return Candidate(None, None)


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """One problem with its chance of a right answer."""

    chance: float
    wrong_agreement: float

    def answer(self, random: Random) -> Candidate:
        """Right with this problem's chance."""
        if random.random() < self.chance:
            return Candidate(True, "right")
        return Candidate(False, "lure" if random.random() < self.wrong_agreement else object())

    def early_answer(self, random: Random) -> Candidate:
        """Wrong, and like no other."""
        return Candidate(False, object())

    def no_answer(self) -> Candidate:
        """A run without an answer is wrong."""
        return Candidate(False, None)


class Judge(Protocol):
    """Draws problems."""

    @property
    def basis(self) -> str:
        """What verdicts rest on, in words; empty where there are none."""
        ...

    def problem(self, random: Random) -> Problem:
        """The problem of a new task."""
        ...


@dataclass(frozen=True, slots=True)
class NoJudge:
    """No figure applies."""

    everything: Problem
    basis: str = ""

    def problem(self, random: Random) -> Problem:
        """A problem about which nothing is known."""
        return self.everything


@dataclass(frozen=True, slots=True)
class TaskSetJudge:
    """Problems of a task set: chances of right answers are Beta distributed.

    ``single`` says what that rests on, ``law`` how single answers become the strategy's, empty for one chain.
    """

    alpha: float
    beta: float
    wrong_agreement: float
    single: str
    law: str = ""

    @property
    def basis(self) -> str:
        """Both."""
        return f"{self.single}; {self.law}" if self.law else self.single

    def problem(self, random: Random) -> Problem:
        """A problem drawn from the set."""
        return KnownProblem(random.betavariate(self.alpha, self.beta), self.wrong_agreement)


def score(right: bool | None, d_prime: float, random: Random) -> float:
    """What a verifier gives: noise, and d' on top for what is right."""
    noise = random.gauss(0.0, 1.0)
    return noise + d_prime if right else noise
