"""The parametric bootstrap of a contrast: what it draws, what it says, what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.growth.bootstrap import bootstrap_test, null_statistics
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.replicates import Replicates
from tests.growth.problems import made_problem
from tests.growth.studies import made_up_growth

FloatArray = NDArray[np.float64]


def study(treated: float = 0.07, *, animals: int = 4) -> GrowthData:
    return made_up_growth(
        {"control": 0.1, "treated": treated},
        animals=animals,
        days=(0.0, 4.0, 8.0, 12.0, 16.0),
        sd_slope=0.02,
        sd_residual=0.1,
        seed=3,
    )


@cache
def ordinary() -> GrowthFit:
    return fit_growth(study())


def question(fit: GrowthFit) -> FloatArray:
    return fit.terms.rate(1) - fit.terms.rate(0)


def test_one_seed_gives_one_result_and_another_seed_another() -> None:
    fit = ordinary()
    first, same, other = (
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == same
    assert first.critical != other.critical
    assert first.critical == pytest.approx(other.critical, rel=0.2)
    assert first.draws == 999
    assert first.method == "parametric bootstrap of t (Kenward-Roger)"


def test_estimate_and_statistic_are_those_of_the_fit() -> None:
    fit = ordinary()
    found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(1), draws=99)
    answer = fit.contrasts(question(fit))
    assert found.estimate == answer.estimate[0]
    assert found.std_error == answer.std_error[0]
    assert found.statistic == answer.statistic[0]
    assert found.to_dict()["estimate"] == found.estimate
    middle = (found.lower + found.upper) / 2
    assert middle == pytest.approx(found.estimate)
    assert found.upper - found.estimate == pytest.approx(found.critical * found.std_error)


@pytest.mark.parametrize("draws", [19, 99, 100, 999])
@pytest.mark.parametrize("treated", [0.1, 0.075, 0.07, 0.05, -0.05])
def test_interval_and_p_value_agree_on_zero(treated: float, draws: int) -> None:
    fit = fit_growth(study(treated))
    found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(4), draws=draws)
    without_zero = not found.lower <= 0 <= found.upper
    assert without_zero == (found.p_value <= 0.05 + 1e-12)
    assert 1 / (draws + 1) <= found.p_value <= 1


def test_p_value_counts_the_drawn_statistics_that_are_as_large() -> None:
    fit = fit_growth(study(0.1))
    found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(5), draws=199)
    null = null_statistics(
        Replicates(design=fit.problem, outcomes=fit.problem.y[None]),
        question(fit),
        rng=np.random.default_rng(5),
        draws=199,
    )
    beyond = np.count_nonzero(np.abs(null.statistic[0]) >= abs(found.statistic))
    assert found.p_value == (1 + beyond) / 200
    assert found.singular == np.count_nonzero(null.singular)


def test_where_the_t_test_is_exact_the_bootstrap_is_that_test() -> None:
    # An intercept for each arm, all readings, slopes that differ a lot: t with 2 (n - 1) df.
    data = made_up_growth(
        {"control": 0.1, "treated": 0.1},
        animals=7,
        days=(0.0, 4.0, 8.0, 12.0, 16.0),
        sd_slope=0.05,
        sd_residual=0.02,
        seed=2,
    )
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    null = null_statistics(
        Replicates(design=fit.problem, outcomes=fit.problem.y[None]),
        question(fit),
        rng=np.random.default_rng(6),
        draws=4000,
    )
    assert null.singular.mean() < 0.001
    assert stats.kstest(null.statistic[0], stats.t(12).cdf).pvalue > 0.01


def test_only_the_part_of_the_curves_that_the_null_hypothesis_denies_matters() -> None:
    data = study()
    moved = replace(data, log_size=data.log_size + 3.0 + 0.2 * data.time)
    first, second = (
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(7), draws=199)
        for fit in (fit_growth(data), fit_growth(moved))
    )
    assert second.estimate == pytest.approx(first.estimate, rel=1e-8)
    assert second.critical == pytest.approx(first.critical, rel=1e-5)
    assert second.p_value == first.p_value


def test_the_unit_of_time_does_not_matter() -> None:
    data = study()
    weeks = replace(data, time=data.time / 7, day=data.day / 7)
    first, second = (
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(8), draws=199)
        for fit in (fit_growth(data), fit_growth(weeks))
    )
    assert second.estimate == pytest.approx(7 * first.estimate, rel=1e-7)
    assert second.p_value == first.p_value
    assert second.critical == pytest.approx(first.critical, rel=1e-4)


def test_drawn_studies_have_the_variances_of_the_null_fit() -> None:
    data = made_up_growth({"control": 0.1, "treated": 0.1}, animals=40, seed=9)
    fit = fit_growth(data)
    null = null_statistics(
        Replicates(design=fit.problem, outcomes=fit.problem.y[None]),
        question(fit),
        rng=np.random.default_rng(9),
        draws=2000,
    )
    # Many animals: t is standard normal when the drawn spread is the fitted one.
    assert np.std(null.statistic) == pytest.approx(1.0, abs=0.06)
    assert abs(np.mean(null.statistic)) < 0.1


@pytest.mark.parametrize("residual", ["iid", "arm"])
@pytest.mark.parametrize("random", ["intercept_slope", "slope", "intercept"])
def test_every_model_that_reduces_can_be_drawn_from(residual: str, random: str) -> None:
    model = replace(GrowthModel(), residual=residual, random=random)  # type: ignore[arg-type]
    fit = fit_growth(study(), model)
    found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(1), draws=39)
    assert math.isfinite(found.lower)
    assert 0.025 <= found.p_value <= 1
    assert found.critical > 1


def test_satterthwaite_and_the_ratio_model_have_their_own_statistics() -> None:
    for model in (GrowthModel(df="satterthwaite"), GrowthModel(baseline="ratio")):
        fit = fit_growth(study(), model)
        found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(1), draws=99)
        answer = fit.contrasts(question(fit))
        assert found.statistic == answer.statistic[0]
        assert answer.method in found.method


def test_studies_with_other_readings_missing_are_drawn_with_theirs() -> None:
    design = made_problem(1, n_arms=2, uneven=False)
    outcomes = np.stack([design.y, design.y])
    observed = np.ones(outcomes.shape, dtype=bool)
    observed[1] = design.time <= 10
    row = np.array([0.0, -1.0, 1.0])
    both = null_statistics(
        Replicates(design=design, outcomes=outcomes, observed=observed),
        row,
        rng=np.random.default_rng(2),
        draws=200,
    )
    assert both.statistic.shape == (2, 200)
    assert np.isfinite(both.statistic).all()
    # Fewer readings: more of the drawn studies show no spread in one direction.
    assert both.singular[1].sum() > both.singular[0].sum()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (GrowthModel(residual="car1"), "without groups, with residual 'iid' or 'arm'"),
        (GrowthModel(df="cr2"), "inference 'kr' or 'satterthwaite'"),
    ],
)
def test_models_that_cannot_be_drawn_from_are_refused(model: GrowthModel, message: str) -> None:
    fit = fit_growth(study(), model)
    with pytest.raises(InputError, match=message):
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(1))


def test_cages_are_refused() -> None:
    data = study(animals=8)
    cages = tuple(f"c{number // 2}" for number in range(data.n_animals))
    fit = fit_growth(replace(data, factors={"cage": cages}), GrowthModel(groups=("cage",)))
    with pytest.raises(InputError, match="found cage, residual 'iid'"):
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(1))


def test_censored_fits_are_refused() -> None:
    data = study()
    low = data.log_size < 5.0
    assert 0 < low.sum() < 10
    fit = fit_censored(replace(data, log_size=np.maximum(data.log_size, 5.0), below_limit=low))
    with pytest.raises(InputError, match="without censored readings"):
        bootstrap_test(fit, question(fit), rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("draws", "level", "message"),
    [
        (18, 0.95, "at least 19 draws"),
        (98, 0.99, "at least 99 draws"),
        (999, 1.0, "level between 0 and 1"),
        (999, 0.0, "level between 0 and 1"),
    ],
)
def test_too_few_draws_and_odd_levels_are_refused(draws: int, level: float, message: str) -> None:
    fit = ordinary()
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match=message):
        bootstrap_test(fit, question(fit), rng=rng, draws=draws, level=level)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99])
def test_the_fewest_draws_reach_the_largest(level: float) -> None:
    fit = ordinary()
    fewest = round(level / (1 - level))
    found = bootstrap_test(
        fit, question(fit), rng=np.random.default_rng(1), draws=fewest, level=level
    )
    null = null_statistics(
        Replicates(design=fit.problem, outcomes=fit.problem.y[None]),
        question(fit),
        rng=np.random.default_rng(1),
        draws=fewest,
    )
    assert found.critical == np.abs(null.statistic).max()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(3), "ask about a coefficient"),
        (np.ones(2), "the 3 weights of one question"),
        (np.ones((1, 3)), "the 3 weights of one question"),
        (np.array([0.0, np.nan, 1.0]), "weights that ask"),
    ],
)
def test_weights_that_ask_nothing_are_refused(weights: FloatArray, message: str) -> None:
    fit = ordinary()
    with pytest.raises(InputError, match=message):
        bootstrap_test(fit, weights, rng=np.random.default_rng(1))


def test_a_model_of_one_coefficient_is_refused() -> None:
    data = study()
    control = data.without_animals([data.animal_ids[n] for n in data.animals_of(1)])
    fit = fit_growth(control, GrowthModel(baseline="ratio"))
    with pytest.raises(InputError, match="one coefficient in all"):
        bootstrap_test(fit, fit.terms.rate(0), rng=np.random.default_rng(1))


def test_the_smallest_p_value_is_one_of_the_draws_and_the_study_itself() -> None:
    fit = fit_growth(study(-0.2, animals=6))
    found = bootstrap_test(fit, question(fit), rng=np.random.default_rng(1), draws=199)
    assert found.p_value == 1 / 200
