"""How well the law of reasoning lengths predicts models it was not fitted to.

    python -m simulator.calibration.reasoning_lengths FOLDER [--json]

reads the tables of responses in FOLDER (``model``, ``effort``, a difficulty, ``completion_tokens``,
``finish_reason``). Each model is left out, the law is fitted to the others, and the left-out model's median,
90th and 99th percentiles are predicted from nothing but its mean at each difficulty, as ``distribution:
reasoning`` with ``means`` draws them; a second line tells ``loops`` and ``max`` too. A table of too few
models to fit is predicted with the shipped law. Also printed: the law fitted to all, the parts of the spread
(problem, run, model), and limits (`limits`): a mean says little about a model's spread.

The fit is to the responses that ended by themselves: those marked as cut, and those of a model that share its
longest length to the token, are loops. It minimises Welsch's loss of the log errors of p50 and p90 (so that a
cell that no law explains does not pull it); runaways are counted: the share of responses beyond 2.5 times
their cell's median, and by how much.

The law is that of one difficulty. A file named by itself may tell its rows apart by kind of task only; such
cells mix difficulties, and the figures show how little the law says about that.
"""
