"""Leave-one-out, case diagnostics and cumulative pooling, against pooling again."""

from __future__ import annotations

import math
from typing import Final, get_args

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import (
    Method,
    Rows,
    Test,
    case_diagnostics,
    cumulative,
    leave_one_out,
    pool,
)

TESTS: Final[tuple[Test, ...]] = get_args(Test)


def example(seed: int, k: int = 9) -> Rows:
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.05, 0.6, k)
    yi = rng.normal(-0.5, np.sqrt(vi + 0.3))
    return Rows.of([str(at) for at in range(k)], yi, vi, measure="ROM")


def without(rows: Rows, gone: int) -> Rows:
    return rows.take([at for at in range(len(rows)) if at != gone])


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("method", ["REML", "DL", "EE"])
def test_each_row_left_out_is_a_pooling_of_the_others(method: Method, test: Test) -> None:
    rows = example(1)
    found = leave_one_out(rows, method=method, test=test, level=0.9)
    assert found.measure == "ROM"
    assert found.level == 0.9
    for at, one in enumerate(found.rows):
        again = pool(without(rows, at), method=method, test=test, level=0.9)
        assert one.label == rows.label[at]
        assert one.estimate == pytest.approx(again.estimate, rel=1e-8)
        assert one.std_error == pytest.approx(again.std_error, rel=1e-8)
        assert (one.lower, one.upper) == pytest.approx((again.lower, again.upper), rel=1e-8)
        assert one.p_value == pytest.approx(again.p_value, rel=1e-7)
        assert one.tau2 == pytest.approx(again.tau2, rel=1e-7, abs=1e-12)
        assert one.i2 == pytest.approx(again.i2, rel=1e-7, abs=1e-9)
        assert one.q == pytest.approx(again.q)


@pytest.mark.parametrize("test", TESTS)
def test_diagnostics_by_their_definitions(test: Test) -> None:
    rows = example(2)
    whole = pool(rows, test=test)
    assert whole.tau2 is not None
    hat = 1 / (rows.vi + whole.tau2)
    hat = hat / hat.sum()
    k = len(rows)
    for at, one in enumerate(case_diagnostics(rows, test=test).rows):
        rest = without(rows, at)
        again = pool(rest, test=test)
        assert again.tau2 is not None
        weight = 1 / (rest.vi + again.tau2)
        factor = float(weight @ (rest.yi - again.estimate) ** 2) / (k - 2)
        scale = {"knapp-hartung": factor, "knapp-hartung-floor": max(1.0, factor)}.get(test, 1.0)
        shift = whole.estimate - again.estimate
        total = scale * (rows.vi[at] + again.tau2)
        assert one.label == rows.label[at]
        assert one.hat == pytest.approx(hat[at])
        assert one.rstudent == pytest.approx(
            (rows.yi[at] - again.estimate) / math.sqrt(total + again.std_error**2), rel=1e-7
        )
        assert one.dffits == pytest.approx(shift / math.sqrt(total * hat[at]), rel=1e-7)
        assert one.cook == pytest.approx((shift / whole.std_error) ** 2, rel=1e-7)
        assert one.covariance_ratio == pytest.approx(
            (again.std_error / whole.std_error) ** 2, rel=1e-7
        )
        assert one.tau2_deleted == pytest.approx(again.tau2, rel=1e-7, abs=1e-12)
        assert one.q_deleted == pytest.approx(again.q)
        at_others = 1 / float((1 / (rows.vi + again.tau2)).sum())
        assert one.dfbetas == pytest.approx(shift / math.sqrt(scale * at_others), rel=1e-7)
        flagged = (
            abs(one.dffits) > 3 / math.sqrt(k - 1)
            or stats.chi2.cdf(one.cook, 1) > 0.5
            or one.hat > 3 / k
            or abs(one.dfbetas) > 1
        )
        assert one.influential == flagged


