"""Readers of request traces, on small files of each layout."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.workload import read_trace
from simulator.workload.importers import trace_format
from simulator.workload.importers.segments import as_text, segments

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:51.2225670,879,55
"""
BURST_V1 = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
118,GPT-4,417,276,693,API log
"""
BURST_V3 = """Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
5,a,1.5,ChatGPT,472,18,490,Conversation log
45,,0,ChatGPT,0,0,0,API log
118.5,,2,GPT-4,417,276,693,API log
"""
TABLE = """request_id,arrival_s,prompt_tokens,output_tokens,prompt_segments,priority,ttft_s
a,0.5,300,20,shared1:256 a:44,0,0.1
b,1.25,256,30,shared1:256,2,
"""


def write(tmp_path, text, name="trace.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def columns(trace):
    traffic = trace.traffic
    return list(
        zip(
            traffic.arrival_ns.tolist(),
            traffic.prompt_tokens.tolist(),
            traffic.output_tokens.tolist(),
            strict=True,
        )
    )


def test_azure_rows_count_from_the_first_to_the_nanosecond(tmp_path):
    expected = [(0, 374, 44), (4_314_579_000, 396, 109), (4_541_977_000, 879, 55)]
    assert columns(read_trace(write(tmp_path, AZURE))) == expected


def test_azure_times_with_a_zone_and_fewer_decimals_are_read(tmp_path):
    later = AZURE.replace("46.6805900", "46+00:00").replace("50.9951690", "50.5Z")
    assert columns(read_trace(write(tmp_path, later)))[1][0] == 4_500_000_000


def test_gzip_is_recognised_by_content(tmp_path):
    packed = tmp_path / "trace.csv"
    packed.write_bytes(gzip.compress(AZURE.encode()))
    assert columns(read_trace(packed)) == columns(read_trace(write(tmp_path, AZURE, "plain.csv")))


def test_a_length_of_zero_counts_as_one_token(tmp_path):
    assert columns(read_trace(write(tmp_path, AZURE.replace(",44", ",0"))))[0] == (0, 374, 1)


def test_rows_out_of_order_are_sorted_by_time(tmp_path):
    lines = AZURE.splitlines()
    mixed = "\n".join([lines[0], lines[3], lines[1], lines[2]])
    assert columns(read_trace(write(tmp_path, mixed))) == columns(read_trace(write(tmp_path, AZURE, "o.csv")))


@pytest.mark.parametrize("text", [BURST_V1, BURST_V3])
def test_burstgpt_is_read_by_column_name_without_its_failures(tmp_path, text):
    trace = read_trace(write(tmp_path, text))
    rows = columns(trace)
    assert trace.left_out == 1
    assert [row[1:] for row in rows] == [(472, 18), (417, 276)]
    assert rows[0][0] == 0
    assert rows[1][0] in (113_000_000_000, 113_500_000_000)


def test_mooncake_hashes_become_pieces(tmp_path):
    rows = [
        {"timestamp": 3000, "input_length": 1100, "output_length": 5, "hash_ids": [0, 7, 8]},
        {"timestamp": 6500, "input_length": 1024, "output_length": 0, "hash_ids": [0, 9]},
        {"timestamp": 7000, "input_length": 600, "output_length": 3, "hash_ids": [0]},
    ]
    trace = read_trace(write(tmp_path, "\n".join(map(json.dumps, rows)), "t.jsonl"))
    assert columns(trace) == [(0, 1100, 5), (3_500_000_000, 1024, 1), (4_000_000_000, 600, 3)]
    assert trace.traffic.pieces == [
        ((0, 0, 512), (7, 0, 512), (8, 0, 76)),
        ((0, 0, 512), (9, 0, 512)),
        ((0, 0, 512), ("own:2", 0, 88)),
    ]


def test_a_request_table_keeps_its_times_and_content(tmp_path):
    trace = read_trace(write(tmp_path, TABLE))
    assert columns(trace) == [(500_000_000, 300, 20), (1_250_000_000, 256, 30)]
    assert trace.traffic.pieces == [(("shared1", 0, 256), ("a", 0, 44)), (("shared1", 0, 256),)]
    assert trace.traffic.priority.tolist() == [0, 2]
    assert trace.ignore_eos is None


def test_content_that_nothing_shares_is_left_out(tmp_path):
    alone = TABLE.replace("shared1:256 a:44", "a:300").replace("shared1:256", "b:256")
    assert read_trace(write(tmp_path, alone)).traffic.pieces is None


def test_a_measured_run_says_how_its_client_behaved(tmp_path):
    write(tmp_path, TABLE, "requests.csv")
    client = "client: {loop: closed_loop, concurrency: 8, ignore_eos: true}"
    write(tmp_path, f"format: measured-run/1\n{client}\n", "run.yaml")
    for path in (tmp_path, tmp_path / "run.yaml", tmp_path / "requests.csv"):
        trace = read_trace(path)
        assert (trace.concurrency, trace.ignore_eos) == (8, True)


def test_segments_read_back_as_written():
    pieces = (("out:s1t0", 500, 20), ("r@home", 0, 3), ("42", 0, 7))
    assert segments(as_text(pieces)) == pieces


def test_the_layout_is_told_from_the_content(tmp_path):
    for text, layout in (
        (AZURE, "azure"),
        (BURST_V3, "burstgpt"),
        (TABLE, "table"),
        ('{"a": 1}', "mooncake"),
    ):
        assert trace_format(write(tmp_path, text)) == layout


CORRUPT = [
    (AZURE.replace("396", "3x6"), "line 3", "3x6"),
    (AZURE.replace("396", "-5"), "line 3", "-5"),
    (AZURE.replace("396", "12.5"), "line 3", "12.5"),
    (AZURE.replace("396", "99999999999999999999"), "line 3", "9999"),
    (AZURE.replace(",396,109", ",396"), "line 3", "2 cells"),
    (AZURE.replace("2023-11-16 18:15:51.2225670", ""), "line 4", "TIMESTAMP"),
    (AZURE.replace("2023-11-16 18:15:51.2225670", "yesterday"), "line 4", "yesterday"),
    ("\n" + AZURE.replace("GeneratedTokens", "GeneratedToken"), "line 1", "known layout"),
    (AZURE.splitlines()[0] + "\n", "rows", "no rows"),
    ("", "empty", "empty"),
    ("   \n\n", "empty", "empty"),
    ("a,b\n1,2\n", "line 1", "known layout"),
    (BURST_V1.replace("5,ChatGPT", "x,ChatGPT"), "line 2", "'x'"),
    (BURST_V1.replace(",18,", ",0,").replace(",276,", ",0,"), "failures", "failures"),
    (TABLE.replace("0.5,300", "nan,300"), "line 2", "nan"),
    (TABLE.replace("a:44", "a:45"), "row 1", "sum"),
    (TABLE.replace("a:44", "a44"), "row 1", "a44"),
    ('{"timestamp": 1, "input_length": 5, "output_length": 5}\n{"timestamp": 1,', "line 2", "JSON"),
    ('{"timestamp": 1, "input_length": 5}', "line 1", "output_length"),
    ('{"timestamp": 1, "input_length": -5, "output_length": 5}', "line 1", "-5"),
]


@pytest.mark.parametrize(("text", "where", "what"), CORRUPT)
def test_a_corrupt_trace_is_one_message_with_file_and_line(tmp_path, text, where, what):
    file = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_trace(file)
    message = str(caught.value)
    assert str(file) in message
    assert where in message
    assert what in message


def test_a_blank_line_does_not_shift_the_line_number(tmp_path):
    file = write(tmp_path, AZURE.replace("2023-11-16 18:15:50", "\n2023-11-16 18:15:50").replace("879", "x"))
    with pytest.raises(InputError, match="line 5"):
        read_trace(file)


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\xff" * 50, b"\x1f\x8b\x08broken", gzip.compress(b"a" * 999, mtime=0)[:-9]]
)
def test_binary_and_damaged_files_are_refused(tmp_path, content):
    file = tmp_path / "trace.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=str(file)):
        read_trace(file)
    with pytest.raises(InputError, match=str(file)):
        read_trace(file, "azure")


def test_a_missing_trace_brings_the_nearest_name(tmp_path):
    write(tmp_path, AZURE, "azure-conv.csv")
    with pytest.raises(InputError, match=r"azure-conv\.csv"):
        read_trace("azure-con.csv", base_dir=tmp_path)


def test_a_large_file_is_read_in_blocks(tmp_path):
    rows = "".join(f"{k},1,2\n" for k in range(150_000))
    trace = read_trace(write(tmp_path, "arrival_s,prompt_tokens,output_tokens\n" + rows))
    assert np.array_equal(trace.traffic.arrival_ns, np.arange(150_000) * 1_000_000_000)
