"""Quantities with units, simulated time, random streams, and the files that ship with the simulator."""
