"""Nobody leaves in silence: numbers at risk, reasons, and the log of exclusions."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study
from oncovivo.studies.leaving import (
    exclude_animals,
    excluded_measurements,
    find_leavers,
    number_at_risk,
    restore_animals,
)
from oncovivo.studies.study import StudyTables


def study() -> Study:
    """Vehicle a, b, c leave on days 7, 7 and 14; drug d, e stay to day 14."""
    last = {"a": 7, "b": 7, "c": 14, "d": 14, "e": 14}
    rows = [
        {
            "animal_id": name,
            "treatment": "vehicle" if name in "abc" else "drug",
            "day": day,
            "volume_mm3": 100 + 10 * day,
        }
        for name, end in last.items()
        for day in (0, 7, 14)
        if day <= end
    ]
    made = Study.from_frame(pd.DataFrame(rows))
    animals = tuple(
        replace(animal, end_reason="volume_limit") if animal.animal_id == "a" else animal
        for animal in made.animals
    )
    return replace(made, animals=animals, table=made.measurements)


def test_an_animal_is_at_risk_until_its_last_day() -> None:
    table = number_at_risk(study())
    counts = [(row.arm, row.day, row.n_at_risk, row.n_measured) for row in table.rows]
    assert counts == [
        ("vehicle", 0.0, 3, 3),
        ("vehicle", 7.0, 3, 3),
        ("vehicle", 14.0, 1, 1),
        ("drug", 0.0, 2, 2),
        ("drug", 7.0, 2, 2),
        ("drug", 14.0, 2, 2),
    ]


def test_fewer_than_half_of_an_arm_is_flagged_and_exactly_half_is_not() -> None:
    table = number_at_risk(study())
    assert [row.flagged for row in table.rows] == [False, False, True, False, False, False]
    half = number_at_risk(exclude_animals(study(), ["b"], "no tumor took"))
    assert (half.of("vehicle", 14.0).n_at_risk, half.of("vehicle", 14.0).flagged) == (1, False)


def test_days_without_a_visit_can_be_asked_for() -> None:
    row = number_at_risk(study(), days=[10]).of("vehicle", 10.0)
    assert (row.n_at_risk, row.n_measured, row.n_animals) == (1, 0, 3)


def test_the_stated_end_counts_when_it_is_later_than_the_last_reading() -> None:
    base = study()
    animals = tuple(
        replace(animal, end_day=12.0) if animal.animal_id == "b" else animal
        for animal in base.animals
    )
    later = replace(base, animals=animals, table=base.measurements)
    assert number_at_risk(later, days=[10]).of("vehicle", 10.0).n_at_risk == 2


def test_an_unknown_arm_or_day_is_refused() -> None:
    with pytest.raises(InputError, match="an arm and a day of the table"):
        number_at_risk(study()).of("vehicle", 3.0)


def test_the_table_at_risk_goes_to_a_frame_and_to_json() -> None:
    table = number_at_risk(study())
    assert list(table.to_frame().columns) == [
        "arm", "day", "n_animals", "n_at_risk", "n_measured", "flagged",
    ]  # fmt: skip
    assert table.days == (0.0, 7.0, 14.0)
    assert table.to_dict()["at_risk"][2] == {  # type: ignore[index]  # a JSON list
        "arm": "vehicle",
        "day": 14.0,
        "n_animals": 3,
        "n_at_risk": 1,
        "n_measured": 1,
        "flagged": True,
    }


def test_reasons_are_counted_over_the_whole_closed_list() -> None:
    table = find_leavers(exclude_animals(study(), ["e"], "wrong tumor"))
    counts = table.counts()
    assert counts.loc["vehicle", "volume_limit"] == 1
    assert counts.loc["vehicle", "unknown"] == 1
    assert counts.loc["vehicle", "to_the_end"] == 1
    assert counts.loc["drug", "excluded"] == 1
    assert counts.loc["drug", "to_the_end"] == 1
    assert counts.to_numpy().sum() == 5
    assert [leaver.before_end for leaver in table.leavers] == [True, True, False, False]
    assert table.leavers[0].last_size == 170.0
    assert table.to_dict()["excluded"] == [
        {"animal_id": "e", "arm": "drug", "reason": "wrong tumor", "n_rows": 3}
    ]


def test_an_excluded_animal_leaves_the_analysis_but_not_the_table() -> None:
    before = study()
    after = exclude_animals(before, ["b", "d"], "  no tumor\ntook ")
    assert [animal.animal_id for animal in after.animals] == ["a", "c", "e"]
    assert set(after.measurements["animal_id"]) == {"a", "c", "e"}
    assert [(e.animal.animal_id, e.reason) for e in after.exclusions] == [
        ("b", "no tumor took"),
        ("d", "no tumor took"),
    ]
    everybody = excluded_measurements(after)
    assert len(everybody) == len(before.measurements)
    assert set(everybody.loc[everybody["exclusion"] != "", "animal_id"]) == {"b", "d"}
    assert before.exclusions == ()


def test_exclusions_add_up_and_can_be_taken_back() -> None:
    after = exclude_animals(exclude_animals(study(), ["b"], "one"), ["d"], "two")
    assert [e.reason for e in after.exclusions] == ["one", "two"]
    back = restore_animals(after)
    assert back.exclusions == ()
    columns = ["animal_id", "day"]
    one = back.measurements.sort_values(columns).reset_index(drop=True)
    other = study().measurements.sort_values(columns).reset_index(drop=True)
    pd.testing.assert_frame_equal(one, other)
    assert restore_animals(study()).exclusions == ()


def test_doses_and_events_of_an_excluded_animal_go_and_come_with_it() -> None:
    events = pd.DataFrame(
        {"animal_id": ["a", "b"], "day": [7.0, 7.0], "event": "euthanized", "detail": ""}
    )
    base = study()
    base = replace(base, tables=StudyTables(events=events), table=base.measurements)
    after = exclude_animals(base, ["b"], "no tumor took")
    assert list(after.events["animal_id"]) == ["a"]
    assert list(after.exclusions[0].tables.get("events")["animal_id"]) == ["b"]
    assert list(restore_animals(after).events["animal_id"]) == ["a", "b"]


def test_an_exclusion_needs_a_reason_a_known_animal_and_somebody_left() -> None:
    with pytest.raises(InputError, match="a reason for the exclusion"):
        exclude_animals(study(), ["a"], " ")
    with pytest.raises(InputError, match="animals of the study that are not excluded yet"):
        exclude_animals(study(), ["z"], "no such animal")
    with pytest.raises(InputError, match="not excluded yet, found 'a'"):
        exclude_animals(exclude_animals(study(), ["a"], "once"), ["a"], "twice")
    with pytest.raises(InputError, match="at least one animal that stays"):
        exclude_animals(study(), list("abcde"), "all")


def test_an_animal_cannot_be_in_the_study_and_excluded() -> None:
    after = exclude_animals(study(), ["b"], "no tumor took")
    before = study()
    with pytest.raises(DataError, match="animal 'b' in the study or excluded"):
        replace(before, exclusions=after.exclusions, table=before.measurements)


def test_a_table_handed_out_by_the_log_is_a_copy() -> None:
    after = exclude_animals(study(), ["b"], "no tumor took")
    copy = after.exclusions[0].measurements
    copy["volume_mm3"] = 0.0
    assert (after.exclusions[0].measurements["volume_mm3"] > 0).all()
