"""Sizing: the fewest units, or the cheapest design, that meet the objectives; proved by simulation.

families      clusters of one kind in growing numbers: what is counted, and what one of it costs
bound         how many units are needed at least, worked out without simulation
trial         one simulation and what it says about every objective
verdict       several trials of one design taken together, with an interval
rules         how long, how often and how surely
search        the fewest units of one family, simulated; a generator that asks for trials
neighbour     one unit fewer: what it failed under, and what it missed there
workers       runs many searches at once over the cores of this machine
highest_rate  the rate that a given cluster holds
within_budget the objectives that a budget buys, or of tenants the load
uncertainty   errors of backend, traffic and prices, propagated
answer        what was found: design, failing neighbour, verification
size          the whole question
"""
