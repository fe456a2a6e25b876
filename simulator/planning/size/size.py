"""The whole sizing question: every hardware's best design, and the best of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, inf, isclose

from simulator.errors import InputError
from simulator.planning.lengths import demand_of
from simulator.planning.run_many import Done
from simulator.planning.size.answer import Candidate, SizeAnswer, count, ranked
from simulator.planning.size.bound import Estimate, estimate
from simulator.planning.size.families import Family, families_of
from simulator.planning.size.rules import Rules, refuse_changing_machines, refuse_without_objectives, rules_of
from simulator.planning.size.search import Found, UnitSearch
from simulator.planning.size.trial import Ask, Trial, UntestedError, run_trial
from simulator.planning.size.workers import Searching, run_searches
from simulator.reporting.numbers import counted
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.scenario import Scenario

#: A family that can be built, with its estimate.
Buildable = tuple[Family, Estimate]
#: One that can not, and why.
Impossible = tuple[Family, InputError]


def size(
    scenario: Scenario,
    hardware: Sequence[EntrantSpec] = (),
    *,
    jobs: int | None = None,
    progress: Done | None = None,
) -> SizeAnswer:
    """Answer a scenario's sizing question.

    Parameters
    ----------
    hardware
        To choose among, instead of what the scenario lists.
    jobs
        Simulations at once; default: one per core.
    progress
        Called with how many kinds of hardware are settled, and of how many.

    Raises
    ------
    InputError
        Where the scenario has no objectives, the space makes no sense, or no trial measures anything.
    """
    refuse_without_objectives(scenario, "sizing")
    rules = rules_of(scenario)
    refuse_changing_machines(scenario)
    families, refusals = families_of(scenario, hardware)
    groups = _groups(scenario, families)
    trials: list[Trial] = []
    searches = [_counted(_best_of(name, *group, rules), trials) for name, group in groups.items()]
    answers = run_searches(searches, run_trial, jobs=jobs, progress=progress)
    _refuse_untested(answers)
    candidates = [
        _refused(hardware, answer.message, rules) if isinstance(answer, InputError) else answer
        for hardware, answer in zip(groups, answers, strict=True)
    ]
    candidates += [_refused(hardware, reason, rules) for hardware, reason in refusals.items()]
    return SizeAnswer(scenario, rules, ranked(candidates, rules), *count(trials))


def _refuse_untested(outcomes: Sequence[object]) -> None:
    """Refuse a question of which no trial says anything."""
    untested = [one for one in outcomes if isinstance(one, UntestedError)]
    if untested and len(untested) == len(outcomes):
        raise untested[0]


def _groups(
    scenario: Scenario, families: Sequence[Family]
) -> dict[str, tuple[list[Buildable], list[Impossible]]]:
    """Families that can be built by hardware, and why others can not."""
    demand = demand_of(scenario)
    groups: dict[str, tuple[list[Buildable], list[Impossible]]] = {}
    for family in families:
        buildable, impossible = groups.setdefault(family.hardware, ([], []))
        try:
            buildable.append((family, estimate(family, demand)))
        except InputError as error:
            impossible.append((family, error))
    return groups


def _counted(
    search: Searching[Ask, Trial, Candidate], trials: list[Trial]
) -> Searching[Ask, Trial, Candidate]:
    """The same search, with its trials kept."""
    go_on: Callable[[], list[Ask]] = partial(next, search)
    while True:
        try:
            asks = go_on()
        except StopIteration as end:
            found: Candidate = end.value
            return found
        try:
            replies = yield asks
        except InputError as error:
            go_on = partial(search.throw, error)
        else:
            trials += replies
            go_on = partial(search.send, replies)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A family, its estimate and its search."""

    family: Family
    estimate: Estimate
    search: UnitSearch

    @property
    def buildable(self) -> Buildable:
        return self.family, self.estimate


