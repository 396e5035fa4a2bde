"""Lists of animals under other people's names, and designs as TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.design import BaselineAnimal, read_allocation_design, read_animals
from oncovivo.design.allocation_input import design_to_dict, read_design_content
from oncovivo.errors import FileFormatError, InputError, ProjectError

FULL = """
title = "Four arms"
method = "restricted"
control = "vehicle"
control_ratio = "sqrt"
strata = ["sex", "donor"]
seed = 9

[eligibility]
volume_mm3 = [80, 160.5]
body_weight_g = [18, 30]
surplus = "farthest"

[restriction]
quantile = 0.2
candidates = 500
covariates = ["weight"]
variance_weight = 1

[order]
sessions = 4
cages_together = true

[[arms]]
name = "vehicle"

[[arms]]
name = "drug"

[[exclude]]
animal_id = "M07"
reason = "ulcerated"
"""
SHORT = """
method = "complete"
[[arms]]
name = "vehicle"
[[arms]]
name = "drug"
"""


def written(folder: Path, text: str, name: str = "animals.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            "animal_id,volume_mm3,body_weight_g,cage,sex,donor\nM1,150,21.5,C1,f,D1\n",
            ["animal_id", "volume_mm3", "body_weight_g", "cage", "sex", "donor"],
        ),
        (
            "Mouse ID;Baseline tumour volume (cm3);Weight [kg];Cage No;Gender;Donor ID;Notes\n"
            "M1;0,150;0,0215;C1;f;D1;fine\n",
            [
                "Mouse ID",
                "Baseline tumour volume (cm3)",
                "Weight [kg]",
                "Cage No",
                "Gender",
                "Donor ID",
            ],
        ),
        (
            "Ear tag\tTV day 0\tBW at baseline\tBox\tSex\tTumor donor\nM1\t150\t21.5\tC1\tf\tD1\n",
            ["Ear tag", "TV day 0", "BW at baseline", "Box", "Sex", "Tumor donor"],
        ),
        (
            "tag,initial_volume_mm3,volume_mm3,start weight,cage,sex,donor\n"
            "M1,90,150,21.5,C1,f,D1\n",
            ["tag", "volume_mm3", "start weight", "cage", "sex", "donor"],
        ),
    ],
)
def test_a_list_is_read_under_other_peoples_names(
    tmp_path: Path, text: str, columns: list[str]
) -> None:
    found = read_animals(written(tmp_path, text))
    names = ["animal_id", "volume_mm3", "body_weight_g", "cage", "sex", "donor"]
    assert found.columns == dict(zip(names, columns, strict=True))
    (animal,) = found.animals
    assert animal.volume_mm3 == pytest.approx(150)
    assert animal.body_weight_g == pytest.approx(21.5)
    assert (animal.animal_id, animal.cage, animal.sex, animal.donor) == ("M1", "C1", "f", "D1")


def test_what_is_blank_or_not_there_is_missing(tmp_path: Path) -> None:
    found = read_animals(written(tmp_path, "mouse,volume,cage\nM1,,NA\nM2,120,C1\n"))
    assert found.animals == (
        BaselineAnimal(animal_id="M1"),
        BaselineAnimal(animal_id="M2", volume_mm3=120.0, cage="C1"),
    )


def test_a_mapping_comes_before_every_guess(tmp_path: Path) -> None:
    path = written(tmp_path, "mouse,volume,other\nM1,120,150\n")
    found = read_animals(path, mapping={"volume_mm3": "Other"})
    assert found.animals[0].volume_mm3 == 150
    with pytest.raises(InputError, match="a column of a list of animals: animal_id, volume_mm3"):
        read_animals(path, mapping={"day": "other"})
    with pytest.raises(FileFormatError, match="a column 'size', mapped to volume_mm3"):
        read_animals(path, mapping={"volume_mm3": "size"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("volume_mm3,x\n120,1\n", "names the animals, found columns volume_mm3, x"),
        ("mouse,volume\nM1,120\nM1,130\n", "animals.csv row 3, column mouse: expected one row"),
        ("mouse,volume\n,120\n", "row 2, column mouse: expected the name of an animal"),
        ("mouse,volume\nM1,large\n", "row 2, column volume: expected a number, found 'large'"),
        ("mouse,volume,tv\nM1,1,2\n", "--map volume_mm3=NAME"),
        ("mouse,volume\n", "rows below the header"),
        ("", "an empty file"),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read_animals(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_design_is_read_and_written_without_loss(tmp_path: Path) -> None:
    full = read_allocation_design(written(tmp_path, FULL, "a.toml"))
    assert full.seed == 9
    design = full.design
    assert design.arm_names == ("vehicle", "drug")
    assert design.sqrt_control
    assert design.strata == ("sex", "donor")
    assert design.volume_window == (80.0, 160.5)
    assert design.weight_window == (18.0, 30.0)
    assert design.surplus == "farthest"
    assert (design.quantile, design.candidates, design.variance_weight) == (0.2, 500, 1.0)
    assert design.covariates == ("weight",)
    assert (design.sessions, design.cages_together) == (4, True)
    assert design.excluded == (("M07", "ulcerated"),)
    for text in (FULL, SHORT, SHORT.replace('"complete"', '"permuted_blocks"\nblock_size = 4')):
        first = read_allocation_design(written(tmp_path, text, "a.toml")).design
        assert read_design_content(design_to_dict(first), where="again").design == first


def test_defaults_are_those_of_the_reference(tmp_path: Path) -> None:
    short = read_allocation_design(written(tmp_path, SHORT, "a.toml"))
    assert short.seed is None
    assert short.design.volume_window == (100.0, 200.0)
    assert short.design.weight_window is None
    assert (short.design.quantile, short.design.candidates) == (0.1, 10_000)
    lifted = SHORT.replace("[[arms]]", '[eligibility]\nvolume_mm3 = "any"\n[[arms]]', 1)
    assert read_allocation_design(written(tmp_path, lifted, "a.toml")).design.volume_window is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"complete"', '"alternate"', "the design of an allocation"),
        ("method", "metod", "a key that does not exist"),
        ("[[arms]]", "seed = -1\n[[arms]]", "correct seed"),
        ("[[arms]]", "[eligibility]\nvolume_mm3 = [1, 2, 3]\n[[arms]]", "found 3 values"),
        ("[[arms]]", "[eligibility]\nvolume_mm3 = [200, 100]\n[[arms]]", "found 200 to 100"),
        ("[[arms]]", "[[arms", "TOML"),
    ],
)
def test_what_is_no_design_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_allocation_design(written(tmp_path, SHORT.replace(old, new, 1), "a.toml"))
    assert message in str(caught.value)


def test_a_design_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"none\.toml: expected a file with the design"):
        read_allocation_design(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(FileFormatError, match="UTF-8 text, found byte 0xff at byte 9"):
        read_allocation_design(tmp_path / "b.toml")
