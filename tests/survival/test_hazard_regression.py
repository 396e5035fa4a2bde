"""Cox and Firth regression: by hand, invariances, monotone likelihood, and against R's coxph."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import optimize

from oncovivo.errors import DataError, InputError
from oncovivo.survival.cox import CoxFit, cox_fit
from oncovivo.survival.firth import firth_fit, firth_many
from oncovivo.survival.hazard_ratios import hazard_ratios
from oncovivo.survival.rank_tests import rank_test

TIME = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
EVENT = np.array([True, True, True, False, True, True])
TREATED = np.array([[1.0], [0], [1], [0], [1], [0]])


def dummies(group: npt.NDArray[np.intp], n_groups: int) -> npt.NDArray[np.float64]:
    return np.eye(n_groups)[group][:, 1:]


def test_one_coefficient_agrees_with_the_partial_likelihood_written_out() -> None:
    def minus(beta: float) -> float:
        r = math.exp(beta)
        sets = [3 * r + 3, 2 * r + 3, 2 * r + 2, r + 1, 1]
        return sum(math.log(total) for total in sets) - 3 * beta

    expected = optimize.minimize_scalar(minus, bounds=(-5, 5), method="bounded")
    fit = cox_fit(TIME, EVENT, TREATED)
    assert fit.coefficients[0] == pytest.approx(expected.x, abs=1e-5)
    assert fit.log_likelihoods[1] == pytest.approx(-expected.fun, rel=1e-9)


def test_the_score_test_without_ties_is_the_log_rank_test() -> None:
    fit = cox_fit(TIME, EVENT, TREATED)
    log_rank = rank_test(TIME, EVENT, TREATED[:, 0].astype(np.intp))
    assert fit.score.statistic == pytest.approx(log_rank.statistic)
    assert fit.score.p_value == pytest.approx(log_rank.p_value)
    # One degree of freedom: the p-value of a normal deviate.
    rise = 2 * (fit.log_likelihoods[1] - fit.log_likelihoods[0])
    assert fit.likelihood_ratio.p_value == pytest.approx(math.erfc(math.sqrt(rise / 2)))


def test_tied_events_follow_efron() -> None:
    # Two events at once, one treated, among two treated and one control.
    time = np.array([1.0, 1.0, 2.0])
    fit = cox_fit(time, np.array([True, True, False]), np.array([[1.0], [0.0], [1.0]]))
    r = math.exp(fit.coefficients[0] or 0.0)
    assert fit.log_likelihoods[0] == pytest.approx(-math.log(3) - math.log(2))
    assert fit.log_likelihoods[1] == pytest.approx(
        math.log(r) - math.log(2 * r + 1) - math.log(1.5 * r + 0.5)
    )


def test_entries_at_the_start_change_nothing_and_late_ones_do() -> None:
    plain = cox_fit(TIME, EVENT, TREATED)
    assert cox_fit(TIME, EVENT, TREATED, entry=np.zeros(6)) == plain
    late = cox_fit(TIME, EVENT, TREATED, entry=np.array([0.0, 0, 0, 0, 0, 1.5]))
    assert late.coefficients[0] != pytest.approx(plain.coefficients[0], abs=1e-3)


def test_robust_errors_of_single_animals_do_not_depend_on_their_order() -> None:
    order = np.array([3, 1, 5, 0, 4, 2])
    one = cox_fit(TIME, EVENT, TREATED, cluster=np.arange(6))
    other = cox_fit(TIME[order], EVENT[order], TREATED[order], cluster=np.arange(6))
    assert one.robust_standard_errors == pytest.approx(other.robust_standard_errors)


def test_an_arm_without_events_is_seen_as_monotone_and_given_to_firth() -> None:
    group = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    time = np.array([3.0, 4, 5, 6, 9, 9, 9, 9])
    event = group == 0
    assert cox_fit(time, event, dummies(group, 2)).infinite == (True,)
    (ratio,) = hazard_ratios(time, event, group)
    assert ratio.method == "firth"
    assert "no events" in ratio.reason
    assert ratio.hazard_ratio is not None
    assert ratio.lower is not None
    assert ratio.upper is not None
    assert 0 < ratio.lower < ratio.hazard_ratio < ratio.upper < 1


def test_events_all_before_the_other_arm_are_monotone_too() -> None:
    group = np.array([0, 0, 0, 1, 1, 1])
    (ratio,) = hazard_ratios(TIME, np.ones(6, dtype=bool), group)
    assert ratio.method == "firth"
    assert "precede" in ratio.reason


def test_firth_agrees_with_its_penalized_likelihood_written_out() -> None:
    # One event among 2 controls and 2 treated, of a control; then one among 1 and 2.
    time = np.array([1.0, 2.0, 3.0, 3.0])
    event = np.array([True, True, False, False])
    treated = np.array([[0.0], [0.0], [1.0], [1.0]])

    def minus(beta: float) -> float:
        r = math.exp(beta)
        totals = (2 * r + 2, 2 * r + 1)
        shares = [2 * r / total for total in totals]
        information = sum(share * (1 - share) for share in shares)
        return sum(map(math.log, totals)) - 0.5 * math.log(information)

    best = optimize.minimize_scalar(
        minus, bounds=(-9, 4), method="bounded", options={"xatol": 1e-9}
    )
    fit = firth_fit(time, event, treated)
    assert fit.coefficients[0] == pytest.approx(best.x, abs=1e-5)
    assert fit.converged
    for limit in (fit.lower[0], fit.upper[0]):
        assert limit is not None
        assert 2 * (minus(limit) - best.fun) == pytest.approx(3.841458820694124, abs=1e-6)
    assert fit.infinite_without == (True,)


def test_firth_of_two_arms_changes_sign_with_their_labels() -> None:
    rng = np.random.default_rng(5)
    time, event = rng.exponential(size=12), rng.random(12) < 0.8
    group = np.repeat([0, 1], 6)
    one = firth_fit(time, event, dummies(group, 2))
    other = firth_fit(time, event, dummies(1 - group, 2))
    assert one.coefficients[0] == pytest.approx(-other.coefficients[0], abs=1e-6)
    assert one.lower[0] is not None
    assert other.upper[0] == pytest.approx(-one.lower[0], abs=1e-6)


def test_many_firth_fits_agree_with_single_ones() -> None:
    rng = np.random.default_rng(6)
    time = rng.integers(1, 9, size=(20, 16)).astype(float)
    event = rng.random((20, 16)) < 0.6
    event[0] = False
    group = np.repeat([0, 1, 2, 3], 4)
    coefficients, converged = firth_many(time, event, group)
    assert not converged[0]
    assert converged[1:].sum() >= 15
    for row in np.flatnonzero(converged)[:5]:
        single = firth_fit(time[row], event[row], dummies(group, 4))
        assert coefficients[row] == pytest.approx(single.coefficients, abs=1e-5)


def test_arms_that_no_event_compares_have_no_ratio() -> None:
    group, strata = np.repeat([0, 1], 3), np.repeat([0, 1], 3)
    (ratio,) = hazard_ratios(TIME, EVENT, group, strata=strata)
    assert (ratio.hazard_ratio, ratio.status) == (None, "not_estimable")
    (ratio,) = hazard_ratios(TIME, np.zeros(6, dtype=bool), group)
    assert ratio.reason == "no animal had the event"
    with pytest.raises(DataError, match="no event compares"):
        cox_fit(TIME, EVENT, dummies(group, 2), strata=strata)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="one row of covariates"):
        cox_fit(TIME, EVENT, TREATED[:3])
    with pytest.raises(InputError, match="finite covariates"):
        cox_fit(TIME, EVENT, np.full((6, 1), np.inf))
    with pytest.raises(InputError, match="cluster for each animal"):
        cox_fit(TIME, EVENT, TREATED, cluster=np.arange(3))
    with pytest.raises(InputError, match="level between"):
        hazard_ratios(TIME, EVENT, TREATED[:, 0].astype(int), level=1.0)
    with pytest.raises(InputError, match="control and of another arm"):
        hazard_ratios(TIME, EVENT, np.zeros(6, dtype=int))
    with pytest.raises(InputError, match="group from 0"):
        firth_many(TIME[None], EVENT[None], np.zeros(6, dtype=int))


def agrees(fit: CoxFit, reference: dict[str, Any]) -> None:
    """Coefficients, errors, likelihoods and tests at the reference's tolerance."""
    assert fit.coefficients == pytest.approx(reference["coef"]["coef"], rel=1e-5, abs=1e-8)
    assert fit.standard_errors == pytest.approx(reference["coef"]["se(coef)"], rel=1e-5)
    assert fit.log_likelihoods == pytest.approx(reference["loglik"], rel=1e-9)
    robust = reference["coef"].get("robust se")
    if robust is not None:
        assert fit.robust_standard_errors == pytest.approx(robust, rel=1e-5)
    if "lrt" in reference and isinstance(reference["lrt"], dict):
        assert fit.likelihood_ratio.statistic == pytest.approx(reference["lrt"]["test"], rel=1e-6)
        assert fit.score.statistic == pytest.approx(reference["score"]["test"], rel=1e-6)
        assert fit.wald is not None
        assert fit.wald.statistic == pytest.approx(reference["wald"]["test"], abs=0.006)


