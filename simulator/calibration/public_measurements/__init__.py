"""Public measurements of devices that nobody here can measure, held against the simulator.

measurement  one published figure, as a file in the form of ``facts/measured.yaml`` states it
setup        the scenario that such a figure was measured in, as far as it is known
prediction   what the simulator says about it
comparison   predicted against measured, by family of devices; why the other rows can not be compared
"""

from simulator.calibration.public_measurements.comparison import (
    FamilySummary,
    PublicRow,
    summarise_families,
    validate_measurements,
)
from simulator.calibration.public_measurements.measurement import PublicMeasurement, read_measurements

__all__ = [
    "FamilySummary",
    "PublicMeasurement",
    "PublicRow",
    "read_measurements",
    "summarise_families",
    "validate_measurements",
]
