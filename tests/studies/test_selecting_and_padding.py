"""Selecting studies and arms, zeros that may be padding, and the limit of measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest

from oncovivo.analyses.study_input import StudyOptions, load_selection, load_studies, parse_mapping
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study, find_limit, find_padding_zeros, resolve_zeros
from oncovivo.studies.padding import find_trailing_zeros

DAYS = (0, 7, 14, 21)
Curves: TypeAlias = Mapping[tuple[str, str], tuple[float | None, ...]]


def frame(curves: Curves) -> pd.DataFrame:
    """Rows from curves by arm and animal; None has no row, NaN is blank."""
    return pd.DataFrame(
        [
            {"animal_id": animal, "treatment": arm, "day": day, "volume_mm3": volume}
            for (arm, animal), curve in curves.items()
            for day, volume in zip(DAYS, curve, strict=True)
            if volume is not None
        ]
    )


def study(curves: Curves) -> Study:
    """A study of curves."""
    return Study.from_frame(frame(curves))


PADDED = {
    ("v", "1"): (100, 500, 1500, 0),
    ("v", "2"): (100, 400, 900, 1800),
    ("d", "3"): (100, 200, 400, 0),
    ("d", "4"): (100, 150, 300, 600),
}
CURED = {
    ("v", "1"): (100, 500, 1500, None),
    ("v", "2"): (100, 400, 900, 1800),
    ("d", "3"): (100, 50, 0, 0),
    ("d", "4"): (100, 150, 0, None),
}


def test_zeros_at_the_end_of_a_common_grid_look_like_padding() -> None:
    found = find_padding_zeros(study(PADDED))
    assert found is not None
    assert found.rows == (("1", 21.0), ("3", 21.0))
    assert (found.arms, found.animals, found.n_sudden) == (("v", "d"), ("1", "3"), 2)


def test_a_cure_in_one_arm_on_a_common_grid_is_no_padding() -> None:
    curves = {**PADDED, ("v", "1"): (100, 500, 1500, 1700), ("d", "3"): (100, 50, 0, 0)}
    assert find_padding_zeros(study(curves)) is None


def test_a_tumor_that_had_not_shrunk_and_is_gone_at_once_looks_like_padding() -> None:
    curves = {**PADDED, ("d", "3"): (100, 200, 400, 700)}
    found = find_padding_zeros(study(curves))
    assert found is not None
    assert found.rows == (("1", 21.0),)


def test_zeros_of_animals_that_leave_at_different_days_are_no_padding() -> None:
    assert find_padding_zeros(study(CURED)) is None
    assert len(find_trailing_zeros(study(CURED))) == 3


def test_an_animal_that_never_had_a_tumor_has_no_trailing_zeros() -> None:
    curves = {("v", "1"): (0, 0, 0, 0), ("d", "2"): (0, 0, 50, 0), ("d", "3"): (0, 9, 0, 5)}
    assert find_trailing_zeros(study(curves))["animal_id"].tolist() == ["2"]


def test_a_blank_between_zeros_does_not_end_the_run() -> None:
    curves = {**CURED, ("d", "3"): (100, 0, float("nan"), 0)}
    rows = find_trailing_zeros(study(curves))
    assert rows[rows["animal_id"] == "3"]["day"].tolist() == [7, 21]


def test_an_analysis_stops_until_padding_zeros_are_explained() -> None:
    with pytest.raises(DataError, match=r"2 zeros .* \(padding_zeros\)") as caught:
        resolve_zeros(study(PADDED))
    assert caught.value.exit_code == 3
    assert "--zeros gone or --zeros missing" in caught.value.mend
    gone = resolve_zeros(study(PADDED), "gone")
    assert gone.zeros == "gone"
    assert (gone.measurements["volume_state"] == "gone").sum() == 2
    missing = resolve_zeros(study(PADDED), "missing")
    assert missing.measurements["volume_state"].tolist().count("not_measured") == 2
    assert [animal.end_day for animal in missing.animals] == [14, 21, 14, 21]
    assert missing.changes["reason"].tolist() == ["zero_read_as_missing"] * 2
    assert missing.changes["day"].tolist() == [21, 21]
    assert resolve_zeros(missing).zeros == "missing"
    assert not any("tumor gone" in note for note in missing.notes)
    assert any("2 zeros at the end" in note for note in missing.notes)


def test_zeros_said_to_be_missing_are_missing_wherever_they_end_a_series() -> None:
    missing = resolve_zeros(study(CURED), "missing")
    assert (missing.measurements["volume_state"] == "gone").sum() == 0
    assert [a.end_day for a in missing.animals if a.arm == "d"] == [7, 7]


@pytest.mark.parametrize(
    ("volumes", "option", "value", "rule"),
    [
        ((100, 20, 5, 0), None, 5, "smallest positive volume"),
        ((100, 60, 30, 0), None, 14, "largest default"),
        ((100, 60, 30, 0), 3.5, 3.5, "option"),
    ],
)
def test_the_limit_of_measurement_and_who_set_it(
    volumes: tuple[float, ...], option: float | None, value: float, rule: str
) -> None:
    limit = find_limit(study({("v", "1"): volumes}), option)
    assert limit is not None
    assert (limit.value, limit.rule) == (value, rule)
    assert str(limit) == f"{value:g} mm³ ({rule})"


def test_a_limit_that_is_none_is_refused() -> None:
    made = study({("v", "1"): (100, 60, 30, 0)})
    for limit in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="a positive limit"):
            find_limit(made, limit)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a padded study, and a study without padding, of two lines."""
    frames = [
        frame(PADDED).assign(study="S", model="L1"),
        frame(CURED).assign(study="S", model="L2"),
        frame({("v", "1"): (1, 2, 3, 4)}).assign(study="T", model="L1"),
    ]
    path = tmp_path / "growth.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


