"""Multi-token prediction in aiconfigurator-silicon: which rows were served with it, and with how many drafts.

InferenceX measures DeepSeek with and without multi-token prediction (MTP). The dump of its data base says
which is which, and only rows without were taken from it; the dated files hold both, and their column for it
was lost. What is left tells most of them apart:

- TensorRT-LLM: the recipes with MTP had images of their own (`IMAGES`). Their servers take half as long per
  token as the same servers of other images, at every load far from saturation.
- SGLang: recipe and image are the same, but one server met more loads with MTP than without (`LOADS`). Where
  it met a load both ways, two rows of a dated file differ in nothing but the measurements: which of them used
  MTP is not known, and neither is compared. The dump has those without.

Drafts as the recipes ask for (from memory): three at a time with TensorRT-LLM, one where attention is data
parallel; two with SGLang. Times per token do not tell one number from another: with each of one to four
drafts everywhere they are met about as well. How often drafts are right on random prompts (`ACCEPTANCE`) is
one constant, fitted to these rows by `simulator.calibration.points.drafts_fit`, which also predicts each
server from the others.
"""

from __future__ import annotations

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint
from simulator.scenario.speculation import SpeculationSpec

#: Chance that a draft is right once all before it were.
ACCEPTANCE = 0.57
#: The model whose recipes with MTP are known.
MODEL = "deepseek-v3"
#: Images of TensorRT-LLM that only recipes with MTP used, from which day on.
IMAGES = {"1.2.0rc6.post3": "2026-01-01", "1.1.0rc2.post2": "2026-01-14"}
#: The image of SGLang that was measured both ways, with 8-bit weights on eight B200, and the most requests in
#: flight without MTP, by prompt [tokens].
SGLANG_IMAGE = "sglang:v0.5.9-cu130"
LOADS = {1024: 64, 8192: 4}


def drafts_of(point: OperatingPoint) -> SpeculationSpec | None:
    """The drafts that the point was served with, if any.

    Raises
    ------
    NotSimulated
        Where the row does not say whether there were any, and both were measured.
    """
    tokens = _drafts(point)
    if not tokens:
        return None
    return SpeculationSpec(method="mtp", num_speculative_tokens=tokens, acceptance=ACCEPTANCE)


def _drafts(point: OperatingPoint) -> int:
    if point.mode != "agg" or point.model != MODEL:
        return 0
    if str(point.extra.get("dataset", "")).startswith("db-dump"):
        return 0
    if point.engine == "tensorrt-llm" and _image_is_of_mtp(point):
        return 1 if (point.dp or 1) > 1 else 3
    if not _server_has_both(point):
        return 0
    most = LOADS[round(point.prompt_tokens or 0)]
    if (point.load_value or 0.0) <= most:
        raise NotSimulated(
            "measured with and without multi-token prediction: the row does not say which it is"
        )
    return 2


def _image_is_of_mtp(point: OperatingPoint) -> bool:
    image, date = str(point.extra.get("image", "")), str(point.extra.get("measured_date", ""))
    return any(image.endswith(name) and date >= since for name, since in IMAGES.items())


def _server_has_both(point: OperatingPoint) -> bool:
    """Whether this is the server of SGLang that was measured with and without MTP."""
    return (
        str(point.extra.get("image", "")).endswith(SGLANG_IMAGE)
        and (point.device, point.weight_dtype) == ("nvidia-b200-sxm", "fp8")
        and (point.tp, point.dp, point.ep) == (8, 1, 1)
        and round(point.prompt_tokens or 0) in LOADS
    )
