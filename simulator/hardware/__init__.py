"""Hardware: devices, their memory and links, collective operations and prices.

device       one hardware profile, read from hardware_profiles/
catalogue    finding profiles by name or path
execution    the constants with which a device runs a model
families     those of a device that nobody profiled
collectives  time of an all-reduce or all-to-all, measured or modelled
prices       rent, API tokens, purchases, servers, read from prices/
sites        electricity, grid carbon, PUE and water, read from prices/
price_lists  how such lists are read, and what several rows say together
"""

from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.collectives import CollectiveCurve, collective_curve
from simulator.hardware.device import Device, MemoryTier

__all__ = [
    "CollectiveCurve",
    "Device",
    "MemoryTier",
    "collective_curve",
    "device_names",
    "load_device",
]
