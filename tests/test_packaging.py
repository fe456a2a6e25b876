"""What a user installs: the wheel, its data files, and how fast it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import thresholds
from benchmarks.cases.start import import_package, show_help
from benchmarks.figures import Figures

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = ("hardware_profiles", "model_cards", "prices", "workloads", "scenarios", "techniques", "validation")
BIN = "Scripts" if os.name == "nt" else "bin"
HEAVY = {"pandas", "scipy.stats", "plotly", "pint", "pyarrow"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", str(PROJECT), "--no-build-isolation", "--wheel-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a fresh environment that holds the wheel and borrows its dependencies from this one."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment, with_pip=False)
    commands = environment / BIN
    pip("--python", str(commands / "python"), "install", "--no-index", str(wheel))
    site_packages = sysconfig.get_path("purelib", "venv", {"base": str(environment)})
    # After the installation, or pip would see this environment's own copy of the simulator.
    Path(site_packages, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return commands


def pip(*arguments: str, dependencies: bool = False) -> None:
    """Runs pip, by default without looking for dependencies."""
    options = {"PIP_NO_DEPS": str(int(not dependencies)), "PIP_NO_COMPILE": "1"}
    environment = {**os.environ, **options}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_planner_needs_no_more_than_the_declared_dependencies(wheel: Path, tmp_path: Path) -> None:
    """Into an empty environment, from the registry, without extras: the whole way to a report."""
    venv.create(tmp_path / "venv", with_pip=False)
    commands = tmp_path / "venv" / BIN
    pip("--python", str(commands / "python"), "install", str(wheel), dependencies=True)
    scenario, *_ = sorted(path.stem for path in (PROJECT / "scenarios").glob("*.yaml"))
    run_installed(
        commands, tmp_path, "simulator", "run", scenario, "--set", "requests=200", "--out", "answer"
    )
    assert (tmp_path / "answer" / "summary.json").stat().st_size
    assert (tmp_path / "answer" / "requests.csv").stat().st_size
    assert (tmp_path / "answer" / "report.html").stat().st_size


def run_installed(installed: Path, cwd: Path, command: str, *arguments: str) -> str:
    """Standard output of a command of the fresh environment, run away from the checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(installed / command), *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"simulator"}


def test_the_wheel_carries_its_licence_and_is_marked_as_typed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "simulator/py.typed" in names


@pytest.mark.parametrize("folder", FOLDERS)
def test_data_files_are_found_in_a_checkout(folder: str) -> None:
    from simulator.units.data_files import data_folder

    assert data_folder(folder) == PROJECT / folder
    assert files_below(data_folder(folder)), f"{folder} is empty"


def test_data_files_are_found_in_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    program = (
        "from simulator.units.data_files import data_folder\n"
        f"for folder in {FOLDERS!r}: print(data_folder(folder))"
    )
    found = [Path(line) for line in run_installed(installed, tmp_path, "python", "-c", program).splitlines()]
    assert all(folder.is_relative_to(installed.parent) for folder in found)
    assert {folder.name: files_below(folder) for folder in found} == {
        folder: files_below(PROJECT / folder) for folder in FOLDERS
    }


@pytest.mark.parametrize(
    ("catalogue", "entry"),
    [("hardware", "nvidia-h100-sxm"), ("models", "llama-3.1-70b"), ("workloads", "azure-conv-2023")],
)
def test_the_installed_command_shows_its_catalogues(
    installed: Path, tmp_path: Path, catalogue: str, entry: str
) -> None:
    assert entry in run_installed(installed, tmp_path, "simulator", "show", catalogue)


@pytest.mark.parametrize(
    "program",
    [
        "import simulator",
        "from simulator.cli.main import main; main(['--help'])",
    ],
    ids=["import simulator", "simulator --help"],
)
def test_slow_libraries_are_not_loaded_at_the_start(program: str) -> None:
    command = [sys.executable, "-X", "importtime", "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "simulator" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("measure", [import_package, show_help])
def test_the_simulator_starts_at_once(
    measure: Callable[[], Figures], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best of five, since a busy machine only ever adds time."""
    monkeypatch.chdir(PROJECT)
    limits = thresholds.load()
    for _ in range(5):
        ((key, seconds),) = measure().items()
        if limits[key].holds(seconds):
            return
    pytest.fail(f"{key} is {seconds:.3f}, must be {limits[key]}")
