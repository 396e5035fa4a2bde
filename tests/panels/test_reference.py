"""Panels of real curves against what Xeva computes, and against the table that was published.

Where Xeva gives no answer, or a wrong one, ours is checked by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from oncovivo.endpoints.mrecist import Rule
from oncovivo.panels import PanelResult, compute_panel
from oncovivo.studies import read_study

pytestmark = pytest.mark.realdata

# Published percentages have one decimal, and so do most of the volumes behind them.
PUBLISHED_TOLERANCE = 0.15


def per_curve(reference: Mapping[str, object], section: str, name: str) -> pd.DataFrame:
    """A section's table of curves."""
    sections = cast("Mapping[str, Any]", reference["sections"])
    return pd.DataFrame(sections[section]["results"][name]).set_index("animal_id")


@pytest.fixture
def pdxe_frame(shared_data: Callable[[str], Path]) -> pd.DataFrame:
    return pd.read_csv(shared_data("pdxe") / "growth.csv")


@pytest.mark.parametrize(
    ("data", "section", "table"),
    [("pdxe", "51_xeva_all_curves", "per_curve"), ("xeva_repdx", "50_xeva", "per_mouse")],
)
def test_every_curve_agrees_with_xeva(
    data: str,
    section: str,
    table: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, object]],
) -> None:
    frame = pd.read_csv(shared_data(data) / "growth.csv")
    ours = compute_panel(frame).to_frame().set_index("animal_id")
    xeva = per_curve(shared_reference(data), section, table)
    assert list(ours.index) == list(xeva.index)
    has = xeva["mRECIST"].notna()
    assert has.sum() >= (3250 if data == "pdxe" else 59)
    assert (ours.loc[has, "mrecist"] == xeva.loc[has, "mRECIST"]).all()
    for mine, theirs in (
        ("best_response_pct", "best_response"),
        ("best_response_day", "best_response_time"),
        ("best_average_response_pct", "best_avg_response"),
        ("best_average_response_day", "best_avg_response_time"),
    ):
        np.testing.assert_allclose(
            ours.loc[has, mine].astype(float), xeva.loc[has, theirs].astype(float), rtol=1e-9
        )
    # The area exists from two readings on, whatever the day.
    area = xeva["auc"].notna()
    np.testing.assert_allclose(
        ours.loc[area, "auc_mm3_day"], xeva.loc[area, "auc"].astype(float), rtol=1e-9
    )


def test_curves_that_xeva_leaves_out_are_done_by_hand(
    pdxe_frame: pd.DataFrame, shared_reference: Callable[[str], dict[str, object]]
) -> None:
    ours = compute_panel(pdxe_frame).to_frame().set_index("animal_id")
    xeva = per_curve(shared_reference("pdxe"), "51_xeva_all_curves", "per_curve")
    left_out = ours[xeva["mRECIST"].isna()]
    assert len(left_out) == 154
    # Readings 202.3, 590.3, 796.3 and 1004.5 on days 0, 4, 7 and 11: one from day 10 on.
    one = left_out.loc["X-007|BGJ398|1"]
    assert one["best_response_pct"] == pytest.approx(100 * (1004.5 / 202.3 - 1), rel=1e-12)
    mean = 100 * ((590.3 + 796.3 + 1004.5) / 202.3 - 3) / 4
    assert one["best_average_response_pct"] == pytest.approx(mean, rel=1e-12)
    assert (one["mrecist"], one["status"]) == ("PD", "flagged")
    assert one["reason"].endswith("one reading from day 10 of treatment on")
    last = pdxe_frame.groupby("animal_id")["day"].max().reindex(left_out.index)
    # X-2088|CGM097|1 has one reading in all, on day 15.
    none = (last < 10) | (left_out["n_readings"] == 1)
    assert (left_out["mrecist"].isna() == none).all()


def test_the_published_rule_for_the_seven_curves_without_day_0(pdxe_frame: pd.DataFrame) -> None:
    ours = compute_panel(pdxe_frame).to_frame()
    late = ours[ours["baseline_day"] > 0]
    assert len(late) == 7
    assert (late["status"] != "ok").all()
    assert late["reason"].str.contains("no reading on the baseline day 0").all()


