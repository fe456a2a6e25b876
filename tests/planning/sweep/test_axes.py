"""What ``--set key=v1,v2`` means."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.sweep.axes import check_axes, grid, parse_axis, read_points


def test_values_are_cut_at_commas_and_read_as_yaml():
    axis = parse_axis("cluster.pools[0].engine.max_num_seqs=64,128")
    assert (axis.key, axis.values) == ("cluster.pools[0].engine.max_num_seqs", (64, 128))
    assert parse_axis("workload.arrivals.rate=2 /s,4 /s").values == ("2 /s", "4 /s")


def test_commas_inside_brackets_and_quotes_belong_to_the_value():
    axis = parse_axis("slo={ttft: 1 s, tpot: 50 ms},{ttft: 2 s}")
    assert axis.values == ({"ttft": "1 s", "tpot": "50 ms"}, {"ttft": "2 s"})
    assert parse_axis("name='a, b',c").values == ("a, b", "c")


def test_a_range_of_whole_numbers_includes_both_ends():
    assert parse_axis("cluster.pools.0.replicas=1..4").values == (1, 2, 3, 4)
    assert parse_axis("cluster.pools.0.replicas=1..2,8").values == (1, 2, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate", "expected key=v1,v2"),
        ("=1", "expected key=v1,v2"),
        ("requests=", "expected key=v1,v2"),
        ("requests=1,,2", "missing between two commas"),
        ("requests=1,1", "stands twice"),
        ("requests=4..1", "empty"),
        ("a..b=1", "not a path"),
    ],
)
def test_what_is_no_axis_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_axis(text)


def test_a_grid_has_every_combination_and_seeds_turn_fastest():
    points = list(grid([parse_axis("requests=1,2"), parse_axis("warmup=0 s,1 s")], seeds=[7, 8]))
    assert len(points) == 8
    assert [point.seed for point in points[:2]] == [7, 8]
    assert points[0].settings == points[1].settings == (("requests", 1), ("warmup", "0 s"))


def test_a_wrong_value_is_refused_before_anything_runs():
    with pytest.raises(InputError, match="unknown device 'h1000'"):
        check_axes("hardware-bakeoff", [parse_axis("cluster.pools[0].hardware=nvidia-l4,h1000")])


def test_a_key_is_set_once():
    axes = [parse_axis("cluster.pools[0].replicas=1,2"), parse_axis("cluster.pools.0.replicas=3")]
    with pytest.raises(InputError, match="set more than once"):
        check_axes("hardware-bakeoff", axes)


def test_points_are_listed_in_csv_or_yaml(tmp_path):
    csv, yaml = tmp_path / "points.csv", tmp_path / "points.yaml"
    csv.write_text("cluster.pools.0.replicas,requests\n1,100\n2,200\n")
    yaml.write_text(
        "- {cluster.pools.0.replicas: 1, requests: 100}\n- {cluster.pools.0.replicas: 2, requests: 200}\n"
    )
    assert read_points(csv) == read_points(yaml)


@pytest.mark.parametrize(("name", "content"), [("a.csv", "x,y\n1\n"), ("b.yaml", "x: 1"), ("c.yaml", "[]")])
def test_files_that_list_no_points_are_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match="expected"):
        read_points(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_points(tmp_path / f"missing-{name}")
