"""Readings of a study as log sizes in arrays: order, baseline, limits, factors, bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
from oncovivo.studies import Study, read_study

HEAD = "animal_id,treatment,day,volume_mm3"


def study_of(tmp_path: Path, *lines: str, head: str = HEAD) -> Study:
    path = tmp_path / "small.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    (study,) = read_study(path)
    return study


def three_animals() -> GrowthData:
    return growth_data_from_arrays(
        arm=["drug", "vehicle", "vehicle", "drug", "vehicle", "drug"],
        animal_id=["d", "v", "v", "d", "w", "d"],
        time=np.array([7.0, 4.0, 0.0, 0.0, 0.0, 3.0]),
        log_size=np.log([30.0, 140.0, 100.0, 110.0, 90.0, 60.0]),
        factors={"donor": {"d": "x", "v": "y", "w": "x"}},
    )


def test_readings_in_any_order_are_sorted_by_animal_and_time() -> None:
    data = three_animals()
    assert data.arms == ("drug", "vehicle")
    assert data.animal_ids == ("d", "v", "w")
    assert data.animal.tolist() == [0, 0, 0, 1, 1, 2]
    assert data.time.tolist() == [0, 3, 7, 0, 4, 0]
    np.testing.assert_allclose(np.exp(data.log_size), [110, 60, 30, 100, 140, 90])
    assert data.readings.tolist() == [3, 2, 1]
    assert data.limit == pytest.approx(30)
    assert data.arm_number("vehicle") == 1
    assert data.animals_of(1).tolist() == [1, 2]


def test_selecting_readings_drops_empty_animals_and_arms_with_their_factors() -> None:
    data = three_animals()
    kept = data.select(data.animal >= 1, note="one left")
    assert (kept.arms, kept.animal_ids) == (("vehicle",), ("v", "w"))
    assert kept.arm.tolist() == [0, 0]
    assert kept.factors == {"donor": ("y", "x")}
    assert kept.notes == ("one left",)
    assert data.without_animals(["d"]).animal_ids == ("v", "w")
    with pytest.raises(DataError, match="a reading that can enter the model"):
        data.select(np.zeros(6, dtype=bool))


def test_unknown_arms_and_animals_are_named() -> None:
    with pytest.raises(InputError, match=r"an arm with readings: drug, vehicle.*'Drug'"):
        three_animals().arm_number("Drug")
    with pytest.raises(InputError, match=r"an animal with readings.*'z'"):
        three_animals().without_animals(["d", "z"])


def test_the_baseline_is_missing_where_it_was_not_measured() -> None:
    data = growth_data_from_arrays(
        arm=["a"] * 5,
        animal_id=["late", "late", "small", "small", "full"],
        time=np.array([2.0, 5.0, 0.0, 5.0, 0.0]),
        log_size=np.log([50.0, 60.0, 20.0, 70.0, 80.0]),
        below_limit=np.array([False, False, True, False, False]),
    )
    assert np.isnan(data.log_baseline[:2]).all()
    assert data.log_baseline[2] == pytest.approx(math.log(80))


def test_readings_below_the_limit_are_left_out_with_a_note_or_the_data_stay_as_they_are() -> None:
    data = three_animals()
    assert data.without_below_limit() is data
    study = growth_data_from_arrays(
        arm=["a", "a", "a"],
        animal_id=["x", "x", "y"],
        time=np.array([0.0, 7.0, 0.0]),
        log_size=np.log([100.0, 20.0, 20.0]),
        below_limit=np.array([False, True, True]),
        limit=20.0,
    )
    kept = study.without_below_limit()
    assert kept.animal_ids == ("x",)
    assert kept.notes == ("2 readings that are gone or below 20 were left out",)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"arm": ["a"]}, InputError, "as many arms, animals, times and log sizes"),
        ({"arm": [], "animal_id": []}, InputError, "at least one"),
        ({"log_size": np.array([1.0, np.nan])}, InputError, "finite times and log sizes"),
        ({"time": np.array([0.0, np.inf])}, InputError, "finite times and log sizes"),
        ({"arm": ["a", "b"]}, DataError, r"animal x.*each animal in one arm.*'a' and 'b'"),
        ({"time": np.array([3.0, 3.0])}, DataError, r"animal x.*two at time 3"),
        ({"factors": {"batch": {"y": "1"}}}, InputError, r"factor 'batch'.*none for 'x'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    change: dict[str, object], error: type[Exception], match: str
) -> None:
    good: dict[str, object] = {
        "arm": ["a", "a"],
        "animal_id": ["x", "x"],
        "time": np.array([0.0, 3.0]),
        "log_size": np.array([1.0, 2.0]),
    }
    with pytest.raises(error, match=match):
        growth_data_from_arrays(**(good | change))  # type: ignore[arg-type]


def test_days_count_from_the_baseline_and_earlier_readings_are_noted(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        *(f"{who},{arm},{day},{size}" for who, arm in (("v", "Vehicle"), ("d", "drug"))
          for day, size in ((2, 80), (5, 100), (9, 200))),
    )  # fmt: skip
    data = growth_data(study, baseline_day=5)
    assert data.baseline_day == 5
    assert data.day.tolist() == [5, 9, 5, 9]
    assert data.time.tolist() == [0, 4, 0, 4]
    np.testing.assert_allclose(np.exp(data.log_size), [100, 200, 100, 200])
    assert data.notes == ("2 readings before day 5, the baseline, are not used",)


def test_vanished_tumors_carry_the_limit_and_a_mark(tmp_path: Path) -> None:
    study = study_of(
        tmp_path, "v,Vehicle,0,100", "v,Vehicle,7,200", "d,drug,0,90", "d,drug,7,0", "d,drug,9,50"
    )
    data = growth_data(study)
    assert data.below_limit.tolist() == [False, False, False, True, False]
    assert np.exp(data.log_size[3]) == pytest.approx(data.limit)
    assert 0 < data.limit < 90


def test_animals_and_arms_without_readings_from_the_baseline_on_are_named(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        "v,Vehicle,0,100", "v,Vehicle,7,200", "w,Vehicle,0,100", "w,Vehicle,7,150",
        "d,drug,0,90", "e,drug,0,95", "u,Vehicle,0,99",
    )  # fmt: skip
    data = growth_data(study, baseline_day=7)
    assert data.arms == ("Vehicle",)
    assert "arms without readings from the baseline on: drug" in data.notes
    assert any(
        note.startswith("3 animals have no reading from the baseline") for note in data.notes
    )


def test_areas_stay_areas_and_cages_become_a_factor(tmp_path: Path) -> None:
    lines = [
        f"{who},{cage},{arm},{day},{size}"
        for who, cage, arm in (("v", 1, "Vehicle"), ("d", 2, "drug"))
        for day, size in ((0, 25), (4, 36))
    ]
    study = study_of(tmp_path, *lines, head="animal_id,cage,treatment,day,area_mm2")
    data = growth_data(study, factors={"donor": {"v": "a", "d": "b"}})
    assert data.measure == "area_mm2"
    assert data.factors == {"cage": ("1", "2"), "donor": ("a", "b")}
    with pytest.raises(InputError, match=r"study small.*factor 'donor'.*none for 'd'"):
        growth_data(study, factors={"donor": {"v": "a"}})
