"""Humane endpoints: which readings are alerts, and that no breach goes without one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.design.endpoint_rules import (
    Action,
    EndpointProfile,
    EndpointRule,
    Quantity,
    Watch,
    evaluate_rules,
    read_profile,
)
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies import Study, StudyTables
from oncovivo.studies.study import Exclusion


def rule(
    quantity: Quantity, limit: float, *, readings: int = 1, action: Action = "limit"
) -> EndpointRule:
    return EndpointRule(
        name=f"{quantity} {action}",
        quantity=quantity,
        limit=limit,
        readings=readings,
        action=action,
    )


def study(**columns: list[object]) -> Study:
    """Rows of one animal `m1` unless the columns say otherwise."""
    n = len(columns["day"])
    return Study.from_frame(
        pd.DataFrame({"animal_id": ["m1"] * n, "treatment": ["vehicle"] * n, **columns})
    )


def watch(of: Study, *rules: EndpointRule, baseline_day: float | None = None) -> Watch:
    return evaluate_rules(of, EndpointProfile(rules=rules), baseline_day=baseline_day)


def days(found: Watch) -> list[float]:
    return [alert.day for alert in found.alerts]


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(
        st.lists(st.one_of(st.none(), st.integers(20, 3000)), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    ),
    limit=st.integers(30, 2500),
    readings=st.integers(1, 3),
)
def test_every_breach_has_an_alert_and_every_alert_is_a_breach(
    sizes: list[list[int | None]], limit: int, readings: int
) -> None:
    sizes[0][0] = 100
    rows = [
        {"animal_id": f"m{i}", "treatment": "vehicle", "day": 3 * j, "volume_mm3": value}
        for i, series in enumerate(sizes)
        for j, value in enumerate(series)
    ]
    found = watch(Study.from_frame(pd.DataFrame(rows)), rule("volume", limit, readings=readings))
    # Straight from the definition: the last n readings that exist are all at the limit.
    expected = set()
    for i, series in enumerate(sizes):
        known = [(3.0 * j, value) for j, value in enumerate(series) if value is not None]
        for end in range(readings, len(known) + 1):
            if all(value >= limit for _, value in known[end - readings : end]):
                expected.add((f"m{i}", known[end - 1][0], float(known[end - 1][1])))
    assert {(a.animal_id, a.day, a.value) for a in found.alerts} == expected
    assert sum(a.first for a in found.alerts) == len({name for name, _, _ in expected})
    assert all(a.limit == limit and a.unit == "mm³" for a in found.alerts)


def test_a_value_at_the_limit_is_an_alert_and_one_below_is_none() -> None:
    of = study(day=[0, 3, 6], volume_mm3=[1499.9, 1500, 1500.1])
    assert days(watch(of, rule("volume", 1500))) == [3, 6]


def test_a_reading_between_two_breaches_begins_the_count_again() -> None:
    of = study(day=[0, 1, 2, 3, 4], volume_mm3=[200, 200, 90, 200, 200])
    found = watch(of, rule("volume", 150, readings=2))
    assert [(a.day, a.first) for a in found.alerts] == [(1, True), (4, False)]


def test_the_largest_of_the_diameters_counts() -> None:
    of = study(day=[0, 3], length_mm=[10.0, 12.0], width_mm=[9.0, 11.0])
    found = watch(of, rule("diameter", 12))
    assert [(a.day, a.value, a.unit) for a in found.alerts] == [(3, 12.0, "mm")]


def test_loss_of_weight_is_hidden_by_the_tumor_and_seen_without_it() -> None:
    # 20 g with 0.2 g of tumor; later 19 g with 3 g: 5 % lost raw, 19.192 % net (3.8 of 19.8).
    of = study(day=[0, 14], volume_mm3=[200, 3000], body_weight_g=[20.0, 19.0])
    assert not watch(of, rule("weight_loss_pct", 15)).alerts
    (alert,) = watch(of, rule("net_weight_loss_pct", 15)).alerts
    assert alert.day == 14
    assert alert.value == pytest.approx(100 * 3.8 / 19.8)
    (raw,) = watch(of, rule("weight_loss_pct", 5)).alerts
    assert raw.value == pytest.approx(5.0)


def test_loss_refers_to_the_baseline_day_that_is_named() -> None:
    of = study(day=[0, 5, 10], volume_mm3=[100, 120, 140], body_weight_g=[25.0, 20.0, 19.0])
    assert days(watch(of, rule("weight_loss_pct", 20))) == [5, 10]
    assert days(watch(of, rule("weight_loss_pct", 4), baseline_day=5)) == [10]


def test_burden_is_percent_of_the_animal_without_its_tumor() -> None:
    # 2 g of tumor on 18 g of mouse: 11.1 %, not 10 %.
    of = study(day=[0, 7], volume_mm3=[200, 2000], body_weight_g=[20.0, 20.0])
    (alert,) = watch(of, rule("burden_pct", 11)).alerts
    assert alert.value == pytest.approx(100 * 2 / 18)


def test_a_tumor_that_outweighs_its_animal_is_an_alert_with_a_number() -> None:
    of = study(day=[0, 7], volume_mm3=[200, 25000], body_weight_g=[20.0, 20.0])
    (alert,) = watch(of, rule("burden_pct", 99)).alerts
    assert math.isfinite(alert.value)
    assert alert.value >= 100


def test_tumors_of_a_host_are_added_each_with_its_latest_reading() -> None:
    of = study(
        animal_id=["l", "l", "r", "r"],
        treatment=["vehicle"] * 4,
        day=[0, 6, 0, 3],
        volume_mm3=[300, 900, 200, 700],
    )
    profile = EndpointProfile(rules=(rule("total_volume", 1000),), hosts={"m1": ("l", "r")})
    found = evaluate_rules(of, profile)
    # Day 3: 300 + 700; day 6: 900 + 700, the right tumor as it was on day 3.
    assert [(a.animal_id, a.arm, a.day, a.value) for a in found.alerts] == [
        ("m1", "vehicle", 3, 1000),
        ("m1", "vehicle", 6, 1600),
    ]


def test_an_animal_with_one_tumor_has_its_volume_as_total() -> None:
    of = study(day=[0, 3], volume_mm3=[300, 900])
    assert days(watch(of, rule("total_volume", 800))) == [3]


def test_scores_come_from_events_and_markers_and_low_body_condition_is_bad() -> None:
    of = study(day=[0, 3, 7], volume_mm3=[100, 150, 200])
    of = replace(
        of,
        tables=StudyTables(
            events=pd.DataFrame(
                {
                    "animal_id": ["m1", "m1"],
                    "day": [3.0, 7.0],
                    "event": ["body_condition", "body_condition"],
                    "detail": ["3", "2"],
                }
            ),
            markers=pd.DataFrame(
                {
                    "animal_id": ["m1", "m1"],
                    "day": [3.0, 7.0],
                    "analyte": ["ulcer_grade", "ulcer_grade"],
                    "value": [1.0, 2.0],
                    "unit": ["", ""],
                    "assay": ["", ""],
                    "compartment": ["", ""],
                }
            ),
        ),
        table=of.measurements,
    )
    assert days(watch(of, rule("body_condition", 2))) == [7]
    assert days(watch(of, rule("ulcer_grade", 2))) == [7]
    assert days(watch(of, rule("ulcer_grade", 1))) == [3, 7]


def test_a_score_that_is_no_number_is_refused() -> None:
    of = study(day=[0, 3], volume_mm3=[100, 150])
    events = pd.DataFrame(
        {"animal_id": ["m1"], "day": [3.0], "event": ["ulcer_grade"], "detail": ["bad"]}
    )
    of = replace(of, tables=StudyTables(events=events), table=of.measurements)
    with pytest.raises(DataError, match=r"animal m1, day 3: expected a number .* found 'bad'"):
        watch(of, rule("ulcer_grade", 2))


def test_an_animal_left_out_of_the_analysis_is_still_looked_at() -> None:
    of = study(
        animal_id=["m1", "m1", "m2", "m2"],
        treatment=["vehicle"] * 4,
        day=[0, 3, 0, 3],
        volume_mm3=[100, 200, 100, 1600],
    )
    table = of.measurements
    gone = table["animal_id"] == "m2"
    of = replace(
        of,
        animals=of.animals[:1],
        exclusions=(Exclusion(animal=of.animals[1], reason="implant failed", table=table[gone]),),
        table=table[~gone],
    )
    assert [a.animal_id for a in watch(of, rule("volume", 1500)).alerts] == ["m2"]


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("diameter", "no diameter"),
        ("weight_loss_pct", "no body weight"),
        ("net_weight_loss_pct", "no body weight with a volume"),
        ("burden_pct", "no volume with a body weight"),
        ("body_condition", "no event or marker 'body_condition'"),
    ],
)
def test_a_rule_without_readings_says_so(quantity: Quantity, reason: str) -> None:
    found = watch(study(day=[0, 3], volume_mm3=[100, 150]), rule(quantity, 10))
    assert not found.alerts
    assert found.unread[0].rule == f"{quantity} limit"
    assert found.unread[0].reason.startswith(reason)


def test_alerts_come_by_day_whatever_the_order_of_the_rows() -> None:
    rows = pd.DataFrame(
        {
            "animal_id": ["b", "a", "b", "a"],
            "treatment": ["vehicle"] * 4,
            "day": [6, 3, 0, 0],
            "volume_mm3": [900, 800, 100, 100],
        }
    )
    found = watch(Study.from_frame(rows), rule("volume", 700))
    again = watch(Study.from_frame(rows.iloc[::-1]), rule("volume", 700))
    assert [a.animal_id for a in found.alerts] == ["a", "b"]
    assert sorted(map(str, found.alerts)) == sorted(map(str, again.alerts))


PROFILE = """
title = "Project licence"

