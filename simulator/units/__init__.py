"""Quantities with units, simulated time, random streams, and the files that ship with the simulator.

`explain` says in words what is wrong with a file, for every room that reads one.
"""
