"""Everything that whoever runs the design pastes, as one value and as files."""

from __future__ import annotations

import shlex
from typing import Any

from simulator.planning.operations.autoscale import horizontal_pod_autoscaler, keda
from simulator.planning.operations.flags import served_name, vllm_command
from simulator.planning.operations.targets import targets_of
from simulator.planning.size.answer import Candidate


def handover_of(candidate: Candidate) -> dict[str, Any]:
    """Command line of every pool, targets, and values for two autoscalers."""
    scenario = candidate.scenario
    targets = targets_of(candidate)
    entry = next(pool for pool in scenario.cluster.pools if pool.role != "decode")
    return {
        "commands": {pool.name: shlex.join(vllm_command(scenario, pool)) for pool in scenario.cluster.pools},
        "replicas": {pool.name: pool.replicas for pool in scenario.cluster.pools},
        "targets": targets.to_dict(),
        "keda": keda(targets, served_name(scenario), f"vllm-{entry.name}"),
        "hpa": horizontal_pod_autoscaler(targets, f"vllm-{entry.name}"),
    }


def handover_files(candidate: Candidate) -> dict[str, str]:
    """Files by name: ``serve.sh``, ``keda.yaml``, ``hpa.yaml``."""
    import yaml

    found = handover_of(candidate)
    lines = ["#!/bin/sh", "# One replica of each pool; how many of each stands beside it."]
    for name, command in found["commands"].items():
        lines += [f"# {name}: {found['replicas'][name]} replicas", command]
    return {
        "serve.sh": "\n".join(lines) + "\n",
        "keda.yaml": yaml.safe_dump(found["keda"], sort_keys=False),
        "hpa.yaml": yaml.safe_dump(found["hpa"], sort_keys=False),
    }