[[rule]]
quantity = "volume"
limit = 1500

[[rule]]
name = "weight, twice"
quantity = "weight_loss_pct"
limit = 15
readings = 2
action = "watch"
source = "veterinarian"

[hosts]
m1 = ["l", "r"]
"""


@pytest.fixture
def profile(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "endpoints.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_profile_is_read_as_it_is_written(profile: Callable[[str], Path]) -> None:
    found = read_profile(profile(PROFILE))
    assert found.title == "Project licence"
    assert found.rules == (
        EndpointRule(name="volume", quantity="volume", limit=1500),
        EndpointRule(
            name="weight, twice",
            quantity="weight_loss_pct",
            limit=15,
            readings=2,
            action="watch",
            source="veterinarian",
        ),
    )
    assert found.hosts == {"m1": ("l", "r")}
    assert found.rules[0].source == "the study's own choice"
    assert found.volume_limit == 1500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[rule]]\nquantity = "volume"\nlimit = 0', "positive limit, found 0"),
        ('[[rule]]\nquantity = "weight_loss_pct"\nlimit = 120', "below 100 %, found 120 %"),
        ('[[rule]]\nquantity = "volume"\nlimit = 9\nreadings = 0', "1 consecutive reading"),
        (
            '[[rule]]\nname = "a"\nquantity = "volume"\nlimit = 9\n'
            '[[rule]]\nname = "a"\nquantity = "diameter"\nlimit = 9',
            "each name of a rule once, found 'a' twice",
        ),
        (
            '[[rule]]\nname = "a"\nquantity = "volume"\nlimit = 900\n'
            '[[rule]]\nname = "b"\nquantity = "volume"\nlimit = 800',
            r"one limit of volume .* found 900 \('a'\) and 800 \('b'\)",
        ),
        (
            '[[rule]]\nname = "a"\nquantity = "volume"\nlimit = 900\naction = "watch"\n'
            '[[rule]]\nname = "b"\nquantity = "volume"\nlimit = 800',
            "a watch of volume that begins before its limit, found watch at 900",
        ),
        (
            '[[rule]]\nname = "a"\nquantity = "body_condition"\nlimit = 1\naction = "watch"\n'
            '[[rule]]\nname = "b"\nquantity = "body_condition"\nlimit = 2',
            "a watch of body_condition that begins before its limit",
        ),
        (
            '[[rule]]\nquantity = "volume"\nlimit = 1500\n'
            '[[rule]]\nquantity = "total_volume"\nlimit = 1000',
            "total volume that is not below that of a single tumor",
        ),
        (
            '[[rule]]\nquantity = "volume"\nlimit = 9\n[hosts]\na = ["x"]\nb = ["x"]',
            "each tumor in one host, found 'x' twice",
        ),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(
    profile: Callable[[str], Path], text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_profile(profile(text))


@pytest.mark.parametrize(
    "text",
    [
        '[[rule]]\nquantity = "mass"\nlimit = 9',
        '[[rule]]\nquantity = "volume"\nlimit = 9\nreading = 2',
        '[[rule]]\nquantity = "volume"\nlimit = "many"',
        'title = "no rule"',
        "rule = [",
    ],
)
def test_a_profile_with_a_slip_is_refused_with_its_name(
    profile: Callable[[str], Path], text: str
) -> None:
    with pytest.raises(FileFormatError, match=r"endpoints\.toml"):
        read_profile(profile(text))


def test_a_watch_before_the_limit_and_a_second_count_of_readings_go_together() -> None:
    found = EndpointProfile(
        rules=(
            rule("volume", 1200, action="watch"),
            rule("volume", 1500),
            replace(rule("volume", 1300, readings=2), name="twice"),
            rule("body_condition", 3, action="watch"),
            rule("body_condition", 2),
        )
    )
    assert found.volume_limit == 1300


def test_a_limit_from_the_command_line_joins_a_profile_or_is_refused() -> None:
    weight = EndpointProfile(rules=(rule("weight_loss_pct", 20),))
    joined = weight.with_max_volume(1500)
    assert [r.quantity for r in joined.rules] == ["volume", "weight_loss_pct"]
    assert joined.with_max_volume(1500) is joined
    with pytest.raises(InputError, match=r"found 1000 from --max-volume, 1500 from the profile"):
        joined.with_max_volume(1000)


def test_a_host_names_tumors_of_the_study_in_one_arm() -> None:
    of = study(
        animal_id=["a", "a", "b", "b"],
        treatment=["vehicle", "vehicle", "drug", "drug"],
        day=[0, 3, 0, 3],
        volume_mm3=[100, 150, 100, 120],
    )
    rules = (rule("total_volume", 1000),)
    with pytest.raises(InputError, match="tumors that are animals of the study, found 'c'"):
        evaluate_rules(of, EndpointProfile(rules=rules, hosts={"m": ("a", "c")}))
    with pytest.raises(InputError, match="tumors of one arm, found drug, vehicle"):
        evaluate_rules(of, EndpointProfile(rules=rules, hosts={"m": ("a", "b")}))
