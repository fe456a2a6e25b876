"""Values for KEDA and a HorizontalPodAutoscaler, on vLLM's own metrics.

Both scale on requests in the system per replica, ``vllm:num_requests_running + vllm:num_requests_waiting``,
with the concurrency that the design was proved with as the target. Names of the deployment, namespace and
Prometheus are for the user to fill in.
"""

from __future__ import annotations

from typing import Any

from simulator.planning.operations.targets import Targets

_QUERY = (
    'sum(vllm:num_requests_running{{model_name="{model}"}})'
    ' + sum(vllm:num_requests_waiting{{model_name="{model}"}})'
)
#: Scaling down waits for the load to be gone for this long [s].
_CALM_S = 300


def keda(targets: Targets, model: str, name: str) -> dict[str, Any]:
    """A KEDA ScaledObject."""
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
                        "query": _QUERY.format(model=model),
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
                        "metric": {"name": "vllm_num_requests_running"},
                        "target": {"type": "AverageValue", "averageValue": str(targets.concurrency)},
                    },
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": _CALM_S}},
        },
    }
