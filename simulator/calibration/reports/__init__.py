"""What benchmark programs and servers say of themselves, as measurements: a load and how it was served.

One module per program; `read_measurements` tells them apart by their content.
"""

from simulator.calibration.reports.measurement import Measurement
from simulator.calibration.reports.read import read_measurements

__all__ = ["Measurement", "read_measurements"]
