"""What the published set-ups were, as far as it is known: the server, the draft and the load.

The sources say device, model and draft; lengths, the number of drafts and the precision are often left open.
What is assumed stands here, one set-up after the other, and is printed with the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model

#: What ``load`` counts: requests in flight, sequences that start together and are measured while they
#: decode, or requests per second.
LoadKind = Literal["closed", "static", "open"]


@dataclass(frozen=True, slots=True)
class SpeculativeSetup:
    """One published set-up.

    Attributes
    ----------
    pool
        The pool without speculation, as a scenario has it.
    drafting
        From the name of a series to its ``speculative:`` section, acceptance aside.
    over
        A section that the speed-up is over; None: over no speculation.
    prompt_of
        From the name of a series to the prompts' length, where that is what differs [tokens].
    engine_while_drafting
        Settings of the engine that are others with speculation than without.
    drafts_told, lengths_told
        Whether the publication gives the number of drafts; and the lengths, or data set and latency that
        they follow from.
    """

    card: ModelCard
    pool: Mapping[str, Any]
    drafting: Callable[[str], dict[str, Any]]
    load: LoadKind
    prompt: int
    output: int
    assumed: str
    weight_dtype: str = "auto"
    over: Mapping[str, Any] | None = None
    prompt_of: Callable[[str], int] | None = None
    engine_while_drafting: Mapping[str, Any] = field(default_factory=dict)
    drafts_told: bool = False
    lengths_told: bool = False

    def prompt_tokens(self, series: str) -> int:
        """Length of the prompts of a series [tokens]."""
        return self.prompt if self.prompt_of is None else self.prompt_of(series)


def setup_of(name: str) -> SpeculativeSetup | None:
    """The set-up of this name in the table; None where it is not known."""
    build = _SETUPS.get(name)
    return None if build is None else build()


#: How Spec-Bench's methods draft, and how many tokens.
_SPEC_BENCH = {
    "eagle": {"method": "eagle", "num_speculative_tokens": 5},
    "eagle2": {"method": "eagle", "num_speculative_tokens": 6},
    "eagle3": {"method": "eagle3", "num_speculative_tokens": 7},
    "medusa": {"method": "medusa", "num_speculative_tokens": 4},
    "hydra": {"method": "medusa", "num_speculative_tokens": 4},
    "pld_ngram": {"method": "ngram", "num_speculative_tokens": 10},
}


def _spec_bench(model: str) -> SpeculativeSetup:
    def drafting(series: str) -> dict[str, Any]:
        if series not in _SPEC_BENCH:
            raise ValueError(series)
        return dict(_SPEC_BENCH[series])

    return SpeculativeSetup(
        card=load_model(model),
        pool=_pool("nvidia-a100-80g-sxm", 1, engine={"enforce_eager": True, "async_scheduling": False}),
        drafting=drafting,
        load="closed",
        prompt=256,
        output=256,
        drafts_told=True,
        assumed="chains in place of trees; Hugging Face transformers as an engine that launches every kernel"
        " from the host, drafts aside; 256 prompt and 256 output tokens",
    )


def _pool(hardware: str, tensor: int, **more: Any) -> dict[str, Any]:
    """A pool whose step budget and seats no load of the table exceeds."""
    engine = {"max_num_seqs": 512, "enable_prefix_caching": False, **more.pop("engine", {})}
    return {
        "name": "main",
        "hardware": hardware,
        "parallelism": {"tensor": tensor},
        "engine": engine,
        **more,
    }


def _dspark() -> SpeculativeSetup:
    def drafting(series: str) -> dict[str, Any]:
        if series == "adaptive":
            return {"method": "mtp", "num_speculative_tokens": 7, "length": "adaptive"}
        return {"method": "mtp", "num_speculative_tokens": int(series.removeprefix("k"))}

    return SpeculativeSetup(
        card=_deepseek_v4_pro(),
        pool=_pool("nvidia-b300-sxm", 8),
        drafting=drafting,
        load="closed",
        prompt=1024,
        output=512,
        drafts_told=True,
        assumed="1,024 prompt and 512 output tokens; DeepSeek-V3's attention in place of V4's; experts in"
        " mxfp4; one MTP-like layer drafts",
    )


def _deepseek_v4_pro() -> ModelCard:
    """The shape of DeepSeek-V4 Pro, with the latent attention of V3: what V4 caches is not published."""
    published = load_model("deepseek-v4-pro")
    v3 = load_model("deepseek-v3")
    assert v3.moe is not None and published.moe is not None
    experts = published.moe.model_copy(update={"shared_ffn": published.moe.expert_ffn})
    return v3.model_copy(
        update={
            "id": published.id,
            "name": published.name,
            "moe": experts,
            "layers": published.layers,
            "weight_dtype": "mxfp4",
            "quantised": "experts",
        }
    )


def _kimi(hardware: str) -> SpeculativeSetup:
    def drafting(series: str) -> dict[str, Any]:
        dtype = "fp8" if series.startswith("fp8") else "auto"
        return {"method": "eagle3", "num_speculative_tokens": 3, "weight_dtype": dtype}

    return SpeculativeSetup(
        card=load_model("kimi-k2.5"),
        pool=_pool(hardware, 4),
        drafting=drafting,
        load="closed",
        prompt=1024,
        output=512,
        assumed="3 drafts; 1,024 prompt and 512 output tokens; published weights (int4 experts)",
    )


#: SGLang of early 2025 did not schedule ahead while it drafted (its overlap scheduler was switched off).
_SGLANG_DRAFTING = {"async_scheduling": False}


def _llama_8b() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("llama-3.1-8b"),
        pool=_pool("nvidia-h100-sxm", 1, latency={"backend": "auto", "software": "sglang"}),
        drafting=lambda series: {
            "method": "eagle3" if series == "eagle3" else "eagle",
            "num_speculative_tokens": 5 if series == "eagle3" else 4,
        },
        load="closed",
        prompt=128,
        output=512,
        engine_while_drafting=_SGLANG_DRAFTING,
        assumed="a chain of 5 (EAGLE-3) or 4 drafts in place of a tree; MT-bench as 128 prompt and 512 output"
        " tokens",
    )


def _deepseek_mtp() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("deepseek-v3"),
        pool=_pool("nvidia-h200-sxm", 8, latency={"backend": "auto", "software": "sglang"}),
        drafting=lambda _: {"method": "mtp", "num_speculative_tokens": 2},
        load="closed",
        prompt=512,
        output=512,
        engine_while_drafting=_SGLANG_DRAFTING,
        assumed="2 drafts, as in SGLang's example of early 2025; 512 prompt and 512 output tokens",
    )


def _p_eagle() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("gpt-oss-20b"),
        pool=_pool("nvidia-b200-sxm", 1),
        drafting=lambda _: {"method": "eagle3", "num_speculative_tokens": 7, "parallel_drafting": True},
        load="closed",
        prompt=128,
        output=512,
        over={"method": "eagle3", "num_speculative_tokens": 3, "acceptance_per_position": [0.72, 0.55, 0.43]},
        assumed="B200; 7 parallel drafts over 3 of EAGLE-3 with its published 2.70 tokens per verification;"
        " MT-bench as 128 prompt and 512 output tokens",
    )


#: vLLM 0.6 (October 2024, engine V0): prompts go first and whole.
_V0 = {
    "engine": {
        "engine_version": "0.6.2",
        "scheduler": "prefill_first",
        "max_num_seqs": 256,
        "max_num_batched_tokens": 8192,
        "max_model_len": 8192,
    }
}


def _draft_70b() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("llama-3-70b"),
        pool=_pool("nvidia-h100-sxm", 4, **_V0),
        drafting=lambda _: {
            "method": "draft_model",
            "model": "qwen3-0.6b",
            "num_speculative_tokens": 4,
            "tensor": 1,
        },
        load="open",
        prompt=220,
        output=145,
        drafts_told=True,
        lengths_told=True,
        assumed="a draft of the shape of Qwen3-0.6B (Qwama-0.5B was used) on one GPU; ShareGPT as 220 prompt"
        " tokens and as many output tokens as explain the latency without speculation at the lowest load",
    )


def _ngram_70b() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("llama-3-70b"),
        pool=_pool("nvidia-h100-sxm", 4, **_V0),
        drafting=lambda _: {"method": "ngram", "num_speculative_tokens": 4},
        load="open",
        prompt=900,
        output=148,
        drafts_told=True,
        lengths_told=True,
        assumed="CNN/DailyMail as 900 prompt tokens and as many output tokens as explain the latency without"
        " speculation at the lowest load",
    )


def _magicdec() -> SpeculativeSetup:
    return SpeculativeSetup(
        card=load_model("llama-2-7b").model_copy(update={"context_tokens": 131_072}),
        pool=_pool("nvidia-a100-80g-sxm", 8, engine={"async_scheduling": False}),
        drafting=lambda _: {"method": "self", "num_speculative_tokens": 3, "window": 512},
        load="static",
        prompt=1024,
        output=128,
        prompt_of=lambda series: int(series.removeprefix("prefill_")),
        lengths_told=True,
        assumed="3 drafts; a static batch, measured while it decodes; its own engine does not schedule ahead",
    )


_SETUPS: dict[str, Callable[[], SpeculativeSetup]] = {
    "batch1_specbench_A100_vicuna_7b": lambda: _spec_bench("llama-2-7b"),
    "batch1_specbench_A100_vicuna_13b": lambda: _spec_bench("llama-2-13b"),
    "batch1_specbench_A100_vicuna_33b": lambda: _spec_bench("yi-34b"),
    "dspark_deepseek_v4_pro_8xB300": _dspark,
    "eagle3_kimi_k2.5_MI355X_TP4": lambda: _kimi("amd-mi355x"),
    "eagle3.1_kimi_k2.6_GB200_TP4": lambda: _kimi("nvidia-gb200-nvl72"),
    "eagle3_llama8b_sglang_H100": _llama_8b,
    "mtp_deepseek_v3_H200_TP8_sglang": _deepseek_mtp,
    "p_eagle_over_eagle3_gpt_oss_20b_MTBench": _p_eagle,
    "draft_llama70b_4xH100_sharegpt_k4": _draft_70b,
    "ngram_llama70b_4xH100_cnn_k4": _ngram_70b,
    "magicdec_self_spec_llama2_7b_8xA100_budget512": _magicdec,
}
