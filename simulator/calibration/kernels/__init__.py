"""Kernels that this project measured itself beside what the constants of the device say of them.

Nothing is fitted to these: they are an independent check of products and power. ``python -m
simulator.calibration.kernels.measure`` makes such a file on a machine with a GPU.
"""
