"""The report: its contract, its exit, its summary, and how files reach it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.provenance import digest_file
from oncovivo.studies.check import CheckOptions, check_file, check_reference
from oncovivo.studies.check.registry import CHECKS, FILE_CHECKS
from oncovivo.studies.readings import ReadOptions
from tests.studies_check.sheets import at, clean_rows, put, write


def test_a_report_is_one_json_object_with_the_contract_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "study.csv", put("A1", 7, volume_mm3="-5")(clean_rows()))
    report = json.loads(json.dumps(check_file(path).to_dict(), allow_nan=False))
    assert report["schema"] == "oncovivo.study_check/1"
    assert report["input"] == {
        "name": "study.csv",
        "sha256": digest_file(path, name="study.csv").sha256,
    }
    assert report["options"]["zeros"] is None
    assert report["failed"] is True
    (study,) = report["studies"]
    assert (study["study"], study["line"], study["n_animals"]) == ("S1", "M1", 18)
    finding = study["findings"][0]
    assert finding == {
        "code": "impossible_volume",
        "severity": "error",
        "message": "animal 'A1' on day 7: -5 mm³ is no volume",
        "arm": "drug A",
        "animal_id": "A1",
        "animals": ["A1"],
        "days": [7.0],
        "rows": [at(clean_rows(), "A1", 7)[0] + 2],
        "mend": finding["mend"],
    }


def test_only_errors_and_warnings_fail(tmp_path: Path) -> None:
    remark = [row | {"operator": "K"} for row in clean_rows()]
    report = check_file(write(tmp_path / "remark.csv", remark))
    assert [f.severity for f in report.all_findings] == ["info"]
    assert not report.failed
    warned = put("A1", 10, volume_mm3="35")(clean_rows())
    assert check_file(write(tmp_path / "warned.csv", warned)).failed


def test_a_summary_has_a_line_for_each_check_that_found_something(tmp_path: Path) -> None:
    dirty = put("A1", 7, body_weight_g="0")(put("A1", 10, volume_mm3="35")(clean_rows()))
    lines = check_file(write(tmp_path / "study.csv", dirty)).summary().split("\n")
    assert lines[0] == "study.csv: 1 study checked, 1 error, 1 warning, 0 remarks."
    assert lines[1].startswith("error    impossible_body_weight: animal 'A1' on day 7: 0 g")
    assert lines[2].startswith("warning  volume_falls: animal 'A1' on day 10")


def test_findings_survive_what_stops_a_reader(tmp_path: Path) -> None:
    """An animal in two arms and a row twice: no study can be made, both are told with rows."""
    rows = put("A1", 21, treatment="vehicle")(clean_rows())
    rows.append(dict(rows[at(rows, "B1", 21)[0]]))
    report = check_file(write(tmp_path / "study.csv", rows))
    codes = {f.code: f for f in report.all_findings}
    assert set(codes) == {"animal_in_two_arms", "duplicate_animal_day"}
    assert codes["duplicate_animal_day"].rows == (at(rows, "B1", 21)[0] + 2, len(rows) + 1)


def test_columns_of_another_name_are_mapped_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    rows = [
        {
            "Mouse": row["animal_id"],
            "Group": row["treatment"],
            "Day": row["day"],
            "size": row["volume_mm3"],
        }
        for row in put("A1", 7, volume_mm3="-5")(clean_rows())
    ]
    options = CheckOptions(reading=ReadOptions(mapping={"volume_mm3": "size"}))
    report = check_file(write(tmp_path / "study.csv", rows), options=options)
    assert [(f.code, f.rows) for f in report.all_findings] == [
        ("impossible_volume", (at(clean_rows(), "A1", 7)[0] + 2,))
    ]
    assert report.to_dict()["options"] == options.to_dict()


def test_a_wide_file_is_checked_by_its_rows(tmp_path: Path) -> None:
    animals: dict[str, dict[str, str]] = {}
    for row in put("A1", 10, volume_mm3="2010")(clean_rows()):
        line = animals.setdefault(
            row["animal_id"], {"animal_id": row["animal_id"], "treatment": row["treatment"]}
        )
        line[f"D{row['day']}"] = row["volume_mm3"]
    report = check_file(write(tmp_path / "wide.csv", animals.values()))
    assert [(f.code, f.animal_id, f.rows) for f in report.all_findings] == [
        ("unit_slip", "A1", (list(animals).index("A1") + 2,))
    ]


def test_a_workbook_is_checked_like_its_text(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows = put("A1", 21, treatment="vehicle")(clean_rows())
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    numbers = ("day", "volume_mm3", "body_weight_g")
    for row in rows:
        sheet.append([float(v) if k in numbers else v for k, v in row.items()])
    book.save(tmp_path / "study.xlsx")
    report = check_file(tmp_path / "study.xlsx")
    assert [(f.code, f.animal_id, f.rows) for f in report.all_findings] == [
        ("animal_in_two_arms", "A1", (at(rows, "A1", 21)[0] + 2,))
    ]


def folder(tmp_path: Path, *, end_day: str = "21", arm: str = "drug A") -> Path:
    rows = clean_rows()
    path = tmp_path / "S1"
    path.mkdir()
    write(
        path / "measurements.csv",
        [{k: row[k] for k in ("animal_id", "day", "volume_mm3", "body_weight_g")} for row in rows],
    )
    animals = {row["animal_id"]: row for row in rows}
    write(
        path / "animals.csv",
        [
            {
                "animal_id": name,
                "arm": arm if name == "A1" else row["treatment"],
                "cage": row["cage"],
                "end_day": end_day if name == "A1" else "21",
                "end_reason": "found_dead" if name == "A1" else "scheduled",
            }
            for name, row in animals.items()
        ],
    )
    arms = "".join(f'\n[[arm]]\nname = "{a}"\n' for a in ("vehicle", "drug A", "drug B"))
    (path / "study.toml").write_text(
        f'id = "S1"\ntitle = "A study"\n[line]\nname = "M1"\n{arms}', encoding="utf-8"
    )
    return path


def test_a_study_folder_is_checked_with_what_its_other_files_say(tmp_path: Path) -> None:
    report = check_file(folder(tmp_path, end_day="14"))
    assert [(f.code, f.animal_id, f.days) for f in report.all_findings] == [
        ("reading_after_end", "A1", (17.0, 21.0))
    ]
    assert report.all_findings[0].rows == tuple(
        place + 2 for place in at(clean_rows(), "A1") if clean_rows()[place]["day"] in ("17", "21")
    )
    assert "found_dead" in report.all_findings[0].message


def test_a_study_folder_and_its_study_file_are_one(tmp_path: Path) -> None:
    path = folder(tmp_path)
    assert (
        check_file(path).to_dict()["studies"]
        == check_file(path / "study.toml").to_dict()["studies"]
    )


def test_a_folder_that_no_reader_takes_is_a_finding(tmp_path: Path) -> None:
    report = check_file(folder(tmp_path, arm="drug Z"))
    assert "reader_refuses" in {f.code for f in report.all_findings}


def test_one_study_one_line_and_some_arms_can_be_chosen(tmp_path: Path) -> None:
    rows = clean_rows() + [row | {"model": "M2"} for row in clean_rows()]
    path = write(tmp_path / "two.csv", rows)
    report = check_file(path, options=CheckOptions(line="M2", arms=("vehicle", "drug A")))
    (study,) = report.studies
    assert (study.line, study.arms, study.n_animals) == ("M2", ("drug A", "vehicle"), 12)
    for options, what in (
        (CheckOptions(study="S9"), "a study of the file"),
        (CheckOptions(line="M9"), "a line of the file: M1, M2"),
        (CheckOptions(arms=("drug Z",)), "an arm of the file"),
    ):
        with pytest.raises(InputError, match=what):
            check_file(path, options=options)


def test_a_file_that_is_not_there_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="nothing there"):
        check_file(tmp_path / "none.csv")


def test_the_meaning_of_zeros_is_a_closed_choice() -> None:
    with pytest.raises(InputError, match="gone or missing"):
        CheckOptions(zeros="none")  # type: ignore[arg-type]  # what the test is about


def test_the_reference_describes_every_check_once() -> None:
    reference = check_reference()
    assert len(reference) == len(CHECKS) + len(FILE_CHECKS)
    assert len({entry.code for entry in reference}) == len(reference)
    for entry in reference:
        assert entry.title
        assert entry.mend
        assert "\n" not in entry.title
