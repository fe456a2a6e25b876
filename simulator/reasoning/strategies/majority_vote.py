"""Majority vote over chains (self-consistency, arXiv 2203.11171), which may stop early.

Early stopping follows adaptive consistency (arXiv 2305.11860) in its simplest form: once a given share of the
votes agrees, chains under way are dropped and no more are started.
"""

from __future__ import annotations

from collections import Counter

from simulator.engine.request import Request
from simulator.reasoning.judging import Candidate
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.scenario.reasoning.strategies import MajorityVoteSpec


class MajorityVote(Strategy[MajorityVoteSpec]):
    """Chains in parallel, at most ``at_once`` of them at a time."""

    def run(self, task: Task) -> Program:
        """Sample, count, and stop when it is clear."""
        spec = self.spec
        votes: Counter[object] = Counter()
        ballots: dict[Request, Candidate] = {}
        running: dict[Request, None] = {}
        started = 0
        while True:
            while started < spec.samples and len(running) < (spec.at_once or spec.samples):
                running[task.think(spec.budget)] = None
                started += 1
            if not running:
                break
            ended = yield task.next_end()
            del running[ended]
            ballot = ballots[ended] = task.candidate(ended)
            if ballot.label is not None:
                votes[ballot.label] += 1
            if self._is_clear(votes):
                task.cancel(running)
                break
        return _elected(ballots, votes)

    def _is_clear(self, votes: Counter[object]) -> bool:
        early = self.spec.early_stop
        total = votes.total()
        return early is not None and total >= self.spec.least and max(votes.values()) >= early * total


def _elected(ballots: dict[Request, Candidate], votes: Counter[object]) -> Outcome:
    """The answer with most votes; of equals the one that came first. All chains that agree carry it."""
    if not votes:
        return Outcome(None, right=next((ballot.right for ballot in ballots.values()), None))
    label = max(votes, key=lambda one: votes[one])
    carriers = [call for call, ballot in ballots.items() if ballot.label is label or ballot.label == label]
    return Outcome(carriers[0], path=carriers, right=ballots[carriers[0]].right)
