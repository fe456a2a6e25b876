"""Published laws of accuracy: what more samples, votes, checks and tokens buy.

Every figure comes with what it was fitted on. Where there is no law, there is no figure.

============  ============================================================
`coverage`    share of problems that at least one of k samples solves
`voting`      majority of k samples
`verifiers`   the best of k by a noisy score
`tokens`      accuracy over tokens: points per doubling
`routing`     two models and who is right on which task
`published`   the figures that the laws start from (``techniques/quality.yaml``)
============  ============================================================
"""
