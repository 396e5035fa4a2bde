"""Layouts other than the long one: days across, two header rows, titles, summaries, synonyms."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import DataError, FileFormatError, InputError, UnitError
from oncovivo.studies import ReadOptions, Study, read_study, read_with_mapping


def write(folder: Path, *rows: str, name: str = "growth.csv") -> Path:
    """A file of rows."""
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def volumes(study: Study) -> dict[tuple[str, float], float]:
    """Volumes by animal and day."""
    table = study.measurements
    keys = zip(table["animal_id"], table["day"], strict=True)
    return dict(zip(keys, table["volume_mm3"], strict=True))


EXPECTED = {("1", 0.0): 100.0, ("1", 7.0): 250.0, ("2", 0.0): 110.0, ("2", 7.0): 90.5}


@pytest.mark.parametrize(
    "days",
    [
        "D0,D7",
        "Day 0,Day 7",
        "0,7",
        "d0,d7",
        "day_0,day_7",
        "TV_D0,TV_D7",
        "Volume day 0,Volume day 7",
        "Day 0 TV,Day 7 TV",
        "volume_mm3_d0,volume_mm3_d7",
        "0 d,7 d",
        "week 0,week 1",
        "2024-03-01,2024-03-08",
        "1.3.2024,8.3.2024",
        "D-0,D-7",
    ],
)
def test_days_across_the_columns_are_read_as_days(tmp_path: Path, days: str) -> None:
    path = write(tmp_path, f"Mouse,Group,{days}", "1,vehicle,100,250", "2,drug,110,90.5")
    (study,) = read_study(path)
    assert volumes(study) == EXPECTED
    assert [arm.name for arm in study.arms] == ["vehicle", "drug"]
    assert any("Days stand across the columns: 2 days" in note for note in study.notes)


def test_a_day_before_the_first_dose_is_negative(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, "Mouse,Group,D-3,D0", "1,v,100,250"))
    assert study.measurements["day"].tolist() == [-3.0, 0.0]


def test_two_measures_across_are_told_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Mouse,Group,TV_D0,BW_D0,TV_D7,BW_D7",
        "1,vehicle,100,20,250,21",
        "2,drug,110,19,,18",
    )
    (study,) = read_study(path)
    table = study.measurements
    assert table["body_weight_g"].tolist() == [20, 21, 19, 18]
    assert table["volume_state"].tolist() == ["measured", "measured", "measured", "not_measured"]


def test_a_second_header_row_names_what_stands_on_each_day(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Mouse,Group,Day 0,,Day 7,",
        ",,L (mm),W (mm),L (mm),W (mm)",
        "1,vehicle,10,6,12,8",
        "2,drug,9,5,8,4",
    )
    (study,) = read_study(path)
    assert volumes(study)["1", 0.0] == 180.0
    assert volumes(study)["2", 7.0] == 64.0
    assert study.volume_formula == "half_l_w2"


def test_a_row_of_units_belongs_to_the_header(tmp_path: Path) -> None:
    path = write(
        tmp_path, "Mouse,Group,Day,Volume,BW", ",,d,cm3,mg", "1,v,0,0.1,20000", "1,v,3,0.2,21000"
    )
    (study,) = read_study(path)
    assert study.measurements["volume_mm3"].tolist() == [100.0, 200.0]
    assert study.measurements["body_weight_g"].tolist() == [20.0, 21.0]
    assert any("converted from cm³ to mm³" in note for note in study.notes)


def test_an_unnamed_first_column_is_not_taken_for_a_second_header_row(tmp_path: Path) -> None:
    path = write(tmp_path, ",Mouse,Group,Day,Volume", "0,1,v,0,100.5", "1,1,v,3,200")
    with pytest.raises(FileFormatError, match="a name in the header"):
        read_study(path)


def test_rows_that_sum_up_animals_are_left_out_and_said(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,D0,D7", "1,v,100,200", "2,v,110,210", "Mean,v,105,205")
    (study,) = read_study(path)
    assert [animal.animal_id for animal in study.animals] == ["1", "2"]
    assert "growth.csv: rows 4 sum up animals and were not read." in study.notes


def test_a_row_with_one_cell_is_the_arm_of_the_rows_below(tmp_path: Path) -> None:
    rows = ("Mouse,D0,D7,D14", "Vehicle,,,", "1,100,200,400", "Drug 5 mg/kg,,,", "2,100,120,130")
    (study,) = read_study(write(tmp_path, *rows))
    assert [(a.animal_id, a.arm) for a in study.animals] == [
        ("1", "Vehicle"),
        ("2", "Drug 5 mg/kg"),
    ]


def test_numbers_that_restart_in_every_arm_are_different_animals_when_rows_are_animals(
    tmp_path: Path,
) -> None:
    (study,) = read_study(write(tmp_path, "Mouse,Group,D0,D7", "1,v,100,200", "1,drug,90,80"))
    assert [animal.animal_id for animal in study.animals] == ["v|1", "drug|1"]
    assert any("Animal numbers restart" in note for note in study.notes)


def test_a_number_twice_in_one_arm_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"animal '1' once on day 0, found .* row 2"):
        read_study(write(tmp_path, "Mouse,Group,D0,D7", "1,v,100,200", "1,v,90,80"))


def test_a_bad_cell_in_the_wide_layout_is_named_by_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="expected a number, found 'dead'") as caught:
        read_study(write(tmp_path, "Mouse,Group,D0,D7", "1,v,100,200", "2,v,100,dead"))
    assert caught.value.where == "growth.csv row 3, column D7"


def test_a_reading_that_belongs_to_no_day_is_not_read_on_every_day(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,BW,D0,D7", "1,v,20,100,200")
    (study,) = read_study(path)
    assert study.measurements["body_weight_g"].isna().all()
    assert "Columns not read: BW." in study.notes
    with pytest.raises(FileFormatError, match="body_weight_g in columns of days"):
        read_study(path, mapping={"body_weight_g": "BW"})


def test_one_day_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="each day once for each measure"):
        read_study(write(tmp_path, "Mouse,Group,D7,Day 7", "1,v,100,200"))


def test_what_cannot_be_measured_and_what_is_gone_keep_apart_across_columns(
    tmp_path: Path,
) -> None:
    (study,) = read_study(write(tmp_path, "Mouse,Group,D0,D7,D14,D21", "1,v,100,<14,0,"))
    assert study.measurements["volume_state"].tolist() == ["measured", "below_limit", "gone"]


def test_semicolons_with_decimal_commas_read_across(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, "Maus Nr;Gruppe;Tag 0;Tag 3,5", "1;v;100,5;200,25"))
    assert volumes(study) == {("1", 0.0): 100.5, ("1", 3.5): 200.25}


@pytest.mark.parametrize(
    ("header", "how"),
    [
        ("animal_id,treatment,day,volume_mm3", "exact"),
        ("Mouse ID,Treatment Group,Study Day,Tumour Volume (mm³)", "synonym"),
        ("ANIMAL,ARM,DAYS,TV [mm^3]", "synonym"),
        ("Ear-tag,trt,dpi,tumor_volume_mm3", "synonym"),
    ],
)
def test_other_names_of_columns_are_guessed_and_shown(
    tmp_path: Path, header: str, how: str
) -> None:
    reading = read_with_mapping(write(tmp_path, header, "1,v,0,100", "1,v,3,200"))
    (mapping,) = reading.mappings.values()
    found = {column.canonical: column for column in mapping.columns}
    assert set(found) == {"animal_id", "treatment", "day", "volume_mm3"}
    assert found["volume_mm3"].how == how
    assert [c.theirs for c in mapping.columns] == header.split(",")
    assert len(mapping.lines()) == 4
    assert reading.studies[0].measurements["volume_mm3"].tolist() == [100, 200]


def test_a_given_mapping_comes_before_every_guess(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,Day,Volume,V2", "1,v,0,100,50", "1,v,3,200,60")
    reading = read_with_mapping(path, ReadOptions(mapping={"volume_mm3": "v2", "arm": "Group"}))
    (mapping,) = reading.mappings.values()
    assert {c.canonical: (c.theirs, c.how) for c in mapping.columns}["volume_mm3"] == (
        "V2",
        "given",
    )
    assert mapping.unread == ("Volume",)
    assert reading.studies[0].measurements["volume_mm3"].tolist() == [50, 60]


def test_what_is_derived_from_a_reading_is_not_taken_for_it(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,Day,Relative volume,Volume (% of day 0)", "1,v,0,1,100")
    with pytest.raises(FileFormatError, match="a column 'volume_mm3'"):
        read_study(path)


@pytest.mark.parametrize(
    ("mapping", "error", "expected"),
    [
        ({"volume_mm3": "nope"}, FileFormatError, "a column 'nope', mapped to volume_mm3"),
        ({"volumen": "TV"}, InputError, "a canonical column: study"),
        ({"treatment": "Group", "arm": "Group"}, InputError, "mapped once"),
        ({"treatment": "Group", "cage": "Group"}, InputError, "mapped once"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    tmp_path: Path, mapping: dict[str, str], error: type[Exception], expected: str
) -> None:
    path = write(tmp_path, "Mouse,Group,Day,TV", "1,v,0,100")
    with pytest.raises(error, match=expected):
        read_study(path, mapping=mapping)


def test_two_columns_that_could_be_one_reading_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,Day,TV,Volume", "1,v,0,100,120")
    with pytest.raises(FileFormatError, match=r"'TV' and 'Volume'; say which: --map volume_mm3"):
        read_study(path)
    (study,) = read_study(path, mapping={"volume_mm3": "TV"})
    assert study.measurements["volume_mm3"].tolist() == [100]


@pytest.mark.parametrize(
    ("header", "cells", "column", "guess"),
    [
        ("Mouse,Group,Day,Volume", "1,v,0,0.12", "volume_mm3", "cm³"),
        ("Mouse,Group,Day,L,W", "1,v,0,1.0,0.6", "length_mm", "cm"),
        ("Mouse,Group,Day,TV,BW", "1,v,0,100,20100", "body_weight_g", "mg"),
        ("Mouse,Group,Day,TV,BW", "1,v,0,100,0.02", "body_weight_g", "kg"),
    ],
)
def test_a_unit_that_only_the_size_of_numbers_hints_at_is_asked_for(
    tmp_path: Path, header: str, cells: str, column: str, guess: str
) -> None:
    path = write(tmp_path, header, cells)
    with pytest.raises(FileFormatError, match=rf"no unit and a median of .* {guess}") as caught:
        read_study(path)
    assert f"--unit {column}=" in caught.value.mend
    units = {column: guess, **({"width_mm": guess} if column == "length_mm" else {})}
    (study,) = read_study(path, units=units)
    row = study.measurements.iloc[0]
    expected = {"volume_mm3": 120.0, "length_mm": 10.0, "body_weight_g": 20.0}
    assert row[column] == pytest.approx(expected[column], rel=0.01)


def test_a_unit_confirmed_as_the_canonical_one_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "Mouse,Group,Day,Volume", "1,v,0,2.5")
    (study,) = read_study(path, units={"volume_mm3": "mm3"})
    assert study.measurements["volume_mm3"].tolist() == [2.5]


@pytest.mark.parametrize(
    ("units", "error"),
    [
        ({"volume_mm3": "g"}, UnitError),
        ({"cage": "g"}, UnitError),
        ({"volume_mm3": "x"}, UnitError),
    ],
)
def test_a_unit_that_does_not_fit_its_column_is_refused(
    units: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ReadOptions(units=units)


def test_an_animal_with_no_reading_across_is_kept(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, "Mouse,Group,D0,D7", "1,v,100,200", "2,v,,"))
    assert [animal.animal_id for animal in study.animals] == ["1", "2"]


def test_one_row_of_an_animal_beside_its_reason_for_leaving(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "animal_id,treatment,day,volume_mm3,end_reason,end_day",
        "1,v,0,100,,",
        "1,v,7,900,ulceration,8",
    )
    (study,) = read_study(path)
    assert (study.animals[0].end_day, study.animals[0].end_reason) == (8.0, "ulceration")
    with pytest.raises(FileFormatError, match="a reason for leaving: scheduled"):
        read_study(write(tmp_path, "animal_id,arm,day,volume_mm3,end_reason", "1,v,0,9,bored"))
