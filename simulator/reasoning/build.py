"""From the section ``reasoning`` of a scenario to the desk that works on its tasks."""

from __future__ import annotations

from simulator.engine.cluster import Cluster
from simulator.reasoning.desk import TaskDesk
from simulator.reasoning.judging import AgreeingProblem, Judge, NoJudge, TaskSetJudge, UnknownProblem
from simulator.reasoning.quality.laws import law_of
from simulator.reasoning.quality.published import cons_at_64, pass_at_1, vote_exponent
from simulator.reasoning.quality.voting import SETTLED, concentration, vote_accuracy
from simulator.reasoning.strategies import build_strategy
from simulator.scenario.reasoning import QualitySpec, ReasoningSpec
from simulator.scenario.reasoning.strategies import MajorityVoteSpec
from simulator.units.random_streams import RandomStreams


def build_desk(spec: ReasoningSpec, cluster: Cluster, streams: RandomStreams, *, stops: bool) -> TaskDesk:
    """A desk in front of a cluster.

    Raises
    ------
    InputError
        Where a published figure is asked for that there is none of.
    """
    return TaskDesk(
        cluster,
        build_strategy(spec.strategy).run,
        build_judge(spec),
        streams,
        run_spread=spec.run_spread,
        thinking_scale=spec.thinking_scale,
        stops=stops,
        strategy=spec.strategy.kind,
    )


def build_judge(spec: ReasoningSpec) -> Judge:
    """What is known about right answers; nothing where no law leads from single answers to the strategy's."""
    if spec.quality is not None:
        law = law_of(spec.strategy)
        judge = _task_set(spec.quality, law or "")  # also refuses figures that nobody published
        return NoJudge(UnknownProblem()) if law is None else judge
    agreement = spec.strategy.agreement if isinstance(spec.strategy, MajorityVoteSpec) else None
    return NoJudge(UnknownProblem()) if agreement is None else NoJudge(AgreeingProblem(agreement))


def _task_set(quality: QualitySpec, law: str) -> Judge:
    consensus = quality.cons_at_64
    if quality.pass_at_1 is not None:
        alone, source = quality.pass_at_1, str(quality.source)
    else:
        assert quality.task_set is not None and quality.model is not None  # the spec holds this
        alone, source = pass_at_1(quality.task_set, quality.model)
        consensus = cons_at_64(quality.task_set, quality.model) if consensus is None else consensus
        source = f"{quality.model} on {quality.task_set}: {source}"
    if consensus is None:
        exponent, fitted_on = vote_exponent()
        consensus = vote_accuracy(alone, SETTLED, exponent)
        spread = f"spread between problems from the voting law fitted on {fitted_on}"
    else:
        spread = f"spread between problems from {consensus:.1%} by majority of 64"
    alike = concentration(alone, consensus, quality.wrong_agreement)
    single = f"{alone:.1%} of single answers right ({source}); {spread}"
    return TaskSetJudge(alike * alone, alike * (1.0 - alone), quality.wrong_agreement, single, law)
