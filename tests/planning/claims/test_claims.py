"""Claims: each has an experiment or a reason why not; all run; the page shows them all."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulator.cli.main import main
from simulator.errors import InputError
from simulator.planning.claims import tokens
from simulator.planning.claims.claim import all_claims, claims_named
from simulator.planning.claims.document import facts_table, markdown_of
from simulator.planning.claims.experiments import EXPERIMENTS, WITHOUT
from simulator.planning.claims.fact import ComputedFact, decided
from simulator.planning.claims.run import Finding, finding_of, run_claims, verdict_of

PAGE = Path(__file__).parents[3] / "docs" / "claims.md"
#: Experiments that take no time.
QUICK = ["C01", "C09", "C11", "C16", "C19", "C22", "C24", "C26", "C30", "C44"]


def fact(holds):
    return ComputedFact("C00", "what", 1.0, "", "", holds)


def test_every_claim_has_an_experiment_or_a_reason_why_not():
    assert {claim.id for claim in all_claims()} == set(EXPERIMENTS) | set(WITHOUT)
    assert not set(EXPERIMENTS) & set(WITHOUT)


def test_every_claim_comes_with_evidence_and_its_source():
    for claim in all_claims():
        assert claim.evidence
        assert all(one.finding and one.source and one.bearing for one in claim.evidence)


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        ((True, None, True), "holds"),
        ((True, False), "holds under conditions"),
        ((False, None), "does not hold"),
    ],
)
def test_the_verdict_follows_from_the_figures_that_can_tell(held, verdict):
    assert verdict_of([fact(one) for one in held]) == verdict


def test_what_was_claimed_within_the_interval_of_a_drawn_figure_is_undecided():
    drawn = ComputedFact("C00", "what", 67.0, "%", "70", decided(62.0, 72.0, 70.0), 62.0, 72.0)
    assert drawn.undecided and drawn.to_dict()["undecided"]
    assert [decided(71.0, 75.0, 70.0), decided(60.0, 69.0, 70.0)] == [True, False]
    finding = Finding(claims_named(["C08"])[0], (drawn,), "does not hold")
    assert facts_table(finding).rows[0] == ("what", "67.0 % (62.0 to 72.0)", "70", "undecided")
    assert "| what | 67.0 % (62.0 to 72.0) | 70 | undecided |" in markdown_of([finding])


def test_the_essay_contradicts_itself_about_prices():
    (finding,) = run_claims(claims_named(["C19"]), jobs=1)
    assert finding.verdict == "does not hold"
    assert finding.facts[0].value == pytest.approx(50)


def test_an_experiment_that_fails_says_so_and_stops_nothing(monkeypatch):
    def broken():
        raise InputError("no such device")

    monkeypatch.setitem(EXPERIMENTS, "C19", broken)
    finding = finding_of(claims_named(["C19"])[0])
    assert (finding.verdict, finding.reason) == ("did not run", "no such device")


def test_the_verdict_on_a_price_follows_the_price(monkeypatch):
    """Thinking billed at 30 USD is beyond the claimed range, whatever the price list says today."""
    monkeypatch.setattr(tokens, "token_price", lambda _: SimpleNamespace(input=5.0, output=30.0))
    assert [one.holds for one in tokens.thinking_tokens_price()] == [False, False]


def test_an_unknown_claim_is_refused():
    with pytest.raises(InputError, match="C01 to C45"):
        claims_named(["C99"])


def test_the_command_prints_json(capsys):
    assert main(["claims", *QUICK, "--json", "--jobs=1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in found] == QUICK
    assert all(one["simulated"] and one["evidence"] and one["verdict"] for one in found)


def test_a_table_shows_figures_and_evidence():
    table = facts_table(finding_of(claims_named(["C44"])[0]))
    assert any("226.9" in cell or "227" in cell for row in table.rows for cell in row)
    assert any("open-infra-index" in row[0] for row in table.rows)


def test_the_page_has_a_section_for_every_claim():
    text = PAGE.read_text(encoding="utf-8")
    for claim in all_claims():
        assert f"\n## {claim.id}\n\n> {claim.claim}\n" in text
    assert "did not run" not in text


def test_the_page_is_what_the_command_writes():
    quick = markdown_of(run_claims(claims_named(QUICK), jobs=1))
    page = PAGE.read_text(encoding="utf-8")
    for section in quick.split("\n## ")[1:]:
        assert section.rstrip() in page, "run `simulator claims --markdown > docs/claims.md`"


@pytest.mark.slow
def test_all_experiments_run_and_their_verdicts_are_those_of_the_page():
    findings = run_claims(claims_named(None))
    assert all(one.ran for one in findings)
    page = PAGE.read_text(encoding="utf-8")
    for one in findings:
        section = page.split(f"\n## {one.claim.id}\n")[1].split("\n## ")[0]
        assert f"**{one.verdict}**" in section, "run `simulator claims --markdown > docs/claims.md`"
