"""Studies in a folder of their own: study.toml, measurements.csv, animals.csv."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies import read_study

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "temsirolimus" / "studies"
STUDY = """
title = "A study"
limit_mm3 = 14
baseline_day = 0

[line]
name = "786-O"
tumor_type_id = "CCRCC"
graft_type = "cdx"

[host]
strain = "athymic nude"

[[arm]]
name = "vehicle"
role = "vehicle"

[[arm]]
name = "drug"
role = "monotherapy"
regimen = "temsirolimus 2 mg/kg iv qd x21"
"""
MEASUREMENTS = """animal_id,day,volume_mm3
a,0,100
a,3,200
b,0,100
b,3,<14
"""
ANIMALS = """animal_id,arm,cage,end_day,end_reason
a,vehicle,1,3,volume_limit
b,drug,2,,
"""


def folder(
    path: Path,
    *,
    study: str = STUDY,
    measurements: str = MEASUREMENTS,
    animals: str | None = ANIMALS,
) -> Path:
    """A study folder."""
    place = path / "s1"
    place.mkdir()
    (place / "study.toml").write_text(study, encoding="utf-8")
    (place / "measurements.csv").write_text(measurements, encoding="utf-8")
    if animals is not None:
        (place / "animals.csv").write_text(animals, encoding="utf-8")
    return place


def test_a_folder_and_its_study_file_give_the_same_study(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (study,) = read_study(place)
    (again,) = read_study(place / "study.toml")
    assert study.measurements.equals(again.measurements)
    assert (study.study_id, study.title, study.limit_mm3) == ("s1", "A study", 14)
    assert study.line.graft_type == "cdx"
    assert study.host.strain == "athymic nude"
    assert str(study.arms[1].regimens[0]) == "temsirolimus 2 mg/kg i.v. qd x21"
    assert [(a.cage, a.end_day, a.end_reason) for a in study.animals] == [
        ("1", 3.0, "volume_limit"),
        ("2", 3.0, "unknown"),
    ]
    assert study.measurements["volume_state"].tolist()[-1] == "below_limit"


def test_the_arm_may_stand_in_the_measurements_instead(tmp_path: Path) -> None:
    rows = "animal_id,arm,day,volume_mm3\na,vehicle,0,100\nb,drug,0,110\n"
    (study,) = read_study(folder(tmp_path, measurements=rows, animals=None))
    assert [animal.arm for animal in study.animals] == ["vehicle", "drug"]


def test_without_any_arm_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="the arm of each animal"):
        read_study(folder(tmp_path, animals=None))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('role = "vehicle"', 'role = "boss"'), r"arm\.0\.role: Input should be 'vehicle'"),
        (('title = "A study"', 'titel = "A study"'), "title: Field required"),
        (("limit_mm3 = 14", "limit_mm3 = -1"), "limit_mm3: Input should be greater than 0"),
        (("limit_mm3 = 14", 'limit_mm3 = "14"'), "limit_mm3: Input should be a valid number"),
        (("limit_mm3 = 14", "color = 14"), "color: Extra inputs are not permitted"),
        (("limit_mm3 = 14", "limit_mm3 = "), "expected TOML, found"),
    ],
)
def test_a_broken_study_file_is_named_by_key(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    with pytest.raises(FileFormatError, match=expected) as caught:
        read_study(folder(tmp_path, study=STUDY.replace(*change)))
    assert caught.value.where == "s1/study.toml"


def test_an_unreadable_regimen_is_named_by_arm_and_place(tmp_path: Path) -> None:
    broken = STUDY.replace("iv qd x21", "iv every blue moon")
    with pytest.raises(
        InputError, match=r"arm 'drug', regimen 'temsirolimus .*\|every blue moon'"
    ):
        read_study(folder(tmp_path, study=broken))


@pytest.mark.parametrize(
    ("animals", "error", "expected"),
    [
        (
            ANIMALS.replace("b,drug", "b,aspirin"),
            DataError,
            "an arm of the study, found 'aspirin'",
        ),
        (ANIMALS.replace("b,drug", "a,drug"), DataError, "each animal once, found 'a' twice"),
        (ANIMALS.replace("b,drug,2,,\n", ""), DataError, "animals of the study, found 'b'"),
        (
            ANIMALS.replace("volume_limit", "holiday"),
            FileFormatError,
            "animals.csv row 2, column end_reason: expected a reason for leaving: scheduled",
        ),
        (ANIMALS.replace("end_day", "animal_id"), FileFormatError, "each column once"),
    ],
)
def test_animals_must_fit_the_study(
    tmp_path: Path, animals: str, error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected):
        read_study(folder(tmp_path, animals=animals))


def test_two_files_that_disagree_on_an_arm_are_an_error(tmp_path: Path) -> None:
    rows = "animal_id,arm,day,volume_mm3\na,drug,0,100\nb,drug,0,110\n"
    with pytest.raises(DataError, match=r"arm 'drug' as in measurements.csv, found 'vehicle'"):
        read_study(folder(tmp_path, measurements=rows))


def test_a_folder_without_a_file_names_it(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "measurements.csv").unlink()
    with pytest.raises(
        FileFormatError, match=r"measurements.csv: expected a file that can be read"
    ):
        read_study(place)
    (place / "study.toml").unlink()
    with pytest.raises(FileFormatError, match=r"s1/study.toml: expected a study file"):
        read_study(place)


def test_the_shipped_study_says_that_it_is_simulated() -> None:
    (study,) = read_study(EXAMPLES / "four_arm_simulated")
    assert study.simulated
    assert study.title.startswith("Simulated study")
    assert [len(study.animals_of(arm.name)) for arm in study.arms] == [8, 8, 8, 8]
    assert all(
        regimen.dosing_days() == tuple(range(21)) for arm in study.arms for regimen in arm.regimens
    )
    assert {animal.end_reason for animal in study.animals} == {"scheduled", "volume_limit"}


def test_the_script_makes_the_shipped_study_again(tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLES / "simulate.py"))["write_study"](tmp_path)
    for name in ("measurements.csv", "animals.csv"):
        shipped = (EXAMPLES / "four_arm_simulated" / name).read_bytes()
        assert (tmp_path / name).read_bytes() == shipped
