"""Published speed-ups of speculative decoding, predicted.

For every set-up the acceptance of drafts is fitted to the lowest load alone; all other loads are predicted.

    python -m simulator.calibration.speculation FILE [--json]

with FILE the table of techniques that holds the published figures (``speculative_decoding:``).
"""

from __future__ import annotations

from simulator.calibration.speculation.comparison import SpeedupRow, compare_file, summary_of

__all__ = ["SpeedupRow", "compare_file", "summary_of"]
