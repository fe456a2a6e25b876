"""Public figures of hardware that nobody here can measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.calibration.public_measurements import (
    PublicMeasurement,
    read_measurements,
    summarise_families,
    validate_measurements,
)
from simulator.calibration.public_measurements.comparison import compare
from simulator.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "facts" / "measured.yaml"


def figure(**values: object) -> PublicMeasurement:
    """A single-stream figure of Llama-3.1-8B on one wafer."""
    stated = {
        "id": "wafer-8b",
        "device": "cerebras-wse3",
        "chips": 1,
        "model": "llama-3.1-8b",
        "weights": "bf16",
        "concurrency": 1,
        "output_tok_s_user": 1800.0,
    }
    return PublicMeasurement.model_validate(stated | values)


def test_the_rate_of_one_user_is_the_inverse_of_the_time_per_token():
    (row,) = compare(figure())
    assert row.metric == "tokens/s/user"
    assert row.use == "predicted"
    assert row.predicted == pytest.approx(1837, rel=0.02)
    assert row.error == pytest.approx(row.predicted / 1800 - 1)


def test_a_figure_that_constants_were_fitted_to_is_no_prediction():
    (row,) = compare(figure(id="cerebras-llama3.1-8b"))
    assert row.use == "fitted"


def test_a_figure_faster_than_its_memory_is_shown_and_not_scored():
    rows = compare(figure(bound={"measured_over_bound": 4.1}))
    assert rows[0].use == "shown"
    assert summarise_families(rows) == []


def test_a_rate_of_whole_requests_is_compared_with_whole_requests():
    stated = {
        "device": "intel-gaudi2",
        "concurrency": 16,
        "input_tokens": 128,
        "output_tokens": 128,
        "end_to_end_s": 1.18,
    }
    (row,) = compare(figure(source=["alcf"], **stated))
    assert row.measured == pytest.approx(128 / 1.18)
    assert row.predicted == pytest.approx(row.measured, rel=0.25)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"device": "abacus"}, "no hardware profile"),
        ({"model": "(secret-7b)"}, "no model card"),
        ({"concurrency": None}, "neither concurrency nor arrival rate"),
        ({"scenario": "Server", "concurrency": None}, "latency limits"),
        ({"scenario": "Offline", "concurrency": None}, "prompt lengths"),
        ({"output_tok_s_user": None}, "no decode rate"),
        ({"model": "llama-3.1-70b"}, "does not fit"),
    ],
)
def test_what_can_not_be_simulated_says_why(change, reason):
    (row,) = compare(figure(**change))
    assert row.use == "not simulated"
    assert reason in row.reason
    assert row.to_dict() == {"row": "wafer-8b", "family": row.family, "reason": row.reason}


def test_assumptions_are_said_with_the_row():
    (row,) = compare(figure(chips=None, model="llama-3.1-70b"))
    assert "4 chips, the fewest that hold it" in row.reason
    assert "100 prompt tokens" in row.reason


def test_a_file_that_is_no_list_of_measurements_is_refused(tmp_path):
    file = tmp_path / "measured.yaml"
    file.write_text("rows: [{id: x}]")
    with pytest.raises(InputError, match=r"rows\[0\]\.device"):
        read_measurements(file)


@pytest.fixture(scope="module")
def shared_rows():
    if not SHARED.exists():
        pytest.skip("the public measurements are not beside this checkout")
    return validate_measurements(SHARED)


#: Largest median errors: (family, metric) -> share. The targets of the project, or a regression gate.
TARGETS = {
    ("AWS", "decode"): 0.25,
    ("Google", "decode"): 0.25,
    ("AMD", "decode"): 0.25,
    ("Intel", "decode"): 0.25,
    ("SambaNova", "decode"): 0.25,
    ("AWS", "TTFT"): 0.30,
    ("Apple", "decode"): 0.25,
}


@pytest.mark.slow
def test_no_row_is_dropped_silently(shared_rows):
    assert {row.id for row in shared_rows} == {row.id for row in read_measurements(SHARED)}


@pytest.mark.slow
@pytest.mark.parametrize("group", TARGETS, ids="-".join)
def test_families_are_predicted_within_their_targets(shared_rows, group):
    found = {(family.family, family.metric): family for family in summarise_families(shared_rows)}
    assert found[group].predicted >= 2
    assert found[group].median_error <= TARGETS[group]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "metric", "error"),
    [
        ("groq-llama2-70b-llmperf", "TPOT", 0.15),
        ("groq-llama2-70b-llmperf", "TTFT", 0.30),
        ("cerebras-llama3.1-8b", "tokens/s/user", 0.25),
        ("cerebras-llama3.1-70b", "tokens/s/user", 0.25),
        ("cerebras-llama3.1-405b", "tokens/s/user", 0.25),
        ("cerebras-gpt-oss-120b-aa-b", "tokens/s/user", 0.25),
        ("groq-gpt-oss-120b-aa", "tokens/s/user", 0.25),
    ],
)
def test_single_streams_of_sram_machines(shared_rows, row, metric, error):
    (found,) = (one for one in shared_rows if one.id == row and one.metric == metric)
    assert abs(found.error) <= error


@pytest.mark.slow
def test_rows_above_the_bound_are_shown_not_scored(shared_rows):
    shown = {row.id for row in shared_rows if row.use == "shown"}
    assert shown == {"sambanova-llama3.1-405b", "sambanova-llama3.1-70b"}
