"""Editors check a scenario with the shipped JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.scenario.json_schema import scenario_schema
from simulator.scenario.scenario import Scenario

SHIPPED = Path(__file__).parents[2] / "docs" / "scenario.schema.json"


def test_the_shipped_schema_is_what_the_specs_say():
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == scenario_schema(), (
        "run `simulator schema --out docs/scenario.schema.json`"
    )


def test_every_key_of_a_scenario_is_described():
    properties = scenario_schema()["properties"]
    assert set(properties) == set(Scenario.model_fields)
    assert all(part.get("description") for part in properties.values())


def test_a_workload_may_be_a_name_a_change_of_one_or_written_out():
    kinds = scenario_schema()["properties"]["workload"]["anyOf"]
    assert [kind.get("type", "reference") for kind in kinds] == ["string", "reference", "object"]


def test_what_may_be_said_elsewhere_is_not_required():
    """Traffic by tenants, the model by every pool."""
    assert scenario_schema()["required"] == ["cluster"]


def test_bounds_are_in_the_words_of_json_schema():
    engine = scenario_schema()["$defs"]["EngineSpec"]["properties"]
    assert engine["block_size"]["minimum"] == 1
    assert not {'"ge":', '"gt":', '"le":', '"lt":'} & set(json.dumps(scenario_schema()).split())
