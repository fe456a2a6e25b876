"""The load of a run that is told in words: stages of Poisson arrivals, prompts sent in a cycle.

A Poisson process of known count is that many uniform times in order, so every stage gets exactly
``rate * duration`` of them. Prompts are a fixed number of texts that are sent one after the
other and over again (a text of its own for each request where no number is given); lengths vary by 1 %
around their mean, which is 4.5 % above the nominal one where only that is known (random tokens, decoded and
encoded again). Prompts of a group begin with the same system prompt; which prompt is in which group is drawn.

Source of the proportions: the three runs of the same client whose requests were published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.calibration.runs.measured import LoadInWords
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload.traffic import Piece, Traffic

#: Real over nominal length of a prompt of random tokens.
RETOKENISED = 1.045
#: Spread of prompt lengths, standard deviation over mean.
SPREAD = 0.01


@dataclass(frozen=True)
class StagedLoad:
    """A `RequestSource` for a load in words; ``concurrency`` is always open loop."""

    load: LoadInWords
    streams: RandomStreams
    ends_on_stop: bool
    max_total_tokens: int | None = None
    concurrency: None = None

    def chunks(self) -> Iterator[Traffic]:
        """All requests at once."""
        arrivals = self._arrivals_s()
        assert self.load.output_tokens is not None
        lengths, pieces = self._prompts(self.load.distinct_prompts or len(arrivals))
        turn = np.arange(len(arrivals)) % len(lengths)
        yield Traffic(
            arrival_ns=np.rint(arrivals * NS_PER_S).astype(np.int64),
            prompt_tokens=lengths[turn].astype(np.int32),
            output_tokens=np.full(len(arrivals), self.load.output_tokens, dtype=np.int32),
            pieces=[pieces[i] for i in turn.tolist()],
        )

    def _arrivals_s(self) -> np.ndarray:
        random = self.streams.generator("arrivals")
        start, parts = 0.0, []
        for stage in self.load.load_stages:
            count = round(stage.rate * stage.duration)
            parts.append(start + np.sort(random.uniform(0.0, stage.duration, count)))
            start += stage.duration
        return np.concatenate(parts)

    def _prompts(self, count: int) -> tuple[np.ndarray, list[tuple[Piece, ...]]]:
        random = self.streams.generator("prompts")
        load = self.load
        mean = load.prompt_tokens_mean
        if mean is None:
            assert load.question_tokens is not None
            mean = RETOKENISED * (load.system_prompt_tokens + load.question_tokens)
        lengths = np.rint(random.normal(mean, SPREAD * mean, count)).astype(np.int64)
        system = load.system_prompt_tokens if load.prompt_groups else 0
        groups = random.permutation(count) % (load.prompt_groups or 1)
        pieces: list[tuple[Piece, ...]] = []
        for prompt, (length, group) in enumerate(zip(lengths.tolist(), groups.tolist(), strict=True)):
            own: Piece = (f"p{prompt}", 0, length - system)
            pieces.append(((f"system{group}", 0, system), own) if system else (own,))
        return lengths, pieces
