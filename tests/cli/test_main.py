"""The command line answers at once, and a mistake ends in one message and exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import simulator
from simulator.cli.main import main
from simulator.scenario.json_schema import scenario_schema


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(command in told for command in ("run", "report", "convert", "show", "schema"))


@pytest.mark.parametrize("command", ["run", "report", "convert", "show", "schema"])
def test_every_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert "Usage: simulator " + command in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from simulator.cli.main import main; main(['--help']);"
        "heavy = {'numpy', 'pandas', 'scipy', 'plotly', 'pint', 'pydantic', 'rich'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"simulator {simulator.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["rum"], "'run'"),
        (["run"], "'scenario'"),
        (["run", "a", "--sed", "3"], "--sed"),
        (["run", "a", "--seed", "x"], "'--seed'"),
        (["run", "azure-conv-h100", "--seed", "-1"], "'--seed'"),
        (["frontier", "reasoning-frontier", "--target", "80"], "'--target'"),
    ],
)
def test_a_wrong_command_line_is_bad_input_told_in_one_line(arguments, named, capsys):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and told.err.count("\n") == 1
    assert named in told.err and "--help` tells what is allowed" in told.err


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    assert "Usage: simulator" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.yaml"], "none.yaml: there is no such file"),
        (["run", "azure-conv-h1000"], "did you mean 'azure-conv-h100'"),
        (["run", "azure-conv-h100", "--set", "cluster.pools[0].replica=3"], "did you mean 'replicas'"),
        (["run", "azure-conv-h100", "--set", "seed"], "expected key=value"),
        (["report", "none"], "no such folder"),
        (["show", "hardware", "h1000"], "did you mean 'h100'"),
        (["show", "scenaris"], "no catalogue 'scenaris' (did you mean 'scenarios'?)"),
        (["convert", "azuer", "x.csv"], "no format 'azuer' (did you mean 'azure'?)"),
        (["convert", "azure", "x.csv", "--to", "tabel"], "no layout 'tabel' (did you mean 'table'?)"),
        (["run", "azure-conv-h100", "--set", "workload=x.csv"], "{arrivals: {process: replay, file: x.csv}}"),
        (["tool", "operators", "."], "no tables here; expected a folder for each system: h100_sxm"),
        (["convert", "vllm-args", "ls -l"], "found no vllm server"),
        (["convert", "azure", "none.csv", "--out", "x.csv"], "none.csv"),
        (["schema", "--out", "none/schema.json"], "its folder does not exist"),
    ],
)
def test_bad_input_ends_in_one_message(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ") and message in told.err
    assert "Traceback" not in told.err and told.out == ""
    assert list(tmp_path.iterdir()) == []


def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "show", "hardware", "h1000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean" in done.stderr


def test_the_schema_goes_to_the_screen_or_a_file(capsys, tmp_path: Path):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == scenario_schema()
    assert main(["schema", "--out", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == scenario_schema()


def test_every_public_name_is_there():
    for name in simulator.__all__:
        assert getattr(simulator, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simulator.nothing
