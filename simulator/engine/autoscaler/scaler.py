"""Looks at a pool now and then, and starts or stops machines.

More replicas are started as soon as a look asks for them; replicas are given up only down to the most that
any look of the cool-down asked for (Kubernetes' stabilisation window). Where nobody serves and a request
waits, one replica is started whatever the policy says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.engine.autoscaler.policies import Look, Policy
from simulator.engine.fleet import Fleet
from simulator.engine.timing import Background
from simulator.results.request_log import RequestLog

#: Instants per interval at which replicas are asked whether they have requests.
SAMPLES = 10


@dataclass(frozen=True, slots=True)
class ScalerPlan:
    """How one pool is scaled; objectives [ns] count for the policy that goes by them (None: not asked)."""

    policy: Policy
    least: int
    most: int
    interval_ns: int
    cool_down_ns: int
    ttft_ns: int | None = None
    tpot_ns: int | None = None
    e2e_ns: int | None = None


class Autoscaler:
    """The scaler of one pool.

    Parameters
    ----------
    in_line
        Requests that wait in front of the pool for a replica to come into service.
    log
        Of ended requests.
    """

    def __init__(self, fleet: Fleet, plan: ScalerPlan, in_line: Callable[[], int], log: RequestLog) -> None:
        self.env = fleet.env
        self.plan = plan
        self._fleet = fleet
        self._in_line = in_line
        self._log = log
        self._seen = 0
        self._asked: deque[tuple[int, int]] = deque()  # (time, replicas) of the cool-down's looks
        self._busy = self._asleep = 0
        self._sample_ns = max(plan.interval_ns // SAMPLES, 1)
        self._samples = 0
        Background(self.env, self._sample_ns, self._sample)

    def of(self, fleet: Fleet) -> bool:
        """Whether it scales this fleet."""
        return self._fleet is fleet

    def _sample(self) -> None:
        for replica in self._fleet.serving():
            if replica.outstanding:
                self._busy += 1
            else:
                self._asleep += 1
        self._samples += 1
        if self._samples == SAMPLES:
            self._samples = 0
            self._decide(self.look())
            self._busy = self._asleep = 0
        Background(self.env, self._sample_ns, self._sample)

    def look(self) -> Look:
        """The pool now."""
        replicas = self._fleet.serving()
        settings = self._fleet.pool.plan.settings
        line = self._in_line()
        kv_use = None
        if replicas:
            free = sum(replica.free_blocks_now() for replica in replicas)
            kv_use = 1.0 - free / (len(replicas) * settings.usable_blocks)
        samples = self._busy + self._asleep
        return Look(
            now_ns=self.env.now,
            replicas=self._fleet.intended,
            serving=len(replicas),
            unfinished=line + sum(replica.outstanding for replica in replicas),
            waiting=line + sum(replica.waiting_now() for replica in replicas),
            utilisation=self._busy / samples if samples else None,
            kv_use=kv_use,
            attainment=self._attainment(),
        )

    def _decide(self, look: Look) -> None:
        plan = self.plan
        wanted = plan.policy.wanted(look)
        if look.waiting and not look.serving:  # nor is the one that comes sent away again
            wanted = max(wanted, 1)
        wanted = min(max(wanted, plan.least), plan.most)
        asked = self._asked
        asked.append((look.now_ns, wanted))
        while asked[0][0] < look.now_ns - plan.cool_down_ns:
            asked.popleft()
        if wanted > look.replicas:
            self._fleet.launch(wanted - look.replicas)
            return
        needed = max(replicas for _, replicas in asked)
        if needed < look.replicas:
            self._fleet.retire(look.replicas - needed)

    def _attainment(self) -> float | None:
        """Of the requests that this pool ended since the last look."""
        columns = self._log.columns_from(self._seen)
        self._seen = len(self._log)
        here = columns.pool == self._fleet.pool.number
        if not here.any():
            return None
        met = np.ones(len(here), dtype=bool)
        ttft = columns.first_token_ns - columns.arrival_ns
        decoding = columns.finish_ns - columns.first_token_ns
        plan = self.plan
        if plan.ttft_ns is not None:
            met &= ttft <= plan.ttft_ns
        if plan.tpot_ns is not None:
            met &= decoding <= plan.tpot_ns * np.maximum(columns.output_tokens - 1, 0)
        if plan.e2e_ns is not None:
            met &= columns.finish_ns - columns.arrival_ns <= plan.e2e_ns
        met &= columns.first_token_ns >= 0
        return float(met[here].mean())
