"""The catalogues are listed whole, and an entry is shown with its sources."""

from __future__ import annotations

import pytest

from simulator.cli.main import main
from simulator.scenario.references import shipped_names


@pytest.mark.parametrize(
    ("catalogue", "folder"),
    [
        ("hardware", "hardware_profiles"),
        ("models", "model_cards"),
        ("workloads", "workloads"),
        ("scenarios", "scenarios"),
    ],
)
def test_a_catalogue_lists_every_entry_on_a_line_of_its_own(catalogue, folder, capsys):
    assert main(["show", catalogue]) == 0
    first_words = [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert [word for word in first_words if word] == shipped_names(folder)


def test_without_a_name_the_catalogues_are_listed(capsys):
    assert main(["show"]) == 0
    lines = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert set(lines) == {"hardware", "models", "workloads", "scenarios"}
    assert int(lines["models"]) == len(shipped_names("model_cards"))


def test_what_is_not_known_is_called_unknown(capsys):
    main(["show", "hardware"])
    lines = {line.split(" ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "unknown" in lines["aws-inferentia2"]
    assert lines["groq-lpu-v1"].rstrip().endswith("unknown")


def test_what_can_be_rented_has_a_price_and_what_is_not_sold_yet_says_so(capsys):
    main(["show", "hardware"])
    lines = {line.split(" ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "USD/h" in lines["nvidia-h100-sxm"]
    assert lines["nvidia-groq3-lpu"].rstrip().endswith("announced")


def test_an_entry_is_found_by_its_other_names_and_shown_with_sources(capsys):
    assert main(["show", "hardware", "H100"]) == 0
    told = capsys.readouterr().out
    assert "NVIDIA H100 SXM5" in told and "source:" in told and "confidence:" in told


def test_a_model_is_shown_with_the_sizes_that_follow_from_its_shape(capsys):
    assert main(["show", "models", "llama-3.1-8b"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert "8.03 B parameters" in last and "131,072 bytes of KV cache" in last


def test_a_model_that_cannot_be_simulated_yet_is_shown_all_the_same(capsys):
    assert main(["show", "models", "deepseek-v4-pro"]) == 0
    assert "nothing yet" in capsys.readouterr().out.splitlines()[-1]