@pytest.mark.realdata
def test_cox_of_litter_matched_rats_agrees_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    table = pd.read_csv(shared_data("survival_mantel_rats/survival.csv"))
    sections = shared_reference("survival_mantel_rats")["sections"]
    drug = dummies(np.array(table["treatment"] == "drug", dtype=np.intp), 2)
    time, event = table["time_weeks"].to_numpy(float), table["event"].to_numpy() == 1
    sex = pd.factorize(table["sex"])[0]
    litter = table["litter"].to_numpy()
    female = (table["sex"] == "f").to_numpy()
    clustered = sections["72_clustered"]["results"]
    part = (time[female], event[female], drug[female])
    agrees(cox_fit(*part), sections["70_females"]["results"]["cox_efron"])
    agrees(cox_fit(*part, strata=litter[female]), clustered["strata_litter"])
    agrees(cox_fit(*part, cluster=litter[female]), clustered["cluster"])
    agrees(cox_fit(time, event, drug, strata=sex), clustered["strata_sex"])
    (ratio,) = hazard_ratios(
        time[female], event[female], drug[female, 0].astype(int), cluster=litter[female]
    )
    assert ratio.lower == pytest.approx(clustered["cluster"]["ci"]["lower .95"][0], rel=1e-5)
    assert ratio.upper == pytest.approx(clustered["cluster"]["ci"]["upper .95"][0], rel=1e-5)
    assert ratio.p_value == pytest.approx(clustered["cluster"]["coef"]["Pr(>|z|)"][0], rel=1e-4)


