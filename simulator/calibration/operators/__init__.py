"""Constants of the roofline, fitted to tables of measured operator times.

One module per kind of operator: it reads one table, prices every row with the very functions
that price simulated steps (`simulator.latency.roofline.terms`) and searches the constants that make the
logarithmic error smallest, with outliers counted by their size rather than its square.

`python -m simulator.calibration.operators FOLDER` prints the ``execution:`` section of each
system whose tables lie in FOLDER (format: aiconfigurator-ops or llmservingsim-ops); the shipped profiles hold
its output.
"""
