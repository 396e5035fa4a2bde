"""Studies from worksheets: several sheets, merged cells, dates, formulas, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from oncovivo.errors import FileFormatError
from oncovivo.studies import Study, read_study

LONG: list[list[object]] = [
    ["Mouse", "Group", "Day", "Volume (mm3)"],
    [1, "vehicle", 0, 100.5],
    [1, "vehicle", 7, 250],
    [2, "drug", 0, 110],
    [2, "drug", 7, None],
]


def write(
    folder: Path,
    sheets: dict[str, Sequence[Sequence[object]]],
    *,
    finish: Callable[[Worksheet], None] | None = None,
) -> Path:
    """A workbook of sheets of rows."""
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if finish is not None:
            finish(sheet)
    path = folder / "growth.xlsx"
    book.save(path)
    return path


def table_of(study: Study) -> list[tuple[str, float, float]]:
    """Animal, day and volume of each row."""
    table = study.measurements
    return list(zip(table["animal_id"], table["day"], table["volume_mm3"], strict=True))


def test_a_sheet_in_the_long_layout_reads_as_its_csv_does(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, {"Sheet1": LONG}))
    pd.DataFrame(LONG[1:], columns=LONG[0]).to_csv(tmp_path / "growth.csv", index=False)
    (from_text,) = read_study(tmp_path / "growth.csv")
    pd.testing.assert_frame_equal(study.measurements, from_text.measurements)
    assert study.study_id == from_text.study_id == "growth"


def test_titles_above_the_header_and_merged_header_cells(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Study 17, tumor volumes"],
        [],
        ["Animal", "Group", "Volume (mm3)", None, "Body weight (g)", None],
        [None, None, "D0", "D7", "D0", "D7"],
        [1, "vehicle", 100, 250, 20, 21],
        [2, "drug", 110, 90, 19, 18],
    ]

    def merge(sheet: Worksheet) -> None:
        for cells in ("A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:F3"):
            sheet.merge_cells(cells)

    (study,) = read_study(write(tmp_path, {"TV": rows}, finish=merge))
    assert table_of(study) == [("1", 0, 100), ("1", 7, 250), ("2", 0, 110), ("2", 7, 90)]
    assert study.measurements["body_weight_g"].tolist() == [20, 21, 19, 18]


def test_an_arm_merged_over_its_animals_holds_for_all_of_them(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Group", "Mouse", "D0", "D7"],
        ["vehicle", 1, 100, 200],
        [None, 2, 110, 210],
        ["drug", 3, 90, 80],
        [None, 4, 95, 85],
    ]

    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("A2:A3")
        sheet.merge_cells("A4:A5")

    (study,) = read_study(write(tmp_path, {"TV": rows}, finish=merge))
    assert [animal.arm for animal in study.animals] == ["vehicle", "vehicle", "drug", "drug"]


def test_calendar_dates_become_days_from_the_first_with_a_note(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Mouse", "Group", "Date", "TV (mm3)"],
        [1, "v", date(2024, 3, 1), 100],
        [1, "v", datetime(2024, 3, 8, 9, 30), 200],
    ]
    (study,) = read_study(write(tmp_path, {"TV": rows}))
    assert study.measurements["day"].tolist() == [0, 7]
    assert "Day 0 is 2024-03-01, the study's first date; no start was stated." in study.notes
    (later,) = read_study(tmp_path / "growth.xlsx", day_zero="2024-03-05")
    assert later.measurements["day"].tolist() == [-4, 3]


def test_dates_across_the_columns(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Mouse", "Group", date(2024, 3, 1), date(2024, 3, 4)],
        [1, "v", 100, 200],
    ]
    (study,) = read_study(write(tmp_path, {"TV": rows}))
    assert study.measurements["day"].tolist() == [0, 3]


def test_each_sheet_with_arms_is_a_study(tmp_path: Path) -> None:
    studies = read_study(write(tmp_path, {"A375": LONG, "HT29": LONG}))
    assert [study.study_id for study in studies] == ["A375", "HT29"]
    assert all("Each of 2 worksheets was read as a study." in study.notes for study in studies)


def test_each_sheet_without_arms_is_an_arm(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Mouse", "Day", "TV (mm3)"], [1, 0, 100], [1, 7, 200]]
    (study,) = read_study(write(tmp_path, {"vehicle": rows, "drug": rows}))
    assert [(a.animal_id, a.arm) for a in study.animals] == [
        ("vehicle|1", "vehicle"),
        ("drug|1", "drug"),
    ]
    assert "Each of 2 worksheets was read as an arm." in study.notes


def test_each_sheet_with_another_measure_is_a_measure_of_one_study(tmp_path: Path) -> None:
    volumes: list[list[object]] = [["Mouse", "Group", "D0", "D7"], [1, "v", 100, 200]]
    weights: list[list[object]] = [["Mouse", "D0", "D7", "D9"], [1, 20, 21, -1]]
    (study,) = read_study(write(tmp_path, {"TV": volumes, "Body weight": weights}))
    table = study.measurements
    assert table["day"].tolist() == [0, 7, 9]
    assert table["volume_mm3"].tolist()[:2] == [100, 200]
    assert table["body_weight_g"].tolist()[:2] == [20, 21]
    assert study.changes["reason"].tolist() == ["not_a_body_weight"]
    assert study.animals[0].arm == "v"


def test_what_a_sheet_is_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, {"one": LONG, "two": LONG})
    (study,) = read_study(path, only_sheets=["two"])
    assert "Worksheets not read: one." in study.notes
    with pytest.raises(FileFormatError, match="when each is an arm, found 'Group'"):
        read_study(path, sheets="arms")
    with pytest.raises(FileFormatError, match="a worksheet of the file: one, two, found 'three'"):
        read_study(path, only_sheets=["three"])
    with pytest.raises(FileFormatError, match="each measure in one sheet"):
        read_study(path, sheets="measures")


def test_a_sheet_without_a_study_is_left_out_and_said(tmp_path: Path) -> None:
    (study,) = read_study(write(tmp_path, {"README": [["made by me"], ["in March"]], "d": LONG}))
    assert "Worksheets not read: README." in study.notes


def test_a_formula_without_a_stored_value_is_no_blank(tmp_path: Path) -> None:
    rows = [*LONG, [3, "drug", 0, "=2*3"]]
    with pytest.raises(FileFormatError, match="'=formula without a stored value'") as caught:
        read_study(write(tmp_path, {"TV": rows}))
    assert caught.value.where == "growth.xlsx sheet 'TV' row 6, column Volume (mm3)"
    assert "save it" in caught.value.mend


def test_an_error_value_is_no_blank(tmp_path: Path) -> None:
    def spoil(sheet: Worksheet) -> None:
        sheet["D3"].value = "#DIV/0!"
        sheet["D3"].data_type = "e"

    with pytest.raises(FileFormatError, match=r"found '#DIV/0!'") as caught:
        read_study(write(tmp_path, {"TV": LONG}, finish=spoil))
    assert caught.value.where == "growth.xlsx sheet 'TV' row 3, column Volume (mm3)"


def test_text_in_a_number_cell_is_named(tmp_path: Path) -> None:
    rows = [*LONG, [3, "drug", 0, "ca. 100"]]
    with pytest.raises(FileFormatError, match=r"a number, found 'ca\. 100'"):
        read_study(write(tmp_path, {"TV": rows}))


def _with_part(path: Path, name: str, content: bytes) -> Path:
    """A workbook with one part replaced."""
    target = path.with_name("changed.xlsx")
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == name else old.read(info))
    return target


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "1,048,576 rows × 16,384"),
        (f'<row r="1048576">{"<c><v>1</v></c>" * 10}</row>', "1,048,576 rows × 10"),
    ],
)
def test_a_sheet_that_spans_too_much_is_refused_before_it_is_read(
    tmp_path: Path, cells: str, found: str
) -> None:
    head = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    xml = f"{head}<sheetData>{cells}</sheetData></worksheet>".encode()
    path = _with_part(write(tmp_path, {"TV": LONG}), "xl/worksheets/sheet1.xml", xml)
    with pytest.raises(FileFormatError, match=f"at most 5,000,000 cells, found {found}"):
        read_study(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(250):
            part.write(b" " * 1_000_000)
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(FileFormatError, match="at most 200 MB unpacked, found 250 MB"):
        read_study(bomb)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04" + b"x" * 200, b"\xd0\xcf\x11\xe0" * 100, b"a,b\n1,2\n"]
)
def test_what_is_no_workbook_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "growth.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="a workbook"):
        read_study(path)


def test_a_workbook_with_the_ending_of_text_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, {"TV": LONG}).rename(tmp_path / "growth.csv")
    with pytest.raises(FileFormatError, match=r"found a workbook; give it its ending .xlsx"):
        read_study(path)


def test_a_workbook_without_content_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a worksheet with a header and rows, found none"):
        read_study(write(tmp_path, {"TV": []}))


@pytest.mark.realdata
def test_a_real_study_made_wide_reads_as_the_long_one(
    tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data("genentech_vismodegib/growth.csv")
    (long,) = read_study(path)
    frame = pd.read_csv(path, dtype={"animal_id": str})
    sheets: dict[str, Sequence[Sequence[object]]] = {}
    for name, column in (("Tumor volume (mm3)", "volume_mm3"), ("BW", "body_weight_g")):
        wide = frame.pivot(index=["animal_id", "treatment"], columns="day", values=column)
        wide = wide.reindex(pd.MultiIndex.from_frame(frame[["animal_id", "treatment"]]).unique())
        rows: list[list[object]] = [["Animal", "Group", *(f"D{day}" for day in wide.columns)]]
        for key, values in zip(wide.index, wide.to_numpy(), strict=True):
            rows.append([*key, *(None if pd.isna(v) else float(v) for v in values)])
        sheets[name] = rows
    (study,) = read_study(write(tmp_path, sheets))
    table, other = (
        s.measurements.dropna(subset=["volume_mm3"]).set_index(["animal_id", "day"])
        for s in (study, long)
    )
    columns = ["volume_mm3", "body_weight_g"]
    pd.testing.assert_frame_equal(table[columns], other[columns])
    assert [(a.animal_id, a.arm, a.end_day) for a in study.animals] == [
        (a.animal_id, a.arm, a.end_day) for a in long.animals
    ]
