"""Tasks as a desk writes them: one flat row of integers each, and the task of every call."""

from __future__ import annotations

from array import array

import numpy as np

from simulator.results.recording import TaskColumns, TaskRecording

COLUMNS = TaskColumns.__slots__
WIDTH = len(COLUMNS)


class TaskLog:
    """Collects rows in the order of ``TaskColumns``' fields, and the task of every call."""

    def __init__(self) -> None:
        self._values = array("q")
        self._task_of_request = array("q")
        self.add = self._values.extend
        self.add_call = self._task_of_request.append

    def __len__(self) -> int:
        return len(self._values) // WIDTH

    def recording(self, unfinished: int, strategy: str, quality: str) -> TaskRecording:
        """What was collected."""
        table = np.frombuffer(self._values, dtype=np.int64).reshape(-1, WIDTH)
        return TaskRecording(
            TaskColumns(*(table[:, i].copy() for i in range(WIDTH))),
            np.frombuffer(self._task_of_request, dtype=np.int64).copy(),
            unfinished,
            strategy,
            quality,
        )
