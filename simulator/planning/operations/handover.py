"""Everything that whoever runs the design pastes, as one value and as files."""

from __future__ import annotations

import shlex
from typing import Any

from simulator.planning.operations.autoscale import adapter_rules, horizontal_pod_autoscaler, keda
from simulator.planning.operations.checkpoint import checkpoint_of
from simulator.planning.operations.flags import vllm_command
from simulator.planning.operations.split import Side, split_of
from simulator.planning.operations.targets import targets_of
from simulator.planning.size.answer import Candidate
from simulator.reporting.numbers import counted
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.scenario import Scenario


def handover_of(candidate: Candidate) -> dict[str, Any]:
    """Of every pool its command line, targets, and values for two autoscalers; the rules that these need.

    Where prompts and outputs are apart also ``split``: roles, ports and proxies; else that is None.
    """
    scenario = candidate.scenario
    served = {
        pool.name: checkpoint_of(scenario.model_of(pool), pool.engine.kv_cache_dtype)
        for pool in scenario.cluster.pools
    }
    targets = targets_of(candidate)
    split = split_of(scenario)
    sides = {} if split is None else split.sides
    return {
        "commands": {
            pool.name: _command(scenario, pool, sides.get(pool.name)) for pool in scenario.cluster.pools
        },
        "split": None if split is None else split.to_dict(),
        "remarks": {pool: one.remark for pool, one in served.items() if one.remark},
        "replicas": {pool.name: pool.replicas for pool in scenario.cluster.pools},
        "targets": {pool: one.to_dict() for pool, one in targets.items()},
        "keda": {pool: keda(one, served[pool].name, f"vllm-{pool}") for pool, one in targets.items()},
        "hpa": {pool: horizontal_pod_autoscaler(one, f"vllm-{pool}") for pool, one in targets.items()},
        "prometheus_adapter": adapter_rules(),
    }


def _command(scenario: Scenario, pool: PoolSpec, side: Side | None) -> str:
    words = vllm_command(scenario, pool)
    return shlex.join(words) if side is None else f"{side.environment} {shlex.join([*words, *side.flags])}"


def handover_files(candidate: Candidate) -> dict[str, str]:
    """Files by name: ``serve.sh``, ``keda.yaml``, ``hpa.yaml``, ``prometheus-adapter.yaml``."""
    import yaml

    found = handover_of(candidate)
    lines = ["#!/bin/sh", "# One replica of each pool; how many of each stands beside it."]
    for name, command in found["commands"].items():
        lines.append(f"# {name}: {counted(found['replicas'][name], 'replica')}")
        lines += [f"# {found['remarks'][name]}"] if name in found["remarks"] else []
        lines.append(command)
    lines += _proxy_lines(found["split"])
    return {
        "serve.sh": "\n".join(lines) + "\n",
        "keda.yaml": yaml.safe_dump_all(found["keda"].values(), sort_keys=False),
        "hpa.yaml": yaml.safe_dump_all(found["hpa"].values(), sort_keys=False),
        "prometheus-adapter.yaml": yaml.safe_dump(found["prometheus_adapter"], sort_keys=False),
    }


def _proxy_lines(split: dict[str, Any] | None) -> list[str]:
    """The proxies of a split cluster, and what its commands leave open."""
    if split is None:
        return []
    lines = [
        "# Prompts and outputs are apart: users' requests go to a proxy, one for each model. It sends the"
    ]
    lines.append(
        "# prompt to a kv_producer and then the request to a kv_consumer, which fetches the KV cache."
    )
    lines.append(
        "# vLLM's documentation: docs/features/nixl_connector_usage.md, docs/features/disagg_prefill.md"
    )
    lines += [f"# {remark}" for remark in split["remarks"]]
    return [*lines, *split["proxies"]]
