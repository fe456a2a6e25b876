"""Machines that stream weights and cache from their memory at every step.

The time of a step is a sum of few terms, each the roofline of one kind of work with the
efficiency measured for it: matrix products, experts, attention, the rest of a layer,
all-reduce, sampling and the host.
"""
