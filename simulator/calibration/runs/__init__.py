"""Measured serving runs: read, simulated again, and scored.

A run is a folder of the format measured-run/1 (``run.yaml`` with the configuration and the
measured figures, ``requests.csv.gz`` with the load where it was published). It is simulated
by the same parts as any scenario; nothing here prices a step.
"""
