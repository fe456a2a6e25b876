"""A report is one file that stands on its own and says what must be said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.reporting.comparison import Comparison, comparison_table, deviation, measured_run
from simulator.reporting.html import write_comparisons, write_report
from tests.results.recordings import S, context, one_server, result, with_pool, with_requests

STABLE = one_server(np.arange(10.0))


def body(path) -> str:
    """The page without plotly.js."""
    return re.sub(r"<script>.*?</script>", "", path.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)


def compared(path, *results) -> str:
    """The page that compares results."""
    return body(write_comparisons(path, "Comparison", [Comparison("Side by side", results)]))


def measured():
    requests = STABLE.requests
    return measured_run(
        "real run",
        "measured on a test bench",
        ttft_s=np.full(10, 0.08),
        e2e_s=np.full(10, 0.2),
        prompt_tokens=requests.prompt_tokens,
        output_tokens=requests.output_tokens,
        duration_s=9.2,
    )


def test_a_report_is_one_self_contained_file(tmp_path):
    path = write_report(result(STABLE), tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 6_000_000
    assert text.count("plotly.js v") == 1
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", body(path))


def test_a_folder_gets_a_report_inside(tmp_path):
    assert write_report(result(STABLE), tmp_path) == tmp_path / "report.html"


def test_the_answer_comes_before_the_figures(tmp_path):
    text = body(write_report(result(STABLE), tmp_path))
    assert (
        text.index("test-model on 1 × test-device") < text.index("Objectives met by") < text.index("Figures")
    )


def test_the_report_says_what_is_unknown_estimated_and_overloaded(tmp_path):
    about = with_pool(
        context(), price=None, idle_w=None, no_power=("no draw",), estimates=("memory efficiency",)
    )
    text = body(write_report(result(one_server(np.arange(600) * 0.1, width_ns=S), about), tmp_path))
    assert "no price for test-device" in text
    assert "Energy is unknown: no draw." in text
    assert "rests on estimates: memory efficiency" in text
    assert "the queue grew without bound" in text
    assert "Steps of fixed length." in text


def test_names_cannot_smuggle_markup_into_the_page(tmp_path):
    text = body(write_report(result(STABLE, context(scenario="<script>alert(1)</script>")), tmp_path))
    assert "<h1>&lt;script&gt;" in text
    assert "<script>alert" not in text


def test_the_same_result_gives_the_same_report(tmp_path):
    one = write_report(result(STABLE), tmp_path / "a.html").read_bytes()
    assert one == write_report(result(STABLE), tmp_path / "b.html").read_bytes()


def test_versions_and_times_stand_in_the_last_line_only(tmp_path):
    finished = result(STABLE)
    later = replace(finished, meta=replace(finished.meta, wall_s=7.0, created="2031-01-01"))
    first, second = write_report(finished, tmp_path / "a.html"), write_report(later, tmp_path / "b.html")
    pairs = zip(body(first).splitlines(), body(second).splitlines(), strict=True)
    assert [a for a, b in pairs if a != b] == [
        line for line in body(first).splitlines() if "<footer>" in line
    ]


def test_a_report_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the report"):
        write_report(result(STABLE), tmp_path / "file" / "report.html")


def test_a_comparison_shows_each_result_in_a_column(tmp_path):
    other = result(STABLE, with_pool(context(scenario="other"), price=None))
    text = compared(tmp_path, result(STABLE), other)
    assert "<th>one-server</th><th>other</th>" in text
    assert re.search(r"<td>Cost per hour</td><td>\$3.60</td><td>unknown</td>", text)


def test_results_of_one_name_are_numbered():
    assert Comparison("x", [result(STABLE)] * 2).names() == ["one-server (1)", "one-server (2)"]


def test_a_prediction_stands_beside_the_measurement_with_its_error(tmp_path):
    comparison = Comparison("real", [result(STABLE)], measured())
    rows = {row[0]: row[1:] for row in comparison_table(comparison).rows}
    assert rows["TTFT, mean"] == ("80.0 ms", "100 ms (+25.0%)")
    assert rows["TPOT, mean"] == ("12.0 ms", "10.0 ms (-16.7%)")
    assert rows["Requests served"][1].endswith("(+0.0%)")
    assert "ITL, p99" not in rows  # it was not measured
    text = body(write_comparisons(tmp_path, "Demo", [comparison, Comparison("designs", [result(STABLE)])]))
    assert "measured on a test bench" in text


def test_an_error_needs_both_figures():
    assert deviation(None, 1.0) == "–"
    assert deviation(1.0, 0.0) == "–"
    assert deviation(1.1, 1.0) == "+10.0%"


def test_distributions_far_apart_share_a_logarithmic_axis(tmp_path):
    requests = STABLE.requests
    late = {"first_token_ns": requests.first_token_ns + 90 * S, "finish_ns": requests.finish_ns + 99 * S}
    slow = with_requests(STABLE, **late)
    text = compared(tmp_path, result(STABLE), result(slow, context(scenario="slow")))
    assert '"type":"log"' in text
    assert '"type":"log"' not in compared(tmp_path, result(STABLE))
