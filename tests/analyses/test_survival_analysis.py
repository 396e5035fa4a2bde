"""Survival analyses of files: what is adjusted, stratified, shown otherwise, and warned of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from oncovivo.analyses.study_input import StudyOptions
from oncovivo.analyses.survival_analysis import analyse_survival_file
from oncovivo.analyses.survival_result import SurvivalOptions, SurvivalResult
from oncovivo.errors import DataError, InputError
from oncovivo.numerics.multiple_testing import holm
from oncovivo.survival.events import parse_event, parse_reasons
from oncovivo.survival.turnbull import turnbull, turnbull_median

TABLE = "animal_id,treatment,time_days,event"
GROWTH = "animal_id,treatment,day,volume_mm3,cage"


def write(path: Path, rows: Sequence[Sequence[object]], header: str = TABLE) -> Path:
    lines = [header, *(",".join(str(cell) for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def arms(**times: Sequence[float]) -> list[list[object]]:
    """Animals of each arm by their times; a negative one was censored."""
    return [
        [f"{arm}{i}", arm, abs(time), int(time > 0)]
        for arm, values in times.items()
        for i, time in enumerate(values)
    ]


THREE = arms(c=[3, 4, 6, 8, 9], a=[5, 7, 9, 12, -15], b=[8, 11, 14, -20, -20])


def analysed(
    path: Path, reading: StudyOptions | None = None, options: SurvivalOptions | None = None
) -> SurvivalResult:
    chosen = options or SurvivalOptions(control="c")
    (study,) = analyse_survival_file(path, reading=reading, options=chosen).analysed
    return study


def growth_rows(**spans: float) -> list[list[object]]:
    """Doubling every so many days, slower from animal to animal, in two cages of each arm."""
    return [
        [f"{arm}{i}", arm, day, 100 * 2 ** (day / (span + i / 8)), f"{arm}-{i % 2}"]
        for arm, span in spans.items()
        for i in range(5)
        for day in (0, 2, 5, 7, 9)
    ]


def test_relabeling_and_intervals_are_adjusted_by_holm(tmp_path: Path) -> None:
    table = analysed(write(tmp_path / "t.csv", THREE))
    curves = analysed(write(tmp_path / "g.csv", growth_rows(c=2, a=3, b=5), GROWTH))
    for study, name in (
        (table, "log_rank_permutation"),
        (curves, "interval_log_rank_permutation"),
        (curves, "interval_log_rank"),
    ):
        rows = [row for row in study.tests if row.test == name and len(row.arms) == 2]
        assert len(rows) == 2
        alone = np.array([row.p_value for row in rows], dtype=float)
        assert [row.p_adjusted for row in rows] == pytest.approx(holm(alone).tolist())
        assert {row.adjustment for row in rows} == {"holm"}
    joint = [row for row in table.tests if row.test == "log_rank" and len(row.arms) == 2]
    for row in joint:
        assert row.p_value is not None
        assert row.p_adjusted is not None
        # Between the p alone and Bonferroni's.
        assert row.p_value < row.p_adjusted < 2 * row.p_value + 1e-9
        assert row.adjustment == "dunnett"


def test_contrasts_are_arm_over_control(tmp_path: Path) -> None:
    study = analysed(write(tmp_path / "t.csv", THREE))
    control, first, _ = study.arms
    row = study.means[0]
    assert (row.arm, row.versus) == ("a", "c")
    assert control.rmst is not None
    assert first.rmst is not None
    assert row.ratio.estimate == pytest.approx(first.rmst / control.rmst)
    assert row.difference.estimate == pytest.approx(first.rmst - control.rmst)
    assert study.medians[0].found.ratio == pytest.approx(9 / 6)


def test_a_trend_looks_at_the_arms_that_have_a_dose(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", THREE)
    doses = MappingProxyType({"c": 0.0, "b": 5.0})
    two = analysed(path, options=SurvivalOptions(control="c", doses=doses))
    (trend,) = [row for row in two.tests if row.test == "trend"]
    assert trend.arms == ("b", "c")
    (pair,) = [row for row in two.tests if row.test == "log_rank" and set(row.arms) == {"b", "c"}]
    # A trend over two arms is their log-rank test.
    assert trend.statistic == pytest.approx(pair.statistic)


def test_what_leavers_count_as_is_shown_within_strata(tmp_path: Path) -> None:
    rows = [
        ["1", "c", 4, "tumor_related", "x"], ["2", "c", 6, "tumor_related", "x"],
        ["3", "c", 7, "toxicity", "y"], ["4", "c", 9, "tumor_related", "y"],
        ["5", "a", 5, "toxicity", "x"], ["6", "a", 9, "tumor_related", "x"],
        ["7", "a", 12, "tumor_related", "y"], ["8", "a", 14, "scheduled", "y"],
    ]  # fmt: skip
    path = write(tmp_path / "t.csv", rows, "animal_id,treatment,time_days,cause,strata")
    study = analysed(path)
    stated = next(row for row in study.sensitivity if row.taken == "as stated")
    assert stated.hazard_ratio == pytest.approx(study.hazards[0].hazard_ratio)
    (main,) = [row for row in study.tests if row.test == "log_rank"]
    assert main.stratified
    assert stated.p_value == pytest.approx(main.p_value)
    other = next(row for row in study.sensitivity if row.taken == "competing as events")
    assert (stated.events, other.events, other.changed) == (2, 3, 2)


def test_leavers_that_are_the_event_can_be_taken_back(tmp_path: Path) -> None:
    def study(reason: str) -> SurvivalResult:
        rows = [
            [*row, reason if row[1] == "a" else "scheduled"] for row in growth_rows(c=2, a=4.3)
        ]
        path = write(tmp_path / f"{reason}.csv", rows, f"{GROWTH},end_reason")
        told = parse_reasons({"tumor_related": "event"})
        return analysed(path, options=SurvivalOptions(control="c", reasons=told))

    reached = {row.arm: row.events for row in study("scheduled").arms}["a"]
    assert 0 < reached < 5
    found = study("tumor_related")
    counts = {row.taken: row.events for row in found.sensitivity}
    # The tumors that had not reached four times the baseline within nine days left.
    assert counts == {"as stated": 5, "leavers as censored": reached}


def test_the_last_volume_and_toxic_deaths_enter_the_activity_call(tmp_path: Path) -> None:
    rows = [
        [*row, "toxicity" if row[0] == "a0" else "scheduled"] for row in growth_rows(c=2, a=60)
    ]
    path = write(tmp_path / "g.csv", rows, f"{GROWTH},end_reason")
    (contrast,) = analysed(path).medians
    assert contrast.activity is not None
    assert (contrast.activity.n_animals, contrast.activity.n_toxic) == (5, 1)
    # Growth over nine days at doubling times of 60.125 … 60.5 days: the median of the four left.
    expected = np.median([2 ** (9 / (60 + i / 8)) for i in range(1, 5)])
    assert contrast.activity.median_final_ratio == pytest.approx(expected)


def test_cages_make_robust_errors_only_when_asked_and_few_are_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path / "g.csv", growth_rows(c=2, a=3), GROWTH)
    doubling = parse_event("doubling")
    plain = analysed(path, options=SurvivalOptions(control="c", event=doubling))
    assert {row.method for row in plain.hazards} <= {"cox", "firth"}
    assert "few_clusters" not in {warning.code for warning in plain.warnings}
    asked = SurvivalOptions(control="c", event=doubling, cluster="cage")
    assert "few_clusters" in {warning.code for warning in analysed(path, options=asked).warnings}
    with pytest.raises(InputError, match="--cluster cage"):
        analysed(path, options=SurvivalOptions(control="c", cluster="litter"))
    bare = [row[:4] for row in growth_rows(c=2, a=3)]
    with pytest.raises(DataError, match="the cage of each animal"):
        analysed(write(tmp_path / "b.csv", bare, GROWTH.rpartition(",")[0]), options=asked)


def test_five_animals_have_no_limits_of_the_median_and_six_have(tmp_path: Path) -> None:
    few = analysed(write(tmp_path / "t.csv", arms(c=[1, 2, 3, 4, 5], a=[2, 3, 4, 5, 6, 7])))
    assert [w.arm for w in few.warnings if w.code == "median_without_limits"] == ["c"]
    assert (few.arms[0].median_lower, few.arms[0].median_upper) == (0, None)
    # Of six the limits are the extremes, as binomial ones are.
    assert (few.arms[1].median_lower, few.arms[1].median_upper) == (2, 7)


def test_late_entry_counts_in_curves_and_leaves_relabeling_out(tmp_path: Path) -> None:
    rows = [
        ["1", "c", 0, 4, 1], ["2", "c", 3, 6, 1], ["3", "c", 5, 8, 1],
        ["4", "a", 0, 5, 1], ["5", "a", 2, 9, 0], ["6", "a", 0, 11, 1],
    ]  # fmt: skip
    path = write(tmp_path / "t.csv", rows, "animal_id,treatment,start,stop,event")
    study = analysed(path, options=SurvivalOptions(control="c", interval="log"))
    # At risk at 4: animals 1 and 2; at 6: 2 and 3; at 8: 3 alone.
    assert study.curves[0].at_risk == (2, 2, 1)
    assert study.curves[0].survival == pytest.approx((0.5, 0.25, 0.0))
    assert not any("permutation" in row.test for row in study.tests)
    assert "late_entry" in {warning.code for warning in study.warnings}
    assert study.medians == ()


def test_studies_lines_and_arms_of_a_table_are_chosen(tmp_path: Path) -> None:
    rows = [[*row, model] for model in ("m1", "m2") for row in THREE]
    path = write(tmp_path / "t.csv", rows, f"{TABLE},model")
    one = analysed(path, StudyOptions(line="m2", arms=("c", "b")))
    assert (one.line, [arm.arm for arm in one.arms]) == ("m2", ["c", "b"])
    with pytest.raises(InputError, match="a study of the table"):
        analysed(path, StudyOptions(line="m9"))
    with pytest.raises(InputError, match="arms of the table"):
        analysed(path, StudyOptions(line="m1", arms=("c", "z")))


def test_the_median_spans_two_intervals_where_half_has_had_the_event() -> None:
    never = float("inf")
    # The animal without event after day 14 shares the interval of the one that had it by 21.
    found = turnbull([0, 0, 14, 14], [7, 7, 21, never])
    assert found.mass == pytest.approx([0.5, 0.5])
    assert turnbull_median(found) == (0, 21)
    assert turnbull_median(turnbull([0, 0, 0, 14], [7, 7, 7, 21])) == (0, 7)
