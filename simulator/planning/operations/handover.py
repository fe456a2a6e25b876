"""Everything that whoever runs the design pastes, as one value and as files."""

from __future__ import annotations

import shlex
from typing import Any

from simulator.planning.operations.autoscale import adapter_rules, horizontal_pod_autoscaler, keda
from simulator.planning.operations.checkpoint import checkpoint_of
from simulator.planning.operations.flags import vllm_command
from simulator.planning.operations.targets import targets_of
from simulator.planning.size.answer import Candidate


def handover_of(candidate: Candidate) -> dict[str, Any]:
    """Of every pool its command line, targets, and values for two autoscalers; the rules that these need."""
    scenario = candidate.scenario
    served = {
        pool.name: checkpoint_of(scenario.model_of(pool), pool.engine.kv_cache_dtype)
        for pool in scenario.cluster.pools
    }
    targets = targets_of(candidate)
    return {
        "commands": {pool.name: shlex.join(vllm_command(scenario, pool)) for pool in scenario.cluster.pools},
        "remarks": {pool: one.remark for pool, one in served.items() if one.remark},
        "replicas": {pool.name: pool.replicas for pool in scenario.cluster.pools},
        "targets": {pool: one.to_dict() for pool, one in targets.items()},
        "keda": {pool: keda(one, served[pool].name, f"vllm-{pool}") for pool, one in targets.items()},
        "hpa": {pool: horizontal_pod_autoscaler(one, f"vllm-{pool}") for pool, one in targets.items()},
        "prometheus_adapter": adapter_rules(),
    }


def handover_files(candidate: Candidate) -> dict[str, str]:
    """Files by name: ``serve.sh``, ``keda.yaml``, ``hpa.yaml``, ``prometheus-adapter.yaml``."""
    import yaml

    found = handover_of(candidate)
    lines = ["#!/bin/sh", "# One replica of each pool; how many of each stands beside it."]
    for name, command in found["commands"].items():
        lines.append(f"# {name}: {found['replicas'][name]} replicas")
        lines += [f"# {found['remarks'][name]}"] if name in found["remarks"] else []
        lines.append(command)
    return {
        "serve.sh": "\n".join(lines) + "\n",
        "keda.yaml": yaml.safe_dump_all(found["keda"].values(), sort_keys=False),
        "hpa.yaml": yaml.safe_dump_all(found["hpa"].values(), sort_keys=False),
        "prometheus-adapter.yaml": yaml.safe_dump(found["prometheus_adapter"], sort_keys=False),
    }
