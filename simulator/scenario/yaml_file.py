"""The YAML reader under the scenario's name; it lives in `simulator.units.yaml_file`."""

from __future__ import annotations

from simulator.units.yaml_file import parse_mapping, parse_value, read_mapping

__all__ = ["parse_mapping", "parse_value", "read_mapping"]
