"""System prompts and conversations: what prompts share."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload

PREFIX = {"tokens": {"distribution": "fixed", "tokens": 256}, "share": 0.5, "count": 3}
SESSIONS = {
    "turns": {"distribution": "uniform", "low": 1, "high": 5},
    "gap": {"median": "20 s", "sigma": 0.5},
    "added_tokens": {"distribution": "uniform", "low": 10, "high": 30},
}


def total(pieces):
    return sum(length for _, _, length in pieces)


def expanded(pieces):
    return [(stream, offset + k) for stream, offset, length in pieces for k in range(length)]


def test_a_share_of_the_prompts_starts_with_one_of_a_few_texts(make):
    traffic = make(6000, shared_prefix=PREFIX)
    starts = Counter(pieces[0][0] for pieces in traffic.pieces if len(pieces) == 2)
    assert set(starts) == {"prefix:0", "prefix:1", "prefix:2"}
    assert sum(starts.values()) / 6000 == pytest.approx(0.5, abs=0.02)
    assert [total(pieces) for pieces in traffic.pieces] == traffic.prompt_tokens.tolist()


def test_a_prefix_comes_on_top_of_the_prompt(make):
    plain, longer = make(500), make(500, shared_prefix=PREFIX | {"share": 1.0})
    assert np.array_equal(plain.prompt_tokens + 256, longer.prompt_tokens)


def test_skew_makes_the_first_text_the_most_popular(make):
    traffic = make(9000, shared_prefix=PREFIX | {"share": 1.0, "skew": 1.0})
    starts = Counter(pieces[0][0] for pieces in traffic.pieces)
    assert starts["prefix:0"] / starts["prefix:1"] == pytest.approx(2.0, rel=0.1)


def turns_by_session(traffic):
    sessions = defaultdict(list)
    for row, name in enumerate(traffic.names):
        session, turn = name[1:].split("t")
        sessions[int(session)].append((int(turn), row))
    return sessions


def test_a_later_prompt_starts_with_the_earlier_prompt_and_its_answer(make):
    traffic = make(2000, sessions=SESSIONS, shared_prefix=PREFIX)
    followed = 0
    for turns in turns_by_session(traffic).values():
        for (number, row), (next_number, next_row) in itertools.pairwise(turns):
            assert next_number == number + 1
            assert traffic.arrival_ns[next_row] > traffic.arrival_ns[row]
            answer = (f"out:{traffic.names[row]}", 0, int(traffic.output_tokens[row]))
            history = (*traffic.pieces[row], answer)
            assert traffic.pieces[next_row][: len(history)] == history
            followed += 1
    assert followed > 500
    assert [total(pieces) for pieces in traffic.pieces] == traffic.prompt_tokens.tolist()


def test_turns_of_all_sessions_come_in_order_of_time(make):
    times = make(5000, sessions=SESSIONS).arrival_ns
    assert np.all(np.diff(times) >= 0)


def test_sessions_have_the_asked_number_of_turns_and_gaps(make):
    traffic = make(30_000, sessions=SESSIONS)
    sessions = turns_by_session(traffic)
    early = [turns for number, turns in sessions.items() if number < 5000]
    assert np.mean([len(turns) for turns in early]) == pytest.approx(3.0, abs=0.1)
    gaps = [
        traffic.arrival_ns[b] - traffic.arrival_ns[a]
        for turns in early
        for (_, a), (_, b) in itertools.pairwise(turns)
    ]
    assert np.median(gaps) / 1e9 == pytest.approx(20.0, rel=0.05)


def test_thinking_of_earlier_turns_is_dropped_from_the_history(make):
    thinking = {"tokens": {"distribution": "fixed", "tokens": 500}}
    traffic = make(500, sessions=SESSIONS, thinking=thinking)
    answers = {
        piece: traffic.output_tokens[traffic.names.index(piece[0].removeprefix("out:"))]
        for pieces in traffic.pieces
        for piece in pieces
        if piece[0].startswith("out:")
    }
    assert answers
    assert all(offset == 500 and offset + n == whole for (_, offset, n), whole in answers.items())


def test_a_session_ends_before_it_outgrows_its_context(make):
    long = SESSIONS | {"turns": {"distribution": "fixed", "tokens": 50}, "max_context": 4000}
    short = {"distribution": "uniform", "low": 50, "high": 100}
    slow = {"process": "poisson", "rate": "0.1 /s"}
    traffic = make(5000, arrivals=slow, sessions=long, prompt_tokens=short, output_tokens=short)
    assert (traffic.prompt_tokens + traffic.output_tokens).max() <= 4000
    assert (traffic.prompt_tokens + traffic.output_tokens).max() > 3700


def test_in_sessions_a_long_message_can_bring_a_long_answer(make):
    sessions = SESSIONS | {"added_tokens": None}
    traffic = make(5000, sessions=sessions, correlation=0.7)
    messages = [pieces[-1][2] for pieces in traffic.pieces]
    scores = np.corrcoef(np.log(messages), np.log(traffic.output_tokens))
    assert scores[0, 1] == pytest.approx(0.7, abs=0.03)


def test_sessions_without_an_end_are_refused(make):
    endless = SESSIONS | {"turns": {"distribution": "lognormal", "mean": 4, "sigma": 1}}
    with pytest.raises(InputError, match="max"):
        make(10, sessions=endless)


def test_the_longest_request_is_never_beyond_the_promised_limit(spec):
    described: WorkloadSpec = spec(sessions=SESSIONS, shared_prefix=PREFIX)
    source = build_workload(described, RandomStreams(3), 5000)
    longest = max(int((chunk.prompt_tokens + chunk.output_tokens).max()) for chunk in source.chunks())
    assert source.max_total_tokens is not None
    assert longest <= source.max_total_tokens
