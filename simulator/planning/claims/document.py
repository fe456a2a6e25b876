"""Findings as text: tables for the screen, and ``docs/claims.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.run import Finding
from simulator.reporting import numbers as show
from simulator.reporting.table import Table

_MARKS = {True: "yes", False: "no"}
_HEAD = """# Claims, simulated

Quantitative claims of the essay "Test-Time Compute vs Inference Optimization", each simulated by a small
scenario and held against independent evidence. This page is written by `simulator claims --markdown`;
`simulator claims C08` prints one.

A claim *holds* where every simulated figure that can tell bears it out, *holds under conditions* where some
do and *does not hold* where none does. Figures without yes or no only explain; a figure that was drawn has
its 95 % interval behind it and is *undecided* where what was claimed lies within. The evidence is in our
words, with its sources; what comes from memory says so.
"""


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row per claim."""
    rows = tuple((f"{one.claim.id}  {one.claim.claim}", one.verdict) for one in findings)
    return Table("Claims", ("", "verdict"), rows, summary_of(findings))


def facts_table(finding: Finding) -> Table:
    """What was simulated for one claim, and what independent sources say."""
    rows = [(fact.what, value_of(fact), fact.claimed, _mark(fact)) for fact in finding.facts]
    rows += [(f"{one.source}: {one.finding}", "", "", one.bearing) for one in finding.claim.evidence]
    title = f"{finding.claim.id}  {finding.claim.claim}"
    note = f"{finding.verdict}{': ' + finding.reason if finding.reason else ''}. {finding.claim.note}".strip()
    return Table(title, ("", "simulated", "claimed", "bears out"), tuple(rows), note)


def summary_of(findings: Sequence[Finding]) -> str:
    """How many hold."""
    counts = Counter(one.verdict for one in findings)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())


def value_of(fact: ComputedFact) -> str:
    """A figure with its unit, and its interval where it was drawn."""
    figure = show.number(fact.value, fact.unit)
    if fact.low is None or fact.high is None:
        return figure
    return f"{figure} ({show.number(fact.low)} to {show.number(fact.high)})"


def _mark(fact: ComputedFact) -> str:
    if fact.holds is None:
        return "undecided" if fact.undecided else ""
    return _MARKS[fact.holds]


def markdown_of(findings: Sequence[Finding]) -> str:
    """The page."""
    parts = [_HEAD, f"{summary_of(findings)}.\n", "| claim | verdict |\n| --- | --- |"]
    parts += [
        f"| [{one.claim.id}](#{one.claim.id.lower()}) {_cell(one.claim.claim)} | {one.verdict} |"
        for one in findings
    ]
    parts.append("")
    for one in findings:
        parts.append(_section(one))
    return "\n".join(parts).rstrip() + "\n"


def _section(finding: Finding) -> str:
    claim = finding.claim
    lines = [f"## {claim.id}", "", f"> {claim.claim}", "", f"**{finding.verdict}**"]
    if finding.reason:
        lines[-1] += f": {finding.reason}."
    lines.append("")
    if finding.facts:
        lines += ["| simulated | figure | claimed or expected | bears out |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {_cell(fact.what)} | {value_of(fact)} | {_cell(fact.claimed)} | {_mark(fact)} |"
            for fact in finding.facts
        ]
        lines.append("")
    lines += [f"- {one.finding} ({one.source}): {one.bearing}." for one in claim.evidence]
    if claim.note:
        lines += ["", claim.note]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
