"""Finished points are never lost, whatever is killed when."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.sweep.journal import FILE, Journal
from simulator.planning.sweep.point import PointRecord


def record(name: str) -> PointRecord:
    return PointRecord(name, {"requests": 10}, 0, figures={"mean_ttft_ms": 1.5})


def test_what_was_added_is_there_again(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(record("a"))
        journal.add(record("b"))
    with Journal(tmp_path) as journal:
        assert "a" in journal and "b" in journal and "c" not in journal
        assert journal["a"] == record("a")


def test_a_point_is_kept_once(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(record("a"))
        journal.add(record("a"))
    assert len((tmp_path / FILE).read_text().splitlines()) == 2


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_a_kill_cut_short_is_dropped_and_nothing_before_it(tmp_path, cut):
    with Journal(tmp_path) as journal:
        journal.add(record("a"))
        journal.add(record("b"))
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[:-cut])
    with Journal(tmp_path) as journal:
        assert "a" in journal and "b" not in journal
        journal.add(record("b"))
    assert (tmp_path / FILE).read_bytes() == content


def test_two_sweeps_do_not_write_to_one_folder(tmp_path):
    with Journal(tmp_path), pytest.raises(InputError, match="another sweep"):
        Journal(tmp_path)


def test_another_file_of_that_name_is_left_alone(tmp_path):
    (tmp_path / FILE).write_text('{"something": "else"}\n')
    with pytest.raises(InputError, match="no journal"):
        Journal(tmp_path)
    assert (tmp_path / FILE).read_text() == '{"something": "else"}\n'
