"""Backends fitted to what somebody measured: to the iterations of an engine, or to what its clients saw.

Where every engine step was noted (`steps`), step times are regressed on the steps' aggregates. Where only a
benchmark's figures are known (`simulated`), its load goes through the exact scheduler and the coefficients
are those whose simulated latencies come closest. Both say what the data could not tell (`identification`)
and how far the fit is off on what was left out of it (`holdout`).
"""
