"""Values for KEDA and a HorizontalPodAutoscaler, on vLLM's own metrics; one of each per pool.

Both scale on requests in the system per replica, ``vllm:num_requests_running + vllm:num_requests_waiting``,
with the concurrency that the design was proved with as the target. A HorizontalPodAutoscaler takes the
largest of several metrics and not their sum, so the sum is a metric of its own, made by a rule of the
Prometheus adapter. Names of the deployments, namespace and Prometheus are for the user to fill in.
"""

from __future__ import annotations

from typing import Any

from simulator.planning.operations.targets import Targets

#: Requests in one pod, as the Prometheus adapter names the sum.
IN_SYSTEM = "vllm_num_requests_in_system"
_QUERY = "sum(vllm:num_requests_running{{{of}}}) + sum(vllm:num_requests_waiting{{{of}}})"
_OF_PODS = (
    "sum(vllm:num_requests_running{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
    " + sum(vllm:num_requests_waiting{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
)
#: Scaling down waits for the load to be gone for this long [s].
_CALM_S = 300


def keda(targets: Targets, model: str, name: str) -> dict[str, Any]:
    """A KEDA ScaledObject, on the pods of the deployment ``name``."""
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": targets.least,
            "maxReplicaCount": targets.replicas,
            "cooldownPeriod": _CALM_S,
            "triggers": [
                {
                    "type": "prometheus",
                    "metadata": {
                        "serverAddress": "http://prometheus.monitoring:9090",
                        "query": _QUERY.format(of=f'model_name="{model}",pod=~"{name}-.*"'),
                        "threshold": str(targets.concurrency),
                    },
                }
            ],
        },
    }


def horizontal_pod_autoscaler(targets: Targets, name: str) -> dict[str, Any]:
    """A HorizontalPodAutoscaler on a per-pod metric (through the Prometheus adapter)."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": targets.least,
            "maxReplicas": targets.replicas,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {
                        "metric": {"name": IN_SYSTEM},
                        "target": {"type": "AverageValue", "averageValue": str(targets.concurrency)},
                    },
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": _CALM_S}},
        },
    }


def adapter_rules() -> dict[str, Any]:
    """Rules of the Prometheus adapter, which make the metric that the HorizontalPodAutoscaler is on."""
    by_label = {label: {"resource": label} for label in ("namespace", "pod")}
    rule = {
        "seriesQuery": "vllm:num_requests_running",
        "resources": {"overrides": by_label},
        "name": {"as": IN_SYSTEM},
        "metricsQuery": _OF_PODS,
    }
    return {"rules": {"custom": [rule]}}
