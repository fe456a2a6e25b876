"""How many replicas each policy asks for, and what the scaler makes of it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from simulator.engine.autoscaler import Look, ScalerPlan, policy_of
from simulator.engine.fleet import FleetPlan
from simulator.engine.operations import OperationsPlan
from simulator.results.conservation import check_conservation
from simulator.scenario.operations import AutoscaleSpec
from tests.engine.clusters import MS, cluster, evenly, pool, request
from tests.engine.test_fleet import S, serve


def policy(name, **settings):
    spec = TypeAdapter(AutoscaleSpec).validate_python({"policy": name, "max": 10, "min": 0, **settings})
    return policy_of(spec)


def look(**changes):
    plain = {
        "now_ns": 0,
        "replicas": 4,
        "serving": 4,
        "unfinished": 0,
        "waiting": 0,
        "utilisation": None,
        "kv_use": None,
        "attainment": None,
    }
    return Look(**{**plain, **changes})


@pytest.mark.parametrize(("unfinished", "wanted"), [(0, 0), (10, 1), (11, 2), (95, 10)])
def test_concurrency_asks_for_so_many_requests_per_replica(unfinished, wanted):
    assert policy("concurrency", target=10).wanted(look(unfinished=unfinished)) == wanted


@pytest.mark.parametrize(("waiting", "wanted"), [(0, 3), (8, 4), (9, 8)])
def test_a_queue_doubles_what_serves_and_nobody_waiting_lets_one_go(waiting, wanted):
    assert policy("queue", target=2).wanted(look(waiting=waiting)) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(0.5, 4), (0.54, 4), (0.9, 8), (0.2, 2), (None, 4)])
def test_shares_ask_in_proportion_beyond_a_tolerance(value, wanted):
    assert policy("utilisation", target=0.5).wanted(look(utilisation=value)) == wanted
    assert policy("kv_use", target=0.5).wanted(look(kv_use=value)) == wanted


@pytest.mark.parametrize(("met", "wanted"), [(0.99, 3), (0.92, 4), (0.6, 6), (None, 3)])
def test_missed_objectives_ask_for_more_replicas(met, wanted):
    assert policy("slo", target=0.9).wanted(look(attainment=met)) == wanted


@pytest.mark.parametrize(("hour", "wanted"), [(1, 2), (9, 8), (23, 2), (33, 8)])
def test_a_timetable_repeats(hour, wanted):
    steps = [{"at": "8 h", "replicas": 8}, {"at": "20 h", "replicas": 2}]
    timetable = policy("schedule", steps=steps, period="24 h")
    assert timetable.wanted(look(now_ns=hour * 3600 * S)) == wanted


def scaled(least=1, most=4, replicas=1, cool_down_ns=2 * S, plan=None, **settings):
    scaler = ScalerPlan(policy(**settings), least, most, 500 * MS, cool_down_ns)
    fleet = plan or FleetPlan(slots=most, restarts=False)
    target = cluster(
        pool(replicas=replicas),
        policy="least_outstanding",
        operations=OperationsPlan((fleet,), (scaler,)),
    )
    return target, target._operations.fleets[0]


def test_replicas_follow_the_load_up_and_after_the_cool_down_down():
    target, fleet = scaled(name="concurrency", target=2)
    burst = evenly(40, gap_ns=50 * MS, output=50)
    calm = [request(100 + i, arrival_ns=(6000 + 500 * i) * MS, output=5) for i in range(20)]
    ended = serve(target, [*burst, *calm])
    recorded = fleet.recording()
    assert len(ended) == 60
    assert recorded.serving.max() == 4
    assert recorded.serving[-1] == 1
    first_down = recorded.time_ns[recorded.serving.argmax() :][1]
    assert first_down > max(r.finish_ns for r in ended if r.index < 40)
    check_conservation(target.recording())


def test_an_idle_pool_is_switched_off_and_the_first_request_waits_for_a_machine():
    plan = FleetPlan(slots=1, provisioning_ns=S, start_ns=S, restarts=False)
    target, fleet = scaled(least=0, most=1, plan=plan, name="concurrency", target=1, cool_down_ns=0)
    early, late = request(0), request(1, arrival_ns=10 * S)
    serve(target, [early, late])
    recorded = fleet.recording()
    assert recorded.on.min() == 0
    # the next look, a second for the machine, a second for the model
    assert 12 * S <= late.first_scheduled_ns <= 12 * S + 500 * MS


def test_requests_in_line_get_a_machine_whatever_the_timetable_says():
    timetable = {"name": "schedule", "steps": [{"at": 0, "replicas": 0}]}
    # It comes only after the next look, which does not send it away again.
    plan = FleetPlan(slots=1, provisioning_ns=S, start_ns=S, restarts=False)
    target, fleet = scaled(least=0, most=1, cool_down_ns=0, plan=plan, **timetable)
    ended = serve(target, [request(0), request(1, arrival_ns=10 * S)])
    assert len(ended) == 2 and fleet.starts == 1


def test_what_failed_is_replaced():
    target, fleet = scaled(least=2, most=3, replicas=2, name="concurrency", target=100)
    from tests.engine.test_membership import at

    at(target, 1100 * MS, lambda: fleet.fail(fleet.slots[0]))
    serve(target, evenly(60, gap_ns=100 * MS))
    recorded = fleet.recording()
    assert recorded.serving.tolist() == [2, 1, 2]


@pytest.mark.parametrize("name", ["concurrency", "queue", "utilisation", "kv_use"])
def test_every_policy_ends_and_loses_nothing(name):
    target, _ = scaled(name=name, target=0.7 if name in ("utilisation", "kv_use") else 3)
    assert len(serve(target, evenly(100, gap_ns=30 * MS, output=40))) == 100
    check_conservation(target.recording())