def compare_with_publication(
    frame: pd.DataFrame, folder: Path, rule: Rule
) -> tuple[pd.DataFrame, PanelResult]:
    """Curves of the published table that match one animal, beside ours."""
    result = compute_panel(frame, rule=rule)
    ours = result.to_frame()
    alone = ours.groupby(["model", "treatment"])["animal_id"].transform("size") == 1
    published = pd.read_csv(folder / "published_metrics.csv")
    merged = ours[alone & (ours["n_readings"] > 1)].merge(
        published, on=["model", "treatment"], suffixes=("", "_published")
    )
    merged["published"] = merged["response_category"].str.split("-->").str[0]
    return merged, result


def shares(merged: pd.DataFrame) -> tuple[float, float, float]:
    """Shares of best average, best response and category that agree."""
    average = merged["best_average_response_pct"] - merged["best_avg_response_pct"]
    best = merged["best_response_pct"] - merged["best_response_pct_published"]
    return (
        float((average.abs() <= PUBLISHED_TOLERANCE).mean()),
        float((best.abs() <= PUBLISHED_TOLERANCE).mean()),
        float((merged["mrecist"] == merged["published"]).mean()),
    )


def test_the_published_table_follows_its_own_rule(
    pdxe_frame: pd.DataFrame, shared_data: Callable[[str], Path]
) -> None:
    merged, _ = compare_with_publication(pdxe_frame, shared_data("pdxe"), "published_table")
    assert len(merged) == 2390
    average, best, category = shares(merged)
    assert average == pytest.approx(0.9987, abs=5e-5)
    assert best == pytest.approx(0.995, abs=5e-4)
    assert category == pytest.approx(0.998, abs=5e-4)
    table = pd.crosstab(merged["published"], merged["mrecist"])
    assert table.to_dict("index") == {
        "CR": {"CR": 45, "PD": 0, "PR": 0, "SD": 0},
        "PD": {"CR": 0, "PD": 1464, "PR": 0, "SD": 2},
        "PR": {"CR": 1, "PD": 0, "PR": 158, "SD": 0},
        "SD": {"CR": 0, "PD": 1, "PR": 0, "SD": 719},
    }


def test_the_rule_of_the_text_does_not_give_the_published_table(
    pdxe_frame: pd.DataFrame, shared_data: Callable[[str], Path]
) -> None:
    merged, _ = compare_with_publication(pdxe_frame, shared_data("pdxe"), "published_text")
    average, best, _ = shares(merged[merged["mrecist"].notna()])
    assert average == pytest.approx(0.73, abs=0.01)
    assert best == pytest.approx(0.41, abs=0.01)
    table = pd.crosstab(merged["published"], merged["mrecist"].fillna("none"))
    assert table.to_dict("index") == {
        "CR": {"CR": 45, "PD": 0, "PR": 0, "SD": 0, "none": 0},
        "PD": {"CR": 0, "PD": 1155, "PR": 0, "SD": 282, "none": 29},
        "PR": {"CR": 1, "PD": 0, "PR": 157, "SD": 1, "none": 0},
        "SD": {"CR": 0, "PD": 2, "PR": 0, "SD": 711, "none": 7},
    }


def test_seven_slow_cures_are_counted_although_the_rule_keeps_them_lower(
    pdxe_frame: pd.DataFrame,
) -> None:
    ours = compute_panel(pdxe_frame).to_frame()
    differ = ours[ours["mrecist"].notna() & (ours["mrecist"] != ours["response"])]
    assert len(differ) == 7
    assert (differ["response"] == "CR").all()
    assert set(differ["mrecist"]) == {"PR", "SD"}
    last = pdxe_frame.groupby("animal_id", sort=False)["volume_mm3"].last()
    assert (last[differ["animal_id"]] == 0).all()


def test_a_file_a_frame_and_studies_give_the_same(
    pdxe_frame: pd.DataFrame, shared_data: Callable[[str], Path]
) -> None:
    file = shared_data("pdxe") / "growth.csv"
    of_frame = compute_panel(pdxe_frame, rule="published_table").to_frame()
    of_file = compute_panel(file, rule="published_table").to_frame()
    pd.testing.assert_frame_equal(of_frame, of_file)
    of_studies = compute_panel(read_study(file), rule="published_table").to_frame()
    pd.testing.assert_frame_equal(of_frame, of_studies)
