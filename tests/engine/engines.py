"""Runs the same requests through an engine and returns all that it recorded, for comparisons."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from simulator.engine.content import canonical
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.settings import EngineSettings
from simulator.engine.timing import NsEnvironment
from simulator.latency.linear import LinearPricer
from simulator.results.step_log import StepLog
from simulator.scenario.backend import LinearBackendSpec

STEP_TIME = {
    "base_ns": 5_000_000,
    "prefill_token_ns": 50_000,
    "decode_token_ns": 100_000,
    "context_token_ns": 100,
    "prefill_attn_ns": 3,
}


@dataclass(frozen=True)
class Case:
    """Settings, requests as keyword arguments, and aborts as (time, index)."""

    settings: EngineSettings
    requests: tuple[dict[str, Any], ...]
    aborts: tuple[tuple[int, int], ...] = ()


class SharedOncePricer(LinearPricer):
    """The same times, with context that several requests share counted once."""

    shares_context = True


class PipelinedPricer(LinearPricer):
    """The same times, with prompts that are on their way for longer than their step."""

    def through_ns(self, tokens: int, sequences: int, context: int, products: int) -> int:
        """See `latency.pricer.passage_of`."""
        alone = self.step_ns(tokens, sequences, context, products, 0, 0, 0)
        return alone + 1_000_003 * tokens // sequences


def run_case(
    case: Case, factory: Callable[..., Replica], pricing: type[LinearPricer] = LinearPricer, **options: Any
) -> dict[str, list[Any]]:
    """Rows of ended requests in order, every step, and the state at the end."""
    env = NsEnvironment()
    pricer = pricing(LinearBackendSpec(**STEP_TIME), None)
    log = StepLog(pricer, keep_steps=True)
    ended: list[Request] = []
    replica = factory(env, case.settings, pricer, log, ended.append, **options)
    requests = [Request(i, **kwargs) for i, kwargs in enumerate(case.requests)]
    env.process(_feed(env, replica, requests, case.aborts))
    env.run()
    table = log.step_table()
    assert table is not None
    gaps = log.inter_token()
    steps = zip(*(getattr(table, f.name).tolist() for f in fields(table)), strict=True)
    return {
        "requests": [_row(request) for request in ended],
        "steps": list(steps),
        "inter-token latencies": [gaps.total, gaps.sum_ns, gaps.count.tolist()],
        "end": [
            replica.counts(),
            replica.prefix_stats.values(),
            replica.outstanding,
            replica.outstanding_tokens,
        ],
    }


def with_content(case: Case) -> Case:
    """The same case where requests without content have one that nobody shares."""
    requests = tuple(
        r if r["content"] else r | {"content": ((f"own{i}", 0, r["prompt_tokens"] + r["output_tokens"]),)}
        for i, r in enumerate(case.requests)
    )
    return Case(case.settings, requests, case.aborts)


def _feed(env: NsEnvironment, replica: Replica, requests: list[Request], aborts: tuple[tuple[int, int], ...]):  # type: ignore[no-untyped-def]
    moments = [(r.arrival_ns, 0, r.index) for r in requests] + [(t, 1, i) for t, i in aborts]
    for time, abort, index in sorted(moments):
        if time > env.now:
            yield env.timeout(time - env.now)
        if abort:
            replica.abort(requests[index])
        else:
            replica.submit(requests[index])


def _row(request: Request) -> tuple[Any, ...]:
    return (
        request.index,
        request.enqueued_ns,
        request.first_scheduled_ns,
        request.first_token_ns,
        request.first_answer_ns,
        request.finish_ns,
        request.outputs,
        request.cached_tokens,
        request.preemptions,
        request.finish_reason,
    )


def random_case(seed: int) -> Case:
    """Settings that the aggregate engine covers, with small pools so that blocks run out."""
    draw = random.Random(seed)
    block = draw.choice([1, 4, 8, 16, 16])
    longest = draw.choice([64, 128, 256, 600])
    blocks_of_one = -(-longest // block)
    budget = draw.choice([16, 32, 64, 200, 600])
    chunked = True
    if budget >= longest and draw.random() < 0.3:
        chunked = False
    settings = EngineSettings(
        num_gpu_blocks=1 + int(blocks_of_one * draw.choice([1, 1.3, 2, 4, 20])),
        block_size=block,
        max_model_len=longest,
        max_num_seqs=min(draw.choice([1, 2, 4, 8, 16, 64]), budget),
        max_num_batched_tokens=budget,
        enable_chunked_prefill=chunked,
        enable_prefix_caching=draw.random() < 0.6,
        scheduler_reserve_full_isl=draw.random() < 0.7,
        watermark=draw.choice([0.0, 0.0, 0.01, 0.1]),
        async_scheduling=draw.random() < 0.5,
    )
    count = draw.randint(1, 60)
    gap = draw.choice([0, 1_000_000, 10_000_000, 50_000_000, 400_000_000])
    shared = draw.random() < 0.6
    anonymous = not shared and draw.random() < 0.5
    stopping = draw.random() < 0.5
    thinking = draw.random() < 0.3
    time = 0
    requests = []
    for index in range(count):
        if draw.random() < 0.8:
            time += int(draw.expovariate(1) * gap)
        prompt = draw.randint(1, longest - 1)
        if draw.random() < 0.5:
            prompt = min(prompt, draw.randint(1, 40))
        output = draw.randint(1, longest - prompt)
        maximum = output
        if stopping and draw.random() < 0.5:
            maximum = draw.randint(output, output + 20)
        pieces = _prompt(draw, prompt, index, shared)
        content = None if anonymous else canonical([*pieces, (f"out:{index}", 0, output)])
        requests.append(
            {
                "arrival_ns": time,
                "prompt_tokens": prompt,
                "output_tokens": output,
                "max_tokens": maximum,
                "thinking_tokens": draw.randint(0, output) if thinking else 0,
                "content": content,
            }
        )
    aborts = []
    if draw.random() < 0.3:
        for _ in range(draw.randint(1, 5)):
            index = draw.randrange(count)
            arrival = requests[index]["arrival_ns"]
            aborts.append((arrival + int(draw.expovariate(1) * 300_000_000), index))
    return Case(settings, tuple(requests), tuple(aborts))


def _prompt(draw: random.Random, tokens: int, index: int, shared: bool) -> list[tuple[str, int, int]]:
    if not shared:
        return [(f"own{index}", 0, tokens)]
    kind = draw.random()
    if kind < 0.4:  # a system prompt and something of its own
        system = min(tokens, draw.choice([16, 48, 100]))
        return [(f"sys{draw.randint(0, 2)}", 0, system), (f"own{index}", 0, tokens - system)]
    if kind < 0.6:  # the same document, to different lengths
        return [(f"doc{draw.randint(0, 1)}", 0, tokens)]
    if kind < 0.8 and index:  # an earlier turn with its answer
        earlier = draw.randrange(index)
        head = min(tokens, draw.randint(1, 60))
        answer = min(tokens - head, draw.randint(0, 40))
        rest = tokens - head - answer
        return [(f"own{earlier}", 0, head), (f"out:{earlier}", 0, answer), (f"own{index}", 0, rest)]
    return [(f"own{index}", 0, tokens)]
