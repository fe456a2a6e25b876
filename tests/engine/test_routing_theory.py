"""Routing against queueing theory: replicas that serve one request at a time are M/M/1 queues.

A request is one step, whose time is proportional to the prompt; prompts have exponential lengths and
arrivals are Poisson.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.clusters import cluster, pool, pricer, request, run, settings

#: A step takes 1 us per prompt token.
TOKEN_NS = 1000
MEAN_TOKENS = 1000


def mean_time_in_system(policy, *, servers, load, requests, seed=1, **router):
    """In mean service times, the first tenth of the requests left out."""
    random = np.random.default_rng(seed)
    gaps = random.exponential(MEAN_TOKENS * TOKEN_NS / (load * servers), requests)
    arrivals = np.cumsum(gaps).astype(int).tolist()
    prompts = np.ceil(random.exponential(MEAN_TOKENS, requests)).astype(int).tolist()
    whole = 30 * MEAN_TOKENS
    single = pool(
        replicas=servers,
        settings=settings(
            max_num_seqs=1, max_num_batched_tokens=whole, max_model_len=whole, num_gpu_blocks=whole
        ),
        pricer=pricer(base_ns=0, prefill_token_ns=TOKEN_NS),
    )
    ended = run(
        cluster(single, policy=policy, **router),
        [request(i, arrivals[i], prompt=prompts[i], output=1) for i in range(requests)],
    )
    times = [r.finish_ns - r.arrival_ns for r in ended if r.index >= requests // 10]
    return float(np.mean(times)) / (MEAN_TOKENS * TOKEN_NS)


def power_of_d(load, choices):
    """Mean-field limit (Mitzenmacher 2001): the sum over i of load^((d^i - d) / (d - 1))."""
    return sum(load ** ((choices**i - choices) / (choices - 1)) for i in range(1, 12))


def shortest_of_two(load, longest=60):
    """Join the shortest of two M/M/1 queues: the stationary mean of the truncated Markov chain."""
    states = {(a, b): i for i, (a, b) in enumerate((a, b) for a in range(longest) for b in range(longest))}
    rates = np.zeros((len(states), len(states)))
    arrivals = 2 * load
    for (a, b), here in states.items():
        if a == b:
            joins = [(a + 1, b, arrivals / 2), (a, b + 1, arrivals / 2)]
        else:
            joins = [(a + 1, b, arrivals) if a < b else (a, b + 1, arrivals)]
        for x, y, rate in [*joins, (a - 1, b, 1.0), (a, b - 1, 1.0)]:
            if (x, y) in states:
                rates[here, states[x, y]] += rate
                rates[here, here] -= rate
    system = np.vstack([rates.T[1:], np.ones(len(states))])
    shares = np.linalg.solve(system, np.append(np.zeros(len(states) - 1), 1.0))
    inside = sum((a + b) * shares[i] for (a, b), i in states.items())
    return inside / arrivals  # Little's law, in service times


def test_random_routing_gives_independent_queues():
    expected = 1 / (1 - 0.7)  # M/M/1
    assert mean_time_in_system("random", servers=20, load=0.7, requests=40_000) == pytest.approx(
        expected, rel=0.05
    )


@pytest.mark.parametrize("choices", [2, 3])
def test_a_few_choices_meet_the_mean_field_limit(choices):
    found = mean_time_in_system("power_of_two", servers=100, load=0.8, requests=40_000, choices=choices)
    assert found == pytest.approx(power_of_d(0.8, choices), rel=0.03)


def test_the_shortest_of_two_queues_meets_its_markov_chain():
    expected = shortest_of_two(0.8, longest=40)
    found = mean_time_in_system("least_outstanding", servers=2, load=0.8, requests=60_000)
    assert found == pytest.approx(expected, rel=0.04)


def test_more_knowledge_never_waits_longer():
    times = [
        mean_time_in_system(policy, servers=20, load=0.8, requests=20_000)
        for policy in ("random", "round_robin", "power_of_two", "least_outstanding")
    ]
    assert times == sorted(times, reverse=True)
