"""Fits with readings below the limit: limits, invariances, comparison, and bad input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.errors import DataError, InputError
from oncovivo.growth import tobit_search
from oncovivo.growth.censored import CensoredInference, fit_censored, fit_with_limit, upper_limit
from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import DegreesOfFreedom, GrowthModel, RandomEffects, Residual, TimeShape
from oncovivo.studies import read_study

FloatArray: TypeAlias = NDArray[np.float64]

DAYS = np.arange(0.0, 25.0, 3.0)


def _study(
    *,
    rates: Sequence[float] = (0.08, -0.16),
    n: int = 6,
    seed: int = 11,
    limit: float = 14.0,
    days: FloatArray = DAYS,
) -> GrowthData:
    """Arms of n animals from 100 mm³; what is below the limit is set to it."""
    rng = np.random.default_rng(seed)
    names = [f"arm{index}" for index in range(len(rates)) for _ in range(n)]
    slope = np.repeat(rates, n) + 0.02 * rng.normal(size=len(names))
    start = np.log(100) + 0.3 * rng.normal(size=len(names))
    noise = 0.2 * rng.normal(size=(len(names), days.size))
    size = start[:, None] + slope[:, None] * days + noise
    below = size < np.log(limit)
    return growth_data_from_arrays(
        arm=np.repeat(names, days.size).tolist(),
        animal_id=np.repeat([f"m{i}" for i in range(len(names))], days.size).tolist(),
        time=np.tile(days, len(names)),
        log_size=np.where(below, np.log(limit), size).ravel(),
        below_limit=below.ravel(),
        limit=limit,
    )


def _rebuilt(
    data: GrowthData,
    *,
    order: NDArray[np.intp] | None = None,
    arms: dict[str, str] | None = None,
    per_day: float = 1.0,
    shift: float = 0.0,
) -> GrowthData:
    """The same study in other words: order of rows, names of arms, unit of time and of size."""
    rows = np.arange(data.n_observations) if order is None else order
    name = arms or {arm: arm for arm in data.arms}
    return growth_data_from_arrays(
        arm=[name[data.arms[data.arm[data.animal[row]]]] for row in rows],
        animal_id=[data.animal_ids[data.animal[row]] for row in rows],
        time=data.time[rows] * per_day,
        log_size=data.log_size[rows] + shift,
        below_limit=data.below_limit[rows],
        limit=data.limit * float(np.exp(shift)),
    )


def _rates(fit: GrowthFit) -> dict[str, float]:
    return {
        arm: float(fit.terms.rate(number) @ fit.coefficients)
        for number, arm in enumerate(fit.data.arms)
    }


def _codes(fit: GrowthFit) -> set[str]:
    return {warning.code for warning in fit.warnings}


@pytest.mark.parametrize("random", ["intercept_slope", "intercept_slope_independent", "intercept"])
@pytest.mark.parametrize("residual", ["iid", "arm"])
def test_without_censored_readings_it_is_maximum_likelihood(
    random: RandomEffects, residual: Residual
) -> None:
    model = GrowthModel(random=random, residual=residual, likelihood="ML", intercept="arm")
    data = _study(limit=1e-3)
    known = fit_growth(data, model)
    for method in ("quadrature", "laplace"):
        fit = fit_censored(data, model, method=method)
        assert fit.n_censored == 0
        assert fit.converged
        assert fit.likelihood == "ML"
        assert fit.log_likelihood == pytest.approx(known.log_likelihood, abs=1e-7)
        np.testing.assert_allclose(fit.coefficients, known.coefficients, atol=1e-6)
        np.testing.assert_allclose(fit.random_covariance, known.random_covariance, atol=1e-6)
        np.testing.assert_allclose(fit.residual_variance, known.residual_variance, atol=1e-6)
        np.testing.assert_allclose(fit.random_effects, known.random_effects, atol=1e-5)
        assert fit.variance.to_dict().keys() == known.variance.to_dict().keys()
        assert fit.variance.sd_residual == pytest.approx(known.variance.sd_residual, abs=1e-6)


def test_a_balanced_measured_study_has_the_exact_t_test_of_the_slopes() -> None:
    n, data = 7, _study(n=7, limit=1e-3)
    fit = fit_censored(data, GrowthModel(intercept="arm"))
    size = data.log_size.reshape(2 * n, DAYS.size)
    off = DAYS - DAYS.mean()
    slopes = size @ off / (off @ off)
    exact = stats.ttest_ind(slopes[n:], slopes[:n])
    answer = fit.contrasts(np.array([0.0, 0.0, -1.0, 1.0]))
    assert answer.estimate[0] == pytest.approx(slopes[n:].mean() - slopes[:n].mean(), abs=1e-8)
    assert answer.statistic[0] == pytest.approx(exact.statistic, rel=1e-6)
    assert answer.df[0] == pytest.approx(2 * n - 2, rel=1e-6)
    assert answer.p_value[0] == pytest.approx(exact.pvalue, rel=1e-5)


def test_a_bound_that_says_nothing_changes_nothing() -> None:
    data = _study()
    high = data.below_limit & (data.time > 20)
    assert high.any()
    silent = replace(data, log_size=np.where(high, 40.0, data.log_size))
    fit = fit_censored(silent)
    known = fit_censored(data.select(~high))
    assert fit.log_likelihood == pytest.approx(known.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(fit.coefficients, known.coefficients, atol=1e-6)


@pytest.mark.parametrize("random", ["intercept_slope", "slope", "intercept"])
def test_laplace_is_within_a_fraction_of_a_standard_error(random: RandomEffects) -> None:
    model = GrowthModel(random=random)
    fine = fit_censored(_study(), model)
    rough = fit_censored(_study(), model, method="laplace")
    error = np.sqrt(np.diag(fine.inference.covariance))
    assert fine.converged
    assert rough.converged
    assert np.abs((fine.coefficients - rough.coefficients) / error).max() < 0.05
    assert 0 < abs(fine.log_likelihood - rough.log_likelihood) < 0.2


def test_the_default_rule_is_as_fine_as_a_finer_one() -> None:
    data = _study(rates=(0.05, -0.3), n=5)
    fit, finer = fit_censored(data), fit_censored(data, points=61)
    coarse = fit_censored(data, points=3)
    assert fit.log_likelihood == pytest.approx(finer.log_likelihood, abs=1e-5)
    error = np.sqrt(np.diag(finer.inference.covariance))
    assert np.abs((fit.coefficients - finer.coefficients) / error).max() < 1e-3
    assert coarse.log_likelihood != pytest.approx(finer.log_likelihood, abs=2e-5)


def test_order_of_rows_and_names_of_arms_change_nothing() -> None:
    data = _study()
    order = np.random.default_rng(3).permutation(data.n_observations)
    other = _rebuilt(data, order=order, arms={"arm0": "zulu", "arm1": "alpha"})
    fit, again = fit_censored(data), fit_censored(other)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    rates, renamed = _rates(fit), _rates(again)
    assert renamed["zulu"] == pytest.approx(rates["arm0"], abs=1e-9)
    assert renamed["alpha"] == pytest.approx(rates["arm1"], abs=1e-9)


def test_the_unit_of_time_only_scales_rates() -> None:
    data = _study()
    fit, hours = fit_censored(data), fit_censored(_rebuilt(data, per_day=24.0))
    assert hours.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(hours.coefficients[1:] * 24, fit.coefficients[1:], rtol=1e-7)
    one = fit.contrasts(np.eye(3)[1:])
    other = hours.contrasts(np.eye(3)[1:])
    np.testing.assert_allclose(other.std_error * 24, one.std_error, rtol=1e-6)
    np.testing.assert_allclose(other.df, one.df, rtol=1e-4)
    np.testing.assert_allclose(
        hours.random_effects[:, 1] * 24, fit.random_effects[:, 1], rtol=1e-5
    )


def test_the_unit_of_size_moves_the_intercept_alone() -> None:
    data = _study()
    fit = fit_censored(data)
    cubic_cm = fit_censored(_rebuilt(data, shift=-float(np.log(1000))))
    assert cubic_cm.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    moved = fit.coefficients - cubic_cm.coefficients
    np.testing.assert_allclose(moved, [np.log(1000), 0, 0], atol=1e-8)
    np.testing.assert_allclose(cubic_cm.inference.covariance, fit.inference.covariance, rtol=1e-6)


def test_estimates_move_away_from_the_other_ways_toward_the_truth() -> None:
    data = _study(rates=(-0.08, -0.18), n=12, seed=2)
    assert 0.25 < data.below_limit.mean() < 0.4
    fit = _rates(fit_censored(data))
    omitted = _rates(fit_growth(data))
    value = _rates(fit_growth(replace(data, below_limit=np.zeros_like(data.below_limit))))
    assert fit["arm1"] < omitted["arm1"] < value["arm1"]
    assert fit["arm1"] == pytest.approx(-0.18, abs=0.02)
    assert fit["arm1"] - fit["arm0"] == pytest.approx(-0.1, abs=0.02)
    assert value["arm1"] > -0.12


def test_a_complete_responder_stays_in_the_model() -> None:
    data = _study(n=8)
    gone = (data.animal == 15) & (data.time > 0)
    data = replace(
        data,
        below_limit=data.below_limit | gone,
        log_size=np.where(gone, np.log(data.limit), data.log_size),
    )
    fit = fit_censored(data)
    assert fit.n_animals == 16
    assert fit.n_censored == int(data.below_limit.sum())
    # Its rate is drawn below its arm's by what the others allow, not without end.
    others = fit.random_effects[8:15, 1]
    assert -0.15 < fit.random_effects[15, 1] < others.min()
    assert _rates(fit)["arm1"] < _rates(fit_censored(data.without_animals(["m15"])))["arm1"]
    note = next(w.message for w in fit.warnings if w.code == "below_limit_censored")
    assert "below it at every later reading: m15" in note


def test_baselines_below_the_limit_are_no_obstacle() -> None:
    data = _study(rates=(0.15, 0.05), limit=80.0)
    start = data.time == 0
    assert data.below_limit[start].any()
    fit = fit_censored(data)
    assert fit.converged
    assert fit.n_animals == 12
    assert _rates(fit)["arm0"] == pytest.approx(0.15, abs=0.03)


def test_an_arm_that_is_gone_at_once_is_said_to_be_unbounded() -> None:
    data = _study(rates=(0.08, -2.0))
    assert data.below_limit[(data.arm[data.animal] == 1) & (data.time > 0)].all()
    fit = fit_censored(data)
    assert fit.converged
    flagged = [w.arm for w in fit.warnings if w.code == "rate_not_bounded"]
    assert flagged == ["arm1"]
    # The supremum is the fit in which only the arm's baselines remain, as the control's.
    start = (data.arm[data.animal] == 0) | (data.time == 0)
    left = _rebuilt(data.select(start), arms={"arm0": "arm0", "arm1": "arm0"})
    known = fit_censored(left)
    assert fit.log_likelihood == pytest.approx(known.log_likelihood, abs=1e-5)
    assert _rates(fit)["arm0"] == pytest.approx(_rates(known)["arm0"], abs=1e-5)
    answer = fit.contrasts(np.eye(3))
    assert np.isfinite([answer.lower, answer.upper, answer.p_value]).all()
    assert answer.std_error[2] > 1.0


def test_an_unbounded_rate_has_an_upper_limit() -> None:
    data = _study(rates=(0.08, -2.0))
    fit = fit_censored(data)
    rate, control = fit.terms.rate(1), fit.terms.rate(0)
    limit, wider = upper_limit(fit, rate), upper_limit(fit, rate, level=0.99)
    assert limit is not None
    assert wider is not None
    # From 100 mm³ to below 14 mm³ in 3 days: the mean animal falls by at least about this.
    assert limit == pytest.approx(np.log(14 / 100) / 3, abs=0.15)
    assert limit < wider < 0.0
    told = next(w.message for w in fit.warnings if w.code == "rate_not_bounded")
    assert f"below {limit:.3g} per day" in told
    difference = upper_limit(fit, rate - control)
    assert difference is not None
    assert difference == pytest.approx(limit - _rates(fit)["arm0"], abs=0.05)
    assert upper_limit(fit, control - rate) is None


@pytest.mark.parametrize("random", ["intercept_slope", "intercept_slope_independent", "slope"])
def test_the_profile_agrees_with_the_t_limit_where_there_is_one(random: RandomEffects) -> None:
    fit = fit_censored(_study(n=15, limit=1e-3), GrowthModel(random=random, residual="arm"))
    weights = fit.terms.rate(1) - fit.terms.rate(0)
    answer = fit.contrasts(weights, level=0.9)
    limit = upper_limit(fit, weights)
    assert limit is not None
    reach = float(answer.upper[0] - answer.estimate[0])
    assert limit == pytest.approx(float(answer.upper[0]), abs=0.05 * reach)


def test_an_upper_limit_needs_a_censored_fit_and_a_question() -> None:
    data = _study()
    fit = fit_censored(data)
    with pytest.raises(InputError, match="a fit of fit_censored"):
        upper_limit(fit_growth(data), fit.terms.rate(1))
    with pytest.raises(InputError, match="3 weights, not all 0"):
        upper_limit(fit, np.zeros(3))
    with pytest.raises(InputError, match=r"between 0\.5 and 1"):
        upper_limit(fit, fit.terms.rate(1), level=0.3)


def test_one_measured_reading_bounds_the_arm() -> None:
    data = _study(rates=(0.08, -2.0))
    row = int(np.flatnonzero((data.arm[data.animal] == 1) & (data.time == 3))[0])
    size, below = data.log_size.copy(), data.below_limit.copy()
    size[row], below[row] = np.log(15.0), False
    fit = fit_censored(replace(data, log_size=size, below_limit=below))
    assert "rate_not_bounded" not in _codes(fit)
    assert fit.converged
    assert -3.0 < _rates(fit)["arm1"] < -0.4


def test_a_late_piece_of_time_can_be_unbounded_too() -> None:
    data = _study(rates=(0.05, -0.15))
    late = (data.arm[data.animal] == 1) & (data.time > 12)
    data = replace(
        data,
        below_limit=data.below_limit | late,
        log_size=np.where(late, np.log(14.0), data.log_size),
    )
    fit = fit_censored(data, GrowthModel(time=TimeShape(kind="piecewise", knots=(12.0,))))
    assert [w.arm for w in fit.warnings if w.code == "rate_not_bounded"] == ["arm1"]


def test_zeros_that_no_line_can_reach_are_told() -> None:
    data = _study(rates=(0.08, 0.04))
    padded = data.time > 15
    data = replace(
        data, below_limit=padded, log_size=np.where(padded, np.log(14.0), data.log_size)
    )
    fit = fit_censored(data)
    assert "zeros_off_the_line" in _codes(fit)
    assert "zeros_off_the_line" not in _codes(fit_censored(_study()))


def test_animals_without_spread_make_a_singular_fit() -> None:
    rng = np.random.default_rng(0)
    data = _study()
    size = np.log(100) + np.array([0.05, -0.12])[data.arm[data.animal]] * data.time
    size += 0.3 * rng.normal(size=size.size)
    below = size < np.log(14)
    fit = fit_censored(
        replace(data, log_size=np.where(below, np.log(14), size), below_limit=below)
    )
    assert fit.converged
    assert fit.singular
    assert "singular_fit" in _codes(fit)
    assert fit.contrasts(np.array([0.0, -1.0, 1.0])).df[0] <= 10


def test_the_ratio_model_takes_bounds_relative_to_the_baseline() -> None:
    data = _study()
    fit = fit_censored(data, GrowthModel(baseline="ratio"))
    known = fit_growth(_study(limit=1e-3), GrowthModel(baseline="ratio"))
    assert fit.terms.names == ("time:arm0", "time:arm1")
    np.testing.assert_allclose(fit.coefficients, known.coefficients, atol=0.01)


def test_residual_variances_by_arm_are_each_found() -> None:
    data = _study(n=10)
    noise = np.random.default_rng(1).normal(size=data.n_observations)
    loud = np.where((data.arm[data.animal] == 0) & ~data.below_limit, 0.4 * noise, 0.0)
    fit = fit_censored(replace(data, log_size=data.log_size + loud), GrowthModel(residual="arm"))
    by_arm = fit.variance.sd_residual_by_arm
    assert fit.variance.sd_residual is None
    assert by_arm["arm0"] > 1.5 * by_arm["arm1"]


def test_degrees_of_freedom_fall_where_one_arm_hides_its_spread() -> None:
    fit = fit_censored(_study(rates=(0.08, -0.3), n=5))
    control, treated = fit.contrasts(np.eye(3)[1:]).df
    assert 3 < control < 7.5
    assert treated <= 8.0
    assert "animals - arms" in fit.contrasts(np.eye(3)).method


def test_degrees_of_freedom_never_leave_their_bounds() -> None:
    flat = CensoredInference(
        covariance=np.eye(2),
        between=8,
        animals=10,
        slopes=np.zeros((1, 2, 2)),
        uncertainty=np.eye(1),
    )
    steep = replace(flat, slopes=1e6 * np.ones((1, 2, 2)))
    assert flat.df(np.eye(2)).tolist() == [8.0, 8.0]
    assert steep.df(np.eye(2)).tolist() == [1.0, 1.0]


def test_the_facade_chooses_by_the_word_and_the_data() -> None:
    data = _study()
    assert fit_with_limit(data).n_censored > 0
    omitted = fit_with_limit(data, below_limit="omitted")
    assert omitted.n_censored == 0
    assert "below_limit_omitted" in _codes(omitted)
    whole = fit_with_limit(_study(limit=1e-3))
    assert whole.likelihood == "REML"
    with pytest.raises(InputError, match="censored, omitted"):
        fit_with_limit(data, below_limit="ignored")  # type: ignore[arg-type]  # a wrong word


def test_cages_are_refused_with_what_is_offered() -> None:
    data = replace(_study(), factors={"cage": tuple(f"c{i // 2}" for i in range(12))})
    with pytest.raises(InputError, match=r"animals' intercepts and slopes only.*cage"):
        fit_censored(data, GrowthModel(groups=("cage",)))


@pytest.mark.parametrize("residual", ["car1", "arm_car1"])
def test_correlated_residuals_are_refused(residual: Residual) -> None:
    with pytest.raises(InputError, match=r"'iid' or 'arm'.*leave the readings"):
        fit_censored(_study(), GrowthModel(residual=residual))


@pytest.mark.parametrize("df", ["cr2", "satterthwaite"])
def test_other_degrees_of_freedom_are_refused(df: DegreesOfFreedom) -> None:
    with pytest.raises(InputError, match="a censored fit has its own"):
        fit_censored(_study(), GrowthModel(df=df))


def test_an_unknown_method_and_no_points_are_refused() -> None:
    with pytest.raises(InputError, match="quadrature, laplace"):
        fit_censored(_study(), method="guess")  # type: ignore[arg-type]  # a wrong word
    with pytest.raises(InputError, match="1 to 100 points"):
        fit_censored(_study(), points=0)


def test_a_study_without_a_measured_tumor_is_refused() -> None:
    data = _study()
    gone = replace(
        data,
        below_limit=np.ones_like(data.below_limit),
        log_size=np.full(data.n_observations, np.log(14.0)),
    )
    with pytest.raises(DataError, match=r"a tumor that was measured.*all 108 readings gone"):
        fit_censored(gone)


def test_animals_with_one_measured_reading_each_are_refused() -> None:
    data = _study()
    later = data.time > 0
    hidden = replace(
        data, below_limit=later, log_size=np.where(later, np.log(14.0), data.log_size)
    )
    with pytest.raises(DataError, match=r"two measured readings.*96 of 108 readings below"):
        fit_censored(hidden)


def test_measured_readings_without_error_are_refused() -> None:
    data = _study()
    line = np.log(100) + np.array([0.05, -0.1])[data.arm[data.animal]] * data.time
    below = line < np.log(14)
    exact = replace(data, log_size=np.where(below, np.log(14), line), below_limit=below)
    with pytest.raises(DataError, match="the fit would be exact"):
        fit_censored(exact)


def test_an_arm_without_a_measured_reading_has_no_residual_variance() -> None:
    data = _study()
    arm = data.arm[data.animal] == 1
    hidden = replace(
        data,
        below_limit=data.below_limit | arm,
        log_size=np.where(arm, np.log(14.0), data.log_size),
    )
    with pytest.raises(DataError, match="none in 'arm1'"):
        fit_censored(hidden, GrowthModel(residual="arm"))


def test_a_search_that_runs_out_of_steps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tobit_search, "_STEPS", 1)
    fit = fit_censored(_study())
    assert not fit.converged
    assert "not_converged" in _codes(fit)


def test_one_animal_in_an_arm_is_told() -> None:
    data = _study().without_animals([f"m{i}" for i in range(7, 12)])
    fit = fit_censored(data)
    assert [w.arm for w in fit.warnings if w.code == "few_animals"] == ["arm1"]


@pytest.mark.realdata
def test_real_studies_with_zeros_are_fitted(shared_data: Callable[[str], Path]) -> None:
    studies = {
        study.line.name: study for study in read_study(shared_data("kulgap_pdx/growth.csv"))
    }
    codes = {}
    for line in ("P31", "P32", "P45", "P52"):
        data = growth_data(studies[line])
        fit = fit_censored(data)
        assert fit.n_censored == int(data.below_limit.sum()) > 0
        assert fit.converged
        codes[line] = _codes(fit)
    # The file of P52 is padded: tumors of 1300 to 3000 mm³ turn to zero at the next visit.
    assert "zeros_off_the_line" in codes["P52"]
    assert "zeros_off_the_line" not in codes["P31"] | codes["P45"]
