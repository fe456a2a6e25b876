"""Columns become tables and are read back, also those that older results lack."""

from __future__ import annotations

import numpy as np

from simulator.results.recording import TaskColumns
from simulator.results.tables import task_columns, tasks_from


def test_tasks_of_results_from_before_trees_were_cut_are_read():
    tasks = TaskColumns(**{name: np.arange(3, dtype=np.int64) for name in TaskColumns.__slots__})
    columns = task_columns(tasks)
    again = tasks_from(columns)
    assert all((getattr(again, name) == getattr(tasks, name)).all() for name in TaskColumns.__slots__)
    del columns["cut_by_depth"]
    assert tasks_from(columns).cut_by_depth.tolist() == [0, 0, 0]
