"""Self-contained HTML reports: the question, the answer in numbers, what to know, then tables and figures.

A report is one file that needs no network; plotly.js is in it once. The same result gives the same file,
but for the versions and wall time in its last line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.reporting import numbers as show
from simulator.reporting import sections
from simulator.reporting.comparison import Comparison, comparison_figures, comparison_table
from simulator.reporting.figures import figures_of
from simulator.reporting.table import Table
from simulator.results.result import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

FILE = "report.html"
#: Figures that take the whole width of the page.
WIDE = ("latency", "bars")


def write_report(result: Result, path: str | Path) -> Path:
    """Writes the report of one result to ``path``; a folder gets ``report.html`` in it."""
    body = [
        _head(result.context.scenario, sections.question(result)),
        _tiles(sections.tiles(result)),
        _caveats(result.summary.messages),
        "<h2>Figures</h2>",
        _figures(figures_of(result), "f"),
        "<h2>Numbers</h2>",
        _result_tables(result),
        _provenance([result]),
        _scenario(result),
        _footer([result]),
    ]
    return _write(path, result.context.scenario, body)


def write_comparisons(
    path: str | Path, title: str, comparisons: Sequence[Comparison], text: str = ""
) -> Path:
    """Writes several comparisons into one report at ``path``; a folder gets ``report.html`` in it."""
    results = [result for comparison in comparisons for result in comparison.results]
    body = [_head(title, text)]
    for index, comparison in enumerate(comparisons):
        body += [
            f"<h2>{escape(comparison.title)}</h2>",
            f"<p>{escape(comparison.text)}</p>" if comparison.text else "",
            _card(_table(comparison_table(comparison), titled=False)),
            *(_card(_table(table)) for table in comparison.tables),
            _figures(comparison_figures(comparison), f"c{index}-"),
            _caveats_by_result(comparison),
        ]
    body += [_provenance(results), _footer(results)]
    return _write(path, title, body)


def write_page(
    path: str | Path,
    title: str,
    tables: Iterable[Table],
    figures: dict[str, go.Figure],
    text: str = "",
) -> Path:
    """Writes tables and figures that belong to no single result; a folder gets ``report.html`` in it."""
    body = [_head(title, text), _figures(figures, "p"), *(_card(_table(table)) for table in tables)]
    return _write(path, title, body)


def _write(path: str | Path, title: str, body: Iterable[str]) -> Path:
    from plotly.offline import get_plotlyjs

    path = Path(path)
    target = path / FILE if path.is_dir() else path
    css = (Path(__file__).parent / "report.css").read_text()
    page = "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{css}</style>",
            f"<script>{get_plotlyjs()}</script>",
            "</head>\n<body>\n<main>",
            *body,
            "</main>\n</body>\n</html>\n",
        )
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the report: {error.strerror}", file=target) from None
    return target


def _head(title: str, text: str) -> str:
    return f'<h1>{escape(title)}</h1>\n<p class="question">{escape(text)}</p>'


def _tiles(tiles: Iterable[sections.Tile]) -> str:
    return '<div class="tiles">\n' + "\n".join(_tile(tile) for tile in tiles) + "\n</div>"


def _tile(tile: sections.Tile) -> str:
    return (
        f'<div class="tile {tile.tone}"><div class="label">{escape(tile.label)}</div>'
        f'<div class="value">{escape(tile.value)}</div><div class="detail">{escape(tile.detail)}</div></div>'
    )


def _caveats(messages: Sequence[str]) -> str:
    if not messages:
        return ""
    items = "".join(f"<li>{escape(message)}</li>" for message in messages)
    return f'<div class="caveats"><h3>Know before you use these numbers</h3><ul>{items}</ul></div>'


def _caveats_by_result(comparison: Comparison) -> str:
    named = zip(comparison.names(), comparison.results, strict=True)
    return _caveats([f"{name}: {message}" for name, result in named for message in result.summary.messages])


def _result_tables(result: Result) -> str:
    latency, *others, pools = (_card(_table(table)) for table in sections.tables_of(result))
    return f'{latency}<div class="cards">{"".join(others)}</div>{pools}'


def _table(table: Table, titled: bool = True) -> str:
    title = f"<h3>{escape(table.title)}</h3>" if titled else ""
    head = ""
    if any(table.header):
        head = "<thead><tr>" + "".join(f"<th>{escape(name)}</th>" for name in table.header) + "</tr></thead>"
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f"{title}<table>{head}<tbody>{rows}</tbody></table>{note}"


def _card(content: str, kind: str = "") -> str:
    return f'<div class="card {kind}">{content}</div>'


def _figures(figures: dict[str, go.Figure], prefix: str) -> str:
    cards = (
        _card(_figure(figure, prefix + name), "wide" if name in WIDE else "")
        for name, figure in figures.items()
    )
    return f'<div class="figures">{"".join(cards)}</div>'


def _figure(figure: go.Figure, identifier: str) -> str:
    # A given id instead of plotly's random one: the same result gives the same file.
    drawn: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=identifier,
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return drawn


def _provenance(results: Sequence[Result]) -> str:
    lines = dict.fromkeys(line for result in results for line in sections.provenance(result))
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<h2>Where the step times come from</h2><ul class="provenance">{items}</ul>'


def _scenario(result: Result) -> str:
    import yaml

    text = yaml.safe_dump(result.scenario, sort_keys=False, allow_unicode=True)
    return f"<h2>Scenario</h2><details><summary>as it was run</summary><pre>{escape(text)}</pre></details>"


def _footer(results: Sequence[Result]) -> str:
    if not results:
        return ""
    meta = results[0].meta
    wall = [result.meta.wall_s for result in results if result.meta.wall_s is not None]
    took = f", simulated in {show.seconds(sum(wall))}" if wall else ""
    when = f", {meta.created}" if meta.created else ""
    return f"<footer>simulator {escape(meta.simulator_version)}{when}{took}</footer>"
