"""``simulator show``: what ships with the simulator, with sources."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.choices import one_of


class Catalogue(StrEnum):
    """The catalogues."""

    HARDWARE = "hardware"
    MODELS = "models"
    WORKLOADS = "workloads"
    SCENARIOS = "scenarios"


#: Folder of each catalogue and what one entry is called.
_FOLDERS = {
    Catalogue.HARDWARE: ("hardware_profiles", "device"),
    Catalogue.MODELS: ("model_cards", "model"),
    Catalogue.WORKLOADS: ("workloads", "workload"),
    Catalogue.SCENARIOS: ("scenarios", "scenario"),
}


def show(
    catalogue: Annotated[
        Catalogue | None,
        typer.Argument(parser=one_of(Catalogue), help="Which catalogue; without one, what there is."),
    ] = None,
    name: Annotated[str | None, typer.Argument(help="One entry: all its values with their sources.")] = None,
) -> None:
    """List a catalogue, or show one entry of it with the source of every value."""
    if catalogue is not None and name is not None:
        _show_entry(catalogue, name)
        return
    headings, rows = _catalogues() if catalogue is None else _ROWS[catalogue]()
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    # A pipe has no width to fit: lines stay whole, for grep.
    Console(width=None if sys.stdout.isatty() else 240).print(table)


def _show_entry(catalogue: Catalogue, name: str) -> None:
    """The entry's file: it is written for people, and every value has its source beside it."""
    from simulator.scenario.references import find_file

    folder, what = _FOLDERS[catalogue]
    file = find_file(name, folder, Path(), what)
    if catalogue is Catalogue.HARDWARE:
        _check_profile(file)
    typer.echo(file.read_text(encoding="utf-8"), nl=False)
    if catalogue is Catalogue.MODELS:
        typer.echo(f"# From this shape follow: {_worked_out(file)}.")


def _check_profile(file: Path) -> None:
    """Refuse a profile that no run would take."""
    from simulator.hardware.catalogue import load_device

    load_device(file)


def _worked_out(card_file: Path) -> str:
    """Sizes that follow from a model card, to compare with what its maker states."""
    from simulator.models.accounting import count_parameters, kv_bytes_per_token
    from simulator.models.catalogue import load_model

    card = load_model(card_file)
    if card.incomplete is not None:
        return f"nothing yet; {card.incomplete}"
    parameters = count_parameters(card)
    return (
        f"{parameters.total / 1e9:.4g} B parameters, {parameters.active / 1e9:.4g} B of them for one token,"
        f" {kv_bytes_per_token(card):,.0f} bytes of KV cache a token in 16 bits"
    )


def _catalogues() -> tuple[Sequence[str], list[Sequence[str]]]:
    from simulator.units.catalogue import shipped_names

    rows: list[Sequence[str]] = [
        (catalogue.value, str(len(shipped_names(folder))), f"simulator show {catalogue.value} [NAME]")
        for catalogue, (folder, _) in _FOLDERS.items()
    ]
    return ("catalogue", "entries", "command"), rows


def _hardware() -> tuple[Sequence[str], list[Sequence[str]]]:
    from simulator.hardware.catalogue import device_names, load_device

    rows: list[Sequence[str]] = []
    for name in device_names():
        device = load_device(name)
        main = device.main_memory
        rows.append(
            (
                name,
                device.family,
                _quantity(main.capacity, "byte"),
                _quantity(main.bandwidth, "byte/s"),
                _quantity(device.tdp_w, "W"),
                _rent(device.id),
                "" if device.status == "shipping" else device.status,
            )
        )
    return ("device", "family", "memory", "bandwidth", "power", "rent", ""), rows


def _models() -> tuple[Sequence[str], list[Sequence[str]]]:
    from simulator.models.catalogue import load_model, model_names

    rows: list[Sequence[str]] = []
    for name in model_names():
        card = load_model(name)
        rows.append((name, card.kind, str(card.layers), f"{card.context_tokens:,}", ", ".join(card.aliases)))
    return ("model", "kind", "layers", "context", "also"), rows


def _workloads() -> tuple[Sequence[str], list[Sequence[str]]]:
    from simulator.workload import load_workload, workload_names

    specs = [(name, load_workload(name)) for name in workload_names()]
    return ("workload", "arrivals", "what"), [
        (name, spec.arrivals.process, _first_sentence(spec.description or "")) for name, spec in specs
    ]


def _scenarios() -> tuple[Sequence[str], list[Sequence[str]]]:
    from simulator.scenario.references import find_file, shipped_names
    from simulator.units.yaml_file import read_mapping

    rows: list[Sequence[str]] = []
    for name in shipped_names("scenarios"):
        content = read_mapping(find_file(name, "scenarios", Path(), "scenario"))
        rows.append((name, _first_sentence(str(content.get("description", "")))))
    return ("scenario", "what it answers"), rows


_ROWS: dict[Catalogue, Callable[[], tuple[Sequence[str], list[Sequence[str]]]]] = {
    Catalogue.HARDWARE: _hardware,
    Catalogue.MODELS: _models,
    Catalogue.WORKLOADS: _workloads,
    Catalogue.SCENARIOS: _scenarios,
}


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0]


def _rent(device: str) -> str:
    """Rent of a device for an hour without a contract, in the middle of its range."""
    from simulator.hardware.prices import rental_price

    price = rental_price(device)
    return "unknown" if price is None else f"{price.mid:.2f} USD/h"


def _quantity(value: float | None, unit: str) -> str:
    from simulator.units.quantity import format_quantity

    return "unknown" if value is None else format_quantity(value, unit)
