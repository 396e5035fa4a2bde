"""Cells such as 10x8 are length and width."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.studies import Study, read_study
from oncovivo.studies.check import check_file


def wide(tmp_path: Path, *rows: str, header: str = "mouse,group,D0,D7,D14") -> Path:
    path = tmp_path / "calipers.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def volumes(study: Study, animal: str) -> list[float]:
    table = study.measurements
    found: list[float] = table.loc[table["animal_id"] == animal, "volume_mm3"].tolist()
    return found


@pytest.mark.parametrize("mark", ["x", " x ", "X", "×", "*", " × "])
def test_two_diameters_in_a_cell_become_a_volume_by_a_named_formula(
    tmp_path: Path, mark: str
) -> None:
    rows = ("1,vehicle,10x8,12x9,14x11", "2,drug,9x8,8x8,0")
    path = wide(tmp_path, *(row.replace("x", mark) for row in rows))
    (study,) = read_study(path)
    assert study.volume_formula == "half_l_w2"
    assert volumes(study, "1") == [320.0, 486.0, 847.0]
    assert volumes(study, "2") == [288.0, 256.0, 0.0]
    assert study.measurements["volume_state"].tolist()[-1] == "gone"
    assert any("length × width" in note for note in study.notes)


def test_the_longer_of_the_two_counts_as_the_length_and_the_swap_is_told(tmp_path: Path) -> None:
    (study,) = read_study(wide(tmp_path, "1,vehicle,8x10,9x12,11x14"))
    assert volumes(study, "1") == [320.0, 486.0, 847.0]
    assert any("3 of 3 rows have a length below the width" in note for note in study.notes)


def test_three_diameters_and_a_unit_in_the_cell_are_read(tmp_path: Path) -> None:
    path = wide(tmp_path, "1,vehicle,1.0x0.8x0.5 cm,1.2x0.9x0.6 cm,1.4x1.1x0.7cm")
    (study,) = read_study(path, formula="half_l_w_h")
    assert volumes(study, "1") == pytest.approx([200.0, 324.0, 539.0])


def test_a_blank_cell_is_not_measured_and_a_long_column_named_l_x_w_is_read(
    tmp_path: Path,
) -> None:
    header = "mouse,group,day,L x W (mm)"
    rows = ("1,vehicle,0,10x8", "1,vehicle,7,", "1,vehicle,14,14x11")
    (study,) = read_study(wide(tmp_path, *rows, header=header))
    assert study.measurements["volume_state"].tolist() == ["measured", "not_measured", "measured"]


def test_decimal_commas_within_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "calipers.csv"
    path.write_text("mouse;group;D0;D7\n1;vehicle;10,5x8;12x9,5\n", encoding="utf-8")
    (study,) = read_study(path)
    assert volumes(study, "1") == pytest.approx([336.0, 541.5])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("350", "two diameters such as 10x8"),
        ("12x9x6", "the same diameters and unit"),
        ("1.2x0.9cm", "the same diameters and unit"),
        ("12x", "two diameters such as 10x8"),
    ],
)
def test_a_column_of_both_is_refused_with_its_row(tmp_path: Path, cell: str, message: str) -> None:
    path = wide(tmp_path, "1,vehicle,10x8,12x9,14x11", f"2,drug,9x8,{cell},8x7")
    with pytest.raises(FileFormatError, match=rf"row 3, column D7.*{message}"):
        read_study(path)


def test_the_checks_read_the_same_cells(tmp_path: Path) -> None:
    rows = [f"{n},{'vehicle' if n < 4 else 'drug'},10x8,12x9,14x{9 + n}" for n in range(1, 7)]
    report = check_file(wide(tmp_path, *rows))
    assert [s.n_readings for s in report.studies] == [18]
    assert "unreadable_cell" not in {f.code for f in report.all_findings}