@pytest.mark.realdata
def test_cox_of_each_cause_of_death_agrees_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    table = pd.read_csv(shared_data("survival_hoel_mice/survival.csv"))
    sections = shared_reference("survival_hoel_mice")["sections"]
    group = dummies(np.array(table["treatment"] == "germ_free", dtype=np.intp), 2)
    time, event = table["time_days"].to_numpy(float), table["event"].to_numpy() == 1
    agrees(cox_fit(time, event, group), sections["70_all_causes"]["results"]["cox_efron"])
    for cause, reference in sections["71_competing_risks"]["results"]["cause_specific"].items():
        agrees(cox_fit(time, event & (table["cause"] == cause).to_numpy(), group), reference)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "genentech_gdc0084_temozolomide",
        "genentech_vismodegib",
        "invivosyn_combos.LS_1034",
        "invivosyn_combos.SW837",
        "iowa_melanoma_a375",
        "kroemer_antibody_genotype",
        "kroemer_mtx_caloric",
        "synergylmm_example.grwth_data",
        "synergylmm_example.webapp_example",
    ],
)
@pytest.mark.parametrize("multiple", ["2x", "4x"])
def test_cox_on_visit_times_agrees_with_r_where_estimates_are_finite(
    name: str, multiple: str, shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    result = shared_reference(name)["sections"][f"11_time_to_{multiple}"]["results"]
    animals, arms, cox = result["per_animal"], result["medians"]["arm"], result["cox_efron"]
    group = np.array([arms.index(arm) for arm in animals["g"]])
    time, event = np.array(animals["time"], dtype=float), np.array(animals["event"]) == 1
    fit = cox_fit(time, event, dummies(group, len(arms)))
    assert any(fit.infinite) == bool(cox.get("warnings"))
    if not any(fit.infinite):
        agrees(fit, cox)
        return
    # R stops on the way to infinity, so its likelihood is a little below the limit.
    assert fit.log_likelihoods[1] > cox["loglik"][1] - 1e-6
    assert fit.log_likelihoods[1] == pytest.approx(cox["loglik"][1], abs=5e-5)
    ratios = hazard_ratios(time, event, group)
    assert all(math.isfinite(ratio.hazard_ratio or math.nan) for ratio in ratios)
    finished = "Ran out" not in cox["warnings"]
    for place, ratio in enumerate(ratios):
        error = fit.standard_errors[place]
        assert (ratio.method == "cox") == (error is not None and error < 1e3)
        if ratio.method == "cox" and finished:
            # R's others are as near to their limit as its infinite one is to infinity: 1e-7.
            assert ratio.hazard_ratio == pytest.approx(cox["coef"]["exp(coef)"][place], rel=1e-5)
            assert ratio.lower == pytest.approx(cox["ci"]["lower .95"][place], rel=1e-5)


@pytest.mark.realdata
def test_cox_of_seven_arms_stratified_and_clustered_by_model_agrees_with_r(
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    animals = pd.DataFrame(result["per_animal"])
    arms = ["untreated", *(term[1:] for term in result["cox_efron"]["coef"]["term"])]
    key = "g" if "g" in animals else "treatment"
    group = np.array([arms.index(arm) for arm in animals[key]])
    time, event = animals["time"].to_numpy(float), animals["event"].to_numpy() == 1
    covariates = dummies(group, len(arms))
    model = pd.factorize(animals["model"])[0]
    agrees(cox_fit(time, event, covariates), result["cox_efron"])
    agrees(cox_fit(time, event, covariates, strata=model), result["cox_strata_model"])
    agrees(cox_fit(time, event, covariates, cluster=model), result["cox_cluster_model"])
