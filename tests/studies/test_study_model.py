"""The study in memory: frozen, consistent, with one rule for its baseline."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.studies import Animal, Arm, Study, XenograftLine
from oncovivo.tables import MEASUREMENT_COLUMNS


def table(readings: dict[tuple[str, float], float]) -> pd.DataFrame:
    """Measurements from volumes by animal and day; 0 is gone and NaN is not measured."""
    volumes = list(readings.values())
    states = ["not_measured" if np.isnan(v) else "measured" if v else "gone" for v in volumes]
    frame = pd.DataFrame(
        {
            "animal_id": [animal for animal, _ in readings],
            "day": [float(day) for _, day in readings],
            "volume_mm3": [float(v) for v in volumes],
            "volume_state": states,
        }
    )
    return frame.reindex(columns=list(MEASUREMENT_COLUMNS)).astype(
        dict.fromkeys(("length_mm", "width_mm", "depth_mm", "body_weight_g"), float)
    )


def study(
    readings: dict[tuple[str, float], float],
    *,
    arms: dict[str, str],
    declared: float | None = None,
) -> Study:
    """A study of animals by arm."""
    return Study(
        study_id="s",
        title="t",
        line=XenograftLine(name="l"),
        arms=tuple(Arm(name=name) for name in dict.fromkeys(arms.values())),
        animals=tuple(Animal(animal_id=a, arm=arm, end_day=0) for a, arm in arms.items()),
        declared_baseline_day=declared,
        table=table(readings),
    )


def test_what_a_caller_does_to_the_table_does_not_reach_the_study() -> None:
    made = study({("a", 0): 100.0}, arms={"a": "A"})
    copy = made.measurements
    copy.loc[0, "volume_mm3"] = 1.0
    assert made.measurements["volume_mm3"].tolist() == [100.0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.title = "other"  # type: ignore[misc]  # that it cannot be set is what is tested


def test_a_change_returns_a_new_study() -> None:
    made = study({("a", 0): 100.0}, arms={"a": "A"})
    marked = dataclasses.replace(made, simulated=True, table=made.measurements)
    assert marked.simulated
    assert not made.simulated


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"volume_mm3": [-1.0, 200.0]}, "row 0: .* a volume that fits its volume_state"),
        ({"volume_state": ["gone", "measured"]}, "a volume that fits its volume_state"),
        ({"volume_state": ["odd", "measured"]}, "fits its volume_state|a known volume state"),
        ({"day": [0.0, 0.0]}, "multiple_fields_uniqueness"),
        ({"day": [0.0, np.inf]}, "row 1, column day: .*finite, found inf"),
        ({"body_weight_g": [0.0, 20.0]}, "row 0, column body_weight_g: .*positive, found 0.0"),
        ({"color": ["red", "red"]}, "column_in_schema, found color"),
    ],
)
def test_a_table_that_breaks_its_contract_is_refused(
    change: dict[str, list[object]], expected: str
) -> None:
    broken = table({("a", 0): 100.0, ("a", 3): 200.0})
    for column, values in change.items():
        broken[column] = pd.Series(values)
    with pytest.raises(DataError, match=expected):
        Study(
            study_id="s",
            title="t",
            line=XenograftLine(name="l"),
            arms=(Arm(name="A"),),
            animals=(Animal(animal_id="a", arm="A", end_day=3),),
            table=broken,
        )


def test_words_outside_the_closed_lists_are_refused() -> None:
    with pytest.raises(InputError, match="a role of an arm: vehicle"):
        Arm(name="A", role="boss")  # type: ignore[arg-type]  # a wrong word is what is tested
    with pytest.raises(InputError, match="a graft type: cdx"):
        XenograftLine(name="l", graft_type="xeno")  # type: ignore[arg-type]  # as above
    with pytest.raises(InputError, match="an arm of the study: A"):
        study({("a", 0): 1.0}, arms={"a": "A"}).animals_of("B")


def test_the_baseline_is_the_first_day_with_four_fifths_of_the_animals() -> None:
    arms = dict.fromkeys("abcde", "A")
    readings = {(name, -1.0): 90.0 for name in "abc"}
    readings |= {(name, 0.0): 100.0 for name in "abcd"}
    readings |= {("e", 0.0): float("nan"), ("e", 3.0): 100.0}
    found = study(readings, arms=arms).find_baseline_day()
    assert (found.day, found.n_measured, found.n_animals) == (0.0, 4, 5)
    assert str(found) == "day 0 (first day with enough animals; 4 of 5 animals)"


def test_a_vanished_tumor_counts_as_read_at_baseline() -> None:
    made = study({("a", 0.0): 0.0, ("b", 0.0): 10.0}, arms={"a": "A", "b": "A"})
    assert made.find_baseline_day().n_measured == 2


def test_a_named_day_comes_before_the_study_file_s_and_that_before_the_rule() -> None:
    readings = {("a", 0.0): 1.0, ("a", 3.0): 2.0, ("a", 7.0): 3.0}
    made = study(readings, arms={"a": "A"}, declared=3.0)
    assert (made.find_baseline_day().day, made.find_baseline_day().rule) == (3.0, "study file")
    assert (made.find_baseline_day(7).day, made.find_baseline_day(7).rule) == (7.0, "option")
    with pytest.raises(DataError, match="found day 5; days with readings begin: 0, 3, 7"):
        made.find_baseline_day(5)


def test_without_a_day_that_has_enough_animals_there_is_no_baseline() -> None:
    made = study({("a", 0.0): 1.0, ("b", 1.0): 1.0}, arms={"a": "A", "b": "A"})
    with pytest.raises(DataError, match="80% of the animals are measured, found at most 1 of 2"):
        made.find_baseline_day()
