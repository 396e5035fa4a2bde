"""Slips that a reader would not see: each is named, none changes a guide in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.analyses import read_project
from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies.regimen import parse_regimen
from oncovivo.units import convert
from tests.fuzz.project import small_project, write_project


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('oncotree = ["MCL"]', 'oncotree = ["MLC"]', r"claim C2, where\.oncotree: .*'MLC'"),
        ('oncotree = ["MCL"]', 'compound = ["rapamycine"]', r"where\.compound: .*'rapamycine'"),
        ('oncotree = ["MCL"]', 'partner = ["x"]', r"where\.partner: expected an id that a row"),
        ('oncotree = ["MCL"]', 'source = ["w9"]', r"where\.source: expected an id that a row"),
    ],
)
def test_a_query_for_an_id_that_does_not_exist_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    files = dict(small_project())
    claims = files["claims.toml"].decode()
    assert old in claims
    files["claims.toml"] = claims.replace(old, new).encode()
    with pytest.raises(FileFormatError, match=message):
        read_project(write_project(tmp_path, files))


def test_a_query_for_a_row_without_a_value_is_read(tmp_path: Path) -> None:
    files = dict(small_project())
    claims = files["claims.toml"].decode()
    query = 'partner = ["not_applicable"]'
    files["claims.toml"] = claims.replace('oncotree = ["MCL"]', query).encode()
    assert read_project(write_project(tmp_path, files)).claims[1].where["partner"]


@pytest.mark.parametrize("name", [".DS_Store", ".hidden.csv", "make.py"])
def test_files_that_no_one_reads_are_no_input(name: str, tmp_path: Path) -> None:
    folder = write_project(tmp_path, small_project())
    before = read_project(folder).digest
    (folder / "studies" / "mini" / name).write_bytes(b"x")
    assert read_project(folder).digest == before


def test_a_study_named_by_its_study_file_has_all_its_files_as_input(tmp_path: Path) -> None:
    files = dict(small_project())
    guide = files["guide.toml"]
    files["guide.toml"] = guide.replace(b'"studies/mini"', b'"studies/mini/study.toml"')
    names = {file.name for file in read_project(write_project(tmp_path, files)).inputs}
    assert {f"studies/mini/{name}.csv" for name in ("animals", "measurements")} <= names


def test_a_regimen_of_a_whole_page_is_refused() -> None:
    with pytest.raises(InputError, match="expected a regimen of at most 1000 characters"):
        parse_regimen("qd x" + "9" * 5000)


def test_a_number_beyond_every_volume_is_refused() -> None:
    with pytest.raises(InputError, match="expected numbers in mL"):
        convert(10**400, "mL", "L")


@pytest.mark.parametrize("molar_mass", ["x", 0, -1.0, float("inf"), 10**400])
def test_what_is_no_molar_mass_is_refused(molar_mass: float) -> None:
    with pytest.raises(InputError, match="expected a positive molar mass"):
        convert(1.0, "ng/mL", "nM", molar_mass=molar_mass)
