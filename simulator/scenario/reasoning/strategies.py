"""Strategies of test-time compute: how many calls a task becomes, in which order, and what is kept.

A task is one arrival of the workload. Its prompt, thinking and answer are those the workload draws;
where a strategy takes several chains for one task, their thinking varies around the drawn length
by ``reasoning.run_spread``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.reasoning.verifiers import DiscriminativeSpec, VerifierSpec
from simulator.scenario.spec import Count, CountOrZero, Share, Spec
from simulator.scenario.workload.gaps import GapSpec
from simulator.scenario.workload.lengths import FixedSpec, LengthSpec
from simulator.scenario.workload.quantities import Positive

DISCRIMINATIVE = DiscriminativeSpec(kind="discriminative")
STEP = FixedSpec(distribution="fixed", tokens=100)


class ChainSpec(Spec):
    """One chain of thought, with a budget where there is one."""

    kind: Literal["chain"]
    budget: Count | None = None
    """Thinking stops here and the answer follows [tokens]."""
    extend: Annotated[CountOrZero, Field(le=64)] = 0
    """How often an end of thinking is overruled ("Wait"): each adds a stretch of ``extend_tokens``."""
    extend_tokens: LengthSpec = STEP
    """Thinking added each time [tokens]."""


class BestOfNSpec(Spec):
    """Several chains at once; a verifier scores each and the best is the answer."""

    kind: Literal["best_of_n"]
    samples: Annotated[Count, Field(le=100_000)]
    """Chains per task."""
    verifier: VerifierSpec = DISCRIMINATIVE
    """Who scores them."""
    budget: Count | None = None
    """Thinking of each chain stops here [tokens]."""


class MajorityVoteSpec(Spec):
    """Several chains; the answer most of them give (self-consistency)."""

    kind: Literal["majority_vote"]
    samples: Annotated[Count, Field(le=100_000)]
    """Most chains per task."""
    at_once: Count | None = None
    """Chains that run at the same time; default: all."""
    early_stop: Share | None = None
    """Stop once this share of at least ``least`` votes agrees, and drop chains under way. Default: never."""
    least: Count = 4
    """Votes before a task may stop early."""
    agreement: Share | None = None
    """Mean share of chains that give a task's most common answer, for ``early_stop`` where
    ``reasoning.quality`` does not tell the answers apart."""
    budget: Count | None = None
    """Thinking of each chain stops here [tokens]."""

    @model_validator(mode="after")
    def _least_below_samples(self) -> Self:
        if self.early_stop is not None and self.least > self.samples:
            raise ValueError(f"least ({self.least}) is above samples ({self.samples})")
        return self


class TreeSpec(Spec):
    """What all tree searches share: thinking in steps, each judged by a process reward model."""

    width: Annotated[Count, Field(le=1024)] = 4
    """Children of a node that is expanded (M)."""
    step_tokens: LengthSpec = STEP
    """Length of one step [tokens]."""
    depth: Annotated[Count, Field(le=10_000)] | None = None
    """Steps to a full solution; default: as many as the workload's thinking takes."""
    most_depth: Annotated[Count, Field(le=10_000)] | None = None
    """Never more steps than this; default: no such limit."""
    verifier: VerifierSpec = DISCRIMINATIVE
    """Who scores each step."""


class BeamSearchSpec(TreeSpec):
    """Beam search: of ``beams`` candidates the best ``beams / width`` go on, each with ``width`` children."""

    kind: Literal["beam_search"]
    beams: Annotated[Count, Field(le=100_000)] = 16
    """Candidates per level (N)."""

    @model_validator(mode="after")
    def _whole_beams(self) -> Self:
        if self.beams % self.width:
            raise ValueError(f"beams ({self.beams}) must be a multiple of width ({self.width})")
        return self


class DvtsSpec(TreeSpec):
    """Diverse verifier tree search: ``beams / width`` trees, each of which follows its own best child."""

    kind: Literal["dvts"]
    beams: Annotated[Count, Field(le=100_000)] = 16
    """Candidates per level over all trees (N)."""

    @model_validator(mode="after")
    def _whole_trees(self) -> Self:
        if self.beams % self.width:
            raise ValueError(f"beams ({self.beams}) must be a multiple of width ({self.width})")
        return self


