"""Rates and their contrasts against emmeans on lmer's fits, at each file's tolerance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from oncovivo.growth.compare import Adjustment, GrowthComparison, RateContrast, compare
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, Intercept
from oncovivo.numerics.multivariate_t import max_t_p_values, max_t_quantile
from tests.growth.studies import read_growth

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

STUDIES = [
    ("genentech_gdc0084_temozolomide", "genentech_gdc0084_temozolomide/growth.csv"),
    ("genentech_vismodegib", "genentech_vismodegib/growth.csv"),
    ("invivosyn_combos.LS_1034", "invivosyn_combos/LS_1034.csv"),
    ("invivosyn_combos.SW837", "invivosyn_combos/SW837.csv"),
    ("iowa_melanoma_a375", "iowa_melanoma_a375/growth.csv"),
    ("kroemer_antibody_genotype", "kroemer_antibody_genotype/growth.csv"),
    ("kroemer_mtx_caloric", "kroemer_mtx_caloric/growth.csv"),
    ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv"),
    ("synergylmm_example.webapp_example", "synergylmm_example/webapp_example.csv"),
]
SECTIONS: list[tuple[str, Intercept]] = [
    ("07_slopes_contrasts", "arm"),
    ("07b_slopes_common_intercept", "common"),
]
# An optimum reached by another optimizer moves an estimate by this share of its standard error.
OPTIMUM = 2e-4
# p values that follow from it, and from degrees of freedom that agree to 1 %.
P_VALUE = {"rel": 0.02, "abs": 1e-6}


def close(found: float | None, expected: float, *, rel: float = 0.0, abs: float = 0.0) -> bool:
    return found is not None and np.abs(found - expected) <= max(rel * np.abs(expected), abs)


def arms_of(contrast: str) -> tuple[str, str]:
    first, _, second = contrast.partition(" - ")
    return first.strip("()"), second.strip("()")


def control_of(section: dict[str, Any]) -> str:
    return arms_of(section["results"]["dunnett"]["contrast"][0])[1]


def pick(result: GrowthComparison, table: dict[str, Any]) -> list[tuple[RateContrast, float]]:
    """Contrasts in the order of a table, with the sign that brings them to its direction."""
    known = {(found.arm, found.versus): (found, 1.0) for found in result.contrasts}
    known |= {(found.versus, found.arm): (found, -1.0) for found in result.contrasts}
    return [known[arms_of(name)] for name in table["contrast"]]


@pytest.fixture(scope="module")
def fits() -> dict[tuple[str, Intercept], GrowthFit]:
    return {}


def fit_of(
    name: str,
    file: str,
    intercept: Intercept,
    shared_data: ReadData,
    fits: dict[tuple[str, Intercept], GrowthFit],
) -> GrowthFit:
    """One fit of a file for all tests of the module."""
    if (name, intercept) not in fits:
        data = read_growth(shared_data(file))
        fits[name, intercept] = fit_growth(data, GrowthModel(intercept=intercept))
    return fits[name, intercept]


Fits: TypeAlias = dict[tuple[str, Intercept], GrowthFit]


@pytest.mark.parametrize(("section", "intercept"), SECTIONS)
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_rates_and_doubling_times_agree(
    name: str,
    file: str,
    section: str,
    intercept: Intercept,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    reference = shared_reference(name)["sections"][section]
    theirs, tolerance = reference["results"]["slopes"], reference["tolerance"]
    fit = fit_of(name, file, intercept, shared_data, fits)
    rates = {rate.arm: rate for rate in compare(fit, control_of(reference)).rates}
    assert set(rates) == set(theirs["g"])
    for row, arm in enumerate(theirs["g"]):
        rate, error = rates[arm], theirs["SE"][row]
        assert close(rate.estimate, theirs["t.trend"][row], rel=1e-4, abs=OPTIMUM * error)
        assert close(rate.std_error, error, rel=tolerance["se"]["rel"])
        if not fit.singular:
            assert close(rate.df, theirs["df"][row], rel=tolerance["df"]["rel"])
            assert close(rate.lower, theirs["lower.CL"][row], abs=0.01 * error)
            assert close(rate.upper, theirs["upper.CL"][row], abs=0.01 * error)
        if "doubling_time" in theirs and theirs["t.trend"][row] > 0:
            assert close(rate.doubling_time.estimate, theirs["doubling_time"][row], rel=1e-3)


@pytest.mark.parametrize(("section", "intercept"), SECTIONS)
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_contrasts_without_adjustment_agree(
    name: str,
    file: str,
    section: str,
    intercept: Intercept,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    reference = shared_reference(name)["sections"][section]
    theirs = reference["results"]["unadjusted"]
    fit = fit_of(name, file, intercept, shared_data, fits)
    result = compare(fit, control_of(reference), adjustment="none")
    for row, (found, sign) in enumerate(pick(result, theirs)):
        error = theirs["SE"][row]
        assert sign == 1.0
        assert close(found.estimate, theirs["estimate"][row], rel=1e-4, abs=OPTIMUM * error)
        assert close(found.std_error, error, rel=1e-3)
        assert found.p_adjusted is None
        if not fit.singular:
            assert close(found.df, theirs["df"][row], rel=0.01)
            assert close(found.statistic, theirs["t.ratio"][row], rel=1e-3, abs=1e-3)
            assert close(found.p_value, theirs["p.value"][row], **P_VALUE)
            assert close(found.lower, theirs["lower.CL"][row], abs=0.01 * error)
            assert close(found.upper, theirs["upper.CL"][row], abs=0.01 * error)


@pytest.mark.parametrize(("section", "intercept"), SECTIONS)
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_dunnett_p_and_limits_agree_at_the_same_degrees_of_freedom(
    name: str,
    file: str,
    section: str,
    intercept: Intercept,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    """There each contrast has its own df, made whole; in a comparison all share the smallest."""
    reference = shared_reference(name)["sections"][section]
    theirs, tolerance = reference["results"]["dunnett"], reference["tolerance"]["mvt"]["abs"]
    fit = fit_of(name, file, intercept, shared_data, fits)
    control = control_of(reference)
    arms = fit.data.arms
    against = fit.terms.rate(arms.index(control))
    weights = [
        fit.terms.rate(arms.index(arms_of(contrast)[0])) - against
        for contrast in theirs["contrast"]
    ]
    covariance = np.array(weights) @ fit.inference.covariance @ np.array(weights).T
    error = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(error, error)
    correlation = (correlation + correlation.T) / 2
    np.fill_diagonal(correlation, 1.0)
    whole = np.floor(np.array(theirs["df"]) + 0.25)
    statistic = np.array(theirs["t.ratio"])
    for row, df in enumerate(whole.tolist()):
        p_value = float(max_t_p_values(statistic, correlation, df)[row])
        assert close(p_value, theirs["p.value"][row], abs=tolerance)
        reach = max_t_quantile(correlation, df) * error[row]
        # Their quantile is a root of a probability that is good to about 1e-3.
        assert close(
            theirs["estimate"][row] - reach, theirs["lower.CL"][row], abs=0.01 * error[row]
        )


@pytest.mark.parametrize(("section", "intercept"), SECTIONS)
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_dunnett_of_a_comparison_is_emmeans_or_a_little_more_careful(
    name: str,
    file: str,
    section: str,
    intercept: Intercept,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    reference = shared_reference(name)["sections"][section]
    theirs, tolerance = reference["results"]["dunnett"], reference["tolerance"]["mvt"]["abs"]
    fit = fit_of(name, file, intercept, shared_data, fits)
    result = compare(fit, control_of(reference))
    assert result.family.method == "one_factor"
    assert result.family.error is not None
    assert result.family.error < 1e-4
    if fit.df_limit is not None and max(theirs["df"]) > fit.df_limit + 0.01:
        # lmer's df there exceed animals less arms; ours do not.
        assert result.family.df == fit.df_limit
        return
    same = np.ptp(theirs["df"]) < 1e-6
    for row, (found, _) in enumerate(pick(result, theirs)):
        assert found.p_adjusted is not None
        if same:
            assert close(found.p_adjusted, theirs["p.value"][row], abs=tolerance)
            limit = theirs["lower.CL"][row]
            assert close(found.lower_simultaneous, limit, abs=0.01 * theirs["SE"][row])
        else:
            # A whole df may lie up to a quarter above theirs.
            assert -0.002 < found.p_adjusted - theirs["p.value"][row] < 0.01


@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_holm_agrees(
    name: str,
    file: str,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    reference = shared_reference(name)["sections"]["07_slopes_contrasts"]
    theirs = reference["results"]["holm"]
    fit = fit_of(name, file, "arm", shared_data, fits)
    result = compare(fit, control_of(reference), adjustment="holm")
    if fit.df_limit is not None and max(theirs["df"]) > fit.df_limit + 0.01:
        return
    for row, (found, _) in enumerate(pick(result, theirs)):
        assert close(found.p_adjusted, theirs["p.value"][row], **P_VALUE)


@pytest.mark.parametrize(
    ("name", "file"), [study for study in STUDIES if not study[0].startswith(("gen", "kroemer_m"))]
)
def test_tukey_agrees_and_is_never_the_larger(
    name: str,
    file: str,
    shared_data: ReadData,
    shared_reference: ReadReference,
    fits: Fits,
) -> None:
    """Their p is the studentized range's: exact for equal variances, an upper bound else."""
    reference = shared_reference(name)["sections"]["07_slopes_contrasts"]
    theirs = reference["results"]["tukey"]
    fit = fit_of(name, file, "arm", shared_data, fits)
    if fit.df_limit is not None and max(theirs["df"]) > fit.df_limit + 0.01:
        return
    result = compare(fit, control_of(reference), adjustment="tukey")
    assert len(result.contrasts) == len(theirs["contrast"])
    equal = np.ptp(theirs["SE"]) < 1e-9 and np.ptp(theirs["df"]) < 1e-6
    for row, (found, sign) in enumerate(pick(result, theirs)):
        error = theirs["SE"][row]
        estimate = None if found.estimate is None else sign * found.estimate
        assert close(estimate, theirs["estimate"][row], rel=1e-4, abs=OPTIMUM * error)
        assert found.p_adjusted is not None
        gap = found.p_adjusted - theirs["p.value"][row]
        if equal:
            assert abs(gap) < 5e-5
        else:
            # Their df are each contrast's own, ours the smallest.
            assert -0.01 < gap < 0.005


ADJUSTMENTS: list[Adjustment] = ["dunnett", "holm", "tukey"]


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_adjusted_p_is_never_below_its_own(
    adjustment: Adjustment, shared_data: ReadData, fits: Fits
) -> None:
    name, file = STUDIES[4]
    fit = fit_of(name, file, "common", shared_data, fits)
    for found in compare(fit, "control", adjustment=adjustment).contrasts:
        assert found.p_value is not None
        assert found.p_adjusted is not None
        assert found.p_adjusted >= found.p_value
        assert found.lower_simultaneous is not None
        assert found.lower is not None
        assert found.lower_simultaneous < found.lower
