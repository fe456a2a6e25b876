"""Operating points: every row gives figures or a reason, whoever measured it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points import validate_points
from simulator.calibration.points.batching import saving_table
from simulator.calibration.points.disaggregation import at_or_near_time, at_time, duels, rivals, score
from simulator.calibration.points.load import closed_loop, fixed
from simulator.calibration.points.point import OperatingPoint, Workers
from simulator.calibration.points.saturation import capacities
from simulator.calibration.points.setup import card_of
from simulator.calibration.points.steady import filled_at_once, stationary
from simulator.calibration.points.tables import point_tables
from simulator.calibration.points.validation import Compared, compare, compare_points
from simulator.errors import InputError

HEADER = (
    "source,point_id,device,count,model,weight_dtype,engine,tp,mode,prompt_tokens,output_tokens,load_kind,"
    "load_value,stat,ttft_s,tpot_s,e2e_s,output_tokens_per_s,prefill_workers,prefill_tp,decode_workers,decode_tp,extra"
)
NOBODY = Workers(None, None, None, None, None)


def point(**given: object) -> OperatingPoint:
    """A closed loop on one H100, with these values instead."""
    values: dict[str, object] = {
        "source": "somebody",
        "point_id": "p",
        "device": "nvidia-h100-sxm",
        "count": 1,
        "model": "llama-3.1-8b",
        "model_source": None,
        "weight_dtype": "bf16",
        "kv_dtype": None,
        "engine": "vllm",
        "engine_version": "0.15.1",
        "mode": "agg",
        "tp": 1,
        "pp": None,
        "dp": None,
        "ep": None,
        "prefill": NOBODY,
        "decode": NOBODY,
        "prompt_tokens": 512.0,
        "output_tokens": 64.0,
        "load_kind": "closed",
        "load_value": 4.0,
        "stat": "mean",
        "measured": {"tpot_s": 0.008, "ttft_s": 0.05},
        "extra": {},
    }
    return OperatingPoint(**(values | given))  # type: ignore[arg-type]


def table_of(tmp_path: Path, *lines: str) -> Path:
    """A file of points with these lines."""
    file = tmp_path / "points.csv"
    file.write_text("\n".join((HEADER, *lines)) + "\n")
    return file


def test_an_unknown_source_is_simulated_as_its_rows_say(tmp_path: Path) -> None:
    file = table_of(
        tmp_path,
        "x,closed,nvidia-h100-sxm,1,llama-3.1-8b,bf16,vllm,1,agg,512,64,closed,4,mean,0.05,0.008,,,,,,,",
        "x,batch,nvidia-h100-sxm,2,llama-2-7b,,deepspeed,,agg,128,64,batch,8,single,,,1.0,,,,,,",
        "x,open,nvidia-h100-sxm,1,llama-3.1-8b,bf16,vllm,1,agg,256,64,open,2,mean,0.05,0.008,,,,,,,",
        "x,apart,nvidia-h100-sxm,3,llama-3.1-8b,bf16,vllm,,disagg,512,64,closed,8,mean,0.1,0.008,,900,1,1,2,1,",
    )
    rows = validate_points([file])
    assert {row["point"] for row in rows} == {"closed", "batch", "open", "apart"}
    assert all("reason" not in row for row in rows)
    assert {row["metric"] for row in rows if row["point"] == "apart"} == {
        "ttft_s",
        "tpot_s",
        "output_tokens_per_s",
    }
    lone = {row["metric"]: row["predicted"] for row in rows if row["point"] == "closed"}
    assert 0.004 < lone["tpot_s"] < 0.012  # 16 GB of weights at 3.35 TB/s take 4.8 ms


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"device": None}, "which device"),
        ({"device": "acme-9000"}, "acme-9000"),
        ({"model": "no-such-model"}, "no card"),
        ({"prompt_tokens": None}, "prompt"),
        ({"load_value": None}, "how high the load"),
        ({"load_kind": "waves"}, "waves"),
        ({"mode": "disagg"}, "how many"),
        ({"measured": {"power_peak_w": 1.0}}, "no figure"),
        ({"tp": 3}, "3"),
        ({"model": "llama-3.1-405b"}, "does not fit"),
    ],
)
def test_what_cannot_be_simulated_has_a_reason(given: dict[str, object], reason: str) -> None:
    (row,) = compare(point(**given)).rows
    assert set(row) == {"point", "reason"}
    assert reason in row["reason"]


@pytest.mark.parametrize(
    "name",
    [
        "llama-3.1-8b",
        "meta-llama/Llama-3.1-8B-Instruct",
        "llama-3.1-8b-instruct-fp8",
        "someone/Llama-3.1-8B-FP8-dynamic",
    ],
)
def test_a_model_is_known_by_the_names_of_its_shape(name: str) -> None:
    assert card_of(point(model=name)).id == "llama-3.1-8b"


def test_an_unknown_model_is_not_taken_for_another() -> None:
    with pytest.raises(NotSimulated):
        card_of(point(model="llama-9-8b"))


@pytest.mark.parametrize(
    "line", ["x,p,d,one,m,,,,agg,,,closed,,,,,,,,,,,", "x,p,d,1,m,,,,agg,,,closed,,,,,,,,,,,[1]"]
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        validate_points([table_of(tmp_path, line)])


def test_the_first_and_last_round_of_a_short_benchmark_stand_for_less() -> None:
    load = closed_loop(fixed(10, 40), fixed(10, 40), 10, rounds=10.0)
    assert load.weights.sum() == pytest.approx(40)
    assert load.weights[:10].sum() == pytest.approx(4.0)
    assert load.weights[-10:].sum() == pytest.approx(4.0)


def test_contexts_are_shorter_in_a_run_that_starts_everywhere_at_once() -> None:
    outputs = np.random.default_rng(0).gamma(1.2, 500.0, 64).astype(np.int32) + 1
    started = filled_at_once(48, 100.0, outputs)
    assert (
        100.0 < started.context < stationary(48, 100.0, float(outputs.mean())).context + float(outputs.std())
    )
    assert started.replacements > 0
    assert filled_at_once(8, 100.0, fixed(500, 800)).context == pytest.approx(350.0, rel=0.01)


def compared(
    name: str, mode: str, tpot_s: float, per_device: float, predicted: tuple[float, float]
) -> Compared:
    """A point of one engine on one device, and one apart on two."""
    devices = 2 if mode == "disagg" else 1
    sides = Workers(1, 1, 1, 1, 1)
    one = point(point_id=name, mode=mode, **({"prefill": sides, "decode": sides} if devices == 2 else {}))
    return Compared(
        one,
        {"tpot_s": predicted[0], "output_tokens_per_s": predicted[1] * devices},
        {"tpot_s": tpot_s, "output_tokens_per_s": per_device * devices},
    )


def test_the_winner_is_found_at_equal_time_per_token() -> None:
    together = [
        compared("slow", "agg", 0.02, 200.0, (0.02, 200.0)),
        compared("fast", "agg", 0.01, 100.0, (0.01, 100.0)),
    ]
    better = compared("better", "disagg", 0.015, 180.0, (0.015, 170.0))
    worse = compared("worse", "disagg", 0.015, 120.0, (0.015, 190.0))
    outside = compared("outside", "disagg", 0.005, 50.0, (0.005, 50.0))
    found = duels([*together, better, worse, outside])
    assert [(duel.apart_won, duel.apart_predicted) for duel in found] == [(True, True), (False, True)]
    total = score(found)
    assert total is not None and total.balanced == 0.5
    places = [(0.01, 100.0), (0.02, 200.0), (0.015, 50.0)]
    assert at_time(places, 0.02**0.5 * 0.01**0.5) == pytest.approx(20_000**0.5)
    assert at_time(places, 0.03) is None


def test_only_what_was_measured_both_ways_is_compared() -> None:
    sides = Workers(1, 1, 1, 1, 1)
    together, apart = point(), point(mode="disagg", prefill=sides, decode=sides)
    longer = [replace(one, output_tokens=128.0) for one in (together, replace(apart, prefill=NOBODY))]
    assert rivals([together, apart, *longer]) == [together, apart]
    assert rivals([together, replace(apart, model="qwen3-32b")]) == []


def test_outside_of_the_aggregated_points_their_line_goes_on() -> None:
    places = [(0.01, 100.0), (0.02, 200.0), (0.015, 50.0)]
    assert at_or_near_time(places, 0.015) == at_time(places, 0.015)
    assert at_or_near_time(places, 0.03) == pytest.approx(200.0)
    assert at_or_near_time(places, 0.009) == pytest.approx(90.0)
    assert at_or_near_time(places[:1], 0.009) == 0.0
    assert at_or_near_time([], 0.009) is None


def test_capacity_is_what_a_saturated_server_finishes() -> None:
    ones = [
        Compared(
            point(load_kind="open", load_value=asked, extra={"config": "c"}),
            {"requests_per_s": finished * 1.1},
            {"requests_per_s": finished},
        )
        for asked, finished in ((10.0, 10.0), (50.0, 40.0), (90.0, 42.0))
    ]
    (found,) = capacities(ones).values()
    assert found.measured == 41.0
    assert found.error == pytest.approx(0.1)


def test_savings_are_those_of_the_best_batch_against_the_smallest() -> None:
    ones = [
        Compared(
            point(load_value=seats),
            {"joules_per_output_token": joules},
            {"joules_per_output_token": joules},
        )
        for seats, joules in ((8.0, 1.0), (64.0, 0.3), (256.0, 0.2))
    ]
    table = saving_table(ones)
    assert table is not None and table.rows[0][2] == table.rows[0][3] == "80.0%"
    assert saving_table(ones[1:]) is None


def test_tables_name_every_regime_and_every_reason(tmp_path: Path) -> None:
    file = table_of(
        tmp_path,
        "x,one,nvidia-h100-sxm,1,llama-3.1-8b,bf16,vllm,1,agg,64,8,closed,1,mean,0.05,0.008,,,,,,,",
        "x,two,acme-9000,1,llama-3.1-8b,bf16,vllm,1,agg,64,8,closed,1,mean,0.05,0.008,,,,,,,",
    )
    first, refused = point_tables("x", compare_points([file]))
    assert {row[1] for row in first.rows} == {"ttft_s", "tpot_s"}
    assert "acme-9000" in refused.rows[0][0]
