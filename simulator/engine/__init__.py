"""The serving system in simulated time (SimPy): requests, schedulers, KV caches, replicas, clusters.

A `Replica` is one engine: it takes requests, composes steps as vLLM's V1 scheduler does and
asks a `StepPricer` what they last. `cluster` puts replicas behind routers, links and a gateway;
`sources` make the requests. The room knows no hardware and no YAML: it is given resolved
settings, pricers and request columns, and leaves numpy columns behind.
"""
