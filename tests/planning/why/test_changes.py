"""Changes are ranked by what they save."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from simulator.errors import InputError
from simulator.planning.capacity import Capacity
from simulator.planning.why import changes
from simulator.planning.why.answer import _saving, reasons_of
from simulator.planning.why.changes import AS_IT_IS, ranked_changes
from simulator.scenario.loading import load_scenario


@pytest.fixture
def starved(chat):
    """A cluster with so few seats that they decide."""
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_num_seqs": 4}}
    return chat(requests=300, cluster={"pools": [pool]})


@pytest.mark.slow
def test_the_change_that_lifts_the_limit_comes_first(starved):
    found = ranked_changes(starved, jobs=1)
    by_name = {one.what: one for one in found}
    assert found[0].what == "twice the seats"
    assert found[0].saves > 0.2
    assert by_name["half the seats"].saves < 0 == by_name[AS_IT_IS].saves
    ranked = [one.saves for one in found if one.saves is not None and not one.within_noise]
    assert ranked == sorted(ranked, reverse=True)


def told(monkeypatch, chat, by_seats, seats=64, default=(10.0, 10.0, 10.0)):
    """Changes of a design whose rates are told by its seats [1/s], one for each seed."""

    def capacities(scenario, guess, seeds):
        del guess
        rates = by_seats.get(scenario.cluster.pools[0].engine.max_num_seqs, default)
        pools = [SimpleNamespace(most_devices=1)]
        alone = SimpleNamespace(cost=SimpleNamespace(per_hour_usd=3.6), context=SimpleNamespace(pools=pools))
        return [Capacity(rate, None, alone) for rate, _ in zip(rates, seeds, strict=True)]

    monkeypatch.setattr(changes, "capacities_of", capacities)
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_num_seqs": seats}}
    return {one.what: one for one in ranked_changes(chat(cluster={"pools": [pool]}), jobs=1)}


def test_a_saving_that_every_seed_shows_is_ranked_before_all(monkeypatch, chat):
    found = told(monkeypatch, chat, {128: (20.0, 20.4, 19.8)})
    best = next(iter(found.values()))
    assert best.what == "twice the seats" and not best.within_noise
    assert best.saves_low < best.saves < best.saves_high
    assert best.saves == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "rates",
    [(10.0, 10.0, 10.0), (10.5, 10.5, 10.5), (10.5, 9.8, 10.1)],
    ids=["no difference", "closer than rates are told apart", "seeds that hardly disagree"],
)
def test_what_seeds_and_trials_cannot_tell_apart_is_within_noise_and_not_ranked(monkeypatch, chat, rates):
    found = told(monkeypatch, chat, {128: rates})
    assert found["twice the seats"].within_noise
    assert next(iter(found)) == AS_IT_IS
    assert found["twice the seats"].to_dict()["within_noise"] is True


def test_what_seeds_disagree_about_widely_is_not_settled_and_not_ranked(monkeypatch, chat):
    found = told(monkeypatch, chat, {128: (20.0, 8.0, 11.0)})
    change = found["twice the seats"]
    assert change.not_settled and not change.within_noise and change.under_every_seed is None
    assert next(iter(found)) == AS_IT_IS
    assert _saving(change).startswith("not settled by 3 seeds (-")


def test_what_is_far_worse_under_every_seed_is_a_loss_however_wide_its_interval(monkeypatch, chat):
    found = told(monkeypatch, chat, {32: (0.4, 1.0, 8.0), 128: (80.0, 20.0, 11.0)})
    worse, better = found["half the seats"], found["twice the seats"]
    assert worse.saves_low < worse.saves < 0 < worse.saves_high
    assert (worse.not_settled, worse.under_every_seed) == (True, "costs more")
    assert _saving(worse).startswith("not settled by 3 seeds, costs more under each (-")
    assert (better.not_settled, better.under_every_seed) == (True, "saves")
    assert list(found).index(AS_IT_IS) < list(found).index("half the seats")
    assert worse.to_dict()["not_settled"] is True


def test_what_costs_more_comes_after_what_is_within_noise(monkeypatch, chat):
    found = list(told(monkeypatch, chat, {32: (5.0, 5.0, 5.0)}))
    assert found.index(AS_IT_IS) < found.index("twice the seats") < found.index("half the seats")


def test_a_change_that_misses_the_objectives_under_some_seeds_holds_no_rate(monkeypatch, chat):
    found = told(monkeypatch, chat, {128: (20.0, None, None), 32: (None, None, None)})
    some, never = found["twice the seats"], found["half the seats"]
    assert (some.rate, some.saves, some.within_noise) == (None, None, False)
    assert some.reason == "misses the objectives under 2 of 3 seeds"
    assert never.reason == "misses the objectives at any rate"
    assert list(found).index(AS_IT_IS) < list(found).index("twice the seats")


def test_what_holds_under_all_seeds_does_not_cost_more_than_what_holds_under_one(monkeypatch, chat):
    found = told(monkeypatch, chat, {64: (10.0, None, None), 128: (8.0, 8.0, 8.0)})
    base, better = found[AS_IT_IS], found["twice the seats"]
    assert base.rate is None and base.reason == "misses the objectives under 2 of 3 seeds"
    assert better.rate == pytest.approx(8.0) and better.saves == 1.0
    assert list(found).index("twice the seats") < list(found).index(AS_IT_IS)


def test_one_pair_of_rates_has_no_interval(monkeypatch, chat):
    monkeypatch.setattr(changes, "SEEDS", 1)
    only = told(monkeypatch, chat, {128: (20.0,)}, default=(10.0,))["twice the seats"]
    assert only.saves == pytest.approx(0.5)
    assert (only.saves_low, only.saves_high) == (None, None)


def test_a_design_that_can_not_run_has_no_changes(chat):
    with pytest.raises(InputError, match="does not fit"):
        ranked_changes(chat(model="llama-3.1-405b"), jobs=1)


@pytest.mark.slow
def test_the_reasons_are_told_in_tables_and_json(starved):
    reasons = reasons_of(starved, with_changes=True, jobs=1)
    titles = [table.title.split(":")[0] for table in reasons.tables()]
    assert titles == ["Where the time goes", "Headroom", "Worst request", "Next change"]
    told = reasons.to_dict()
    assert told["bottleneck"]["phase"] in told["attribution"]
    assert told["rate_headroom"] is not None
    assert told["headroom"][0]["seats"] < 1


def test_other_precisions_are_those_of_models_that_pools_name_for_themselves(chat):
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "model": "llama-3.1-8b"}
    found = dict(changes._changes(chat(cluster={"pools": [pool]})))
    quantised = found["weights in FP8"]
    assert quantised.model_of(quantised.cluster.pools[0]).weight_dtype == "fp8"


SPLIT = [
    {"name": "in", "role": "prefill", "hardware": "nvidia-h100-sxm"},
    {"name": "out", "role": "decode", "hardware": "nvidia-h100-sxm"},
]


def test_of_a_split_cluster_each_side_is_tried_alone_and_wider_links(chat):
    link = {"bandwidth": "50 GB/s", "latency": "10 us"}
    found = dict(changes._changes(chat(cluster={"pools": SPLIT, "transfer": link})))
    more = found["one replica more in pool 'out'"].cluster.pools
    assert [pool.replicas for pool in more] == [1, 2]
    assert found["links twice as wide"].cluster.transfer.bandwidth == 100e9


def test_of_links_between_nodes_those_with_a_width_are_tried_wider(chat):
    rack = {"nodes": 1, "uplink": "10 GB/s"}
    found = dict(changes._changes(chat(cluster={"pools": SPLIT, "network": {"rack": rack}})))
    network = found["links twice as wide"].cluster.network
    assert network.rack.uplink == 20e9 and network.port.bandwidth is None
    assert "links twice as wide" not in dict(changes._changes(chat(cluster={"pools": SPLIT, "network": {}})))


def test_where_the_gateway_has_limits_more_is_let_in(chat):
    pool = {"name": "main", "hardware": "nvidia-h100-sxm"}
    limits = {"max_outstanding": 8, "max_queue": 100}
    found = dict(changes._changes(chat(cluster={"pools": [pool], "admission": limits})))
    admission = found["twice as many requests let in"].cluster.admission
    assert (admission.max_outstanding, admission.max_queue) == (16, 100)
    assert "twice as many requests let in" not in dict(changes._changes(chat()))


def test_where_a_tenant_has_limits_more_of_it_is_let_in():
    workload = {
        "arrivals": {"process": "poisson", "rate": "4 /s"},
        "prompt_tokens": {"distribution": "fixed", "tokens": 100},
        "output_tokens": {"distribution": "fixed", "tokens": 20},
    }
    slo = {"ttft": "2 s"}
    tenants = [
        {"name": "held", "workload": workload, "slo": slo, "limits": {"max_outstanding": 4, "max_queue": 9}},
        {"name": "free", "workload": workload, "slo": slo},
    ]
    cluster = {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm"}]}
    scenario = load_scenario(
        {"model": "llama-3.1-8b", "tenants": tenants, "cluster": cluster, "requests": 10}
    )
    found = dict(changes._changes(scenario))
    held, free = found["twice as many requests of each tenant let in"].tenants
    assert held.limits.max_outstanding == 8 and free.limits is None