def _best_of(
    hardware: str, group: Sequence[Buildable], impossible: Sequence[Impossible], rules: Rules
) -> Searching[Ask, Trial, Candidate]:
    """The best design of one hardware.

    The family that looks best goes first. Another has to beat it, so it is enough to try what would: where
    the most units that still cost less do not meet the objectives, none does. A family whose simulation is
    impossible is left out.
    """
    best: tuple[Found, Estimate] | None = None
    others: list[str] = []
    entries, not_simulated = yield from _best_first(group, rules)
    refused = [*impossible, *not_simulated]
    for entry in entries:
        family, guess = entry.buildable
        limit = (
            None if best is None else _weight((best[0].family, best[1]), best[0].units + rules.spare, rules)
        )
        below = None if limit is None else _fewer_than(limit, entry.buildable, rules)
        try:
            outcome = yield from entry.search.run(below)
        except InputError as error:
            refused.append((family, error))
            continue
        if isinstance(outcome, Found):
            if best is not None:
                others.append(f"{best[0].family.label}: {counted(best[0].units, 'unit')}")
            best = (outcome, guess)
        elif best is None:
            others.append(f"{family.label}: {outcome.reason}")
        else:
            assert limit is not None and below is not None
            reason = outcome.reason
            if outcome.more_may_do:
                reason += f"; {_no_less(limit, entry.buildable, max(below, guess.least), rules)}"
            others.append(f"{family.label}: not better ({reason})")
    if best is None and not others:
        _refuse_untested([error for _, error in refused])
    others += [f"{family.label}: {error.message}" for family, error in refused]
    if best is None:
        return Candidate(hardware, None, None, _why_none(others), tuple(others), rules.spare)
    return Candidate(hardware, best[0], best[1], None, tuple(others), rules.spare)


def _why_none(others: Sequence[str]) -> str:
    """Why no family will do: once where it is the same for all."""
    reasons = dict.fromkeys(other.split(": ", 1)[1] for other in others)
    return next(iter(reasons)) if len(reasons) == 1 else "; ".join(others)


def _best_first(
    group: Sequence[Buildable], rules: Rules
) -> Searching[Ask, Trial, tuple[list[_Entry], list[Impossible]]]:
    """Families in the order in which they are settled, what looks best first; and what can not be simulated.

    By one trial of each number of units, for that says much more than an estimate and costs little of what
    settling does: each family is tried with the most units that would beat the best so far, and looked at
    further only where they are enough.
    """
    by_guess = sorted(group, key=lambda one: _weight(one, one[1].guess + rules.spare, rules))
    entries = [_Entry(*one, UnitSearch(*one, rules)) for one in by_guess]
    if len(entries) == 1:
        return entries, []
    ahead: list[_Entry] = []
    behind: list[_Entry] = []
    impossible: list[Impossible] = []
    limit: tuple[float, float] | None = None
    for entry in entries:
        below = None if limit is None else _fewer_than(limit, entry.buildable, rules)
        try:
            likely = yield from entry.search.likely(below)
        except InputError as error:
            impossible.append((entry.family, error))
            continue
        if likely is None:
            behind.append(entry)
        else:
            ahead.insert(0, entry)
            limit = _weight(entry.buildable, likely + rules.spare, rules)
    return [*ahead, *behind], impossible


def _weight(one: Buildable, units: int, rules: Rules) -> tuple[float, float]:
    """What designs are ranked by before they are simulated: price, devices or power limit; then devices."""
    family, guess = one
    devices = float(family.devices * units)
    by = {
        "cost": None if guess.usd_per_hour is None else guess.usd_per_hour.mid * units,
        "devices": devices,
        "power": None if guess.rated_w is None else guess.rated_w * units,
    }[rules.minimise]
    return (inf if by is None else by, devices)


def _fewer_than(limit: tuple[float, float], one: Buildable, rules: Rules) -> int:
    """The least number of units that does not beat a weight."""
    each, devices = _weight(one, 1, rules)
    units = limit[1] / devices if inf in (each, limit[0]) else limit[0] / each
    below = max(ceil(units - 1e-9), 1)
    if _weight(one, below, rules) < limit:
        below += 1
    return below - rules.spare


def _no_less(limit: tuple[float, float], one: Buildable, units: int, rules: Rules) -> str:
    """How so many units stand to the best design so far, which they do not beat: a tie, or more."""
    weight = _weight(one, units + rules.spare, rules)
    known = inf not in (weight[0], limit[0])
    number, what = (0, rules.minimise) if known else (1, "devices")
    tie = isclose(weight[number], limit[number])
    same, more = {
        "cost": ("would cost as much as", "would cost more than"),
        "devices": ("would take as many devices as", "would take more devices than"),
        "power": ("might draw as much as", "might draw more than"),
    }[what]
    return f"{units} {same} the best, which was found first" if tie else f"{units} {more} the best"


def _refused(hardware: str, reason: str, rules: Rules) -> Candidate:
    return Candidate(hardware, None, None, reason, (), rules.spare)
