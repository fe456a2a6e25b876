"""Published speed-ups of speculative decoding against the simulator's."""

from __future__ import annotations

import pytest

from simulator.calibration.speculation import compare_file, summary_of
from simulator.calibration.speculation.__main__ import main
from simulator.calibration.speculation.comparison import positions_of
from simulator.calibration.speculation.published import PublishedPoint, Unread, read_published
from simulator.calibration.speculation.setups import setup_of
from simulator.calibration.speculation.silence import nothing_chosen

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


def test_odd_rows_give_reasons_and_no_crash(tmp_path):
    file = tmp_path / "techniques.yaml"
    file.write_text(
        """
speculative_decoding:
  by_concurrency:
    dspark_deepseek_v4_pro_8xB300:
      concurrency: [1, 8]
      tok_s: {tree: [200, 900], adaptive: [210, 950], none: [100, 800]}
    short: {qps: [1, 2], e2e_s_spec: [1.0], e2e_s_none: [2.0, 2.0]}
    words: nothing here
"""
    )
    rows = {row.point: row for row in compare_file(file)}
    assert all(row.use == "not simulated" and row.reason for row in rows.values())
    assert "'tree'" in rows["dspark_deepseek_v4_pro_8xB300/tree/1"].reason
    assert "no fixed length" in rows["dspark_deepseek_v4_pro_8xB300/adaptive/8"].reason
    assert {"short", "words"} <= set(rows)


def test_another_file_is_refused(tmp_path, capsys):
    file = tmp_path / "other.yaml"
    file.write_text("rows: []")
    assert main([str(file)]) == 2
    assert "speculative_decoding.by_concurrency" in capsys.readouterr().err


def test_single_requests_are_shown_with_the_tokens_that_were_published(tmp_path):
    file = tmp_path / "techniques.yaml"
    file.write_text(
        """
speculative_decoding:
  batch1_specbench_A100: {vicuna_7b: {pld_ngram: [1.75, 1.66], lookahead: [1.64, 1.34]}}
  by_concurrency: {}
"""
    )
    rows = {row.point.split("/")[1]: row for row in compare_file(file)}
    ngram, lookahead = rows["pld_ngram"], rows["lookahead"]
    assert ngram.use == "shown" and ngram.predicted == pytest.approx(1.66, rel=0.1)
    assert lookahead.use == "not simulated"


def test_what_a_publication_says_stays_where_nothing_is_chosen():
    ngram, magic, sglang = (
        nothing_chosen(setup_of(name))
        for name in (
            "ngram_llama70b_4xH100_cnn_k4",
            "magicdec_self_spec_llama2_7b_8xA100_budget512",
            "eagle3_llama8b_sglang_H100",
        )
    )
    assert ngram.drafting("end to end")["num_speculative_tokens"] == 4
    assert ngram.pool["engine"]["engine_version"] == "0.6.2"
    assert ngram.prompt_tokens("end to end") == 900
    assert magic.prompt_tokens("prefill_4000") == 4000
    assert "async_scheduling" not in magic.pool["engine"]
    assert sglang.drafting("eagle3")["num_speculative_tokens"] == 3
    assert sglang.engine_while_drafting == {}


def test_chances_by_position_add_up_to_what_was_fitted():
    positions = positions_of({1: 0.61, 3: 1.56, 5: 2.0}, 7)
    assert sum(positions[:1]) == pytest.approx(0.61)
    assert sum(positions[:3]) == pytest.approx(1.56)
    assert positions == sorted(positions, reverse=True) and len(positions) == 7


@pytest.mark.slow
def test_little_of_that_hangs_on_what_was_assumed(shared):
    found = summary_of(compare_file(shared / FILE, nothing_chosen))
    assert found["scored"] >= 60
    assert found["median_error"] < 0.12
    assert found["slow_downs_with_right_sign"] >= 3


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
