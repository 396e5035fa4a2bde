"""Time courses, genotype calls and pictures of assays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oncovivo.biomarkers.assay_plots import plot_assay, plot_inhibition_course
from oncovivo.biomarkers.genotype import read_genotypes
from oncovivo.biomarkers.group_comparison import compare_groups
from oncovivo.biomarkers.marker_table import MarkerTable
from oncovivo.biomarkers.time_course import TimeCourse, time_course
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.figures.theme import to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS = (0.25, 1.0, 3.0)


def rows(*, same_animals: bool, n: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(21)
    made = []
    for arm, drop in (("vehicle", 0.0), ("drug", 1.2)):
        levels = 0.5 * rng.normal(size=n)
        for day in DAYS:
            for animal in range(n):
                name = f"{arm}{animal}" if same_animals else f"{arm}{animal}-{day}"
                log = 2 - drop / (1 + 0.5 * day) + levels[animal] + 0.2 * rng.normal()
                made.append((name, arm, day, float(np.exp(log))))
    frame = pd.DataFrame(made, columns=["animal_id", "arm", "day", "value"])
    return frame.assign(analyte="pS6", assay="signal_ratio")


def course(frame: pd.DataFrame) -> TimeCourse:
    return time_course(MarkerTable(name="made", rows=frame), "pS6", control="vehicle")


def logs(frame: pd.DataFrame, arm: str) -> np.ndarray:
    own = frame[frame["arm"] == arm].sort_values(["day", "animal_id"])
    values: np.ndarray = np.log(own["value"].to_numpy(dtype=np.float64)).reshape(len(DAYS), -1)
    return values


WEIGHTS = np.array([0.375, 1.375, 1.0])


def test_the_area_of_separate_animals_adds_the_squares() -> None:
    frame = rows(same_animals=False)
    area = course(frame).areas[0]
    top, bottom = logs(frame, "drug"), logs(frame, "vehicle")
    ratio = np.exp(top.mean(axis=1) - bottom.mean(axis=1))
    assert area.area_pct_days == pytest.approx(100 * WEIGHTS @ (1 - ratio), rel=1e-12)
    slopes = 100 * WEIGHTS * ratio
    parts = np.concatenate(
        [slopes**2 * side.var(axis=1, ddof=1) / side.shape[1] for side in (top, bottom)]
    )
    df = parts.sum() ** 2 / (parts**2 / 3).sum()
    reach = stats.t.ppf(0.975, df) * np.sqrt(parts.sum())
    assert area.df == pytest.approx(df, rel=1e-10)
    assert area.area_pct_days is not None
    assert area.upper == pytest.approx(area.area_pct_days + reach, rel=1e-9)
    assert area.mean_pct == pytest.approx(area.area_pct_days / 2.75, rel=1e-12)
    assert area.mean_lower_pct == pytest.approx((area.area_pct_days - reach) / 2.75, rel=1e-9)
    assert (area.sampling, area.status) == ("separate animals", "ok")


def test_the_area_of_the_same_animals_scores_each_animal_once() -> None:
    frame = rows(same_animals=True)
    area = course(frame).areas[0]
    top, bottom = logs(frame, "drug"), logs(frame, "vehicle")
    slopes = 100 * WEIGHTS * np.exp(top.mean(axis=1) - bottom.mean(axis=1))
    test = stats.ttest_ind(slopes @ top, slopes @ bottom, equal_var=False)
    interval = test.confidence_interval(0.95)
    half = (interval.high - interval.low) / 2
    assert area.df == pytest.approx(test.df, rel=1e-9)
    assert area.area_pct_days is not None
    assert area.lower == pytest.approx(area.area_pct_days - half, rel=1e-9)
    assert area.sampling == "same animals"
    # The level of an animal is in all of its days: separate animals would look more certain.
    other = course(rows(same_animals=False)).areas[0]
    assert other.area_pct_days == pytest.approx(area.area_pct_days, rel=1e-12)
    assert other.lower is not None
    assert area.lower is not None
    assert area.lower < other.lower


def test_a_constant_inhibition_has_that_mean_over_the_days() -> None:
    frame = rows(same_animals=True)
    frame["value"] = np.where(frame["arm"] == "drug", 2.5, 10.0) * np.exp(
        np.tile([-0.1, 0.1, -0.2, 0.2], 6)
    )
    area = course(frame).areas[0]
    assert area.mean_pct == pytest.approx(75.0, rel=1e-12)
    assert area.area_pct_days == pytest.approx(75.0 * 2.75, rel=1e-12)


def test_areas_without_an_error_say_why() -> None:
    frame = rows(same_animals=True)
    mixed = frame[~((frame["day"] == 3.0) & (frame["animal_id"] == "drug0"))]
    area = course(mixed).areas[0]
    assert area.lower is None
    assert area.area_pct_days is not None
    assert area.reason.startswith("animals neither the same on all days")
    one = course(frame[frame["day"] == 1.0]).areas[0]
    assert (one.area_pct_days, one.status) == (None, "not_estimable")
    limits = frame.assign(value_state=["below_limit"] + ["measured"] * (len(frame) - 1))
    assert course(limits).areas[0].reason == "values known by a limit only"
    plates = frame.assign(plate=np.where(frame["day"] == 1.0, "1", "2"))
    assert course(plates).areas[0].reason == "several plates"
    single = frame[frame["animal_id"].isin(["vehicle0", "vehicle1", "drug0"])]
    assert course(single).areas[0].reason == "fewer than 2 animals in an arm on a day: no interval"


def test_the_area_over_fields_without_animals_is_flagged() -> None:
    frame = rows(same_animals=False)
    area = course(frame.assign(animal_id="", field=frame["animal_id"])).areas[0]
    assert area.status == "flagged"
    assert "pseudo-replicates" in area.reason
    assert area.area_pct_days == course(frame).areas[0].area_pct_days


def test_points_are_geometric_means_with_their_values() -> None:
    frame = rows(same_animals=True)
    found = course(frame)
    assert [(p.arm, p.day) for p in found.points[:4]] == [
        ("vehicle", 0.25),
        ("vehicle", 1.0),
        ("vehicle", 3.0),
        ("drug", 0.25),
    ]
    own = frame[(frame["arm"] == "vehicle") & (frame["day"] == 0.25)]["value"]
    assert found.points[0].mean.estimate == pytest.approx(stats.gmean(own), rel=1e-10)
    assert found.points[0].values == tuple(sorted(own))
    table = found.to_frame()
    assert table["n"].tolist() == [4] * 6
    assert table["inhibition_pct"].isna().tolist() == [True] * 3 + [False] * 3
    assert found.to_dict()["control"] == "vehicle"
    log2 = frame.assign(value=np.log2(frame["value"]), assay="expression", unit="log2")
    turned = course(log2)
    assert turned.areas[0].area_pct_days == pytest.approx(found.areas[0].area_pct_days, rel=1e-9)
    with pytest.raises(DataError, match=r"above 0: a course is on the log scale"):
        course(frame.assign(value=0.0))


def write(folder: Path, text: str) -> Path:
    path = folder / "calls.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_genotypes_are_read_cell_by_cell(tmp_path: Path) -> None:
    text = (
        "model,TP53,AKT1\nX1,MutKnownFunctional;MutNovel,Amp5\nX2,WT,Amp5;MutNovel\nX3,,Del0.8\n"
    )
    found = read_genotypes(write(tmp_path, text))
    assert found.calls[0].mutations == ("known_functional", "novel")
    assert found.matrix().fillna(-1).to_numpy().tolist() == [[1, 0], [0, 1], [-1, 0]]
    assert found.matrix("functional").fillna(-1).to_numpy().tolist() == [[1, 0], [0, 0], [-1, 0]]
    assert found.matrix("amplified")["AKT1"].tolist() == [1, 1, 0]
    assert found.matrix("deleted")["AKT1"].tolist() == [0, 0, 1]
    assert found.calls[5].copies == 0.8
    assert found.notes == (
        "3 cells hold a copy number among mutations and are not counted as mutations for it: "
        "X1 AKT1 Amp5, X2 AKT1 Amp5;MutNovel, X3 AKT1 Del0.8",
    )
    with pytest.raises(InputError, match="a rule: any_mutation"):
        found.matrix("silent")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("model,TP53\nX1,Frameshift\n", FileFormatError, "row 2, column TP53.*a genotype"),
        ("model,TP53\nX1,0;MutNovel\n", FileFormatError, "a genotype"),
        ("model,TP53\nX1,0\nX1,0\n", DataError, "row 3, column model.*each line once"),
        ("model,TP53,TP53\nX1,0,0\n", FileFormatError, "each column once"),
        ("gene,TP53\nX1,0\n", FileFormatError, "a first column 'line' or 'model'"),
        ("model\nX1\n", FileFormatError, "a header row|a first column"),
        ("model,TP53\n,0\n", FileFormatError, "a value"),
    ],
)
def test_genotypes_that_cannot_be_read_are_refused(
    tmp_path: Path, text: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        read_genotypes(write(tmp_path, text))
    with pytest.raises(FileFormatError, match="nothing there"):
        read_genotypes(tmp_path / "none.csv")


@pytest.mark.realdata
def test_the_odd_cells_of_the_breast_panel_are_named(shared_data: Callable[[str], Path]) -> None:
    found = read_genotypes(shared_data("pdxe/breast_mutation.csv"))
    odd = {f"{call.line} {call.gene} {call.text}" for call in found.copy_number_cells}
    assert len(odd) == 10
    assert "X-2487 MAP3K4 Del0.8" in odd
    assert "X-4824 PIK3CA Amp5;MutKnownFunctional;MutLikelyFunctional" in odd
    assert found.notes[0].startswith("10 cells hold a copy number among mutations")
    matrix = found.matrix()
    assert matrix["PIK3CA"].sum() == 7
    assert matrix.loc["X-2487", "MAP3K4"] == 0
    assert matrix.loc["X-4824", "PIK3CA"] == 1


def picture(ax: Axes) -> str:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return to_svg(figure, title="picture")


def test_a_picture_of_arms_shows_every_animal_and_each_interval() -> None:
    frame = rows(same_animals=True, n=6)
    found = compare_groups(MarkerTable(name="x", rows=frame), "pS6", control="vehicle", day=1.0)
    ax = plot_assay(found)
    marks = [line for line in ax.lines if line.get_linestyle() == "None"]
    bars = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert len(marks) == 12
    heights = sorted(float(np.asarray(mark.get_ydata())[0]) for mark in marks)
    assert heights == sorted(value for arm in found.arms for value in arm.values)
    assert len(bars) == 4
    drawn = {tuple(np.asarray(bar.get_ydata()).tolist()) for bar in bars}
    assert (found.arms[0].lower, found.arms[0].upper) in drawn
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["n = 6\nvehicle", "n = 6\ndrug"]
    assert ax.get_ylabel() == "pS6, ratio of signals"
    assert "Kruskal-Wallis" in ax.get_title(loc="left")
    again = plot_assay(found)
    assert picture(ax) == picture(again)


def test_a_picture_of_limits_draws_medians_and_says_so() -> None:
    frame = rows(same_animals=True)
    frame = frame[frame["day"] == 1.0].reset_index(drop=True)
    frame.loc[len(frame) - 1, "value"] = 0.01
    frame["value_state"] = ["measured"] * (len(frame) - 1) + ["below_limit"]
    ax = plot_assay(compare_groups(MarkerTable(name="x", rows=frame), "pS6", control="vehicle"))
    assert any("median as a line" in text.get_text() for text in ax.texts)
    marks = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False] * 4 + [True] * 4
    fields = frame.assign(animal_id="", value_state="measured")
    ax = plot_assay(compare_groups(MarkerTable(name="x", rows=fields), "pS6"))
    assert any("pseudo-replicates" in text.get_text() for text in ax.texts)


def test_a_picture_of_a_course_has_a_line_for_each_arm_and_its_intervals() -> None:
    found = course(rows(same_animals=False))
    ax = plot_inhibition_course(found)
    lines = {str(line.get_label()): line for line in ax.lines}
    own = lines["drug\nn = 4 a day"]
    drawn = np.asarray(own.get_ydata(), dtype=float).tolist()
    assert drawn == [group.estimate_pct for group in found.inhibition]
    whiskers = [np.asarray(line.get_ydata()).tolist() for line in ax.lines]
    for group in found.inhibition:
        assert [group.lower_pct, group.upper_pct] in whiskers
    assert ax.get_xlabel() == "time (day)"
    assert ax.get_ylabel() == "inhibition (%)"
    lone = course(rows(same_animals=False).assign(day=np.nan).drop_duplicates("animal_id"))
    with pytest.raises(InputError, match="an inhibition on a day"):
        plot_inhibition_course(lone)
