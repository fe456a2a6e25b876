"""Error figures over everything measured that lies beside the project, and the document about them.

``python -m simulator.calibration.accuracy SHARED`` simulates all runs, points and public figures of the
shared data, and writes ``validation/errors.yaml`` (which results show) and ``docs/validation.md``.
``--document`` writes only the latter, from the stored figures.
"""
