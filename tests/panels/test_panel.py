"""Panels: frames in, one row for each animal, summaries and the matrix out."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import DataError, InputError
from oncovivo.panels import Panel, compute_panel
from oncovivo.panels.kernels import panel_calls

CURVES = {
    "grows": [(0, 200), (7, 400), (14, 900)],
    "shrinks": [(0, 200), (7, 120), (14, 60), (21, 80)],
    "cured": [(0, 200), (7, 90), (14, 0), (21, 0)],
    "stable": [(0, 200), (7, 205), (14, 210)],
    "lost": [(0, 200), (7, 390)],
}
# Line, tumor type, treatment, curve.
ANIMALS = [
    ("L1", "A", "drug", "shrinks"),
    ("L1", "A", "drug", "stable"),
    ("L1", "A", "none", "grows"),
    ("L2", "A", "drug", "cured"),
    ("L2", "A", "none", "grows"),
    ("L3", "B", "drug", "lost"),
    ("L3", "B", "none", "stable"),
]


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = [
        {
            "study": "made",
            "model": line,
            "tumor_type": kind,
            "animal_id": f"m{number}",
            "treatment": treatment,
            "day": day,
            "volume_mm3": volume,
        }
        for number, (line, kind, treatment, curve) in enumerate(ANIMALS)
        for day, volume in CURVES[curve]
    ]
    return pd.DataFrame(rows)


def test_each_animal_has_a_row_with_category_days_and_reason(frame: pd.DataFrame) -> None:
    table = compute_panel(frame).to_frame()
    assert [None if pd.isna(word) else word for word in table["mrecist"]] == [
        "PR",
        "SD",
        "PD",
        "CR",
        "PD",
        None,
        "SD",
    ]
    assert table.loc[5, "reason"] == (
        "last reading on day 7 (+95.0 %; unknown), before day 10 of treatment"
    )
    assert table.loc[0, "auc_mm3_day"] == pytest.approx(7 * (160 + 90 + 70))
    assert table.loc[0, "normalized_auc_mm3"] == pytest.approx(7 * 320 / 21)


def test_rates_give_each_line_one_vote(frame: pd.DataFrame) -> None:
    result = compute_panel(frame)
    drug, none = result.summaries("treatment")
    assert (drug.treatment, drug.n_animals, drug.n_lines, drug.n_evaluable) == ("drug", 4, 3, 3)
    assert (drug.n_cr, drug.n_pr, drug.n_sd, drug.n_pd, drug.n_cured) == (1, 1, 1, 0, 1)
    # Line L1 has a PR and an SD: the worse of two middle ones is SD.
    assert (drug.objective_response.k, drug.objective_response.n) == (1, 2)
    assert (none.disease_control.k, none.disease_control.n) == (1, 3)
    by_type = {row.tumor_type: row.n_animals for row in result.summaries("tumor_type")}
    assert by_type == {"A": 5, "B": 2}
    with pytest.raises(InputError, match="a grouping"):
        result.summaries("drug")  # type: ignore[arg-type]  # the refusal is tested


def test_the_matrix_has_lines_down_and_treatments_across(frame: pd.DataFrame) -> None:
    result = compute_panel(frame)
    words = result.matrix()
    assert words.to_numpy()[0].tolist() == ["SD", "PD"]
    assert words["drug"].isna().tolist() == [False, False, True]
    numbers = result.matrix("best_response_pct")
    assert numbers["drug"].iloc[0] == pytest.approx((-70 + 5) / 2)


def test_the_waterfall_runs_from_worst_to_best(frame: pd.DataFrame) -> None:
    result = compute_panel(frame)
    assert result.waterfall("drug")["animal_id"].tolist() == ["m1", "m0", "m3"]
    with pytest.raises(InputError, match="a treatment of the panel: drug, none"):
        result.waterfall("dragon")


def test_json_has_no_nan_and_the_names_of_the_contract(frame: pd.DataFrame) -> None:
    text = json.dumps(compute_panel(frame).to_dict(), allow_nan=False)
    content = json.loads(text)
    needed = {
        "study",
        "model",
        "tumor_type",
        "treatment",
        "animal_id",
        "best_response_pct",
        "best_average_response_pct",
        "mrecist",
    }
    assert needed <= set(content["animals"][0])
    assert content["animals"][5]["mrecist"] is None
    assert content["animals"][5]["best_response_pct"] is None
    assert {"treatment", "model", "tumor_type", "tumor_type and treatment"} == {
        row["by"] for row in content["summary"]
    }


def test_the_baseline_day_of_a_line_is_its_own(frame: pd.DataFrame) -> None:
    moved = frame.copy()
    moved.loc[moved["model"] == "L2", "day"] += 30
    table = compute_panel(moved).to_frame()
    assert table.loc[table["model"] == "L2", "baseline_day"].eq(30).all()
    straight = compute_panel(frame).to_frame()
    assert (table["mrecist"].fillna("") == straight["mrecist"].fillna("")).all()


def test_the_baseline_day_that_is_named_comes_first(frame: pd.DataFrame) -> None:
    table = compute_panel(frame, baseline_day=7).to_frame()
    assert table["baseline_day"].eq(7).all()
    # From day 7 on the animal that shrinks has 120, 60, 80; only day 21 is day 10 or later.
    assert table.loc[0, "best_response_pct"] == pytest.approx(100 * (80 / 120 - 1))


def test_a_line_without_a_common_day_takes_the_commonest_and_says_so() -> None:
    rows = [
        ("a", 0, 100),
        ("a", 12, 90),
        ("b", 3, 100),
        ("b", 12, 90),
        ("c", 0, 100),
        ("c", 13, 90),
    ]
    frame = pd.DataFrame(rows, columns=["animal_id", "day", "volume_mm3"]).assign(treatment="t")
    table = compute_panel(frame).to_frame()
    assert table["reason"].str.contains("80 % of the line's animals").all()
    assert (table["status"] == "flagged").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="treatment"), "no treatment"),
        (lambda f: f.iloc[:0], "rows, found none"),
        (lambda f: f.assign(volume_mm3=-1.0), "row 1 .*column volume_mm3: .*zero or more"),
        (lambda f: f.assign(volume_mm3="big"), "a finite number, found 'big'"),
        (lambda f: f.assign(volume_mm3=np.inf), "a finite number"),
        (lambda f: f.assign(day=np.nan), "a day"),
        (lambda f: f.assign(animal_id=None), "a value in animal_id"),
        (lambda f: pd.concat([f, f.iloc[:1]]), "each animal once on a day"),
        (
            lambda f: f.assign(treatment=["other", *f["treatment"].iloc[1:]]),
            "one treatment for each animal",
        ),
        (
            lambda f: f.assign(tumor_type=["Z", *f["tumor_type"].iloc[1:]]),
            "one tumor_type for each animal",
        ),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused_in_one_line(
    frame: pd.DataFrame, change: object, message: str
) -> None:
    assert callable(change)
    with pytest.raises(DataError, match=message) as caught:
        Panel.from_frame(change(frame))
    assert "\n" not in str(caught.value)


def test_no_studies_are_refused() -> None:
    with pytest.raises(DataError, match="at least one study"):
        compute_panel([])


def test_padding_zeros_stop_a_file(tmp_path: Path) -> None:
    lines = ["study,model,animal_id,treatment,day,volume_mm3"]
    for arm in ("none", "drug"):
        for place in (1, 2):
            lines += [f"s,l,{arm}{place},{arm},{day},{v}" for day, v in ((0, 100), (7, 900))]
            lines += [f"s,l,{arm}{place},{arm},14,{0 if place == 1 else 950}"]
    path = tmp_path / "padded.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="gone or missing"):
        compute_panel(path)


# A loaded machine is no failure.
@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(-50, 50), st.integers(1, 9))
def test_row_order_labels_offset_and_chunks_change_nothing(
    random: Random, offset: int, chunk: int
) -> None:
    frame = pd.DataFrame(
        [
            {"animal_id": f"m{n}", "treatment": treatment, "day": day, "volume_mm3": volume}
            for n, (_, _, treatment, curve) in enumerate(ANIMALS)
            for day, volume in CURVES[curve]
        ]
    )
    order = list(range(len(frame)))
    random.shuffle(order)
    moved = frame.iloc[order].assign(day=lambda f: f["day"] + offset)
    moved["treatment"] = moved["treatment"].map({"drug": "Z", "none": "A"})
    first = compute_panel(frame).to_frame().set_index("animal_id").sort_index()
    second = compute_panel(moved).to_frame().set_index("animal_id").sort_index()
    for column in ("mrecist", "response", "best_response_pct", "best_average_response_pct"):
        pd.testing.assert_series_equal(first[column], second[column])
    panel = Panel.from_frame(frame)
    readings = panel.readings(panel.baseline_days()[0])
    whole, parts = panel_calls(readings), panel_calls(readings, chunk=chunk)
    np.testing.assert_array_equal(whole.best.best_pct, parts.best.best_pct)
    np.testing.assert_array_equal(whole.response, parts.response)
