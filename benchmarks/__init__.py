"""How fast and how small the simulator is: ``python -m benchmarks [--json FILE] [--only NAME]``.

Every case runs in a process of its own, several times over; the median of each figure is what
counts. To add one, write a function in a module of ``benchmarks.cases`` that measures once and
returns its figures, and list it in that module's ``CASES``.
"""
