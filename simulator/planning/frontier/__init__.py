"""The frontier: quality against cost, latency and energy over models, strategies and hardware.

==========  =================================================================
`designs`   every combination as a scenario of its own
`weigh`     simulates them and finds the front and the cheapest that suffices
`tables`    what is shown of it
==========  =================================================================
"""
