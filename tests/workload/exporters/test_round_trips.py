"""What is written in another program's layout and read again is the same traffic."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from simulator.cli.main import main
from simulator.errors import InputError
from simulator.workload import read_trace, write_trace
from simulator.workload.exporters import WRITERS
from simulator.workload.exporters.block_rows import BlockIds
from simulator.workload.importers import READERS
from simulator.workload.importers.servegen import read_servegen
from simulator.workload.traffic import Traffic

#: Smallest step of time that each layout can tell [ns].
TICKS = {
    "aiperf": 1_000_000,
    "azure": 100,
    "bailian": 1_000_000,
    "burstgpt": 1,
    "burstgpt-v3": 1,
    "guidellm": 1_000_000,
    "mooncake": 1_000_000,
    "timed-trace": 1_000_000,
}
AZURE_CODE = "traces/workloads/azure_llm_2023/AzureLLMInferenceTrace_code.first_5353_rows.csv.gz"
MOONCAKE = "traces/workloads/mooncake_fast25/conversation_trace.first_7851_rows.jsonl.gz"


def reader_name(layout):
    return layout.removesuffix("-v3")


def traffic(pieces=None):
    return Traffic(
        np.array([0, 52_000_100, 52_000_200, 7_200_000_000_000], dtype=np.int64),
        np.array([4808, 512, 20, 1100], dtype=np.int32),
        np.array([10, 8, 1, 300], dtype=np.int32),
        pieces=pieces,
    )


def test_every_layout_that_is_written_can_be_read_but_the_folder_of_servegen():
    assert {reader_name(layout) for layout in WRITERS} - {"servegen"} <= set(READERS)


@pytest.mark.parametrize("layout", TICKS)
@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_times_and_lengths_survive(tmp_path, layout, suffix):
    one = traffic()
    file = tmp_path / f"trace{suffix}"
    assert write_trace([one], file, layout) == 4
    again = read_trace(file, reader_name(layout)).traffic
    assert np.abs(again.arrival_ns - one.arrival_ns).max() < TICKS[layout]
    assert again.prompt_tokens.tolist() == one.prompt_tokens.tolist()
    assert again.output_tokens.tolist() == one.output_tokens.tolist()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_our_own_table_keeps_everything(tmp_path, suffix):
    pytest.importorskip("pyarrow")
    pieces = [(("a", 0, 4808),), (("a", 0, 512),), (("b", 0, 20),), (("a", 0, 500), ("c", 0, 600))]
    one, file = traffic(pieces), tmp_path / f"trace{suffix}"
    write_trace([one], file)
    again = read_trace(file).traffic
    assert again.arrival_ns.tolist() == one.arrival_ns.tolist()
    assert again.pieces == pieces


@pytest.mark.parametrize("layout", TICKS)
def test_a_real_trace_survives(shared, tmp_path, layout):
    real = read_trace(shared / AZURE_CODE).traffic
    write_trace([real], tmp_path / "trace", layout)
    again = read_trace(tmp_path / "trace", reader_name(layout)).traffic
    assert np.abs(again.arrival_ns - real.arrival_ns).max() < TICKS[layout]
    assert np.array_equal(again.prompt_tokens, real.prompt_tokens)
    assert np.array_equal(again.output_tokens, real.output_tokens)


def common_prefix(one, other):
    """Leading tokens that two prompts share."""
    shared_tokens = 0
    for (stream, offset, length), (stream2, offset2, length2) in zip(one, other, strict=False):
        if (stream, offset) != (stream2, offset2):
            break
        shared_tokens += min(length, length2)
        if length != length2:
            break
    return shared_tokens


@pytest.mark.parametrize("layout", ["mooncake", "guidellm", "aiperf", "timed-trace"])
def test_real_shared_prefixes_survive(shared, tmp_path, layout):
    real = read_trace(shared / MOONCAKE).traffic
    write_trace([real], tmp_path / "trace", layout)
    again = read_trace(tmp_path / "trace", layout).traffic
    pairs = np.random.default_rng(0).integers(0, len(real), (4000, 2)).tolist()
    pairs += [(i, i + 1) for i in range(2000)]
    for one, other in pairs:
        expected = common_prefix(real.pieces[one], real.pieces[other])
        assert common_prefix(again.pieces[one], again.pieces[other]) == expected


def test_blocks_have_one_id_exactly_where_all_tokens_up_to_their_end_agree():
    ids = BlockIds(4)
    first = ids.of_pieces((("system", 0, 6), ("a", 0, 4)))
    same = ids.of_pieces((("system", 0, 3), ("system", 3, 3), ("a", 0, 4)))
    other = ids.of_pieces((("system", 0, 6), ("b", 0, 4)))
    moved = ids.of_pieces((("a", 0, 4), ("system", 0, 6)))
    assert first == same == [0, 1, 2]
    assert other == [0, 3, 4]
    assert not set(moved) & {*first, *other}


def test_every_prompt_has_as_many_ids_as_started_blocks(tmp_path):
    """vLLM builds the prompts of a timed_trace from the ids alone."""
    file = tmp_path / "trace.jsonl"
    write_trace([traffic()], file, "timed-trace")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [len(row["hash_ids"]) for row in rows] == [10, 1, 1, 3]
    numbers = [number for row in rows for number in row["hash_ids"]]
    assert len(set(numbers)) == len(numbers)


def test_both_layouts_of_burstgpt_have_their_columns(tmp_path):
    for layout, place in (("burstgpt", 2), ("burstgpt-v3", 4)):
        write_trace([traffic()], tmp_path / layout, layout)
        with (tmp_path / layout).open() as text:
            header, first = list(csv.reader(text))[:2]
        assert header[place] == "Request tokens" and first[place] == "4808"
        assert first[header.index("Total tokens")] == "4818"


def test_servegens_folder_keeps_rates_and_lengths(tmp_path):
    random = np.random.default_rng(1)
    times = np.sort(random.random(3000)) * 1200e9
    one = Traffic(
        times.astype(np.int64),
        random.integers(1, 50, 3000).astype(np.int32),
        random.integers(1, 9, 3000).astype(np.int32),
    )
    assert write_trace([one], tmp_path / "clients", "servegen") == 3000
    client = read_servegen(tmp_path / "clients")[0]
    assert client.requests == pytest.approx(3000, rel=1e-4)
    assert client.windows[0].shape == pytest.approx(1.0, rel=0.15)
    values = client.histograms(0)["input_tokens"]
    assert values.draw(np.array([0.5]))[0] == pytest.approx(np.median(one.prompt_tokens), abs=1)


@pytest.mark.parametrize("layout", [*TICKS, "servegen", "table"])
def test_nothing_is_left_where_nothing_can_be_written(tmp_path, layout):
    suffix = ".parquet" if layout == "table" else ""
    with pytest.raises(InputError):
        write_trace([], tmp_path / f"trace{suffix}", layout)
    with pytest.raises(InputError, match="folder does not exist"):
        write_trace([traffic()], tmp_path / "no" / "trace.csv", layout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("layout", "row", "message"),
    [
        ("aiperf", {"input_length": 5, "output_length": 1}, "timestamp is missing, and so is delay"),
        ("aiperf", {"timestamp": 1, "text_input": "hello"}, "text_input tells the prompt as text"),
        ("aiperf", {"delay": 5, "session_id": "a", "input_length": 5}, "there is none"),
        ("timed-trace", {"timestamp": 1, "input_length": 5}, "output_length is missing"),
        ("guidellm", {"timestamp": -1, "input_length": 5, "output_length": 1}, "timestamp is -1"),
        ("bailian", {"timestamp": 1, "input_length": 1.5, "output_length": 1}, "expected whole numbers"),
    ],
)
def test_a_corrupt_row_is_named_by_its_line(tmp_path, capsys, layout, row, message):
    file, out = tmp_path / "trace.jsonl", tmp_path / "out.csv"
    good = {"timestamp": 0, "input_length": 5, "output_length": 1, "session_id": "b"}
    file.write_text(json.dumps(good) + "\n" + json.dumps(row) + "\n")
    assert main(["convert", layout, str(file), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "line 2" in error and message in error
    assert not out.exists()


def test_a_corrupt_row_of_parquet_is_named(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "trace.parquet"
    columns = {"arrival_s": [0.0, 1.0, -2.0], "prompt_tokens": [5, 5, 5], "output_tokens": [1, 1, 1]}
    parquet.write_table(arrow.table(columns), file)
    with pytest.raises(InputError, match="arrival_s is -2") as error:
        read_trace(file)
    assert error.value.key == "row 3"


def test_turns_of_an_aiperf_session_follow_each_other(tmp_path):
    file = tmp_path / "trace.jsonl"
    rows = [
        {"session_id": "a", "timestamp": 100, "input_length": 10, "output_length": 5},
        {"session_id": "a", "delay": 250, "input_length": 20, "output_length": 5},
        {"session_id": "a", "delay": 50, "input_length": 30},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    trace = read_trace(file).traffic
    assert trace.arrival_ns.tolist() == [0, 250_000_000, 300_000_000]
    assert trace.output_tokens.tolist() == [5, 5, 1]


def test_generated_traffic_can_be_written_in_every_layout(tmp_path):
    for layout in WRITERS:
        out = tmp_path / (f"{layout}.csv" if layout == "table" else layout)
        asked = ["convert", "workload", "interactive-chat", "--requests", "40", "--to", layout]
        assert main([*asked, "--out", str(out)]) == 0
        assert out.exists()