def test_a_row_far_off_and_a_heavy_row_are_influential() -> None:
    far = Rows.of(list("abcdef"), [0.1, 0.2, 0.15, 0.1, 0.2, 4.0], [0.05] * 6)
    found = case_diagnostics(far).rows
    assert [one.influential for one in found] == [False] * 5 + [True]
    heavy = Rows.of(
        list("abcdefgh"), [0.1, 0.2, 0.15, 0.1, 0.2, 0.15, 0.1, 0.16], [1.0] * 7 + [0.05]
    )
    assert [one.hat > 3 / 8 for one in case_diagnostics(heavy, method="EE").rows][-1]
    assert case_diagnostics(heavy, method="EE").rows[-1].influential


@pytest.mark.parametrize(("last", "influential"), [(1.06, True), (0.7, True), (0.6, False)])
def test_a_shift_is_influential_by_cooks_distance_before_dffits(
    last: float, *, influential: bool
) -> None:
    # With 5 rows the cut-off of dffits is 1.5; that of Cook's distance, 0.455, is 0.674 squared.
    rows = Rows.of(list("abcde"), [0.0, 0.1, 0.2, 0.3, last], [0.1] * 5)
    found = case_diagnostics(rows, method="EE", test="z").rows[-1]
    # The mean of all against 0.15, over the root of 0.1/5.
    shift = ((0.6 + last) / 5 - 0.15) / math.sqrt(0.02)
    assert found.dfbetas == pytest.approx(shift)
    assert found.cook == pytest.approx(shift**2)
    assert abs(found.dffits) < 1.5
    assert found.influential == influential


def test_rows_that_agree_wholly_have_no_shift() -> None:
    same = Rows.of(list("abcd"), [0.5] * 4, [0.1, 0.2, 0.1, 0.2])
    found = case_diagnostics(same, method="DL").rows
    assert all(one.cook == 0 and one.dffits == 0 and one.rstudent == 0 for one in found)


def test_parts_of_the_work_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = example(3)
    whole = (leave_one_out(rows), case_diagnostics(rows))
    monkeypatch.setattr("oncovivo.evidence.meta.influence._CHUNK", 20)
    assert (leave_one_out(rows), case_diagnostics(rows)) == whole


def test_rows_come_in_by_year() -> None:
    rows = example(4, k=5)
    years = [2012, 2009, 2012, 2001, 2020]
    steps = cumulative(rows, years, test="z").steps
    order = [3, 1, 0, 2, 4]
    assert [one.label for one in steps] == [rows.label[at] for at in order]
    assert [one.pooled.k for one in steps] == [1, 2, 3, 4, 5]
    assert steps[2].pooled == pool(rows.take(order[:3]), test="z")
    assert steps[-1].pooled.estimate == pytest.approx(pool(rows, test="z").estimate)
    assert [one.label for one in cumulative(rows).steps] == list(rows.label)
    named = cumulative(rows, ["b", "a", "c", "e", "d"]).steps
    assert [one.label for one in named] == ["1", "0", "2", "4", "3"]


def test_results_of_influence_go_to_json() -> None:
    rows = example(5, k=4)
    assert leave_one_out(rows).to_dict()["method"] == "REML"
    shown = case_diagnostics(rows).to_dict()["rows"]
    assert isinstance(shown, list)
    assert shown[0]["label"] == "0"
    steps = cumulative(rows).to_dict()["steps"]
    assert isinstance(steps, list)
    assert steps[0]["pooled"]["k"] == 1


def test_too_few_rows_and_wrong_orders_are_refused() -> None:
    two = example(6, k=2)
    with pytest.raises(DataError, match=r"3 rows or more, to pool what is left .* found 2"):
        leave_one_out(two)
    with pytest.raises(DataError, match="3 rows or more"):
        case_diagnostics(two)
    with pytest.raises(InputError, match="one value to sort by for each of the 2 rows, found 1"):
        cumulative(two, [2000])
    with pytest.raises(InputError, match="a test out of"):
        leave_one_out(example(6), test="knha")  # type: ignore[arg-type]
