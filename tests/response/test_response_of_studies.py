"""Responses of studies: reasons, deciding days, those who left early, and rates of arms."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from oncovivo.endpoints.rates import clopper_pearson
from oncovivo.endpoints.response import ResponseResult, compute_response, single_day_orc
from oncovivo.errors import InputError
from oncovivo.studies import Study

GROWS = [(0, 200), (7, 400), (14, 900), (21, 1800)]
SHRINKS = [(0, 200), (7, 120), (14, 60), (21, 80)]
CURED = [(0, 200), (7, 90), (14, 0), (21, 0)]


@pytest.fixture
def result(make_study: Callable[..., Study]) -> ResponseResult:
    study = make_study({"vehicle": [GROWS, GROWS], "drug": [SHRINKS, CURED, GROWS[:2]]})
    return compute_response(study, control="vehicle", orc_day=14)


def test_each_animal_has_its_category_its_days_and_a_reason(result: ResponseResult) -> None:
    shrinks = next(a for a in result.animals if a.animal_id == "drug1")
    assert (shrinks.mrecist, shrinks.response, shrinks.pptc) == ("PR", "PR", "MCR")
    assert shrinks.best_response_pct == pytest.approx(-70.0)
    assert shrinks.best_response_day == 14.0
    assert shrinks.best_average_response_day == 21.0
    assert "best response -70.0 % on day 14" in shrinks.reason
    assert "not CR: best is not below -95" in shrinks.reason
    assert shrinks.pptc_reason == "tumor below 100 mm³ at the last reading"


def test_a_cured_animal_is_complete_and_says_since_when(result: ResponseResult) -> None:
    cured = next(a for a in result.animals if a.animal_id == "drug2")
    assert (cured.mrecist, cured.response, cured.cured_day, cured.pptc) == (
        "CR",
        "CR",
        14.0,
        "MCR",
    )


def test_an_animal_lost_before_day_10_says_so_and_is_not_evaluable(
    result: ResponseResult,
) -> None:
    lost = next(a for a in result.animals if a.animal_id == "drug3")
    assert (lost.mrecist, lost.response, lost.status) == (None, None, "not_estimable")
    assert "last reading on day 7 (+100.0 %; unknown), before day 10 of treatment" in lost.reason
    arm = result.arms[1]
    assert (arm.n, arm.n_evaluable) == (3, 2)
    assert "1 of 3 animals not evaluable" in arm.reason


def test_leaving_early_with_a_large_tumor_is_progression_and_with_toxicity_it_is_not(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(
        {"drug": [GROWS[:2], GROWS[:2]]},
        reasons={"drug1": "volume_limit", "drug2": "toxicity"},
    )
    large, toxic = compute_response(study).animals
    assert (large.mrecist, large.response, large.status) == (None, "PD", "flagged")
    assert large.reason.endswith("counted as PD")
    assert (toxic.response, toxic.pptc) == (None, None)
    assert toxic.pptc_reason == "left for toxicity: not evaluable"


def test_a_group_with_many_toxic_deaths_has_no_pptc_response(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(
        {"drug": [SHRINKS, SHRINKS, SHRINKS]}, reasons={"drug1": "body_weight_loss"}
    )
    arm = compute_response(study).arms[0]
    assert (arm.pptc_group, arm.pptc_n_toxic) == (None, 1)
    assert "left for toxicity: no PPTC group response" in arm.reason


def test_rates_are_exact_and_count_evaluable_animals(result: ResponseResult) -> None:
    drug = result.arms[1]
    rate = drug.objective_response
    assert (rate.k, rate.n, rate.estimate) == (2, 2, 1.0)
    exact = stats.binomtest(2, 2).proportion_ci(0.95, "exact")
    assert rate.lower == pytest.approx(exact.low)
    assert rate.upper == pytest.approx(exact.high)
    assert result.arms[0].objective_response.estimate == 0.0


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 8), (8, 8), (17, 60)])
def test_the_exact_interval_is_scipys(k: int, n: int) -> None:
    rate, exact = clopper_pearson(k, n), stats.binomtest(k, n).proportion_ci(0.95, "exact")
    assert rate.lower == pytest.approx(exact.low, rel=1e-10)
    assert rate.upper == pytest.approx(exact.high, rel=1e-10)


def test_a_rate_of_nobody_has_no_number_and_bad_counts_are_refused() -> None:
    assert clopper_pearson(0, 0).estimate is None
    with pytest.raises(InputError, match="k <= n"):
        clopper_pearson(3, 2)
    with pytest.raises(InputError, match="between 0 and 1"):
        clopper_pearson(1, 2, level=95)


def test_the_single_day_category_is_pvas_and_needs_a_reading_on_the_day(
    result: ResponseResult,
) -> None:
    by_name = {a.animal_id: a.orc for a in result.animals}
    assert by_name == {
        "vehicle1": "PD",
        "vehicle2": "PD",
        "drug1": "PR",
        "drug2": "CR",
        "drug3": None,
    }


def test_the_single_day_limits_belong_to_the_better_category() -> None:
    changes = np.array([-95.0, -94.9, -30.0, -29.9, 20.0, 20.1, np.nan])
    assert single_day_orc(changes) == ("CR", "PR", "PR", "SD", "SD", "PD", None)


def test_the_baseline_day_is_the_start_of_treatment(make_study: Callable[..., Study]) -> None:
    late = [(20, 80), (29, 200), (36, 90), (41, 180), (48, 210)]
    study = make_study({"drug": [late, late]}, baseline_day=None)
    animal = compute_response(study, baseline_day=29).animals[0]
    assert (animal.start_day, animal.baseline_day, animal.baseline_volume_mm3) == (29, 29, 200)
    assert animal.best_response_pct == pytest.approx(-10.0)
    assert animal.best_response_day == 41.0
    assert animal.nadir_pct == pytest.approx(-55.0)


def test_an_animal_without_a_reading_on_the_baseline_day_is_flagged(
    make_study: Callable[..., Study],
) -> None:
    study = make_study({"drug": [SHRINKS, [(3, 100), (14, 90), (21, 80)]]})
    late = compute_response(study).animals[1]
    assert late.baseline_day == 3
    assert late.best_response_pct == pytest.approx(-20.0)
    assert late.status == "flagged"
    assert "no reading on the baseline day 0: changes refer to day 3" in late.reason


def test_no_tumor_at_baseline_and_no_reading_at_all_have_reasons(
    make_study: Callable[..., Study],
) -> None:
    study = make_study({"drug": [[(0, 0), (14, 50)], [(0, None), (14, None)], SHRINKS]})
    empty, never, _ = compute_response(study).animals
    assert empty.reason.startswith("no tumor at baseline (day 0)")
    assert never.reason == "no volume was read"
    assert never.baseline_day is None


def test_arm_labels_change_nothing(make_study: Callable[..., Study]) -> None:
    one = compute_response(make_study({"a": [SHRINKS, GROWS], "b": [CURED]}), control="a")
    two = compute_response(make_study({"x y": [SHRINKS, GROWS], "z": [CURED]}), control="x y")
    fields = ("mrecist", "response", "pptc", "best_response_pct", "reason", "pptc_reason")
    for left, right in zip(one.animals, two.animals, strict=True):
        assert all(getattr(left, name) == getattr(right, name) for name in fields)


def test_a_control_that_is_no_arm_is_refused(make_study: Callable[..., Study]) -> None:
    with pytest.raises(InputError, match="an arm of the study"):
        compute_response(make_study({"drug": [SHRINKS]}), control="vehicle")


def test_without_a_control_the_notes_say_what_cannot_be_told(
    make_study: Callable[..., Study],
) -> None:
    result = compute_response(make_study({"drug": [GROWS]}))
    assert result.animals[0].pptc == "PD"
    assert "no control was named" in result.notes[0]
    # One animal that is PD1 or PD2 leaves the group open.
    assert result.arms[0].pptc_group is None
    assert "needs a control arm" in result.arms[0].reason


def test_the_schedule_is_named_where_it_decides(make_study: Callable[..., Study]) -> None:
    curve = [(0, 100), (3.5, 70), (7, 50), (10.5, 39), (14, 55), (17.5, 90), (21, 140)]
    result = compute_response(make_study({"drug": [curve]}))
    animal = result.animals[0]
    assert animal.depends_on_schedule
    assert animal.other_schedules == ("SD",)
    assert "every other visit alone would say SD" in animal.reason
    assert result.arms[0].n_depends_on_schedule == 1


def test_the_result_is_plain_json_and_a_frame(result: ResponseResult) -> None:
    text = json.dumps(result.to_dict(), allow_nan=False)
    animals = json.loads(text)["animals"]
    needed = {"animal_id", "arm", "best_response_pct", "best_average_response_pct", "mrecist"}
    assert needed | {"pptc", "status", "reason"} <= set(animals[0])
    assert len(result.to_frame()) == 5
    assert "drug 2/2" in result.summary()
