"""Studies from files in the long layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import DataError, FileFormatError
from oncovivo.studies import Study, read_study

HEADER = "study,model,tumor_type,animal_id,treatment,day,volume_mm3,body_weight_g"
ROWS = (
    "S,L,CRC,a1,vehicle,0,100,20.1",
    "S,L,CRC,a1,vehicle,3,150,20.4",
    "S,L,CRC,b1,drug,0,110,19.9",
    "S,L,CRC,b1,drug,3,,20.0",
)


def write(folder: Path, *rows: str, header: str = HEADER, name: str = "growth.csv") -> Path:
    """A file with a header and rows."""
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def read_one(path: Path) -> Study:
    """The one study of a file."""
    (study,) = read_study(path)
    return study


def test_the_long_layout_reads_without_a_mapping(tmp_path: Path) -> None:
    study = read_one(write(tmp_path, *ROWS))
    assert (study.study_id, study.line.name, study.line.tumor_type) == ("S", "L", "CRC")
    assert [arm.name for arm in study.arms] == ["vehicle", "drug"]
    assert [(a.animal_id, a.arm, a.end_day, a.end_reason) for a in study.animals] == [
        ("a1", "vehicle", 3.0, "unknown"),
        ("b1", "drug", 3.0, "unknown"),
    ]
    assert study.measurements["body_weight_g"].tolist() == [20.1, 20.4, 19.9, 20.0]
    assert not study.simulated


@pytest.mark.parametrize(
    ("cell", "state", "volume"),
    [
        ("", "not_measured", np.nan),
        ("NA", "not_measured", np.nan),
        ("0", "gone", 0.0),
        ("0.0", "gone", 0.0),
        ("<14", "below_limit", 14.0),
        ("< 14.5", "below_limit", 14.5),
        ("1e2", "measured", 100.0),
    ],
)
def test_a_volume_is_measured_gone_below_a_limit_or_missing(
    tmp_path: Path, cell: str, state: str, volume: float
) -> None:
    study = read_one(write(tmp_path, f"S,L,,a1,vehicle,0,{cell},20"))
    row = study.measurements.iloc[0]
    assert row["volume_state"] == state
    np.testing.assert_equal(row["volume_mm3"], volume)


@pytest.mark.parametrize(
    ("delimiter", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_delimiter_decimal_mark_bom_and_line_ends_change_nothing(
    tmp_path: Path, delimiter: str, decimal: str, mark: bytes, line_end: str
) -> None:
    rows = [HEADER, "S,L,CRC,a1,vehicle,0,100.25,20.5", "S,L,CRC,a1,vehicle,3.5,150.75,20"]
    text = line_end.join(
        row.replace(".", decimal)
        if delimiter == ","
        else delimiter.join(cell.replace(".", decimal) for cell in row.split(","))
        for row in rows
    )
    path = tmp_path / "growth.csv"
    path.write_bytes(mark + (text + line_end).encode())
    table = read_one(path).measurements
    assert table["volume_mm3"].tolist() == [100.25, 150.75]
    assert table["day"].tolist() == [0.0, 3.5]


def test_the_order_of_rows_within_an_animal_changes_nothing(tmp_path: Path) -> None:
    forward = read_one(write(tmp_path, *ROWS, name="a.csv")).measurements
    swapped = read_one(write(tmp_path, ROWS[1], ROWS[0], ROWS[3], ROWS[2], name="b.csv"))
    assert forward.equals(swapped.measurements)


def test_several_studies_and_models_in_one_file_are_told_apart(tmp_path: Path) -> None:
    studies = read_study(
        write(
            tmp_path,
            "S,L1,,a,vehicle,0,100,",
            "S,L2,,a,vehicle,0,200,",
            "T,L1,,a,vehicle,0,300,",
        )
    )
    assert [study.study_id for study in studies] == ["S/L1", "S/L2", "T"]
    assert [study.measurements["volume_mm3"].item() for study in studies] == [100, 200, 300]


def test_what_is_left_aside_is_said(tmp_path: Path) -> None:
    header = HEADER + ",cohort"
    study = read_one(
        write(tmp_path, *(f"{r},1" for r in ROWS), "S,L,CRC,b1,drug,7,0,-0.1,1", header=header)
    )
    assert study.notes == (
        "Columns not read: cohort.",
        "1 of 5 rows have no volume and count as not measured.",
        "1 of 5 rows have volume 0 and count as tumor gone.",
        "growth.csv row 6, column body_weight_g: -0.1 g is no body weight; not measured.",
    )


def test_empty_rows_and_an_empty_last_column_hold_nothing(tmp_path: Path) -> None:
    study = read_one(
        write(tmp_path, *(f"{r}," for r in ROWS), ",,,,,,,,", "", header=HEADER + ",")
    )
    assert len(study.measurements) == 4


@pytest.mark.parametrize(
    ("row", "place", "expected"),
    [
        ("S,L,CRC,a1,vehicle,7,-5,20", "row 6, column volume_mm3", "a volume of 0 or more"),
        ("S,L,CRC,a1,vehicle,7,ten,20", "row 6, column volume_mm3", "a number, found 'ten'"),
        ("S,L,CRC,a1,vehicle,7,1e999,20", "row 6, column volume_mm3", "a number"),
        ("S,L,CRC,a1,vehicle,7,nan,20", "row 6, column volume_mm3", "leave the cell blank"),
        ("S,L,CRC,a1,vehicle,7,<0,20", "row 6, column volume_mm3", "a positive number after '<'"),
        ("S,L,CRC,a1,vehicle,7,<x,20", "row 6, column volume_mm3", "a number"),
        ("S,L,CRC,a1,vehicle,,5,20", "row 6, column day", "a number, found a blank cell"),
        ("S,L,CRC,,vehicle,7,5,20", "row 6, column animal_id", "a value, found a blank cell"),
        ("S,L,CRC,a1,,7,5,20", "row 6, column treatment", "a value, found a blank cell"),
        ("S,L,CRC,a1,vehicle,7,5,heavy", "row 6, column body_weight_g", "a number"),
        ("S,L,NSCLC,a1,vehicle,7,5,20", "row 6, column tumor_type", "'CRC' as in the other rows"),
        ("S,L,CRC,a1,vehicle,7,5", "row 6", "8 cells as in the header, found 7"),
        ("S,L,CRC,a1,vehicle,7,5,20,x", "row 6", "8 cells as in the header, found 9"),
        ('S,L,CRC,a1,"vehicle,7,5,20', "line 6", "quotes that open and close"),
    ],
)
def test_a_broken_row_is_named_with_its_place(
    tmp_path: Path, row: str, place: str, expected: str
) -> None:
    with pytest.raises(FileFormatError, match=expected) as caught:
        read_study(write(tmp_path, *ROWS, row))
    assert caught.value.where == f"growth.csv {place}"


def test_an_animal_twice_on_a_day_names_both_rows(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"row 6, column day: expected animal 'a1' once on day 3"
    ) as e:
        read_study(write(tmp_path, *ROWS, "S,L,CRC,a1,vehicle,3,151,20"))
    assert "the first is row 3" in e.value.found


def test_an_animal_in_two_arms_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 6, column treatment: .* in one arm, 'vehicle'"):
        read_study(write(tmp_path, *ROWS, "S,L,CRC,a1,drug,7,151,20"))


def test_a_decimal_comma_between_commas_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a comma needs ';' or tab"):
        read_study(write(tmp_path, 'S,L,CRC,a1,vehicle,7,"12,5",20'))


def test_two_decimal_marks_in_one_file_are_an_error(tmp_path: Path) -> None:
    rows = [row.replace(",", ";") for row in (*ROWS, "S,L,CRC,a1,vehicle,7,12#5,20")]
    path = write(tmp_path, *(r.replace("#", ",") for r in rows), header=HEADER.replace(",", ";"))
    with pytest.raises(FileFormatError, match="use one decimal mark in the whole file"):
        read_study(path)


def test_areas_are_kept_as_areas_and_not_turned_into_volumes(tmp_path: Path) -> None:
    header = "study,animal_id,treatment,day,area_mm2"
    study = read_one(write(tmp_path, "S,a1,vehicle,0,17.5", "S,a1,vehicle,3,0", header=header))
    assert study.area_only
    assert study.measurements["area_mm2"].tolist() == [17.5, 0]
    assert study.measurements["volume_state"].tolist() == ["not_measured", "not_measured"]
    assert study.notes == ("Sizes are areas, not volumes; endpoints of volume are undefined.",)
    assert study.find_baseline_day().n_measured == 1


@pytest.mark.parametrize("column", ["animal_id", "treatment", "day", "volume_mm3"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    header = HEADER.replace(column, "other")
    with pytest.raises(FileFormatError, match=f"row 1: expected a column '{column}'"):
        read_study(write(tmp_path, *ROWS, header=header))


@pytest.mark.parametrize(
    ("content", "expected", "where"),
    [
        (b"", "a header and rows, found an empty file", "growth.csv"),
        (b"\n\n", "a header and rows, found an empty file", "growth.csv"),
        (HEADER.encode(), "rows below the header, found none", "growth.csv"),
        (b"animal_id,day\n\xe9,1\n", "UTF-8 text, found byte 0xe9", "growth.csv byte 14, line 2"),
        (
            b"\xef\xbb\xbfanimal_id,day\n\xe9,1\n",
            "UTF-8 text, found byte 0xe9",
            "growth.csv byte 17, line 2",
        ),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-8 text, found UTF-16", "growth.csv byte 0"),
        (b"a,b\n1,\x002\n", "UTF-8 text, found a NUL character", "growth.csv line 2"),
        (b"animal_id day\n1 2\n", "separated by comma, semicolon or tab", "growth.csv row 1"),
        (b"a;b,c\n1;2,3\n", "separated by comma, semicolon or tab", "growth.csv row 1"),
        (b"day,Day\n1,2\n", "each column once, found 'day' twice", "growth.csv row 1, column 2"),
        (b"day,,x\n1,2,3\n", "a name in the header", "growth.csv row 1, column 2"),
        (b"\nday,x\n1,2\n", "the header in row 1, found 1 blank rows before it", "growth.csv"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_line(
    tmp_path: Path, content: bytes, expected: str, where: str
) -> None:
    path = tmp_path / "growth.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=expected) as caught:
        read_study(path)
    assert caught.value.where == where


def test_other_files_and_missing_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="found nothing there"):
        read_study(tmp_path / "none.csv")
    path = tmp_path / "growth.ods"
    path.write_bytes(b"PK")
    with pytest.raises(FileFormatError, match=r"save it as .xlsx or as CSV UTF-8"):
        read_study(path)
