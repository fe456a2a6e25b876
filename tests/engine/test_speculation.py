"""Acceptance of drafts, the number that is worth drafting, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.speculation import DraftAcceptance, DraftLength, DraftStats

POSITIONS = (0.76, 0.56, 0.43)


def test_acceptance_has_the_given_share_at_every_position():
    drawn = DraftAcceptance(POSITIONS, np.random.default_rng(0))
    accepted = np.concatenate([drawn.pattern() for _ in range(400)])
    assert [np.mean(accepted >= n) for n in (1, 2, 3)] == pytest.approx(POSITIONS, abs=0.01)


class LinearStep:
    """A step of 10 us and ``token_ns`` per token."""

    def __init__(self, token_ns):
        self.token_ns = token_ns
        self.asked = 0

    def step_ns(self, *aggregates):
        self.asked += 1
        return 10_000 + self.token_ns * aggregates[5]


def test_free_tokens_are_all_drafted_and_dear_ones_not_at_all():
    assert DraftLength(POSITIONS, LinearStep(0))(8, 4000) == 3
    assert DraftLength(POSITIONS, LinearStep(10_000))(8, 4000) == 0


def test_the_larger_the_batch_the_fewer_drafts():
    best = [DraftLength(POSITIONS, LinearStep(500))(batch, 4000) for batch in (1, 8, 64, 512)]
    assert best == sorted(best, reverse=True)
    assert best[0] == 3 and best[-1] < 3


def test_a_choice_is_made_once_for_a_batch_and_about_its_context():
    pricer = LinearStep(500)
    length = DraftLength(POSITIONS, pricer)
    assert length(8, 4100) == length(8, 4200)
    assert pricer.asked == 4


def test_counts_are_those_of_vllms_metrics():
    stats = DraftStats(3)
    for drafts, accepted in ((3, 3), (3, 1), (2, 0)):
        stats.record(drafts, accepted)
    assert (stats.verifications, stats.drafted) == (3, 8)
    assert stats.accepted_by_position == (2, 1, 1)
