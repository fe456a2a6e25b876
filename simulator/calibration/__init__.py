"""Measured against simulated: recorded runs in; fitted backends, error tables and conformance reports out.

`conformance` replays recorded schedules of the real vLLM and compares every step: scenarios of the
scheduler oracle (`oracle`, `replay`) and the iterations of a real engine (`measured_steps`).
"""
