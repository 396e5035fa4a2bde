"""Volumes by arm and day: by hand, undefined, few left, and against the peers' numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oncovivo.endpoints import (
    ArmDay,
    VolumeByDay,
    relative_volume,
    summarize_group,
    volume_by_day,
)
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study, read_study

# animal, arm, then volumes on days 0, 4 and 7; an empty cell is not measured.
SMALL = (
    ("c1", "vehicle", "100", "200", "400"),
    ("c2", "vehicle", "200", "300", "600"),
    ("t1", "drug", "100", "50", "100"),
    ("t2", "drug", "50", "100", "25"),
)


def study(folder: Path, animals: tuple[tuple[str, ...], ...], days: tuple[float, ...]) -> Study:
    """A study from volumes by animal; a cell ``-`` is no row at all."""
    rows = ["animal_id,treatment,day,volume_mm3"]
    for animal_id, arm, *volumes in animals:
        rows += [
            f"{animal_id},{arm},{day:g},{volume}"
            for day, volume in zip(days, volumes, strict=True)
            if volume != "-"
        ]
    path = folder / "small.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return read_study(path)[0]


def at(result: VolumeByDay, arm: str, day: float) -> ArmDay:
    """The row of an arm and day."""
    (row,) = [row for row in result.of_arm(arm) if row.day == day]
    return row


def test_means_and_ratios_agree_with_hand_calculation(tmp_path: Path) -> None:
    result = volume_by_day(study(tmp_path, SMALL, (0, 4, 7)), control="vehicle")
    drug = at(result, "drug", 7)
    assert (drug.n_enrolled, drug.n_at_risk, drug.n_measured, drug.n_control) == (2, 2, 2, 2)
    assert drug.mean_volume_mm3 == pytest.approx(62.5)
    # Deviations of 37.5: SD = 37.5 * sqrt(2), SEM = 37.5.
    assert drug.sd_volume_mm3 == pytest.approx(37.5 * math.sqrt(2))
    assert drug.sem_volume_mm3 == pytest.approx(37.5)
    assert drug.geometric_mean_volume_mm3 == pytest.approx(50.0)
    # Volumes: 62.5 / 500.
    assert drug.t_over_c_volume == pytest.approx(0.125)
    # Ratios: drug 100/100 and 25/50, mean 0.75; vehicle 400/100 and 600/200, mean 3.5.
    assert drug.mean_relative_volume == pytest.approx(0.75)
    assert drug.t_over_c_relative == pytest.approx(0.75 / 3.5)
    assert (drug.status, drug.reason) == ("ok", "")


def test_mean_of_ratios_is_not_the_ratio_of_means(tmp_path: Path) -> None:
    result = volume_by_day(study(tmp_path, SMALL, (0, 4, 7)), control="vehicle")
    # Ratio of means would be (62.5 / 75) / (500 / 150) = 0.25.
    assert at(result, "drug", 7).t_over_c_relative == pytest.approx(3 / 14)


def test_the_control_against_itself_is_one(tmp_path: Path) -> None:
    result = volume_by_day(study(tmp_path, SMALL, (0, 4, 7)), control="vehicle")
    for row in result.of_arm("vehicle"):
        assert (row.t_over_c_volume, row.t_over_c_relative) == (1.0, 1.0)


def test_a_baseline_day_may_be_named_and_changes_the_ratios(tmp_path: Path) -> None:
    result = volume_by_day(study(tmp_path, SMALL, (0, 4, 7)), control="vehicle", baseline_day=4)
    # Drug 100/50 and 25/100, mean 1.125; vehicle 400/200 and 600/300, mean 2.
    assert at(result, "drug", 7).t_over_c_relative == pytest.approx(1.125 / 2)
    assert result.baseline.rule == "option"


def test_an_arm_without_controls_on_its_day_has_a_reason_and_no_number(tmp_path: Path) -> None:
    animals = (("c1", "vehicle", "100", "-"), ("t1", "drug", "100", "50"))
    row = at(volume_by_day(study(tmp_path, animals, (0, 4)), control="vehicle"), "drug", 4)
    assert row.t_over_c_volume is None
    assert row.t_over_c_relative is None
    assert row.mean_volume_mm3 == 50.0
    assert row.status == "undefined"
    assert row.reason.startswith(
        "no control volume on day 4; no relative control volume on day 4; "
        "0 of 1 animals of the control remain"
    )


def test_controls_that_all_vanished_leave_no_ratio(tmp_path: Path) -> None:
    animals = (("c1", "vehicle", "100", "0"), ("t1", "drug", "100", "50"))
    row = at(volume_by_day(study(tmp_path, animals, (0, 4)), control="vehicle"), "drug", 4)
    assert row.t_over_c_volume is None
    assert "mean control volume is zero on day 4" in row.reason


def test_an_animal_without_a_baseline_counts_in_means_but_not_in_ratios(tmp_path: Path) -> None:
    animals = (*SMALL, ("t3", "drug", "", "80", "90"), ("t4", "drug", "<14", "80", "90"))
    result = volume_by_day(study(tmp_path, animals, (0, 4, 7)), control="vehicle", baseline_day=0)
    row = at(result, "drug", 7)
    assert (row.n_measured, row.n_relative) == (4, 2)
    assert row.mean_relative_volume == pytest.approx(0.75)
    assert (row.status, row.reason) == ("flagged", "2 animals measured have no usable baseline")
    assert any("2 of 6 animals have no reading at baseline" in note for note in result.notes)


def test_a_baseline_of_zero_gives_no_ratio(tmp_path: Path) -> None:
    animals = (("c1", "vehicle", "100", "200"), ("t1", "drug", "0", "50"))
    row = at(volume_by_day(study(tmp_path, animals, (0, 4)), control="vehicle"), "drug", 4)
    assert row.t_over_c_volume == pytest.approx(0.25)
    assert row.t_over_c_relative is None
    assert row.reason.startswith("no volume with a usable baseline on day 4")


def test_gone_counts_as_zero_and_below_the_limit_with_the_limit(tmp_path: Path) -> None:
    animals = (*SMALL, ("t3", "drug", "100", "0", "<14"))
    result = volume_by_day(study(tmp_path, animals, (0, 4, 7)), control="vehicle")
    gone, below = at(result, "drug", 4), at(result, "drug", 7)
    assert gone.mean_volume_mm3 == pytest.approx((50 + 100 + 0) / 3)
    assert gone.geometric_mean_volume_mm3 is None
    assert "1 tumors gone: volume 0, no geometric mean" in gone.reason
    assert below.mean_volume_mm3 == pytest.approx((100 + 25 + 14) / 3)
    assert "1 readings below the limit count with the limit" in below.reason


def test_rows_are_flagged_once_fewer_than_half_remain(tmp_path: Path) -> None:
    animals = (
        ("c1", "vehicle", "100", "200", "400"),
        ("c2", "vehicle", "100", "200", "-"),
        ("c3", "vehicle", "100", "-", "-"),
        ("t1", "drug", "100", "100", "100"),
        ("t2", "drug", "100", "100", "100"),
        ("t3", "drug", "100", "100", "100"),
    )
    result = volume_by_day(study(tmp_path, animals, (0, 4, 7)), control="vehicle")
    assert not at(result, "drug", 4).few_remain
    late = at(result, "drug", 7)
    assert late.few_remain
    assert late.status == "flagged"
    assert late.reason == "1 of 3 animals of the control remain"
    own = at(result, "vehicle", 7)
    assert (own.n_at_risk, own.n_enrolled) == (1, 3)
    assert own.share_at_risk == pytest.approx(1 / 3)
    assert own.reason == "1 of 3 animals of the arm remain; one animal measured: no SD or SEM"
    assert own.sd_volume_mm3 is None


def test_a_visit_that_few_had_is_told_from_animals_that_left(tmp_path: Path) -> None:
    animals = (
        ("c1", "vehicle", "100", "150", "200"),
        ("c2", "vehicle", "100", "", "200"),
        ("c3", "vehicle", "100", "-", "200"),
    )
    row = at(volume_by_day(study(tmp_path, animals, (0, 4, 7)), control="vehicle"), "vehicle", 4)
    assert (row.n_at_risk, row.n_measured) == (3, 1)
    assert (row.few_remain, row.few_measured) == (False, True)
    assert "1 of 3 animals followed were measured on this day" in row.reason


def test_no_number_that_does_not_exist_reaches_json_as_nan(tmp_path: Path) -> None:
    animals = (("c1", "vehicle", "100", "0"), ("t1", "drug", "0", "50"))
    result = volume_by_day(study(tmp_path, animals, (0, 4)), control="vehicle")
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert len(json.loads(text)["rows"]) == len(result.to_frame()) == 4


def test_an_unknown_control_or_baseline_is_refused(tmp_path: Path) -> None:
    made = study(tmp_path, SMALL, (0, 4, 7))
    with pytest.raises(InputError, match="an arm of the study: vehicle, drug, found 'placebo'"):
        volume_by_day(made, control="placebo")
    with pytest.raises(DataError, match="a baseline day with readings, found day 5"):
        volume_by_day(made, control="vehicle", baseline_day=5)
    with pytest.raises(InputError, match="an arm of the study"):
        volume_by_day(made, control="vehicle").of_arm("placebo")


def test_an_empty_group_has_no_mean() -> None:
    group = summarize_group(np.array([np.nan, np.nan]))
    assert (group.n, group.mean, group.sd, group.geometric_mean) == (0, None, None, None)


volumes = st.lists(st.floats(1.0, 1e4), min_size=1, max_size=8).map(np.array)


@given(values=volumes, seed=st.integers(0, 1000))
def test_the_order_of_animals_changes_no_bit(values: NDArray[np.float64], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(values)
    assert summarize_group(shuffled) == summarize_group(values)


@given(values=volumes, factor=st.sampled_from([0.001, 1000.0]))
def test_relative_volume_does_not_depend_on_the_unit(
    values: NDArray[np.float64], factor: float
) -> None:
    baseline = values[::-1]
    np.testing.assert_allclose(
        relative_volume(values * factor, baseline * factor), relative_volume(values, baseline)
    )


@given(values=volumes)
def test_the_geometric_mean_is_at_most_the_arithmetic(values: NDArray[np.float64]) -> None:
    group = summarize_group(values)
    assert group.geometric_mean is not None
    assert group.mean is not None
    assert group.geometric_mean <= group.mean * (1 + 1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file", "control", "n_rows"),
    [
        (
            "genentech_gdc0084_temozolomide",
            "genentech_gdc0084_temozolomide/growth.csv",
            "gdc0084_00_temo_00",
            515,
        ),
        ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv", "Control", 44),
    ],
)
def test_every_day_and_arm_agrees_with_the_peers_tables(
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, object]],
    name: str,
    file: str,
    control: str,
    n_rows: int,
) -> None:
    sections = cast("dict[str, dict[str, object]]", shared_reference(name)["sections"])
    section = sections["01_by_day"]
    tolerance = cast("dict[str, float]", section["tolerance"])["rel"]
    expected = cast("dict[str, list[float | None]]", section["results"])
    (real,) = read_study(shared_data(file))
    result = volume_by_day(real, control=control)
    rows = {(row.arm, row.day): row for row in result.rows}
    keys = list(zip(expected["g"], expected["t"], strict=True))
    assert len(keys) == len(rows) == n_rows
    for index, key in enumerate(keys):
        row = rows[cast("tuple[str, float]", key)]
        assert row.n_measured == expected["n"][index]
        inhibition = expected["TGI_pct"][index]
        ratio = None if inhibition is None else 1 - inhibition / 100
        for ours, theirs in (
            (row.mean_volume_mm3, expected["mean"][index]),
            (row.sd_volume_mm3, expected["sd"][index]),
            (row.median_volume_mm3, expected["median"][index]),
            (row.geometric_mean_volume_mm3, expected["geo_mean"][index]),
            (row.t_over_c_volume, ratio),
        ):
            assert ours == (None if theirs is None else pytest.approx(theirs, rel=tolerance))
