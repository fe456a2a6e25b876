"""Recorded columns and everything computed from them: metrics, cost, energy, carbon.

What the engine leaves behind
    recording (request_log, step_log, task_log write its columns), context (what else a result must know),
    conservation (what every recording must hold)
Single requests
    latencies, slo
A run
    summary, of parts that each say their own keys: counts, latency_summary, task_summary, tenants,
    pool_use (with fleet, transfers), drafting, overload, cost (with break_even), energy, carbon, water
How far to trust it
    measured (what the warm-up leaves), accuracy and error_bars, messages
In files and to the caller
    tables, table_files, recording_json, files; result
In use everywhere
    distributions, ranges
"""
