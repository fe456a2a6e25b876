"""Command lines and traces of other programs become ours."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path

import pytest
import yaml

from simulator.cli.main import main

COMMAND = "vllm serve meta-llama/Llama-3.1-8B-Instruct --max-num-seqs 64 --enable-lora"
AZURE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
"""


def test_a_pasted_command_line_becomes_a_pool(capsys):
    assert main(["convert", "vllm-args", COMMAND, "--hardware", "h200", "--replicas", "3"]) == 0
    content = yaml.safe_load(capsys.readouterr().out)
    pool = content["cluster"]["pools"][0]
    assert (pool["hardware"], pool["replicas"], pool["engine"]["max_num_seqs"]) == ("h200", 3, 64)


def test_a_command_line_may_come_from_a_file_or_standard_input(capsys, tmp_path, monkeypatch):
    main(["convert", "vllm-args", COMMAND])
    direct = capsys.readouterr().out
    script = tmp_path / "serve.sh"
    script.write_text(COMMAND)
    assert main(["convert", "vllm-args", str(script)]) == 0
    assert capsys.readouterr().out == direct
    monkeypatch.setattr("sys.stdin", io.StringIO(COMMAND))
    assert main(["convert", "vllm-args", "-"]) == 0
    assert capsys.readouterr().out == direct


def test_what_is_not_simulated_is_told_when_the_pool_goes_to_a_file(capsys, tmp_path):
    out = tmp_path / "pool.yaml"
    assert main(["convert", "vllm-args", COMMAND, "--out", str(out)]) == 0
    assert "not simulated: --enable-lora" in capsys.readouterr().err
    assert yaml.safe_load(out.read_text())["model"] == {"card": "llama-3.1-8b"}


def test_a_trace_becomes_a_request_table(capsys, tmp_path):
    trace, table = tmp_path / "azure.csv", tmp_path / "requests.csv"
    trace.write_text(AZURE)
    assert main(["convert", "azure", str(trace), "--out", str(table)]) == 0
    assert "2 requests" in capsys.readouterr().out
    assert table.read_text().splitlines()[0].startswith("request_id,arrival_s,prompt_tokens,output_tokens")


class Piped:
    """Standard input of a pipe: bytes underneath."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", ["azure", "trace"])
def test_a_trace_may_come_through_standard_input(capsys, tmp_path, monkeypatch, layout, packed):
    content = gzip.compress(AZURE.encode()) if packed else AZURE.encode()
    monkeypatch.setattr("sys.stdin", Piped(content))
    table = tmp_path / "requests.csv"
    assert main(["convert", layout, "-", "--out", str(table)]) == 0
    assert "2 requests" in capsys.readouterr().out
    assert len(table.read_text().splitlines()) == 3


def test_a_table_in_parquet_may_too(tmp_path, monkeypatch):
    trace, table, again = tmp_path / "azure.csv", tmp_path / "requests.parquet", tmp_path / "again.csv"
    trace.write_text(AZURE)
    assert main(["convert", "azure", str(trace), "--out", str(table)]) == 0
    monkeypatch.setattr("sys.stdin", Piped(table.read_bytes()))
    assert main(["convert", "trace", "-", "--out", str(again)]) == 0
    assert len(again.read_text().splitlines()) == 3


def test_a_workload_may_come_through_standard_input(tmp_path, monkeypatch):
    text = "arrivals: {process: poisson, rate: 2 /s}\nprompt_tokens: {distribution: fixed, tokens: 9}\n"
    text += "output_tokens: {distribution: fixed, tokens: 9}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    table = tmp_path / "requests.csv"
    assert main(["convert", "workload", "-", "--requests", "5", "--out", str(table)]) == 0
    assert len(table.read_text().splitlines()) == 6


def test_files_that_a_piped_workload_names_are_meant_from_the_current_folder(capsys, tmp_path, monkeypatch):
    (tmp_path / "azure.csv").write_text(AZURE)
    monkeypatch.chdir(tmp_path)
    text = "arrivals: {process: replay, file: azure.csv}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["convert", "workload", "-", "--requests", "2", "--out", "requests.csv"]) == 0
    piped = (tmp_path / "requests.csv").read_text()
    assert piped.splitlines()[1].split(",")[2:4] == ["4808", "10"]
    (tmp_path / "workload.yaml").write_text(text)
    assert main(["convert", "workload", "./workload.yaml", "--requests", "2", "--out", "again.csv"]) == 0
    assert (tmp_path / "again.csv").read_text() == piped
    monkeypatch.setattr("sys.stdin", io.StringIO(text.replace("azure", "nosuch")))
    capsys.readouterr()
    assert main(["convert", "workload", "-", "--out", "no.csv"]) == 2
    assert str(tmp_path / "nosuch.csv") in capsys.readouterr().err


def test_what_is_wrong_with_standard_input_names_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO(AZURE + "2023-11-16 18:17:05,many,8\n"))
    assert main(["convert", "azure", "-", "--out", str(tmp_path / "x.csv")]) == 2
    assert "standard input: line 4" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format_", ["azure", "trace", "workload", "servegen"])
def test_a_missing_file_is_told_before_a_missing_place_to_go(capsys, tmp_path, format_):
    assert main(["convert", format_, str(tmp_path / "nosuch.csv")]) == 2
    told = capsys.readouterr().err
    assert "nosuch.csv" in told and "--out" not in told


def test_a_corrupt_row_is_named_and_nothing_is_written(capsys, tmp_path):
    trace, table = tmp_path / "azure.csv", tmp_path / "requests.csv"
    trace.write_text(AZURE + "2023-11-16 18:17:05,many,8\n")
    assert main(["convert", "azure", str(trace), "--out", str(table)]) == 2
    assert "line 4" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [trace]


def test_a_workload_becomes_a_request_table(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    for table in (one, two):
        assert main(["convert", "workload", "azure-conv-2023", "--requests", "50", "--out", str(table)]) == 0
    assert len(one.read_text().splitlines()) == 51
    assert one.read_bytes() == two.read_bytes()


def test_a_trace_needs_a_place_to_go(capsys, tmp_path):
    trace = tmp_path / "azure.csv"
    trace.write_text(AZURE)
    assert main(["convert", "azure", str(trace)]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_converted_table_is_replayed_as_the_page_of_workloads_shows(capsys, tmp_path, monkeypatch):
    page = (Path(__file__).resolve().parents[2] / "docs" / "workloads.md").read_text()
    (example,) = re.findall(r"^```yaml\n(name: replayed\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("azure.csv").write_text(AZURE)
    assert main(["convert", "azure", "azure.csv", "--out", "requests.parquet"]) == 0
    Path("replayed.yaml").write_text(example)
    capsys.readouterr()
    assert main(["run", "replayed.yaml", "--set", "requests=2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total_input_tokens"] == 4808 + 3180
    workload = f"workload={{arrivals: {{process: replay, file: {tmp_path / 'requests.parquet'}}}}}"
    changed = ["--set", workload, "--set", "requests=2", "--set", "warmup=0 s", "--json"]
    assert main(["run", "azure-conv-h100", *changed]) == 0
    assert json.loads(capsys.readouterr().out)["completed"] == 2


def test_rows_of_failed_requests_are_counted(capsys, tmp_path):
    trace = tmp_path / "burst.csv"
    trace.write_text("Timestamp,Request tokens,Response tokens\n5,472,18\n45,1087,0\n118,417,276\n")
    assert main(["convert", "burstgpt", str(trace), "--out", str(tmp_path / "table.csv")]) == 0
    told = capsys.readouterr().out
    assert "2 requests written" in told and "failed or empty requests left out: 1" in told
