"""Prompt and output are drawn together: correlated, by class, or by row."""

from __future__ import annotations

import numpy as np
import pytest

LOGNORMAL = {"distribution": "lognormal", "median": 300, "sigma": 1.0}


def scores(lengths):
    return np.log(lengths)


def test_without_correlation_prompt_and_output_are_independent(make):
    traffic = make(50_000)
    assert np.corrcoef(scores(traffic.prompt_tokens), scores(traffic.output_tokens))[0, 1] == pytest.approx(
        0.0, abs=0.02
    )


@pytest.mark.parametrize("rho", [-0.6, 0.4])
def test_the_copula_correlates_and_leaves_both_distributions_alone(make, rho):
    plain = make(50_000, prompt_tokens=LOGNORMAL, output_tokens=LOGNORMAL)
    tied = make(50_000, prompt_tokens=LOGNORMAL, output_tokens=LOGNORMAL, correlation=rho)
    assert np.array_equal(plain.prompt_tokens, tied.prompt_tokens)
    assert np.corrcoef(scores(tied.prompt_tokens), scores(tied.output_tokens))[0, 1] == pytest.approx(
        rho, abs=0.02
    )
    percent = [10, 50, 90]
    assert np.percentile(tied.output_tokens, percent) == pytest.approx(
        np.percentile(plain.output_tokens, percent), rel=0.03
    )


def test_another_output_distribution_leaves_arrivals_and_prompts_alone(make):
    one, other = make(500), make(500, output_tokens={"distribution": "fixed", "tokens": 7})
    assert np.array_equal(one.arrival_ns, other.arrival_ns)
    assert np.array_equal(one.prompt_tokens, other.prompt_tokens)


def test_classes_keep_prompt_and_output_together(make):
    def kind(share, prompt, output):
        fixed = {"distribution": "fixed"}
        return {
            "share": share,
            "prompt_tokens": fixed | {"tokens": prompt},
            "output_tokens": fixed | {"tokens": output},
        }

    traffic = make(
        20_000, prompt_tokens=None, output_tokens=None, classes=[kind(1, 1000, 10), kind(3, 50, 400)]
    )
    pairs = set(zip(traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist(), strict=True))
    assert pairs == {(1000, 10), (50, 400)}
    assert np.mean(traffic.prompt_tokens == 50) == pytest.approx(0.75, abs=0.01)


def test_rows_of_a_trace_are_drawn_as_they_stand(make, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("arrival_s,prompt_tokens,output_tokens\n0,5,50\n1,6,60\n2,7,70\n")
    traffic = make(3000, prompt_tokens=None, output_tokens=None, rows={"file": str(file)})
    assert np.array_equal(traffic.prompt_tokens * 10, traffic.output_tokens)
    assert np.unique(traffic.prompt_tokens, return_counts=True)[1] == pytest.approx([1000] * 3, rel=0.1)
