"""Claims on test-time compute and inference optimisation, each simulated and held against evidence.

==============  ===============================================================
`claim`         the claims with their evidence (``techniques/claims.yaml``)
`fact`          one computed figure beside what was claimed
`small`         the small scenarios that experiments are made of
`experiments`   which experiment answers which claim
`run`           runs them and says what holds
`document`      ``docs/claims.md``
==============  ===============================================================

The experiments lie in a file per theme: `tokens`, `speed`, `serving`, `quality`, `energy`, `money`,
`hardware`. A fact bears its claim out, or not, or only explains.
"""
