"""Sizing by simulation: the true optimum, its failing neighbour, and the reasons of the rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import inf

import pytest

from simulator.errors import InputError
from simulator.planning.lengths import demand_of
from simulator.planning.size.answer import ranked
from simulator.planning.size.bound import estimate
from simulator.planning.size.families import families_of
from simulator.planning.size.rules import rules_of
from simulator.planning.size.size import _best_of, size
from simulator.planning.size.tables import headline, tables_of
from simulator.planning.size.trial import Ask, run_trial
from simulator.planning.size.verdict import verdict_of
from simulator.planning.size.workers import run_alone
from simulator.scenario.compare import EntrantSpec
from simulator.simulation import run_scenario
from tests.planning.size.trials import answered, trial

LINK = {"bandwidth": "50 GB/s", "latency": "10 us"}


@pytest.fixture
def busy(chat):
    """A load that takes a handful of L4."""

    def build(rate: float = 12.0, requests: int = 600, **changes):
        return chat(rate=rate, requests=requests, hardware="nvidia-l4", **changes)

    return build


@pytest.fixture
def answer(busy):
    return size(busy(size={"hardware": ["nvidia-l4", "nvidia-h100-sxm"]}), jobs=1)


def test_the_cheapest_hardware_wins_with_its_failing_neighbour_and_a_fresh_seed(answer):
    best = answer.best
    assert answer.candidates[0].hardware == best.hardware
    assert best.found.verdict.met and best.found.verification.met
    assert best.found.verification.seed not in [one.seed for one in best.found.verdict.trials]
    for one in answer.candidates:
        if one.found.units > 1:
            assert not one.found.fewer.met or one.found.refuted
    costs = [one.usd_per_hour.mid for one in answer.candidates]
    assert costs == sorted(costs)


def test_the_answer_is_told_in_words_tables_and_json(answer):
    assert answer.best.hardware in headline(answer)
    titles = ["Proof", "Fewest units of each", "What the prices rest on"]
    assert [table.title for table in tables_of(answer)] == titles
    told = answer.to_dict()
    assert told["solved"] and told["design"]["verification"]["met"]
    assert told["design_scenario"]["cluster"]["pools"][0]["replicas"] == answer.best.units


def ranking(answer):
    """The table of all candidates."""
    return next(table for table in tables_of(answer) if table.title == "Fewest units of each")


def having(candidate, **figures):
    """The candidate with other figures in all of its trials."""
    found = candidate.found
    trials = tuple(replace(one, figures={**one.figures, **figures}) for one in found.verdict.trials)
    return replace(candidate, found=replace(found, verdict=replace(found.verdict, trials=trials)))


def test_the_cheapest_is_that_of_those_with_a_price_and_the_others_are_named(answer):
    by_name = {one.hardware: one for one in answer.candidates}
    unpriced = having(by_name["nvidia-h100-sxm"], cost_per_hour_usd=None)
    weighed = replace(answer, candidates=ranked([unpriced, by_name["nvidia-l4"]], answer.rules))
    assert "the cheapest of those with a price (nvidia-h100-sxm without)" in headline(weighed)
    assert "no price is known of nvidia-h100-sxm" in ranking(weighed).note
    assert "with a price" not in headline(answer) + ranking(answer).note


def test_it_is_said_of_others_too_where_fewer_units_may_do(answer):
    second = answer.candidates[1]
    doubt = "undecided between 1 and 2 units: raise requests or size.replications"
    doubtful = replace(second, found=replace(second.found, doubt=(1, 2)))
    doubted = replace(answer, candidates=(answer.candidates[0], doubtful))
    assert f"{second.hardware}: {doubt}" in ranking(doubted).note
    single = replace(answer, candidates=(doubtful,))
    assert "undecided" in headline(single)
    assert "undecided" not in "".join(table.note for table in tables_of(single))


def test_spares_are_counted_alike_in_headline_and_doubt(answer):
    best, second = answer.candidates
    spared = [
        replace(one, spare=1, found=replace(one.found, units=2, doubt=(2, 3))) for one in (best, second)
    ]
    said = "undecided between 3 and 4 units, 1 of them spare"
    shown = headline(replace(answer, candidates=tuple(spared)))
    assert shown.startswith(f"3 units of {best.hardware}") and said in shown
    told = replace(answer, candidates=tuple(spared)).to_dict()["design"]
    assert said in told["undecided"] and told["undecided_units"] == [2, 3]
    note = ranking(replace(answer, candidates=tuple(spared))).note
    assert f"{second.hardware}: {said}" in note
    assert "without the 1 unit to spare" in tables_of(replace(answer, candidates=tuple(spared)))[0].note


def test_fewer_units_that_would_win_are_said_on_top_and_in_the_json(answer):
    """Two of the dearer design are proved; one would be cheaper, and may be enough for all the trials say."""
    best, second = answer.candidates
    usd = best.usd_per_hour.mid * 1.5
    dearer = having(second, **{f"cost_per_hour_usd{end}": usd for end in ("_low", "", "_high")})
    dearer = replace(dearer, found=replace(dearer.found, units=2, doubt=(1, 2)))
    doubted = replace(answer, candidates=(best, dearer))
    said = f"1 unit of {second.hardware}, if it is enough, would be cheaper: ${usd / 2:.2f} per hour"
    assert f"Not settled: {said}" in headline(doubted)
    (told,) = doubted.to_dict()["might_win"]
    assert (told["hardware"], told["units"], told["reason"]) == (second.hardware, 1, said)
    assert doubted.to_dict()["candidates"][1]["undecided_units"] == [1, 2]
    assert answer.to_dict()["might_win"] == [] and "Not settled" not in headline(answer)


def costing(candidate, usd, units, doubt=None):
    """The candidate of so many units at a price of one, and with doubts about their number."""
    priced = having(candidate, **{f"cost_per_hour_usd{end}": usd * units for end in ("_low", "", "_high")})
    return replace(priced, found=replace(priced.found, units=units, doubt=doubt))


@pytest.mark.parametrize(
    ("best", "other", "said"),
    [
        # 3 to 5 of the best at $2: a settled rival of $7 wins where it takes four
        (
            (2.0, 3, (3, 5)),
            (7.0, 1, None),
            "1 unit of {} would be cheaper, if {} takes 5 units: $7.00 per hour",
        ),
        ((2.0, 3, (3, 5)), (10.0, 1, None), None),
        (
            (2.0, 3, (3, 5)),
            (7.0, 2, (1, 2)),
            "1 unit of {}, if it is enough, would be cheaper, if {} takes 5",
        ),
        (
            (2.0, 3, (3, 5)),
            (5.0, 2, (1, 2)),
            "1 unit of {}, if it is enough, would be cheaper: $5.00 per hour",
        ),
        ((2.0, 3, (2, 3)), (7.0, 1, None), None),
    ],
)
def test_a_settled_design_wins_where_the_best_takes_more_units_than_it_has(answer, best, other, said):
    first, second = costing(answer.candidates[0], *best), costing(answer.candidates[1], *other)
    doubted = replace(answer, candidates=(first, second))
    if said is None:
        assert doubted.to_dict()["might_win"] == [] and "Not settled" not in headline(doubted)
        return
    (told,) = doubted.to_dict()["might_win"]
    assert told["reason"].startswith(said.format(second.hardware, first.hardware))
    assert told["best_units_with_spare"] == (5 if "takes" in said else None)
    assert f"Not settled: {told['reason']}" in headline(doubted)


def test_a_limit_of_chips_is_never_ranked_against_a_simulated_draw(answer):
    """The L4 draws more than the chips of the H100 may, but of these nobody knows the draw."""

    rules = replace(answer.rules, minimise="power")
    by_name = {one.hardware: one for one in answer.candidates}
    known = having(by_name["nvidia-l4"], facility_power_w=5000.0, power_limit_w=9000.0)
    unknown = having(by_name["nvidia-h100-sxm"], facility_power_w=None, power_limit_w=700.0)
    weighed = replace(answer, rules=rules, candidates=ranked([unknown, known], rules))

    assert weighed.best.hardware == "nvidia-l4"
    table = ranking(weighed)
    assert [row[table.header.index("draw of the site")] for row in table.rows] == [
        "5.00 kW without hosts",
        "chips ≤ 700 W",
    ]
    assert "no draw is known of nvidia-h100-sxm" in table.note
    design = weighed.to_dict()["candidates"][1]
    assert design["facility_power_w"] is None and design["power_limit_w"] == 700.0


def test_the_design_runs_as_it_is_written(answer):
    from simulator.scenario.loading import load_scenario

    written = load_scenario(answer.to_dict()["design_scenario"])
    assert run_trial(Ask(written, 0)).met


def test_a_question_of_which_no_trial_measures_anything_is_refused(busy):
    """All requests have come when the warm-up is over: nothing is shown of any hardware."""
    hardware = ["nvidia-l4", "nvidia-h100-sxm"]
    with pytest.raises(InputError, match="shorten the warm-up, or ask for more requests"):
        size(busy(warmup="10 min", size={"hardware": hardware}), jobs=1)


def test_spares_are_paid_for_and_not_counted_on(busy):
    alone, spared = size(busy(), jobs=1).best, size(busy(size={"spare": 2}), jobs=1).best
    assert spared.found.units == alone.found.units
    assert spared.units == alone.units + 2
    assert spared.usd_per_hour.mid == pytest.approx(alone.usd_per_hour.mid * spared.units / alone.units)
    assert spared.scenario.cluster.pools[0].replicas == spared.units


OWNED = {"own": {"upkeep_per_year": 0.1}, "region": "Virginia"}
OWNED_L4 = {
    "cluster": {
        "pools": [{"name": "main", "hardware": "nvidia-l4", "purchase": 2500, "power": {"host": "40 W"}}]
    },
    "prices": OWNED,
}


def test_spares_draw_and_cost_what_they_do_at_rest(busy):
    """They are on for the case that another fails; what works draws what it does without them."""
    alone, spared = (
        size(busy(**OWNED_L4), jobs=1).best,
        size(busy(**OWNED_L4, size={"spare": 2}), jobs=1).best,
    )
    result = run_scenario(spared.scenario)
    (pool,), site = result.context.pools, result.context.site
    resting_w = (pool.idle_w + 40.0) * site.pue.mid
    assert spared.found.units == alone.found.units
    assert spared.drawn_w == pytest.approx(alone.drawn_w + 2 * resting_w)
    assert spared.drawn_w < alone.drawn_w * spared.units / alone.units
    assert spared.limit_w == pytest.approx(alone.limit_w * spared.units / alone.units)
    resting_usd = 2500 * (1 / 3 + 0.1) / 8766 + resting_w / 1000 * site.electricity_usd_per_kwh.mid
    assert spared.usd_per_hour.mid == pytest.approx(alone.usd_per_hour.mid + 2 * resting_usd)
    # Spares that share the load, as in a run of the design, make the batches smaller and draw more.
    shared = result.summary.to_dict()["facility_power_w"]
    assert spared.drawn_w < shared < alone.drawn_w * spared.units / alone.units
    answer = size(busy(**OWNED_L4, size={"spare": 2, "hardware": ["nvidia-l4", "nvidia-h100-sxm"]}), jobs=1)
    assert "draw of spares at rest" in ranking(answer).note


def test_a_rival_of_fewer_units_keeps_its_spares_at_rest(busy):
    found = size(busy(**OWNED_L4, size={"spare": 1}), jobs=1).best
    rest = found.estimate.resting_w.mid
    each = (found.drawn_w - rest) / found.found.units
    assert found.weight("power", 2)[0] == pytest.approx(each + rest)
    assert found.weight("cost", 2)[0] == pytest.approx(found.unit_usd.mid + found.spare_usd.mid)
    assert found.weight("devices", 2)[0] == 2 * found.devices / found.units


def test_processes_give_the_same_answer(busy, answer):
    both = size(busy(size={"hardware": ["nvidia-l4", "nvidia-h100-sxm"]}), jobs=2)
    assert both.to_dict() == answer.to_dict()


def test_percentile_objectives_are_each_met(busy):
    slo = {"percentiles": {"p99_ttft": "900 ms", "p95_tpot": "90 ms"}, "ttft": "2 s", "attainment": 0.9}
    best = size(busy(slo=slo), jobs=1).best
    figures = best.found.verification.figures
    assert [one.name for one in best.found.verdict.objectives] == ["requests", "p99_ttft", "p95_tpot"]
    assert figures["p99_ttft_ms"] <= 900 and figures["p95_tpot_ms"] <= 90


def test_engine_settings_and_splits_compete(busy):
    space = {
        "engine": [{"max_num_seqs": 4}, {"max_num_seqs": 64}],
        "disaggregation": ["unified", "1:2"],
        "transfer": LINK,
    }
    families, _ = families_of(busy(size=space))
    assert len(families) == 4
    assert {family.replicas for family in families} == {(1,), (1, 2)}
    assert {pool.engine.max_num_seqs for family in families for pool in family.pools} == {4, 64}
    best = size(busy(size=space), jobs=1).best
    assert best.found.family.pools[0].engine.max_num_seqs == 64
    assert len(best.others) == 3


@pytest.mark.parametrize(
    ("enough", "minimise", "said"),
    [
        (3, "cost", "1 unit is needed to serve the load at all; 1 would cost as much as the best, which was"),
        (3, "devices", "1 would take as many devices as the best, which was found first"),
        (2, "cost", "1 would cost more than the best"),
        (4, "cost", "1 unit is not enough; 2 would cost more than the best"),
        (6, "cost", "1 unit is not enough; 2 would cost as much as the best, which was found first"),
    ],
)
def test_a_split_that_ties_with_the_best_is_said_to_tie(busy, enough, minimise, said):
    """One prefill and two decode replicas are three machines, as three unified replicas are."""
    space = {"disaggregation": ["unified", "1:2"], "transfer": LINK, "minimise": minimise}
    scenario = busy(rate=1.0, size=space)
    families, _ = families_of(scenario)
    demand = demand_of(scenario)
    group = [(family, replace(estimate(family, demand), least=1, guess=1)) for family in families]

    def reply(ask):
        split = len(ask.scenario.cluster.pools) > 1
        machines = sum(pool.replicas for pool in ask.scenario.cluster.pools)
        alone = ask.scenario.workload.arrivals.process == "constant"
        return trial(1.0 if alone or (machines >= enough and not split) else 0.5, ask.seed)

    best, _ = answered(_best_of("nvidia-l4", group, (), rules_of(scenario)), reply)
    assert best.found.units == enough
    (other,) = best.others
    assert "1:2: not better" in other and said in other


def long_prompts(chat, rate, parallelism):
    """Llama-70B on H100, with prompts that the cache of two of them can not hold."""
    workload = {
        "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
        "prompt_tokens": {"distribution": "lognormal", "mu": 7.0, "sigma": 1.0, "max": 60000},
        "output_tokens": {"distribution": "lognormal", "mu": 5.0, "sigma": 0.5, "max": 500},
    }
    slo = {"ttft": "20 s", "tpot": "200 ms", "attainment": 0.9}
    size = {"parallelism": parallelism, "replications": 2}
    return chat(model="llama-3.1-70b", workload=workload, slo=slo, requests=150, size=size)


@pytest.mark.parametrize("rate", [0.3, 2.0])
def test_a_layout_that_cannot_hold_the_longest_request_leaves_the_others_in(chat, rate):
    found = size(long_prompts(chat, rate, [{"tensor": 2}, {"tensor": 4}]), jobs=1).best
    alone = size(long_prompts(chat, rate, [{"tensor": 4}]), jobs=1).best
    assert found.found.family.label.startswith("tensor 4") and found.units == alone.units
    (other,) = found.others
    assert other.startswith("tensor 2, 256 seats: the longest request can have 60,500 tokens, but the KV")


def test_where_no_layout_can_hold_it_the_reason_is_said_of_each(chat):
    (one,) = size(long_prompts(chat, 0.3, [{"tensor": 2}, {"tensor": 2, "pipeline": 1}]), jobs=1).candidates
    assert one.found is None and one.reason.startswith("the longest request can have")


@pytest.mark.parametrize(("impossible", "possible"), [(8, 64), (64, 8)])
def test_settings_that_cannot_be_simulated_leave_the_others_in(busy, impossible, possible):
    """Whatever stands in the way shows only in a trial."""
    scenario = busy(rate=1.0, size={"engine": [{"max_num_seqs": 8}, {"max_num_seqs": 64}]})
    demand = demand_of(scenario)
    group = [(family, estimate(family, demand)) for family in families_of(scenario)[0]]

    def reply(ask):
        (pool,) = ask.scenario.cluster.pools
        if pool.engine.max_num_seqs == impossible:
            raise InputError("no such seats")
        alone = ask.scenario.workload.arrivals.process == "constant"
        return trial(1.0 if alone or pool.replicas >= 3 else 0.5, ask.seed)

    best = run_alone(_best_of("nvidia-l4", group, (), rules_of(scenario)), reply)
    assert best.found.units == 3 and best.found.family.pools[0].engine.max_num_seqs == possible
    assert best.others == (f"tensor 1, {impossible} seats, max_num_seqs {impossible}: no such seats",)


def test_every_arrangement_keeps_what_else_the_cluster_says(busy):
    pool = {"name": "main", "hardware": "nvidia-l4"}
    rest = {
        "admission": {"max_outstanding": 40},
        "network": {},
        "failures": {"random": [{"component": "device", "mtbf": "10 h", "mttr": "10 s"}]},
    }
    space = {"disaggregation": ["unified", "1:2"]}
    families, _ = families_of(busy(cluster={"pools": [pool], **rest}, size=space))
    assert [family.replicas for family in families] == [(1,), (1, 2)]
    for family in families:
        cluster = family.unit.cluster
        assert cluster.admission.max_outstanding == 40
        assert cluster.network is not None and len(cluster.failures.random) == 1


def test_a_failure_of_a_pool_that_a_split_does_not_have_is_refused(busy):
    fault = {"component": "straggler", "pool": "main", "at": "10 s", "number": 0, "lasts": "5 s", "factor": 2}
    cluster = {"pools": [{"name": "main", "hardware": "nvidia-l4"}], "failures": {"scripted": [fault]}}
    with pytest.raises(InputError, match="failures name pool 'main'"):
        families_of(busy(cluster=cluster, size={"disaggregation": ["1:1"], "transfer": LINK}))


def test_a_split_cluster_grows_in_groups(busy):
    pools = [
        {"name": "in", "role": "prefill", "hardware": "nvidia-l4", "replicas": 1},
        {"name": "out", "role": "decode", "hardware": "nvidia-l4", "replicas": 2},
    ]
    best = size(busy(cluster={"pools": pools, "transfer": LINK}), jobs=1).best
    assert best.devices == 3 * best.units
    assert best.to_dict()["replicas"] == {"in": best.units, "out": 2 * best.units}


def test_a_rearranged_mixed_cluster_is_called_by_the_devices_that_it_still_has(busy):
    pools = [
        {"name": "in", "role": "prefill", "hardware": "nvidia-h100-sxm"},
        {"name": "out", "role": "decode", "hardware": "nvidia-l40s"},
    ]
    question = {"disaggregation": ["unified", "1:1"]}
    scenario = busy(cluster={"pools": pools, "transfer": LINK}, size=question)
    families, _ = families_of(scenario)
    assert [(one.hardware, one.label.split(", ")[-1]) for one in families] == [
        ("nvidia-l40s", "unified"),
        ("nvidia-h100-sxm + nvidia-l40s", "1:1"),
    ]
    assert [one.hardware for one in size(scenario, jobs=1).candidates] == [one.hardware for one in families]


def test_a_cluster_of_several_devices_names_each(busy):
    pools = [
        {"name": "large", "hardware": "nvidia-h100-sxm"},
        {"name": "small", "hardware": "nvidia-l40s", "replicas": 2},
    ]
    mixed = size(busy(cluster={"pools": pools}), jobs=1)
    assert mixed.best.hardware == "nvidia-h100-sxm + nvidia-l40s"
    units = mixed.best.units
    each = f"{3 * units} devices ({units} nvidia-h100-sxm, {2 * units} nvidia-l40s)"
    assert each in headline(mixed)
    priced = next(table for table in tables_of(mixed) if table.title == "What the prices rest on")
    assert [row[0] for row in priced.rows] == ["NVIDIA H100 SXM5", "NVIDIA L40S"]


def test_what_can_not_serve_says_why(busy):
    found = size(busy(size={"hardware": ["nvidia-h100-sxm", "apple-m4-max", "etched-sohu"]}), jobs=1)
    reasons = {one.hardware: one.reason for one in found.candidates}
    assert reasons["nvidia-h100-sxm"] is None
    assert "no published" in reasons["etched-sohu"]


def test_where_nothing_is_enough_there_is_no_design(busy):
    found = size(busy(slo={"tpot": "1 ms"}), jobs=1)
    assert found.best is None
    assert "one request alone" in found.candidates[0].reason
    assert not found.to_dict()["solved"]
    assert "Nothing" in headline(found)


def test_sizing_needs_objectives_and_a_split_needs_a_link(busy):
    with pytest.raises(InputError, match="needs objectives"):
        size(busy(slo={}), jobs=1)
    with pytest.raises(InputError, match="needs a link"):
        size(busy(size={"disaggregation": ["1:1"]}), jobs=1)


def test_machines_that_come_and_go_are_not_counted(busy):
    pool = {"name": "main", "hardware": "nvidia-l4"}
    scaled = pool | {"autoscale": {"policy": "concurrency", "target": 8, "max": 4}}
    with pytest.raises(InputError, match="an autoscaler decides") as refused:
        size(busy(cluster={"pools": [scaled]}), jobs=1)
    assert refused.value.key == "cluster.pools[0].autoscale"
    failing = {"random": [{"component": "device", "mtbf": "10 h", "mttr": "10 s"}]}
    with pytest.raises(InputError, match=r"leave failures out .* spare"):
        size(busy(cluster={"pools": [pool], "failures": failing}), jobs=1)


@pytest.mark.parametrize("hardware", ["nvidia-l4", "nvidia-h100-sxm", "groq-lpu-v1", "aws-inferentia2"])
@pytest.mark.parametrize("rate", [20.0, 80.0])
def test_the_bound_is_never_above_what_is_enough(busy, hardware, rate):
    scenario = busy(rate=rate, requests=3000, slo={"ttft": "1 s", "attainment": 0.9})
    families, refusals = families_of(scenario, [EntrantSpec(hardware=hardware)])
    assert not refusals
    demand = demand_of(scenario)
    for family in families[:2]:
        least = estimate(family, demand).least
        if least > 1:
            below = run_trial(Ask(family.with_units(least - 1), 0))
            assert not below.met


@pytest.mark.parametrize("blocks", [70, 130])
def test_the_bound_lets_requests_share_a_cache_that_whole_ones_would_fill(chat, blocks):
    """Long outputs fill the cache as they grow: a batch holds more of them than whole ones would fit."""
    engine = {"num_gpu_blocks": blocks, "max_model_len": 1024}
    workload = {
        "arrivals": {"process": "constant", "rate": "2 /s"},
        "prompt_tokens": {"distribution": "fixed", "tokens": 16},
        "output_tokens": {"distribution": "fixed", "tokens": 320},
    }
    pools = [{"name": "main", "hardware": "nvidia-l4", "engine": engine}]
    slo = {"ttft": "3 s", "attainment": 0.9}
    scenario = chat(requests=600, workload=workload, cluster={"pools": pools}, slo=slo)
    ((family,), _) = families_of(scenario)
    least = estimate(family, demand_of(scenario)).least
    met = [run_trial(Ask(family.with_units(units), 0)).met for units in range(1, least + 2)]
    assert not any(met[: least - 1]) and met[least]


def test_shared_prefixes_leave_the_batch_to_the_seats(chat):
    """A cache too small for two requests alone is no bound on those whose prompts are the same."""
    engine = {"num_gpu_blocks": 70, "max_model_len": 1024, "max_num_seqs": 32}
    pools = [{"name": "main", "hardware": "nvidia-l4", "engine": engine}]
    apart = {
        "arrivals": {"process": "constant", "rate": "2 /s"},
        "prompt_tokens": {"distribution": "fixed", "tokens": 800},
        "output_tokens": {"distribution": "fixed", "tokens": 100},
    }
    own = {"distribution": "fixed", "tokens": 16}
    shared = {
        **apart,
        "prompt_tokens": own,
        "shared_prefix": {"tokens": {"distribution": "fixed", "tokens": 784}},
    }
    least = []
    for workload in (apart, shared):
        scenario = chat(requests=200, workload=workload, cluster={"pools": pools})
        ((family,), _) = families_of(scenario)
        least.append(estimate(family, demand_of(scenario)).least)
    assert least[1] == 1 < least[0]
    assert run_trial(Ask(family.with_units(least[0] - 1), 0)).met


SPACES = [
    {
        "rate": rate,
        "hardware": hardware,
        "engine": [{"max_num_seqs": 8}, {"max_num_seqs": 64}],
        "slo": slo,
    }
    for rate, hardware, slo in product(
        (2.0, 4.0, 7.0, 11.0, 16.0),
        (["nvidia-l4", "nvidia-a10g"], ["nvidia-l4", "nvidia-l40s", "nvidia-a100-80g-sxm"]),
        ({"ttft": "1 s", "tpot": "80 ms", "attainment": 0.95}, {"percentiles": {"p95_ttft": "400 ms"}}),
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES, ids=range(len(SPACES)))
def test_the_choice_is_the_optimum_of_the_whole_space(busy, space):
    """Every design of the space, every seed of the search: the cheapest that meets them is chosen."""
    scenario = busy(
        rate=space["rate"],
        requests=400,
        slo=space["slo"],
        size={"hardware": space["hardware"], "engine": space["engine"], "most_units": 12, "replications": 3},
    )
    rules = rules_of(scenario)
    families, _ = families_of(scenario)
    demand = demand_of(scenario)
    optimum = inf
    for family in families:
        price = estimate(family, demand).usd_per_hour.mid
        for units in range(1, rules.most_units + 1):
            if units * price >= optimum:
                break
            trials = [run_trial(Ask(family.with_units(units), seed)) for seed in rules.seeds()]
            checks = [run_trial(Ask(family.with_units(units), rules.fresh_seed(n))) for n in range(1)]
            if verdict_of(trials).met and checks[0].met:
                optimum = units * price
                break
    best = size(scenario, jobs=1).best
    if optimum == inf:
        assert best is None
    else:
        assert best is not None
        chosen = best.usd_per_hour.mid
        # A design that its verification refuted is passed over: then the next larger one is right.
        refuted = {units * chosen / best.units for units, _ in best.found.refuted}
        assert chosen == pytest.approx(optimum, rel=0.01) or optimum in refuted
