"""A result survives the way to disk and back, and appears there whole or not at all."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.results.context import RunContext
from simulator.results.files import read_result, write_result
from tests.results.recordings import context, one_server, result, timed_out, with_pool


@pytest.fixture
def finished():
    return result(timed_out(one_server(np.arange(20) * 0.15), 3))


@pytest.fixture(params=["parquet", "csv"])
def written(request, finished, tmp_path, monkeypatch):
    """A folder with the result, its tables in either format."""
    if request.param == "csv":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    folder = write_result(finished, tmp_path / "out")
    assert (folder / f"requests.{request.param}").is_file()
    monkeypatch.undo()  # pandas looks for pyarrow too
    return folder


def test_what_was_written_is_read_back(written, finished):
    again = read_result(written)
    for name in finished.recording.requests.__slots__:
        before, after = getattr(finished.recording.requests, name), getattr(again.recording.requests, name)
        assert np.array_equal(before, after), name
    assert again.context == finished.context
    assert again.scenario == finished.scenario
    assert again.meta == finished.meta
    assert again.recording.pools[0].step_table is not None
    _assert_close(again.to_dict(), finished.to_dict())


def test_summary_json_holds_the_figures_and_one_block_of_what_differs_between_runs(written, finished):
    summary = json.loads((written / "summary.json").read_text())
    assert summary["meta"]["simulator_version"] == "1.2.3"
    assert summary["completed"] == 19
    assert summary["p99_ttft_ms"] == finished.summary.latency.ttft.p99


def test_the_same_run_gives_the_same_files(finished, tmp_path):
    later = replace(finished, meta=replace(finished.meta, wall_s=99.0, created="2030-01-01"))
    first, second = write_result(finished, tmp_path / "a"), write_result(later, tmp_path / "b")
    assert sorted(p.name for p in first.iterdir()) == sorted(p.name for p in second.iterdir())
    for path in first.iterdir():
        other = second / path.name
        if path.name == "summary.json":
            one, two = json.loads(path.read_text()), json.loads(other.read_text())
            assert one.pop("meta") != two.pop("meta")
            assert one == two
        else:
            assert path.read_bytes() == other.read_bytes(), path.name


def test_an_earlier_result_is_replaced(finished, tmp_path):
    out = write_result(finished, tmp_path / "out")
    write_result(result(one_server([0.0])), out)
    assert read_result(out).summary.counts.completed == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_other_things_is_left_alone(finished, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        write_result(finished, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_failure_while_writing_leaves_nothing_behind(finished, tmp_path):
    def fails(_result, _folder):
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        write_result(finished, tmp_path / "out", also=[fails])
    assert list(tmp_path.iterdir()) == []


def test_what_else_belongs_to_the_result_is_written_with_it(finished, tmp_path):
    out = write_result(finished, tmp_path / "out", also=[lambda _, folder: (folder / "note").write_text("x")])
    assert (out / "note").read_text() == "x"


def test_a_pool_may_have_a_slash_in_its_name(finished, tmp_path):
    recording = one_server([0.0, 1.0])
    named = replace(recording, pools=(replace(recording.pools[0], name="eu/west"),))
    out = write_result(result(named, with_pool(context(), name="eu/west")), tmp_path / "out")
    assert read_result(out).recording.pools[0].name == "eu/west"


def test_where_nothing_was_written_the_folder_is_named_although_it_was_given_as_a_dot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=rf"recording.json: missing from the result in {tmp_path.resolve()};"
    ):
        read_result(".")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_result(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["summary.json", "recording.json", "requests.parquet", "windows-main.parquet"]
)
def test_a_missing_or_corrupt_file_is_named(name, finished, tmp_path):
    out = write_result(finished, tmp_path / "out")
    (out / name).write_bytes(b"\x00\xffnot this")
    with pytest.raises(InputError, match=name):
        read_result(out)
    (out / name).unlink()
    with pytest.raises(InputError, match=name):
        read_result(out)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{}", "meta: nothing found"),
        ('{"meta": 3}', "meta: int found"),
        ('{"meta": {"wall_s": "x"}}', "meta.wall_s: 'x' found, a number or null expected"),
        ('{"meta": {"creatd": null}}', "meta.creatd: unknown key .did you mean 'created'"),
    ],
)
def test_a_broken_summary_is_told_by_its_key(content, told, finished, tmp_path):
    out = write_result(finished, tmp_path / "out")
    (out / "summary.json").write_text(content)
    with pytest.raises(InputError, match=f"summary.json: {told}"):
        read_result(out)


def test_a_result_that_lacks_a_part_is_refused(finished, tmp_path):
    out = write_result(finished, tmp_path / "out")
    about = json.loads((out / "recording.json").read_text())
    del about["context"]["model"]
    (out / "recording.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="not a whole result"):
        read_result(out)


def test_a_context_survives_json():
    about = with_pool(context(), price=None, estimates=("idle power",))
    assert RunContext.from_dict(json.loads(json.dumps(about.to_dict()))) == about


def _assert_close(one, other) -> None:
    """Equal figures up to the rounding of seconds in the tables."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _assert_close(one[key], other[key])
    elif isinstance(one, list):
        for left, right in zip(one, other, strict=True):
            _assert_close(left, right)
    else:
        assert one == (pytest.approx(other, rel=1e-12) if isinstance(other, float) else other)
