"""Changes are ranked by what they save."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.why.answer import reasons_of
from simulator.planning.why.changes import AS_IT_IS, ranked_changes


@pytest.fixture
def starved(chat):
    """A cluster with so few seats that they decide."""
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_num_seqs": 4}}
    return chat(requests=300, cluster={"pools": [pool]})


@pytest.mark.slow
def test_the_change_that_lifts_the_limit_comes_first(starved):
    changes = ranked_changes(starved, jobs=1)
    by_name = {one.what: one for one in changes}
    assert changes[0].what == "twice the seats"
    assert changes[0].saves > 0.2
    assert by_name["half the seats"].saves < 0 == by_name[AS_IT_IS].saves
    saved = [one.saves for one in changes if one.saves is not None]
    assert saved == sorted(saved, reverse=True)


def test_a_design_that_can_not_run_has_no_changes(chat):
    with pytest.raises(InputError, match="does not fit"):
        ranked_changes(chat(model="llama-3.1-405b"), jobs=1)


@pytest.mark.slow
def test_the_reasons_are_told_in_tables_and_json(starved):
    reasons = reasons_of(starved, with_changes=True, jobs=1)
    titles = [table.title.split(":")[0] for table in reasons.tables()]
    assert titles == ["Where the time goes", "Headroom", "Worst request", "Next change"]
    told = reasons.to_dict()
    assert told["bottleneck"]["phase"] in told["attribution"]
    assert told["rate_headroom"] is not None
    assert told["headroom"][0]["seats"] < 1