def test_options_select_studies_lines_and_arms(path: Path) -> None:
    every = load_studies(path, StudyOptions(zeros="gone"))
    assert [s.study_id for s in every] == ["S/L1", "S/L2", "T"]
    options = StudyOptions(study="S", line="L2", arms=("d",))
    (chosen,) = load_studies(path, options)
    assert [arm.name for arm in chosen.arms] == ["d"]
    assert set(chosen.measurements["animal_id"]) == {"3", "4"}
    assert [
        s.study_id for s in load_studies(path, StudyOptions(line="L1", arms=("d",), zeros="gone"))
    ] == ["S/L1"]
    assert load_studies(path, StudyOptions(study="S/L2"))[0].study_id == "S/L2"
    assert options.to_dict()["arms"] == ["d"]


def test_padding_stops_loading_unless_its_study_is_not_selected(path: Path) -> None:
    with pytest.raises(DataError, match="study S/L1: expected readings of 0"):
        load_studies(path)
    assert len(load_studies(path, StudyOptions(line="L2"))) == 1


def test_the_limit_that_loading_set_is_said(path: Path) -> None:
    (loaded,) = load_studies(path, StudyOptions(line="L2"))
    assert loaded.limit_mm3 == 14.0
    assert loaded.notes[-1] == (
        "No limit of measurement is stated; taken as 14 mm³ (largest default)."
    )
    (given,) = load_studies(path, StudyOptions(line="L2", limit_mm3=10))
    assert given.limit_mm3 == 10
    (omitted,) = load_studies(path, StudyOptions(line="L2", below_limit="omitted"))
    assert omitted.changes["reason"].tolist() == ["below_limit_omitted"] * 3
    assert omitted.limit_mm3 is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"study": "X"}, r"a study of the file, found study 'X'; it holds S/L1 \(line L1\)"),
        ({"line": "X"}, "found line 'X'"),
        ({"arms": ("x",)}, "an arm of the file: v, d, found 'x'"),
    ],
)
def test_what_is_not_there_is_listed(
    path: Path, options: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        load_studies(path, StudyOptions(**options))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "options",
    [{"zeros": "maybe"}, {"below_limit": "x"}, {"limit_mm3": 0}, {"mapping": {"x": "y"}}],
)
def test_options_outside_their_domain_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        StudyOptions(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_the_mapping_of_columns_comes_with_a_selection(path: Path) -> None:
    selection = load_selection(path, StudyOptions(zeros="gone"))
    (mapping,) = selection.mappings.values()
    assert mapping.to_dict()["unread"] == []
    assert parse_mapping(["volume_mm3 = TV=1"]) == {"volume_mm3": "TV=1"}
    for wrong in (["volume_mm3"], ["=x"], ["day=a", "day=b"]):
        with pytest.raises(InputError):
            parse_mapping(wrong)


@pytest.mark.realdata
def test_padding_is_found_where_the_source_pads_and_nowhere_else(
    shared_data: Callable[[str], Path],
) -> None:
    from oncovivo.studies import read_study

    path = shared_data("kulgap_pdx/growth.csv")
    said = pd.read_csv(path, usecols=["model", "trailing_zero"])
    padded = set(said.loc[said["trailing_zero"] == 1, "model"])
    studies = read_study(path)
    found = {s.line.name: p for s in studies if (p := find_padding_zeros(s)) is not None}
    assert set(found) == padded
    for name in (
        "iowa_melanoma_a375",
        "iowa_breast_rat",
        "kroemer_antibody_genotype",
        "xeva_repdx",
        "pdxe",
    ):
        others = read_study(shared_data(f"{name}/growth.csv"))
        assert not any(find_padding_zeros(other) for other in others), name
