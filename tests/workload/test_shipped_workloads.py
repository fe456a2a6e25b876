"""The workloads that ship: they build, name their sources, and look like the traces they stand for."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from simulator.scenario.workload.arrivals import ReplaySpec
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload, load_workload, read_trace, workload_names
from simulator.workload.chunking import joined

AZURE = "traces/workloads/azure_llm_2023/AzureLLMInferenceTrace_"
ROWS = {
    "azure-conv-2023": f"{AZURE}conv.first_13828_rows.csv.gz",
    "azure-code-2023": f"{AZURE}code.first_5353_rows.csv.gz",
}


def requests(name, count=None, duration_s=None, seed=0):
    source = build_workload(load_workload(name), RandomStreams(seed), count, duration_s)
    return joined(list(source.chunks()))


@pytest.mark.parametrize("name", workload_names())
def test_every_shipped_workload_builds_and_keeps_its_promise_of_length(name):
    spec = load_workload(name)
    count = None if isinstance(spec.arrivals, ReplaySpec) else 3000
    source = build_workload(spec, RandomStreams(0), count)
    traffic = joined(list(source.chunks()))
    assert len(traffic) == (count or 300)
    assert traffic.prompt_tokens.min() >= 1
    assert traffic.output_tokens.min() >= 1
    assert np.all(np.diff(traffic.arrival_ns) >= 0)
    assert source.max_total_tokens is not None
    assert int((traffic.prompt_tokens + traffic.output_tokens).max()) <= source.max_total_tokens


@pytest.mark.parametrize("name", workload_names())
def test_every_shipped_workload_names_source_and_licence(name):
    spec = load_workload(name)
    assert spec.name == name
    assert spec.source
    assert spec.licence


def test_the_real_run_is_replayed_as_it_was():
    source = build_workload(load_workload("vllm-cpu-chat"), RandomStreams(0))
    traffic = joined(list(source.chunks()))
    assert not source.ends_on_stop
    assert traffic.arrival_ns[0] == 107_257_000
    assert (traffic.prompt_tokens[0], traffic.output_tokens[0]) == (72, 30)
    assert traffic.output_tokens.sum() == 23_924


def dispersion(arrival_ns, width_s):
    """Sample variance over mean of arrivals per bin, last partial bin dropped."""
    bins = (arrival_ns - arrival_ns[0]) // int(width_s * 1e9)
    counts = np.bincount(bins, minlength=int(bins[-1]) + 1)[:-1]
    return counts.var(ddof=1) / counts.mean()


@pytest.mark.parametrize("name", ROWS)
def test_generated_lengths_have_the_quantiles_of_the_real_rows(shared, name):
    real, drawn = read_trace(shared / ROWS[name]).traffic, requests(name, 100_000)
    for column in ("prompt_tokens", "output_tokens"):
        percent = [50, 90, 99]
        expected = np.percentile(getattr(real, column), percent)
        assert np.percentile(getattr(drawn, column), percent) == pytest.approx(expected, rel=0.05)
        assert getattr(drawn, column).mean() == pytest.approx(getattr(real, column).mean(), rel=0.03)
    pearson = [np.corrcoef(t.prompt_tokens, t.output_tokens)[0, 1] for t in (real, drawn)]
    assert pearson[1] == pytest.approx(pearson[0], abs=0.03)


@pytest.mark.parametrize(("name", "tolerance"), [("azure-conv-2023", 0.15), ("azure-code-2023", 0.25)])
def test_generated_arrivals_are_as_bursty_as_the_real_ones(shared, name, tolerance):
    real = read_trace(shared / ROWS[name]).traffic.arrival_ns
    span_s = real[-1] / 1e9
    drawn = [requests(name, duration_s=span_s, seed=seed).arrival_ns for seed in range(60)]
    for width_s in (1, 10, 60):
        mean = np.mean([dispersion(times, width_s) for times in drawn])
        assert mean == pytest.approx(dispersion(real, width_s), rel=tolerance), width_s
    assert np.mean([len(times) for times in drawn]) == pytest.approx(len(real), rel=0.05)


@pytest.mark.parametrize("name", ROWS)
def test_slices_of_ten_minutes_are_as_bursty_as_the_real_ones_on_average(shared, name):
    """A slice shows only the bursts that fit into it: a model that is right at one length may miss here."""
    real = read_trace(shared / ROWS[name]).traffic.arrival_ns
    slice_ns = 600_000_000_000
    starts = np.linspace(0, real[-1] - slice_ns, 12)
    slices = [real[(real >= start) & (real < start + slice_ns)] for start in starts]
    drawn = [requests(name, duration_s=600, seed=seed).arrival_ns for seed in range(60)]
    for width_s in (1, 10, 60):
        mean = np.mean([dispersion(times, width_s) for times in drawn])
        expected = np.mean([dispersion(times, width_s) for times in slices])
        assert mean == pytest.approx(expected, rel=0.25), width_s


def test_the_real_rows_are_read_in_well_under_a_third_of_a_second(shared):
    file = shared / ROWS["azure-conv-2023"]
    took = []
    for _ in range(5):  # the quickest: a machine that does other things as well is slow at times
        start = time.process_time()
        assert len(read_trace(file).traffic) == 13_828
        took.append(time.process_time() - start)
    assert min(took) < 0.3


def test_real_mooncake_content_adds_up(shared):
    file = shared / "traces/workloads/mooncake_fast25/conversation_trace.first_7851_rows.jsonl.gz"
    traffic = read_trace(file).traffic
    assert len(traffic) == 7851
    assert [sum(n for _, _, n in pieces) for pieces in traffic.pieces] == traffic.prompt_tokens.tolist()
    assert all(pieces[0] == (0, 0, 512) for pieces in traffic.pieces)


def test_a_real_run_with_shared_prefixes_is_read(shared):
    trace = read_trace(shared / "traces/runs/vllm-cpu-s08-llama-prefix-cache-r9")
    assert trace.ignore_eos is True
    assert trace.traffic.pieces[2][0] == ("shared2", 0, 256)


def test_the_documents_name_every_shipped_workload_for_a_use_case():
    text = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text()
    for name in workload_names():
        if name != "vllm-cpu-chat":  # the load of one measured run
            assert f"`{name}`" in text


def test_the_coding_agent_reads_mostly_what_it_has_read_before():
    """Real sessions of a coding agent: 96 percent of the prompt tokens were in the prefix cache."""
    traffic = requests("coding-agent", 20_000)
    seen, hits, total = set(), 0, 0
    for pieces in traffic.pieces:
        total += sum(length for _, _, length in pieces)
        for piece in pieces:
            if piece not in seen:
                break
            hits += piece[2]
        seen.update(pieces)
    assert hits / total == pytest.approx(0.962, abs=0.02)
    assert np.median(traffic.prompt_tokens) == pytest.approx(102_086, rel=0.1)


def test_gaps_of_a_coding_agent_are_those_of_the_trace():
    traffic = requests("coding-agent", 20_000)
    last, gaps = {}, []
    for name, at in zip(traffic.names, traffic.arrival_ns.tolist(), strict=True):
        session = name.split("t")[0]
        if session in last:
            gaps.append((at - last[session]) / 1e9)
        last[session] = at
    assert np.percentile(gaps, [25, 50, 75]) == pytest.approx([11, 17, 38], rel=0.1)
