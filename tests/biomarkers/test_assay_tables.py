"""Marker tables: what is read, what is refused in one line, and what does not matter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oncovivo.biomarkers.assays import ASSAYS, find_assay
from oncovivo.biomarkers.marker_reading import read_markers
from oncovivo.biomarkers.marker_table import MarkerTable, markers_of_study
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies import Animal, Arm, Study, StudyTables, XenograftLine
from oncovivo.tables import CheckedMeasurements, check_measurements

HEADER = "line,arm,animal_id,day,analyte,assay,unit,value\n"


def write(folder: Path, text: str, name: str = "markers.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(**columns: object) -> MarkerTable:
    base: dict[str, object] = {"analyte": "pS6", "assay": "elisa", "unit": "ng/mL", "day": 1.0}
    return MarkerTable(name="made", rows=pd.DataFrame({**base, **columns}))


def test_a_long_file_is_read_with_its_limits_and_blanks(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER
        + "786-O,vehicle,m1,1,pS6,ELISA,ng/ml,2.5\n"
        + "786-O,drug,m2,1,pS6,ELISA,ng/mL,<0.5\n"
        + "786-O,drug,m3,1,pS6,ELISA,ng/mL,>40\n"
        + "786-O,drug,m4,1,pS6,ELISA,ng/mL,\n",
    )
    frame = read_markers(path).frame.set_index("animal_id")
    assert frame["value_state"].to_dict() == {
        "m1": "measured",
        "m2": "below_limit",
        "m3": "above_limit",
        "m4": "not_measured",
    }
    assert frame.loc[["m1", "m2", "m3"], "value"].tolist() == [2.5, 0.5, 40.0]
    assert frame["value"].isna().to_dict() == {"m1": False, "m2": False, "m3": False, "m4": True}
    assert set(frame["unit"]) == {"ng/mL"}
    assert set(frame["assay"]) == {"elisa"}


def test_a_decimal_comma_and_a_workbook_hold_the_same(tmp_path: Path) -> None:
    text = (HEADER + "L,vehicle,m1,1,pS6,ELISA,ng/mL,2.5\n").replace(",", ";").replace(".", ",")
    rows = [
        line.split(",") for line in (HEADER + "L,vehicle,m1,1,pS6,ELISA,ng/mL,2.5").split("\n")
    ]
    workbook = tmp_path / "markers.xlsx"
    pd.DataFrame(rows[1:], columns=rows[0]).to_excel(workbook, index=False)
    first = read_markers(write(tmp_path, text)).frame
    pd.testing.assert_frame_equal(first, read_markers(workbook).frame)
    assert first["value"].tolist() == [2.5]


def test_a_wide_file_has_an_analyte_in_each_column_and_weeks_become_days(tmp_path: Path) -> None:
    path = write(tmp_path, "mouse,treatment,week,sto2,hb,other\nm1,CG,2,0.8,3.5,x\n")
    found = read_markers(path, wide={"sto2": "imaging", "hb": "imaging"})
    assert found.analytes == ("hb", "sto2")
    assert found.frame["day"].tolist() == [14.0, 14.0]
    assert found.frame["arm"].tolist() == ["CG", "CG"]
    assert "'week' was converted from weeks to days." in found.notes


def test_an_undetermined_cycle_is_above_the_last_one(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "L,drug,m1,1,VEGFA,qpcr_ct,,Undetermined\n")
    found = read_markers(path, undetermined_at=40).frame
    assert found[["value", "value_state"]].to_numpy().tolist() == [[40.0, "above_limit"]]
    with pytest.raises(FileFormatError, match=r"row 2, column value.*undetermined_at"):
        read_markers(path)


@pytest.mark.parametrize(
    ("row", "error", "match"),
    [
        ("L,drug,m1,1,ER,h_score,,301", DataError, "row 2, column value.*H-score: 0 to 300.*301"),
        ("L,drug,m1,1,Ki-67,labeling_index,%,101", DataError, r"0 to 100.*101"),
        ("L,drug,m1,1,ER,allred,,1", DataError, "0, 2, 3, 4, 5, 6, 7 or 8.*found 1"),
        ("L,drug,m1,1,pS6,blot,,-3", DataError, "0 or more.*found -3"),
        ("L,drug,m1,1,pS6,blot,,high", FileFormatError, "row 2, column value.*a number.*'high'"),
        ("L,drug,m1,1,pS6,blot,,>", FileFormatError, "a number"),
        ("L,drug,m1,1,pS6,spectroscope,,3", InputError, "row 2, column assay.*an assay that is"),
        ("L,drug,m1,1,pS6,IHC,,3", InputError, "the score of an immunohistochemistry"),
        ("L,drug,m1,1,,blot,,3", DataError, "row 2, column analyte.*a blank cell"),
        ("L,drug,m1,soon,pS6,blot,,3", FileFormatError, "row 2, column day.*'soon'"),
        ("L,drug,m1,1,pS6,blot,,<0", FileFormatError, "a positive number after '<'"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_with_its_place(
    tmp_path: Path, row: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        read_markers(write(tmp_path, HEADER + row + "\n"))
    assert "\n" not in str(caught.value)


def test_limits_of_an_assay_are_themselves_allowed() -> None:
    made = table(
        animal_id=["a", "b", "c", "d"],
        analyte=["ER", "ER", "Ki", "Ki"],
        assay=["h_score", "h_score", "labeling_index", "labeling_index"],
        unit="",
        value=[0.0, 300.0, 0.0, 100.0],
    )
    assert made.n == 4


def test_mixed_units_of_one_analyte_are_refused_and_of_two_are_not() -> None:
    with pytest.raises(DataError, match=r"row 1, column unit.*one unit for pS6 \(ng/mL\).*pg/mL"):
        table(animal_id=["a", "b"], value=[1.0, 2.0], unit=["ng/mL", "pg/mL"])
    made = table(
        animal_id=["a", "b"], value=[1.0, 2.0], unit=["ng/mL", "pg/mL"], analyte=["x", "y"]
    )
    assert made.n == 2


def test_a_reading_there_twice_is_refused_unless_it_is_a_replicate() -> None:
    with pytest.raises(DataError, match=r"each reading once.*row 1 repeats row 0.*replicate"):
        table(animal_id=["a", "a"], value=[1.0, 2.0])
    for column in ("replicate", "field", "plate", "tumor_id", "compartment"):
        assert table(animal_id=["a", "a"], value=[1.0, 2.0], **{column: ["1", "2"]}).n == 2


def test_an_animal_is_in_one_arm_but_its_name_may_be_used_in_two_lines() -> None:
    with pytest.raises(DataError, match=r"animal 'a' in one arm.*'x' in row 0, 'y' in row 1"):
        table(animal_id=["a", "a"], day=[1.0, 2.0], arm=["x", "y"], value=[1.0, 2.0])
    made = table(animal_id=["a", "a"], arm=["x", "y"], line=["L1", "L2"], value=[1.0, 2.0])
    assert made.lines == ("L1", "L2")


def test_states_and_values_must_fit_each_other() -> None:
    with pytest.raises(DataError, match="nothing with 'below_limit'"):
        table(animal_id=["a"], value=[np.nan], value_state=["below_limit"])
    with pytest.raises(DataError, match="2 with 'not_measured'"):
        table(animal_id=["a"], value=[2.0], value_state=["not_measured"])
    with pytest.raises(DataError, match="a state: measured"):
        table(animal_id=["a"], value=[2.0], value_state=["perhaps"])
    with pytest.raises(DataError, match="a weight above 0"):
        table(animal_id=["a"], value=[2.0], weight=[0.0])
    with pytest.raises(DataError, match="a finite day"):
        table(animal_id=["a"], value=[2.0], day=[np.inf])
    with pytest.raises(DataError, match="a finite value"):
        table(animal_id=["a"], value=[np.inf])


def test_columns_that_are_missing_unknown_or_said_twice_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "animal_id,mvd\nm1,3\n")
    with pytest.raises(FileFormatError, match=r"a column 'value'.*animal_id, mvd"):
        read_markers(path)
    with pytest.raises(FileFormatError, match="a column 'analyte'"):
        read_markers(path, columns={"value": "mvd"})
    with pytest.raises(FileFormatError, match="a column 'density' for value"):
        read_markers(path, columns={"value": "density"})
    with pytest.raises(FileFormatError, match="a column 'sto2'"):
        read_markers(path, wide={"sto2": "imaging"})
    with pytest.raises(InputError, match=r"a column of a marker table.*'dose'"):
        read_markers(path, constants={"dose": "3"})
    with pytest.raises(InputError, match="animal_id once"):
        read_markers(path, constants={"animal_id": "m2", "analyte": "x"}, columns={"value": "mvd"})
    with pytest.raises(FileFormatError, match="a file of markers, found nothing there"):
        read_markers(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"columns of a marker table.*dose"):
        MarkerTable(name="x", rows=pd.DataFrame({"analyte": ["a"], "value": [1.0], "dose": [1]}))
    with pytest.raises(InputError, match="a column 'value'"):
        MarkerTable(name="x", rows=pd.DataFrame({"analyte": ["a"]}))
    with pytest.raises(DataError, match="expected readings, found none"):
        MarkerTable(name="x", rows=pd.DataFrame({"analyte": [], "value": []}))
    with pytest.raises(InputError, match="numbers in column value"):
        MarkerTable(name="x", rows=pd.DataFrame({"analyte": ["a"], "value": ["much"]}))


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    rows = pd.DataFrame(
        {
            "animal_id": ["b", "a", "c"],
            "arm": ["x", "y", "x"],
            "day": [3.0, 1.0, np.nan],
            "analyte": "pS6",
            "value": [2.0, 1.0, 3.0],
        }
    )
    first = MarkerTable(name="x", rows=rows).frame
    second = MarkerTable(name="x", rows=rows.iloc[::-1, ::-1].reset_index(drop=True)).frame
    pd.testing.assert_frame_equal(first, second)


def test_what_is_handed_out_is_a_copy() -> None:
    made = table(animal_id=["a"], value=[1.0])
    handed = made.frame
    handed["value"] = 9.0
    assert made.frame["value"].tolist() == [1.0]


def test_readings_that_need_to_be_told_apart_are_asked_for() -> None:
    made = table(animal_id=["a", "a"], assay=["elisa", "blot"], unit=["ng/mL", ""], value=[1.0, 2])
    with pytest.raises(InputError, match=r"one kind of reading of pS6.*blot; elisa ng/mL"):
        made.find("pS6")
    assert made.find("pS6", assay="Western blot").assay.name == "blot"
    with pytest.raises(InputError, match="an analyte of the table: pS6"):
        made.find("pAKT")
    with pytest.raises(InputError, match="none by rppa"):
        made.find("pS6", assay="rppa")


def test_every_assay_is_found_by_its_own_name() -> None:
    for name, assay in ASSAYS.items():
        assert find_assay(name) is assay
    assert find_assay("IHC", "%").name == "percent_positive"
    assert find_assay("Ki-67").name == "labeling_index"


def test_missing_animal_ids_and_days_are_said() -> None:
    made = table(value=[1.0, 2.0], day=np.nan)
    assert [note.split(":")[0] for note in made.notes] == [
        "no animal id",
        "no day recorded for some readings",
    ]


def test_markers_of_a_study_know_their_arms_and_line() -> None:
    rows = pd.DataFrame(
        {
            "animal_id": ["m1", "m2"],
            "day": 3.0,
            "analyte": "pS6",
            "value": [1.0, 2.0],
            "unit": "ng/mL",
            "assay": "ELISA",
            "compartment": "tumor",
        }
    )

    def study(tables: StudyTables) -> Study:
        return Study(
            study_id="made",
            line=XenograftLine(name="786-O"),
            arms=(Arm(name="vehicle"), Arm(name="drug")),
            animals=(
                Animal(animal_id="m1", arm="vehicle", end_day=0.0),
                Animal(animal_id="m2", arm="drug", end_day=0.0),
            ),
            tables=tables,
            title="made",
            table=_measurements(),
        )

    made = markers_of_study(study(StudyTables(markers=rows)))
    assert made.arms == ("drug", "vehicle")
    assert made.lines == ("786-O",)
    with pytest.raises(DataError, match="made: expected a study with markers"):
        markers_of_study(study(StudyTables()))


def _measurements() -> CheckedMeasurements:
    rows = {"animal_id": ["m1", "m2"], "day": 0.0, "volume_mm3": 100.0, "volume_state": "measured"}
    frame = pd.DataFrame(rows)
    for name in ("length_mm", "width_mm", "depth_mm", "area_mm2", "body_weight_g"):
        frame[name] = np.nan
    order = ["animal_id", "day", "length_mm", "width_mm", "depth_mm", "area_mm2"]
    return check_measurements(frame[[*order, "volume_mm3", "volume_state", "body_weight_g"]])


@pytest.mark.realdata
def test_the_real_files_are_read_whole(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("crc_angiogenesis/microvessel_density.csv")
    density = read_markers(
        path,
        columns={"value": "mvd_pct"},
        constants={"analyte": "Nestin", "assay": "area_percent"},
    )
    assert density.n == 55
    assert density.arms == ("CG", "MET", "MTD")
    assert density.notes[0].startswith("no animal id")
    perfusion = read_markers(
        shared_data("crc_angiogenesis/perfusion.csv"), wide={"hb": "imaging", "sto2": "imaging"}
    )
    frame = perfusion.frame
    assert len(frame) == 2 * 574
    assert frame["animal_id"].nunique() == 61
    assert frame["tumor_id"].nunique() == 110
