"""Why a cluster is as fast as it is, and what to change next.

attribution   where the time of requests goes, per phase and over time
worst         the request that misses its objectives by most, moment by moment
headroom      how far every resource is from its limit
changes       single changes of the design, ranked by what they save
answer        all of it for one scenario
"""
