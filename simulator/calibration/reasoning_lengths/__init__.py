"""How well the law of reasoning lengths predicts models it was not fitted to.

    python -m simulator.calibration.reasoning_lengths FOLDER [--json]

reads the tables of responses in FOLDER (``model``, ``effort``, a difficulty, ``completion_tokens``,
``finish_reason``). Each model is left out, the law is fitted to the others, and the left-out model's median,
90th and 99th percentiles are predicted from nothing but its mean at each difficulty. A table with too few
models to fit is predicted with the shipped law. Also printed: the law fitted to all, and the parts of the
spread (problem, run, model).

The fit minimises Welsch's loss of the log errors of p50 and p90 (so that a cell that no law explains does
not pull it); runaways are counted: the share of responses beyond 2.5 times their cell's median, and by how
much.

The law is that of one difficulty. A file named by itself may tell its rows apart by kind of task only; such
cells mix difficulties, and the figures show how little the law says about that.
"""
