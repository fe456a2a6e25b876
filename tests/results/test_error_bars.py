"""A result states the error on the nearest data that its backend was compared with, or that there is none."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from simulator.results.accuracy import ErrorGroup, Spread
from simulator.results.error_bars import Compared, KnownErrors, error_bar
from simulator.results.summary import summarise
from tests.results.recordings import context, one_server, with_fleet, with_pool


def compared(load="medium", kind="runs", in_flight=(10, 60), median=0.03, *, device=True, same_class=True):
    group = ErrorGroup(
        device="x",
        model_class="dense",
        load=load,
        kind=kind,
        in_flight=in_flight,
        models=("m",),
        source="somebody",
        errors={"tpot_mean": Spread(median=median, p90=2 * median, count=7)},
    )
    return Compared.of(group, "Device X", same_device=device, same_class=same_class)


def test_the_nearest_load_counts():
    known = KnownErrors(
        compared=(compared("light", in_flight=(1, 8), median=0.01), compared("heavy", in_flight=(100, 200)))
    )
    assert error_bar("main", "Device X", known, 5.0).nearest[0].load == "light"
    assert error_bar("main", "Device X", known, 150.0).nearest[0].load == "heavy"
    assert "TPOT 1.0 % (p90 2.0 %)" in error_bar("main", "Device X", known, 5.0).text


def test_an_overloaded_run_is_compared_with_overloaded_ones():
    known = KnownErrors(compared=(compared("heavy", in_flight=(65, 500)), compared("overloaded")))
    assert error_bar("main", "Device X", known, 300.0, overloaded=True).nearest[0].load == "overloaded"
    assert error_bar("main", "Device X", known, 300.0).nearest[0].load == "heavy"


def test_runs_and_points_are_both_stated():
    known = KnownErrors(compared=(compared(kind="points"), compared(kind="runs")))
    text = error_bar("main", "Device X", known, 20.0).text
    assert "7 measured runs of somebody" in text
    assert "7 operating points of somebody" in text


def test_another_device_is_named_as_such():
    known = KnownErrors(compared=(compared(device=False),))
    assert "Nothing measured on Device Y was ever compared" in error_bar("main", "Device Y", known, 20.0).text


def test_another_class_of_model_is_named_as_such():
    known = KnownErrors(compared=(compared(same_class=False),))
    assert "Only dense models were compared on Device X" in error_bar("main", "Device X", known, 20.0).text


def test_a_load_far_from_the_measured_ones_is_said():
    known = KnownErrors(compared=(compared(in_flight=(10, 60)),))
    assert "(here 900)" in error_bar("main", "Device X", known, 900.0).text
    assert "here" not in error_bar("main", "Device X", known, 30.0).text


def test_where_nothing_near_was_measured_it_is_said_plainly():
    bar = error_bar("main", "Device X", KnownErrors(), 5.0)
    assert not bar.known
    assert "No measurement near this was ever compared" in bar.text


def test_a_fit_speaks_for_itself():
    bar = error_bar("main", "Device X", KnownErrors(stated="on data left out: TTFT mean 3 %"), 5.0)
    assert bar.known
    assert "TTFT mean 3 %" in bar.text


def test_known_errors_survive_a_saved_result():
    import json

    known = KnownErrors("", (compared(), compared("light", "points", (1, 8))))
    assert KnownErrors.from_dict(json.loads(json.dumps(asdict(known)))) == known


@pytest.mark.parametrize(
    ("in_flight", "words"), [((1, 1), "1 request in flight"), ((2, 2), "2 requests in flight")]
)
def test_requests_are_counted_in_english(in_flight, words):
    known = KnownErrors(compared=(compared(in_flight=in_flight),))
    assert words in error_bar("main", "Device X", known, 1.0).text


def test_a_queue_is_shared_by_the_replicas_that_were_in_service():
    """Fifty wait on average: one replica's load is heavy, ten replicas' light."""
    known = KnownErrors(
        compared=(compared("light", in_flight=(1, 20)), compared("heavy", in_flight=(40, 60)))
    )
    about = with_pool(context(), known_errors=known)
    recording = one_server([0.0] * 100)
    alone = summarise(recording, about)
    grown = summarise(with_fleet(recording, [0], [10]), about)
    assert alone.pools[0].mean_waiting == pytest.approx(50, rel=0.05)
    assert [one.error_bars[0].nearest[0].load for one in (alone, grown)] == ["heavy", "light"]
