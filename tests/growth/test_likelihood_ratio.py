"""Likelihood-ratio tests: statistic, reference distribution, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.likelihood_ratio import likelihood_ratio_test
from oncovivo.growth.model import GrowthModel


def made_data(seed: int = 3, *, level: Mapping[str, float] | None = None) -> GrowthData:
    """Three arms of six animals, eight days, two animals to a cage."""
    rng = np.random.default_rng(seed)
    days = np.arange(0.0, 24.0, 3.0)
    rates = {"vehicle": 0.1, "low": 0.09, "high": 0.05}
    arm: list[str] = []
    animal: list[str] = []
    time: list[float] = []
    size: list[float] = []
    cages: dict[str, str] = {}
    for number in range(18):
        name = list(rates)[number % 3]
        who = f"m{number}"
        cages[who] = f"c{number // 2}"
        start = 5 + (level or {}).get(name, 0.0) + 0.3 * rng.normal()
        own = rates[name] + 0.015 * rng.normal()
        for day in days:
            arm.append(name)
            animal.append(who)
            time.append(day)
            size.append(start + own * day + 0.15 * rng.normal())
    return growth_data_from_arrays(
        arm=arm,
        animal_id=animal,
        time=np.array(time),
        log_size=np.array(size),
        factors={"cage": cages},
    )


def test_intercepts_by_arm_are_tested_by_full_likelihood() -> None:
    data = made_data(level={"high": 0.9})
    smaller = fit_growth(data, GrowthModel(likelihood="ML"))
    larger = fit_growth(data, GrowthModel(likelihood="ML", intercept="arm"))
    test = likelihood_ratio_test(smaller, larger)
    assert test.statistic == pytest.approx(2 * (larger.log_likelihood - smaller.log_likelihood))
    assert (test.df, test.subject, test.on_boundary) == (2, "fixed part", False)
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 2))
    assert test.p_value < 0.01
    assert test.reference == "chi-square with 2 degrees of freedom"
    assert test.to_dict()["likelihood"] == "ML"


def test_one_variance_takes_half_the_p_of_the_chi_square() -> None:
    data = made_data()
    smaller = fit_growth(data, GrowthModel(random="intercept"))
    larger = fit_growth(data, GrowthModel(random="intercept_slope_independent"))
    test = likelihood_ratio_test(smaller, larger)
    assert (test.df, test.on_boundary, test.subject) == (1, True, "variance")
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 1) / 2)
    assert test.reference == "equal mixture of chi-square with 0 and 1 degrees of freedom"


def test_slopes_with_their_covariance_take_the_mixture_of_one_and_two() -> None:
    data = made_data()
    smaller = fit_growth(data, GrowthModel(random="intercept"))
    larger = fit_growth(data, GrowthModel())
    test = likelihood_ratio_test(smaller, larger)
    expected = (stats.chi2.sf(test.statistic, 1) + stats.chi2.sf(test.statistic, 2)) / 2
    assert test.df == 2
    assert test.p_value == pytest.approx(expected)


def test_a_variance_that_is_zero_has_p_one() -> None:
    ended = []
    for seed in range(8):
        data = made_data(seed)
        smaller = fit_growth(data, GrowthModel(random="intercept"))
        larger = fit_growth(data, GrowthModel(random="intercept", groups=("cage",)))
        test = likelihood_ratio_test(smaller, larger)
        if larger.variance.sd_groups["cage"] == 0:
            ended.append(test)
    assert ended
    for test in ended:
        assert test.statistic < 1e-6
        assert test.p_value > 0.49


def test_variances_by_arm_are_not_on_the_edge() -> None:
    data = made_data()
    smaller = fit_growth(data, GrowthModel(residual="iid"))
    larger = fit_growth(data, GrowthModel(residual="arm"))
    test = likelihood_ratio_test(smaller, larger)
    assert (test.df, test.on_boundary) == (2, False)


def test_a_residual_correlation_is_on_the_edge() -> None:
    data = made_data()
    smaller = fit_growth(data, GrowthModel(residual="arm"))
    larger = fit_growth(data, GrowthModel(residual="arm_car1"))
    test = likelihood_ratio_test(smaller, larger)
    assert (test.df, test.on_boundary) == (1, True)
    assert 0 < test.p_value <= 1


def test_comparisons_without_meaning_are_refused() -> None:
    data = made_data()
    base = fit_growth(data)
    by_arm = fit_growth(data, GrowthModel(intercept="arm"))
    with pytest.raises(InputError, match="by likelihood 'ML'"):
        likelihood_ratio_test(base, by_arm)
    full = fit_growth(data, GrowthModel(likelihood="ML"))
    with pytest.raises(InputError, match="the same likelihood, found REML and ML"):
        likelihood_ratio_test(base, full)
    with pytest.raises(InputError, match="two fits of one model"):
        likelihood_ratio_test(base, fit_growth(data))
    fewer = fit_growth(data.without_animals(["m0"]))
    with pytest.raises(InputError, match="the same readings, found 136 and 144 readings"):
        likelihood_ratio_test(fewer, base)
    other = fit_growth(made_data(4))
    with pytest.raises(InputError, match="readings that differ"):
        likelihood_ratio_test(other, base)
    simple = fit_growth(data, GrowthModel(random="intercept"))
    with pytest.raises(InputError, match="a special case of the larger one's"):
        likelihood_ratio_test(base, simple)
    caged = fit_growth(data, GrowthModel(groups=("cage",)))
    with pytest.raises(InputError, match="2 that are 0 in the smaller model"):
        likelihood_ratio_test(simple, caged)
    level = fit_growth(data, GrowthModel(intercept="arm", likelihood="ML"))
    with pytest.raises(InputError, match="columns that the larger model lacks"):
        likelihood_ratio_test(level, full)
    both = fit_growth(data, GrowthModel(intercept="arm", residual="arm", likelihood="ML"))
    with pytest.raises(InputError, match="both differ"):
        likelihood_ratio_test(full, both)
    each = fit_growth(data, GrowthModel(residual="animal", df="cr2"))
    with pytest.raises(InputError, match="does not grow with the animals"):
        likelihood_ratio_test(base, each)


def test_a_larger_fit_below_the_smaller_is_refused() -> None:
    data = made_data()
    smaller = fit_growth(data, GrowthModel(random="intercept"))
    larger = fit_growth(data)
    short = replace(larger, log_likelihood=smaller.log_likelihood - 1.0)
    with pytest.raises(DataError, match="not at its maximum"):
        likelihood_ratio_test(smaller, short)
