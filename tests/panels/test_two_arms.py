"""Two arms of a panel as one study: who is in it, what they are called, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import growth_data
from oncovivo.panels import Panel, read_panel
from oncovivo.panels.two_arms import panel_study

# Line, animal, treatment, days, volumes.
CURVES = [
    ("L1", "a", "none", (0, 7, 14), (200.0, 400.0, 900.0)),
    ("L1", "b", "drug", (0, 7, 14), (210.0, 120.0, 0.0)),
    ("L2", "c", "none", (0, 7), (190.0, 500.0)),
    ("L3", "d", "drug", (0, 7), (180.0, np.nan)),
    ("L3", "e", "none", (3, 10), (170.0, 260.0)),
    ("L3", "f", "none", (3, 10), (175.0, 270.0)),
    ("L4", "g", "other", (0, 7), (160.0, 250.0)),
    ("L5", "h", "drug", (0, 7), (165.0, 180.0)),
]


def made(curves: Sequence[tuple[str, str, str, tuple[int, ...], tuple[float, ...]]]) -> Panel:
    rows = [
        {
            "study": "made",
            "model": line,
            "tumor_type": kind,
            "animal_id": animal,
            "treatment": treatment,
            "day": day,
            "volume_mm3": volume,
        }
        for line, animal, treatment, days, volumes in curves
        for kind in ("GC" if line == "L1" else "CRC",)
        for day, volume in zip(days, volumes, strict=True)
    ]
    return Panel.from_frame(pd.DataFrame(rows))


def test_only_lines_with_both_arms_are_taken_and_the_others_are_counted() -> None:
    study = panel_study(made(CURVES), treatment="drug", control="none")
    assert [arm.name for arm in study.arms] == ["none", "drug"]
    assert [(one.animal_id, one.arm) for one in study.animals] == [
        ("a", "none"),
        ("b", "drug"),
        ("d", "drug"),
        ("e", "none"),
        ("f", "none"),
    ]
    assert study.notes == (
        "animals of 2 lines; 2 lines without animals in both arms were left out",
    )
    assert study.study_id == "made/drug"
    assert study.title == "drug against none in 2 lines"
    assert study.line.name == "2 lines"
    assert study.line.tumor_type is None


def test_all_lines_of_the_two_arms_are_taken_where_that_is_asked_for() -> None:
    study = panel_study(made(CURVES), treatment="drug", control="none", both=False)
    assert [one.animal_id for one in study.animals] == ["a", "b", "c", "d", "e", "f", "h"]
    assert study.notes == ("animals of 4 lines",)


def test_readings_their_states_and_baselines_stay_as_they_are_in_the_panel() -> None:
    study = panel_study(made(CURVES), treatment="drug", control="none")
    table = study.measurements.set_index(["animal_id", "day"])
    assert table.loc[("b", 7.0), "volume_mm3"] == 120.0
    assert table.loc[("b", 14.0), "volume_state"] == "gone"
    assert table.loc[("d", 7.0), "volume_state"] == "not_measured"
    assert table.loc[("a", 0.0), "volume_state"] == "measured"
    by_name = {one.animal_id: one for one in study.animals}
    assert by_name["a"].baseline_day == 0.0
    # Of the three animals of L3 two are read on days 3 and 10: the first day with most of them.
    assert by_name["e"].baseline_day == 3.0
    assert by_name["b"].end_day == 14.0
    data = growth_data(study, baseline_day=0.0)
    row = list(data.animal_ids).index("e")
    assert data.time[data.animal == row].tolist() == [0.0, 7.0]


def test_one_tumor_type_is_that_of_the_study() -> None:
    study = panel_study(made(CURVES[:3]), treatment="drug", control="none")
    assert study.line.tumor_type == "GC"
    assert study.line.name == "1 line"
    assert study.notes == ("animals of 1 line; 1 line without animals in both arms was left out",)


def test_animals_of_one_name_in_two_lines_are_called_by_their_lines() -> None:
    again = [
        (line, "m1" if arm == "none" else "m2", arm, d, v) for line, _, arm, d, v in CURVES[:2]
    ]
    twice = [*again, *(("L9", *rest) for _, *rest in again)]
    study = panel_study(made(twice), treatment="drug", control="none")  # type: ignore[arg-type]
    assert [one.animal_id for one in study.animals] == [
        "made/L1/m1",
        "made/L1/m2",
        "made/L9/m1",
        "made/L9/m2",
    ]
    assert len(study.measurements) == 12


def test_a_reading_below_the_limit_stays_an_upper_bound() -> None:
    frame = pd.DataFrame(
        {
            "animal_id": ["a", "a", "b", "b"],
            "treatment": ["none", "none", "drug", "drug"],
            "day": [0, 7, 0, 7],
            "volume_mm3": [200.0, 500.0, 210.0, 14.0],
            "volume_state": ["measured", "measured", "measured", "below_limit"],
        }
    )
    study = panel_study(Panel.from_frame(frame), treatment="drug", control="none")
    assert study.measurements["volume_state"].tolist()[-1] == "below_limit"
    assert study.study_id == "panel/drug"


@pytest.mark.parametrize(
    ("treatment", "control", "message"),
    [("drug", "drug", "two different"), ("dug", "none", "a treatment of the panel: drug, none")],
)
def test_two_treatments_of_the_panel_are_needed(
    treatment: str, control: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        panel_study(made(CURVES), treatment=treatment, control=control)


def test_a_panel_without_a_line_in_both_arms_is_refused_and_so_is_one_without_readings() -> None:
    with pytest.raises(DataError, match="under both none and other"):
        panel_study(made(CURVES), treatment="other", control="none")
    blank = [(line, who, arm, (0,), (np.nan,)) for line, who, arm, *_ in CURVES[:2]]
    with pytest.raises(DataError, match="a reading under one of"):
        panel_study(made(blank), treatment="drug", control="none")


@pytest.mark.realdata
def test_everolimus_of_the_encyclopedia_has_29_lines_with_untreated_animals(
    shared_data: Callable[[str], Path],
) -> None:
    panel = read_panel(shared_data("pdxe") / "growth.csv")
    study = panel_study(panel, treatment="everolimus", control="untreated")
    assert study.line.name == "29 lines"
    assert study.line.tumor_type == "GC"
    # Six lines have more than one untreated animal, told apart by their names.
    assert [len(study.animals_of(arm.name)) for arm in study.arms] == [35, 29]
    assert len(study.measurements) == 860
    assert {one.baseline_day for one in study.animals} == {0.0}
