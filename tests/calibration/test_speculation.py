"""Published speed-ups of speculative decoding against the simulator's."""

from __future__ import annotations

import pytest

from simulator.calibration.speculation import compare_file, summary_of
from simulator.calibration.speculation.__main__ import main
from simulator.calibration.speculation.comparison import positions_of
from simulator.calibration.speculation.published import PublishedPoint, Unread, read_published

FILE = "facts/techniques.yaml"


def test_rates_become_speedups_and_memory_stays_marked(shared):
    points = [found for found in read_published(shared / FILE) if isinstance(found, PublishedPoint)]
    by_name = {(point.setup, point.series, point.load): point for point in points}
    dspark = by_name["dspark_deepseek_v4_pro_8xB300", "k3", 16]
    assert dspark.speedup == pytest.approx(1906 / 1124)
    assert by_name["eagle3_llama8b_sglang_H100", "eagle3", 8].from_memory
    assert not by_name["eagle3_llama8b_sglang_H100", "eagle3", 64].from_memory
    draft = by_name["draft_llama70b_4xH100_sharegpt_k4", "end to end", 10]
    assert draft.speedup == pytest.approx(3.43 / 4.8)


def test_ranges_without_a_load_are_named_and_not_read(shared):
    unread = {found.setup for found in read_published(shared / FILE) if isinstance(found, Unread)}
    assert unread == {"eagle3_minimax_m2.5", "mtp_deepseek_v3_MI300X", "mtp_large_ep_pd"}


def test_an_unknown_setup_gives_a_reason_and_no_crash(tmp_path):
    file = tmp_path / "techniques.yaml"
    file.write_text(
        "speculative_decoding: {by_concurrency: {magic_on_b400: {concurrency: [1, 8], speedup: [2.0, 1.5]}}}"
    )
    rows = compare_file(file)
    assert [row.use for row in rows] == ["not simulated"] * 2
    assert all("nothing is known" in row.reason for row in rows)


def test_another_file_is_refused(tmp_path, capsys):
    file = tmp_path / "other.yaml"
    file.write_text("rows: []")
    assert main([str(file)]) == 2
    assert "speculative_decoding.by_concurrency" in capsys.readouterr().err


def test_chances_by_position_add_up_to_what_was_fitted():
    positions = positions_of({1: 0.61, 3: 1.56, 5: 2.0}, 7)
    assert sum(positions[:1]) == pytest.approx(0.61)
    assert sum(positions[:3]) == pytest.approx(1.56)
    assert positions == sorted(positions, reverse=True) and len(positions) == 7


@pytest.mark.slow
def test_speedups_follow_from_the_acceptance_at_the_lowest_load(shared):
    rows = compare_file(shared / FILE)
    found = summary_of(rows)
    assert found["scored"] >= 60
    assert found["median_error"] < 0.15
    assert found["slow_downs"] == found["slow_downs_with_right_sign"] > 0
    for row in rows:
        if row.use == "fitted":
            assert row.predicted == pytest.approx(row.published, rel=0.02), row.point
