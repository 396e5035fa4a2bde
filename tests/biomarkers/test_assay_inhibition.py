"""Percent inhibition: closed forms, plates, limits, and what is said where nothing can be."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from oncovivo.biomarkers.inhibition import Inhibition, percent_inhibition
from oncovivo.biomarkers.marker_table import MarkerTable, ValueState
from oncovivo.biomarkers.quantification import fit_limited, limited_mean
from oncovivo.endpoints.intervals import fieller_limits
from oncovivo.errors import DataError, InputError

FloatArray: TypeAlias = NDArray[np.float64]

CONTROL = [8.0, 10.0, 12.0, 15.0]
TREATED = [2.0, 2.5, 4.0]


def rows(
    control: list[float], treated: list[float], *, day: float | None = 3.0, tag: str = ""
) -> pd.DataFrame:
    values = [*control, *treated]
    return pd.DataFrame(
        {
            "animal_id": [f"{tag}m{index}" for index in range(len(values))],
            "arm": ["vehicle"] * len(control) + ["drug"] * len(treated),
            "day": day,
            "analyte": "pS6",
            "assay": "elisa",
            "unit": "ng/mL",
            "value": values,
        }
    )


def inhibition(frame: pd.DataFrame, **options: str | float) -> Inhibition:
    table = MarkerTable(name="made", rows=frame)
    return percent_inhibition(table, "pS6", control="vehicle", **options)  # type: ignore[arg-type]


def test_a_group_has_welchs_interval_of_the_log_ratio() -> None:
    group = inhibition(rows(CONTROL, TREATED), level=0.9).groups[0]
    test = stats.ttest_ind(np.log(TREATED), np.log(CONTROL), equal_var=False)
    interval = test.confidence_interval(0.9)
    ratio = stats.gmean(TREATED) / stats.gmean(CONTROL)
    assert group.estimate_pct == pytest.approx(100 * (1 - ratio), rel=1e-12)
    # Larger ratios are less inhibition: the ends change places.
    assert group.lower_pct == pytest.approx(100 * (1 - math.exp(interval.high)), rel=1e-9)
    assert group.upper_pct == pytest.approx(100 * (1 - math.exp(interval.low)), rel=1e-9)
    assert group.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert group.df == pytest.approx(test.df, rel=1e-12)
    assert (group.method, group.status, group.n_treated, group.n_control) == (
        "log_welch_t",
        "ok",
        3,
        4,
    )


def test_an_animal_has_the_interval_of_its_controls_mean() -> None:
    found = inhibition(rows(CONTROL, TREATED)).animals
    logs = np.log(CONTROL)
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    for animal, value in zip(found, TREATED, strict=True):
        assert animal.estimate_pct == pytest.approx(
            100 * (1 - value / math.exp(logs.mean())), rel=1e-12
        )
        assert animal.lower_pct == pytest.approx(
            100 * (1 - value / math.exp(interval.low)), rel=1e-9
        )
        assert animal.upper_pct == pytest.approx(
            100 * (1 - value / math.exp(interval.high)), rel=1e-9
        )
        assert (animal.method, animal.n_controls) == ("log_t", 4)


def test_the_linear_scale_is_a_ratio_of_means_with_fiellers_interval() -> None:
    found = inhibition(rows(CONTROL, [0.0, *TREATED]), scale="linear")
    group = found.groups[0]
    top, bottom = np.array([0.0, *TREATED]), np.array(CONTROL)
    lower, upper = fieller_limits(top, bottom, level=0.95)
    assert group.estimate_pct == pytest.approx(100 * (1 - top.mean() / bottom.mean()), rel=1e-12)
    assert group.lower_pct == pytest.approx(100 * (1 - float(upper)), rel=1e-12)
    assert group.upper_pct == pytest.approx(100 * (1 - float(lower)), rel=1e-12)
    assert found.animals[0].estimate_pct == 100.0
    interval = stats.ttest_1samp(bottom, 0).confidence_interval(0.95)
    assert found.animals[-1].lower_pct == pytest.approx(100 * (1 - 4 / interval.low), rel=1e-9)


def test_controls_are_of_the_same_day() -> None:
    late = rows([80.0, 100.0], [20.0, 25.0], day=7.0, tag="late")
    found = inhibition(pd.concat([rows([8.0, 10.0], [2.0, 2.5]), late], ignore_index=True))
    assert [group.day for group in found.groups] == [3.0, 7.0]
    assert found.groups[0].estimate_pct == pytest.approx(75.0, rel=1e-12)
    assert found.groups[1].estimate_pct == pytest.approx(75.0, rel=1e-12)
    assert {animal.n_controls for animal in found.animals} == {2}
    alone = inhibition(pd.concat([rows(CONTROL, TREATED), late.iloc[2:]], ignore_index=True))
    assert alone.groups[1].status == "not_estimable"
    assert alone.groups[1].reason == "no concurrent controls"
    assert alone.animals[-1].status == "not_estimable"


def test_plates_are_blocks_and_their_differences_cancel() -> None:
    first = rows([8.0, 10.0, 12.0], [2.0, 2.5, 4.0], tag="a").assign(plate="p1")
    second = rows([16.0, 21.0, 24.0], [5.0, 8.0], tag="b").assign(plate="p2")
    frame = pd.concat([first, second], ignore_index=True)
    group = inhibition(frame).groups[0]
    scaled = frame.assign(value=np.where(frame["plate"] == "p2", 1000, 1) * frame["value"])
    moved = inhibition(scaled).groups[0]
    assert group.method == "log_t_plates"
    assert group.plates == ("p1", "p2")
    assert moved.log_ratio == pytest.approx(group.log_ratio, rel=1e-9)
    assert moved.std_error == pytest.approx(group.std_error, rel=1e-9)
    # The same by the normal equations.
    x = np.column_stack((np.ones(11), frame["arm"] == "drug", frame["plate"] == "p2")).astype(
        float
    )
    y = np.log(frame["value"].to_numpy())
    beta, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
    error = math.sqrt(rest[0] / 8 * np.linalg.inv(x.T @ x)[1, 1])
    assert group.log_ratio == pytest.approx(beta[1], rel=1e-9)
    assert group.std_error == pytest.approx(error, rel=1e-9)
    assert group.df == 8
    # An animal is compared with the controls of its own plate.
    own = next(animal for animal in inhibition(frame).animals if animal.animal_id == "bm3")
    assert own.estimate_pct == pytest.approx(100 * (1 - 5 / stats.gmean([16, 21, 24])), rel=1e-9)


def test_a_plate_without_both_arms_is_left_out_and_said() -> None:
    lone = rows([9.0], [], tag="c").assign(plate="p3")
    frame = pd.concat([rows(CONTROL, TREATED).assign(plate="p1"), lone], ignore_index=True)
    group = inhibition(frame).groups[0]
    assert group.n_control == 4
    assert group.status == "flagged"
    assert group.reason == "1 values on plates without both arms are left out"


def test_animals_on_several_plates_stay_one_animal() -> None:
    rng = np.random.default_rng(4)
    frame = rows([10.0] * 5, [3.0] * 5)
    frame["value"] *= np.exp(0.4 * rng.normal(size=10))
    plates = [
        frame.assign(
            plate=plate, value=factor * frame["value"] * np.exp(0.05 * rng.normal(size=10))
        )
        for plate, factor in (("p1", 1.0), ("p2", 3.0))
    ]
    group = inhibition(pd.concat(plates, ignore_index=True)).groups[0]
    assert group.method == "log_mixed_plates"
    assert (group.n_treated, group.n_control) == (5, 5)
    # Balanced: the animals' means over plates carry all, as a t test of equal variances has it.
    logs = sum(np.log(part["value"].to_numpy()) for part in plates) / 2
    test = stats.ttest_ind(logs[5:], logs[:5])
    assert group.log_ratio == pytest.approx(logs[5:].mean() - logs[:5].mean(), rel=1e-6)
    # REML by Newton's method against a closed form.
    assert group.p_value == pytest.approx(test.pvalue, rel=1e-4)
    assert group.df == pytest.approx(8.0, rel=1e-4)


def test_an_assay_in_log2_has_differences_for_ratios() -> None:
    plain = inhibition(rows(CONTROL, TREATED)).groups[0]
    frame = rows(CONTROL, TREATED)
    frame = frame.assign(value=np.log2(frame["value"]), assay="rppa_log2", unit="log2")
    turned = inhibition(frame).groups[0]
    assert turned.estimate_pct == pytest.approx(plain.estimate_pct, rel=1e-12)
    assert turned.lower_pct == pytest.approx(plain.lower_pct, rel=1e-12)
    with pytest.raises(InputError, match="the log scale for an assay in log2"):
        inhibition(frame, scale="linear")


def test_units_arms_and_order_do_not_move_the_answer() -> None:
    frame = rows(CONTROL, TREATED)
    first = inhibition(frame).groups[0]
    other = frame.assign(value=1000 * frame["value"], unit="pg/mL").sample(frac=1, random_state=2)
    second = inhibition(other.reset_index(drop=True)).groups[0]
    assert second.estimate_pct == pytest.approx(first.estimate_pct, rel=1e-12)
    assert second.std_error == pytest.approx(first.std_error, rel=1e-12)


def limited(values: list[float], below: int) -> list[ValueState]:
    return [*["below_limit"] * below, *["measured"] * (len(values) - below)]  # type: ignore[list-item]


def direct_fit(y: FloatArray, sign: NDArray[np.int_], x: FloatArray) -> tuple[FloatArray, float]:
    """Maximum likelihood by a simplex on the plain parameters, no derivatives."""

    def loss(theta: FloatArray) -> float:
        sd = math.exp(theta[-1])
        mean = x @ theta[:-1]
        known = stats.norm.logpdf(y, mean, sd)
        low, high = stats.norm.logcdf(y, mean, sd), stats.norm.logsf(y, mean, sd)
        return -float(np.where(sign == 0, known, np.where(sign < 0, low, high)).sum())

    start = np.append(np.linalg.lstsq(x, y, rcond=None)[0], 0.0)
    point, value, *_ = optimize.fmin(
        loss,
        start,
        xtol=1e-10,
        ftol=1e-13,
        maxiter=20_000,
        maxfun=20_000,
        full_output=True,
        disp=0,
    )
    return np.asarray(point), -float(value)


def test_limits_enter_as_probabilities() -> None:
    rng = np.random.default_rng(11)
    x = np.column_stack((np.ones(14), np.arange(14) % 2, np.arange(14) < 6)).astype(float)
    y = 1.0 + 0.8 * x[:, 1] + rng.normal(size=14)
    sign = np.where(y < 0.6, -1, np.where(y > 2.2, 1, 0))
    y = np.clip(y, 0.6, 2.2)
    assert set(sign) == {-1, 0, 1}
    fit = fit_limited(y, sign, x)
    assert fit is not None
    direct, value = direct_fit(y, sign, x)
    # A simplex search gives half the digits of its tolerance.
    np.testing.assert_allclose(fit.coefficients, direct[:-1], atol=2e-5)
    assert fit.sigma == pytest.approx(math.exp(direct[-1]) * math.sqrt(14 / 11), rel=5e-5)
    assert fit.log_likelihood == pytest.approx(value, abs=1e-8)
    assert fit.df == int((sign == 0).sum()) - 3
    turned = fit_limited(-y, -sign, x)
    assert turned is not None
    np.testing.assert_allclose(turned.coefficients, -fit.coefficients, rtol=1e-8)
    np.testing.assert_allclose(turned.covariance, fit.covariance, rtol=1e-6)
    moved = fit_limited(1e6 * y + 3e6, sign, x)
    assert moved is not None
    assert moved.coefficients[1] == pytest.approx(1e6 * fit.coefficients[1], rel=1e-8)


def test_the_information_is_the_curvature_of_the_likelihood() -> None:
    y = np.array([0.5, 0.5, 1.0, 1.7, 2.4, 2.0])
    sign = np.array([-1, -1, 0, 0, 0, 0])
    fit = fit_limited(y, sign, np.ones((6, 1)))
    assert fit is not None
    scale = fit.sigma / math.sqrt(6 / 5)

    def profile(theta: FloatArray) -> float:
        z = (y - theta[0]) / math.exp(theta[1])
        known = stats.norm.logpdf(z) - theta[1]
        return float(np.where(sign == 0, known, stats.norm.logcdf(z)).sum())

    center, step = np.array([fit.coefficients[0], math.log(scale)]), 1e-4
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            moves = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            total = 0.0
            for a, b in moves:
                point = center.copy()
                point[i] += a * step
                point[j] += b * step
                total += a * b * profile(point)
            hessian[i, j] = total / (4 * step**2)
    variance = np.linalg.inv(-hessian)[0, 0] * 6 / 5
    # Second differences with a step of 1e-4 keep six digits.
    assert fit.covariance[0, 0] == pytest.approx(variance, rel=1e-4)


def test_without_limits_the_likelihood_is_least_squares() -> None:
    fit = fit_limited(TREATED + CONTROL, [0] * 7, np.ones((7, 1)))
    assert fit is not None
    values = np.array(TREATED + CONTROL)
    assert fit.coefficients[0] == pytest.approx(values.mean(), rel=1e-12)
    assert fit.covariance[0, 0] == pytest.approx(values.var(ddof=1) / 7, rel=1e-10)
    assert fit.sigma == pytest.approx(values.std(ddof=1), rel=1e-10)
    assert fit.df == 6


def test_what_no_likelihood_tells_is_none() -> None:
    ones = np.ones((4, 1))
    assert fit_limited([1.0, 1.0, 1.0, 2.0], [-1, -1, -1, 0], ones) is None
    assert fit_limited([3.0, 3.0, 3.0, 3.0], [0, 0, 0, 0], ones) is None
    x = np.column_stack((np.ones(6), [0, 0, 0, 1, 1, 1])).astype(float)
    assert fit_limited([1.0, 2.0, 3.0, 0.5, 0.5, 0.5], [0, 0, 0, -1, -1, -1], x) is None


def test_a_mean_with_limits_lies_below_that_of_the_limits_and_says_how_many() -> None:
    values = [1.0, 1.0, 3.0, 5.0, 9.0]
    found = limited_mean(values, limited(values, 2))
    substituted = stats.gmean(values)
    assert found.estimate is not None
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < found.estimate < substituted
    assert (found.n, found.n_below, found.status) == (5, 2, "flagged")
    assert found.reason == "2 of 5 below the limit of quantification"
    plain = limited_mean(values, limited(values, 0))
    interval = stats.ttest_1samp(np.log(values), 0).confidence_interval(0.95)
    assert plain.upper == pytest.approx(math.exp(interval.high), rel=1e-9)
    assert (plain.status, plain.reason) == ("ok", "")
    linear = limited_mean(values, limited(values, 0), scale="linear")
    assert linear.estimate == pytest.approx(np.mean(values), rel=1e-12)


def test_means_that_cannot_be_are_refused_or_not_estimable() -> None:
    none = limited_mean([1.0, 1.0, 2.0], limited([1.0, 1.0, 2.0], 2))
    assert (none.estimate, none.status) == (None, "not_estimable")
    assert "fewer than two different measured values" in none.reason
    with pytest.raises(InputError, match="values above 0 on the log scale"):
        limited_mean([0.0, 1.0], limited([0.0, 1.0], 0))
    with pytest.raises(InputError, match="one state for each value"):
        limited_mean([1.0], [])
    with pytest.raises(InputError, match="a scale: log or linear"):
        limited_mean([1.0], ["measured"], scale="root")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a level between 0 and 1"):
        limited_mean([1.0], ["measured"], level=95)
    with pytest.raises(InputError, match="a state: measured"):
        limited_mean([1.0], ["perhaps"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="finite values"):
        limited_mean([math.inf], ["measured"])


def test_an_animal_below_its_limit_is_inhibited_by_more_than_the_limit_says() -> None:
    frame = rows(CONTROL, TREATED)
    frame["value_state"] = ["measured"] * 4 + ["below_limit", "measured", "measured"]
    found = inhibition(frame)
    first = found.animals[0]
    assert (first.estimate_pct, first.lower_pct, first.status) == (None, None, "flagged")
    assert first.greater_than_pct == pytest.approx(
        100 * (1 - 2.0 / stats.gmean(CONTROL)), rel=1e-12
    )
    group = found.groups[0]
    assert (group.method, group.n_limits, group.status) == ("log_limits", 1, "flagged")
    assert group.reason == "1 of 7 values known by a limit only"
    plain = inhibition(rows(CONTROL, TREATED)).groups[0]
    assert group.estimate_pct is not None
    assert plain.estimate_pct is not None
    assert group.estimate_pct > plain.estimate_pct
    above = frame.assign(
        value_state=["measured"] * 6 + ["above_limit"],
    )
    last = inhibition(above).animals[-1]
    assert last.less_than_pct == pytest.approx(100 * (1 - 4 / stats.gmean(CONTROL)), rel=1e-12)
    assert last.greater_than_pct is None
    assert inhibition(frame, scale="linear").groups[0].reason == (
        "values known by a limit: use the log scale"
    )


def test_an_arm_known_by_limits_only_has_no_number() -> None:
    frame = rows(CONTROL, TREATED)
    frame["value_state"] = ["measured"] * 4 + ["below_limit"] * 3
    group = inhibition(frame).groups[0]
    assert (group.estimate_pct, group.status) == (None, "not_estimable")
    assert "too few measured values" in group.reason
    frame["value_state"] = ["below_limit"] * 4 + ["measured"] * 3
    assert {animal.status for animal in inhibition(frame).animals} == {"not_estimable"}


def test_zeros_single_animals_and_flat_controls_are_said() -> None:
    zero = inhibition(rows(CONTROL, [0.0, 2.0]))
    assert zero.groups[0].status == "undefined"
    assert "no logarithm" in zero.groups[0].reason
    assert zero.animals[0].status == "undefined"
    assert zero.animals[1].status == "ok"
    single = inhibition(rows(CONTROL, [2.0])).groups[0]
    assert (single.lower_pct, single.status) == (None, "flagged")
    assert single.estimate_pct == pytest.approx(100 * (1 - 2 / stats.gmean(CONTROL)), rel=1e-12)
    lone = inhibition(rows([10.0], [2.0])).animals[0]
    assert lone.estimate_pct == pytest.approx(80.0, rel=1e-12)
    assert lone.lower_pct is None
    assert lone.reason == "fewer than 2 concurrent controls: no interval"
    wild = inhibition(rows([0.1, 30.0], [2.0, 3.0]), scale="linear").groups[0]
    assert (wild.status, wild.lower_pct) == ("unbounded", None)
    flat = inhibition(rows([0.0, 0.0], [2.0, 3.0]), scale="linear").groups[0]
    assert flat.status == "undefined"


def test_what_cannot_be_inhibited_is_refused() -> None:
    frame = rows(CONTROL, TREATED)
    with pytest.raises(InputError, match=r"a control arm with values of pS6: drug, vehicle"):
        percent_inhibition(MarkerTable(name="x", rows=frame), "pS6", control="saline")
    with pytest.raises(DataError, match="treated animals with values"):
        inhibition(frame[frame["arm"] == "vehicle"])
    ordinal = frame.assign(assay="allred", unit="", value=[3, 3, 4, 5, 2, 2, 2])
    with pytest.raises(InputError, match=r"Allred score of pS6.*compare_groups"):
        inhibition(ordinal)
    with pytest.raises(InputError, match="a scale: log or linear"):
        inhibition(frame, scale="root")
    with pytest.raises(InputError, match="a level between 0 and 1"):
        inhibition(frame, level=95.0)


def test_fields_without_animals_are_flagged_and_blank_arms_refused() -> None:
    frame = rows(CONTROL, TREATED)
    group = inhibition(frame.assign(animal_id="", field=list("abcdefg"))).groups[0]
    plain = inhibition(frame).groups[0]
    assert group.estimate_pct == plain.estimate_pct
    assert group.status == "flagged"
    assert "pseudo-replicates" in group.reason
    with pytest.raises(DataError, match="made: expected the arm of each reading"):
        inhibition(frame.assign(arm=["vehicle"] * 4 + ["drug", "drug", ""]))


def test_a_result_can_be_written() -> None:
    found = inhibition(rows(CONTROL, TREATED))
    assert found.to_frame()["arm"].tolist() == ["drug"]
    assert found.to_dict()["control"] == "vehicle"
