"""Steps priced from tables of measured operator times, where there are any, over the roofline.

The tables are those of aiconfigurator-core (`source`): an optional package, or a folder in its CSV format.
Every operator is the roofline's time multiplied by what was measured over it at the same shape,
interpolated between shapes and sizes (`ratios`): at a measured point that is the measured time, far from
all of them the roofline as near as it was right. What has no table stays the roofline's, and the result
says so, operator by operator (`work`). Nothing is fitted to the tables here.
"""
