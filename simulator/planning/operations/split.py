"""What the servers of a split cluster need so that prompts and outputs meet: roles, ports and a proxy.

vLLM hands KV caches from a prefill to a decode server by a connector. Written is ``NixlConnector``, with what
vLLM's documentation says of it (docs/features/nixl_connector_usage.md and docs/features/disagg_prefill.md of
vllm-project/vllm; general knowledge of both): ``--kv-transfer-config`` with connector and role
(``kv_producer`` makes caches, ``kv_consumer`` takes them), the two variables of the channel on which servers
greet one another (``VLLM_NIXL_SIDE_CHANNEL_HOST``, ``_PORT``; 5600 by default), and the proxy of the
documentation's example, which sends the prompt to one side and then the request to the other. A
``NixlConnector`` does as the proxy says whatever its role; other connectors heed the role.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.scenario.cluster import ClusterSpec, PoolSpec
from simulator.scenario.scenario import Scenario

#: Roles of a pool, as vLLM calls those of a server.
KV_ROLES = {"prefill": "kv_producer", "decode": "kv_consumer"}
#: Ports of the first pool, as in the documentation's example; those of the next lie so far behind.
_HTTP, _SIDE_CHANNEL, _APART = 8100, 5600, 100
#: Where users send their requests.
_PROXY = 8000
_EXAMPLE = "tests/v1/kv_connector/nixl_integration/toy_proxy_server.py"


@dataclass(frozen=True, slots=True)
class Side:
    """How one side of a split is started: its role and the ports of a replica that has a host for itself."""

    kv_role: str
    port: int
    side_channel_port: int

    @property
    def environment(self) -> str:
        """What stands before the command; the host is the replica's own, as the shell finds it."""
        return (
            'VLLM_NIXL_SIDE_CHANNEL_HOST="$(hostname -i)"'
            f" VLLM_NIXL_SIDE_CHANNEL_PORT={self.side_channel_port}"
        )

    @property
    def flags(self) -> list[str]:
        """What stands behind it."""
        config = json.dumps({"kv_connector": "NixlConnector", "kv_role": self.kv_role})
        return ["--port", str(self.port), "--kv-transfer-config", config]


@dataclass(frozen=True, slots=True)
class Split:
    """How a split cluster is started.

    Attributes
    ----------
    sides
        By the names of the pools that are one.
    proxies
        Command lines, one for each model whose prompts and outputs are apart.
    remarks
        What the commands leave open, in sentences.
    """

    sides: dict[str, Side]
    proxies: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kv_roles": {pool: side.kv_role for pool, side in self.sides.items()},
            "ports": {pool: side.port for pool, side in self.sides.items()},
            "side_channel_ports": {pool: side.side_channel_port for pool, side in self.sides.items()},
            "proxies": list(self.proxies),
            "remarks": list(self.remarks),
        }


def split_of(scenario: Scenario) -> Split | None:
    """How the scenario's split pools are started; None where no pool is one side of a split."""
    pools = [pool for pool in scenario.cluster.pools if pool.role in KV_ROLES]
    if not pools:
        return None
    sides = {
        pool.name: Side(KV_ROLES[pool.role], _HTTP + _APART * place, _SIDE_CHANNEL + _APART * place)
        for place, pool in enumerate(pools)
    }
    return Split(sides, tuple(_proxies(scenario, pools, sides)), tuple(_remarks(scenario.cluster)))


def _proxies(scenario: Scenario, pools: Sequence[PoolSpec], sides: dict[str, Side]) -> Iterator[str]:
    for place, card in enumerate(dict.fromkeys(scenario.model_of(pool).card for pool in pools)):
        words = ["python", _EXAMPLE, "--port", str(_PROXY + place)]
        for role, side in (("prefill", "prefiller"), ("decode", "decoder")):
            alike = [pool for pool in pools if pool.role == role and scenario.model_of(pool).card == card]
            hosts = [
                (f"vllm-{pool.name}-{n}", sides[pool.name]) for pool in alike for n in range(pool.replicas)
            ]
            words += [f"--{side}-hosts", *(host for host, _ in hosts)]
            words += [f"--{side}-ports", *(str(one.port) for _, one in hosts)]
        yield shlex.join(words)


def _remarks(cluster: ClusterSpec) -> Iterator[str]:
    yield (
        "replicas that share a host need a --port, a VLLM_NIXL_SIDE_CHANNEL_PORT and CUDA_VISIBLE_DEVICES of"
        " their own; hosts of the proxy are placeholders, one for each replica"
    )
    proved = cluster.router.policy
    other = (
        ""
        if proved == "round_robin"
        else f"; this design was proved with {proved}: take a router that has it"
    )
    yield f"the proxy is the example of vLLM's repository, which goes in turn{other}"
    if cluster.transfer is not None and cluster.transfer.bandwidth is not None:
        yield f"it was proved with {cluster.transfer.bandwidth / 1e9:g} GB/s out of each prefill replica"
    if cluster.transfer is not None and cluster.transfer.overlap == "layers":
        yield (
            "it was proved with KV caches that leave layer by layer; a NixlConnector hands them over when the"
            " prompt is done: prove it again with transfer: {overlap: none}, or take a connector that does so"
        )