class RebaseSpec(TreeSpec):
    """Reward-balanced search: the children of a level are shared out by the softmax of the scores."""

    kind: Literal["rebase"]
    beams: Annotated[Count, Field(le=100_000)] = 16
    """Leaves that the search ends with (N); those that are complete leave fewer for the rest."""
    temperature: Positive = 0.2
    """Of the softmax; scores lie between 0 and 1."""


class MctsSpec(TreeSpec):
    """Monte Carlo tree search: one leaf at a time by upper confidence bounds, valued by the verifier."""

    kind: Literal["mcts"]
    simulations: Annotated[Count, Field(le=100_000)] = 32
    """Expansions per task."""
    exploration: Positive = 1.4
    """Weight of what is little visited."""


class SelfVerificationSpec(Spec):
    """Draft, check, and again where the check fails."""

    kind: Literal["self_verification"]
    rounds: Annotated[Count, Field(le=1000)] = 3
    """Most drafts per task."""
    verify_share: Positive = 0.3
    """Length of a check, as a share of the draft."""
    accepts_right: Share = 0.9
    """Chance that a right draft passes its check."""
    accepts_wrong: Share = 0.4
    """Chance that a wrong draft passes."""
    accepts: Share | None = None
    """Chance that any draft passes, where ``reasoning.quality`` does not tell right from wrong."""


class ThreadsSpec(Spec):
    """Hybrid of sequential and parallel thinking (ThreadWeaver): the chain forks, threads join again."""

    kind: Literal["threads"]
    parallel_share: Share = 0.5
    """Share of the thinking that lies in parallel sections."""
    threads: Annotated[Count, Field(le=1024)] = 3
    """Threads of one section."""
    sections: Annotated[Count, Field(le=1024)] = 2
    """Parallel sections of a chain."""
    activation: Share = 0.8
    """Share of the tasks that fork at all."""
    overhead_tokens: CountOrZero = 30
    """Outline and instructions for each thread [tokens]."""


class AgentSpec(Spec):
    """A tool-using agent: think, act, wait for the tool, read its output, and so on."""

    kind: Literal["agent"]
    turns: LengthSpec
    """Calls of the model per task."""
    tool: GapSpec
    """How long a tool takes."""
    tool_tokens: LengthSpec
    """Output of a tool, read by the next call [tokens]."""
    turn_tokens: LengthSpec | None = None
    """What each call writes [tokens]; default: the workload's output for every call."""
    keep_thinking: bool = False
    """Whether the thinking of earlier turns stays in the context."""
    max_context: Count | None = None
    """The task ends before the call whose prompt and output would exceed this [tokens]."""


class CascadeSpec(Spec):
    """A small model first; its answer is scored, and where it fails a large model answers."""

    kind: Literal["cascade"]
    small: str
    """Model that always answers first."""
    large: str
    """Model that answers where the first does not suffice."""
    small_length: Positive = 1.0
    """Output of the small model, as a multiple of the workload's."""
    verifier: VerifierSpec | None = DISCRIMINATIVE
    """Who scores the small model's answer; null: the share escalated needs no look at it."""
    escalate: Share = 0.3
    """Share of the tasks that go on to the large model."""


class RoutingSpec(Spec):
    """Each task goes to a small or a large model by a prediction of its difficulty."""

    kind: Literal["router"]
    small: str
    """Model of the easy tasks."""
    large: str
    """Model of the hard ones."""
    small_length: Positive = 1.0
    """Output of the small model, as a multiple of the workload's."""
    large_share: Share = 0.3
    """Share of the tasks that the large model gets."""
    router_tokens: CountOrZero = 0
    """Prompt tokens that the router itself reads with the small model; 0: it costs nothing."""


StrategySpec = Annotated[
    ChainSpec
    | BestOfNSpec
    | MajorityVoteSpec
    | BeamSearchSpec
    | DvtsSpec
    | RebaseSpec
    | MctsSpec
    | SelfVerificationSpec
    | ThreadsSpec
    | AgentSpec
    | CascadeSpec
    | RoutingSpec,
    Field(discriminator="kind"),
]
