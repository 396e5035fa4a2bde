"""Volumes from diameters by a named formula, and study days from calendar dates."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies import read_study
from oncovivo.studies.caliper import VolumeFormula, caliper_volume
from oncovivo.studies.dates import find_date_order, looks_like_date, parse_date


def write(folder: Path, *rows: str) -> Path:
    """A file of rows."""
    path = folder / "growth.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("half_l_w2", 0.5 * 10 * 36),
        ("pi_6_l_w2", math.pi / 6 * 10 * 36),
        ("pi_6_l_w_h", math.pi / 6 * 10 * 6 * 4),
        ("half_l_w_h", 0.5 * 10 * 6 * 4),
        ("pi_6_d3", math.pi / 6 * 8**3),
        ("pi_6_l_w_mean", math.pi / 6 * 10 * 6 * 8),
    ],
)
def test_each_formula_gives_its_volume_whichever_diameter_comes_first(
    formula: VolumeFormula, expected: float
) -> None:
    depth = np.array([4.0, 4.0])
    volume = caliper_volume(np.array([10.0, 6.0]), np.array([6.0, 10.0]), depth, formula=formula)
    np.testing.assert_allclose(volume, expected, rtol=1e-14)


def test_a_formula_that_needs_a_depth_says_so() -> None:
    with pytest.raises(InputError, match="a depth, which the formula pi_6_l_w_h needs"):
        caliper_volume(np.array([1.0]), np.array([1.0]), formula="pi_6_l_w_h")
    with pytest.raises(InputError, match="a volume formula: half_l_w2"):
        caliper_volume(np.array([1.0]), np.array([1.0]), formula="cube")  # type: ignore[arg-type]


def test_volumes_made_from_diameters_are_said_and_logged(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Mouse,Group,Day,Length (mm),Width (mm)",
        "1,v,0,10,6",
        "1,v,3,6,10",
        "1,v,7,0,0",
        "1,v,10,<3,<3",
        "1,v,14,5,0",
        "1,v,17,5,",
    )
    (study,) = read_study(path)
    table = study.measurements
    assert table["volume_state"].tolist() == [
        "measured",
        "measured",
        "gone",
        "below_limit",
        "not_measured",
        "not_measured",
    ]
    assert table["volume_mm3"].tolist()[:4] == [180, 180, 0, 13.5]
    assert (table["length_mm"].tolist()[1], table["width_mm"].tolist()[1]) == (10, 6)
    assert study.volume_formula == "half_l_w2"
    assert study.changes[["day", "found", "made", "reason"]].to_numpy().tolist() == [
        [3.0, "6 × 10", "10 × 6", "length_below_width"],
        [14.0, "5 × 0", "not measured", "one_diameter_zero"],
    ]
    assert "1 of 6 rows have a length below the width; the two were exchanged." in study.notes
    assert "Volumes were made from diameters by half_l_w2 (½·L·W²)." in study.notes


def test_a_formula_given_replaces_the_volumes_of_the_file_for_all_rows(tmp_path: Path) -> None:
    path = write(
        tmp_path, "animal_id,arm,day,length_mm,width_mm,volume_mm3", "1,v,0,10,6,999", "1,v,3,8,6,"
    )
    (stated,) = read_study(path)
    assert stated.measurements["volume_state"].tolist() == ["measured", "not_measured"]
    assert stated.volume_formula is None
    (made,) = read_study(path, formula="pi_6_l_w2")
    np.testing.assert_allclose(
        made.measurements["volume_mm3"], [math.pi / 6 * 360, math.pi / 6 * 288]
    )
    assert any("column volume_mm3 were not read" in note for note in made.notes)
    with pytest.raises(FileFormatError, match="a column 'depth_mm', which the formula half_l_w_h"):
        read_study(path, formula="half_l_w_h")


def test_diameters_in_centimeters_give_volumes_in_cubic_millimeters(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, "Mouse,Group,Day,L (cm),W (cm)", "1,v,0,1.0,0.6"))
    np.testing.assert_allclose(study.measurements["volume_mm3"], [180.0])


def test_a_negative_diameter_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a diameter of 0 or more, found '-6'"):
        read_study(write(tmp_path, "Mouse,Group,Day,L (mm),W (mm)", "1,v,0,10,-6"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01", date(2024, 3, 1)),
        ("2024/3/1", date(2024, 3, 1)),
        ("2024-03-01T09:30:00", date(2024, 3, 1)),
        ("1.3.2024", date(2024, 3, 1)),
        ("01.03.24", date(2024, 3, 1)),
        ("1-Mar-24", date(2024, 3, 1)),
        ("March 1, 2024", date(2024, 3, 1)),
        ("3/3/2024", date(2024, 3, 3)),
        ("1/3/2024", None),
        ("30.2.2024", None),
        ("1-Foo-24", None),
        ("7", None),
        ("3.5", None),
    ],
)
def test_a_date_is_read_only_when_it_means_one_day(text: str, expected: date | None) -> None:
    assert parse_date(text) == expected


def test_one_date_of_the_file_decides_the_order_of_day_and_month() -> None:
    assert find_date_order(["1/3/2024", "15/3/2024"]) == "day_first"
    assert find_date_order(["1/3/2024", "3/15/2024"]) == "month_first"
    assert find_date_order(["1/3/2024"]) is None
    assert parse_date("1/3/2024", order="day_first") == date(2024, 3, 1)
    assert parse_date("1/3/2024", order="month_first") == date(2024, 1, 3)
    assert not looks_like_date("1-Foo-24")


HEADER = "Mouse,Group,Date,TV (mm3)"


def test_an_ambiguous_date_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, "1,v,1/3/2024,100", "1,v,8/3/2024,200")
    with pytest.raises(FileFormatError, match="say --dates day_first or month_first"):
        read_study(path)
    (by_day,) = read_study(path, date_order="day_first")
    (by_month,) = read_study(path, date_order="month_first")
    assert by_day.measurements["day"].tolist() == [0, 7]
    assert by_month.measurements["day"].tolist() == [0, 213]


def test_days_count_from_the_start_that_a_column_states(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Mouse,Group,Date,TV (mm3),Treatment start,Implant date",
        "1,v,2024-03-01,100,2024-03-04,2024-02-20",
        "1,v,2024-03-08,200,2024-03-04,2024-02-20",
    )
    (treatment,) = read_study(path)
    assert treatment.measurements["day"].tolist() == [-3, 4]
    assert "Days were counted from each animal's start of treatment." in treatment.notes
    (implant,) = read_study(path, day_zero="implant")
    assert implant.measurements["day"].tolist() == [10, 17]
    (first,) = read_study(path, day_zero="first")
    assert first.measurements["day"].tolist() == [0, 7]
    (given,) = read_study(path, day_zero=date(2024, 3, 8))
    assert given.measurements["day"].tolist() == [-7, 0]
    assert "Days were counted from 2024-03-08 (given)." in given.notes


def test_dates_in_a_column_called_day_are_dates(tmp_path: Path) -> None:
    (study,) = read_study(
        write(tmp_path, "Mouse,Group,Day,TV (mm3)", "1,v,1.3.2024,100", "1,v,5.3.2024,200")
    )
    assert study.measurements["day"].tolist() == [0, 4]


@pytest.mark.parametrize(
    ("option", "expected"),
    [("treatment", "a column with the date of treatment"), ("soon", "day 0 as a date such as")],
)
def test_a_start_that_is_not_there_is_refused(tmp_path: Path, option: str, expected: str) -> None:
    path = write(tmp_path, HEADER, "1,v,2024-03-01,100")
    with pytest.raises((FileFormatError, InputError), match=expected):
        read_study(path, day_zero=option)


def test_a_cell_that_is_no_date_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a calendar date, found '45352'") as caught:
        read_study(write(tmp_path, HEADER, "1,v,2024-03-01,100", "1,v,45352,200"))
    assert caught.value.where == "growth.csv row 3, column Date"


def test_several_studies_of_a_file_have_their_own_first_date(tmp_path: Path) -> None:
    studies = read_study(
        write(tmp_path, f"Study,{HEADER}", "A,1,v,2024-03-01,100", "B,1,v,2024-05-01,100")
    )
    assert [study.measurements["day"].tolist() for study in studies] == [[0], [0]]
