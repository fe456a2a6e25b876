"""Which experiment answers which claim, and why some claims have none."""

from __future__ import annotations

from collections.abc import Callable

from simulator.planning.claims import energy, hardware, money, quality, serving, speed, tokens
from simulator.planning.claims.fact import ComputedFact

Experiment = Callable[[], list[ComputedFact]]

#: The experiment of each claim that can be simulated or worked out.
EXPERIMENTS: dict[str, Experiment] = {
    "C01": tokens.training_against_inference,
    "C03": tokens.tokens_of_thinking,
    "C04": serving.ladder,
    "C05": tokens.latency_over_depth,
    "C06": serving.interactive_latency,
    "C07": quality.monotone_quality,
    "C08": quality.small_for_large,
    "C09": quality.four_bits,
    "C10": speed.speculation_over_batch,
    "C11": hardware.lpu_bandwidth,
    "C12": hardware.lpu_against_gpu,
    "C13": hardware.wafer_capacity,
    "C14": hardware.wafer_speed,
    "C16": quality.a_hundred_dollars,
    "C17": energy.tuned_serving,
    "C18": serving.hundredfold_tokens,
    "C19": money.price_fall,
    "C20": money.where_the_fall_came_from,
    "C21": speed.speculation_alone,
    "C22": serving.smaller_weights,
    "C23": tokens.thinking_tokens_price,
    "C24": tokens.dollars_a_run,
    "C25": hardware.bound_by_memory,
    "C26": money.routed_models,
    "C27": energy.fleets,
    "C28": energy.one_for_one,
    "C29": money.tight_first_tokens,
    "C30": tokens.points_per_doubling,
    "C31": tokens.delay_for_code,
    "C32": serving.search_with_reasoning,
    "C33": quality.votes_guarantee,
    "C34": quality.search_and_checks,
    "C35": serving.on_a_phone,
    "C36": serving.documents,
    "C37": serving.longer_contexts,
    "C38": speed.parallel_threads,
    "C39": hardware.deterministic,
    "C40": serving.separate_concerns,
    "C42": serving.disaggregated,
    "C43": money.routed_agents,
    "C44": money.deepseek_day,
    "C45": energy.energy_of_a_prompt,
}

#: Why the others have none.
WITHOUT: dict[str, str] = {
    "C02": "the size of a market is no result of a simulation",
    "C15": "a business deal is no result of a simulation",
    "C41": "both orders of spending end at the same design, so there is nothing to tell apart",
}
