"""Every spec has a builder, every builder a spec."""

from __future__ import annotations

from typing import Annotated, get_args, get_origin

from simulator.scenario.workload import ArrivalSpec, LengthSpec, TraceFormat
from simulator.scenario.workload.arrivals import ReplaySpec
from simulator.scenario.workload.populations import ServeGenSpec
from simulator.workload.arrivals import ARRIVAL_BUILDERS
from simulator.workload.importers import READERS
from simulator.workload.lengths import LENGTH_BUILDERS


def members(union):
    """The classes of a discriminated union."""
    assert get_origin(union) is Annotated
    return set(get_args(get_args(union)[0]))


def test_every_arrival_process_has_a_builder_and_data_that_bring_lengths_are_no_process():
    assert members(ArrivalSpec) == set(ARRIVAL_BUILDERS) | {ReplaySpec, ServeGenSpec}


def test_every_length_distribution_has_a_builder():
    assert members(LengthSpec) == set(LENGTH_BUILDERS)


def test_every_trace_format_has_a_reader():
    assert set(get_args(TraceFormat)) == set(READERS) | {"auto"}
