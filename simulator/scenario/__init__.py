"""The scenario: one YAML file, typed, validated, with errors that name file, key and remedy.

===================  =========================================================
`scenario`           `Scenario`, the whole file, and the checks across its parts
`cluster`            pools, router, transfer link, parallelism
`engine`             settings of the serving engine under vLLM's names
`model`              which model card, at which precision
`workload`           arrivals, lengths, prefixes, sessions
`backend`            which latency backend prices the steps
`reasoning`          test-time compute: strategies, verifiers, quality
`objectives`         service-level objectives
`prices`             which prices and which grid
`loading`            a file, a shipped name or a mapping into a `Scenario`
`json_schema`        the JSON Schema for editors
`references`         names of shipped files, and paths of the user's own
`overrides`          what `--set` says, laid over a scenario
`checks`             do the names exist, do model and engine agree
`vllm`               a pasted ``vllm serve`` command line into a pool
===================  =========================================================

Rooms above build what the specs name; the specs themselves know no machinery.
"""
