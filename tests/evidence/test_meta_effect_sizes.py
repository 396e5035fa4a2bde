"""Effect sizes: hand calculations, limits, conversions, and input that has no effect size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import (
    EffectSizes,
    TwoGroups,
    baseline_adjusted_log_ratio,
    coefficient_of_variation_ratio,
    fit_regression,
    from_std_errors,
    heteroscedastic_mean_difference,
    log_hazard_ratio,
    log_hazard_ratio_from_events,
    log_hazard_ratio_from_log_rank,
    log_hazard_ratio_from_medians,
    log_hazard_ratio_from_p,
    log_ratio_from_tgi,
    log_ratio_of_means,
    mean_difference,
    median_survival_ratio,
    normalized_mean_difference,
    pool,
    response_contrast,
    standardized_mean_difference,
    tgi_from_log_ratio,
    variability_ratio,
)
from oncovivo.evidence.meta.effect_sizes import hedges_correction

COLUMNS: Final[dict[str, list[float]]] = {
    "n_treated": [6, 10],
    "mean_treated": [200.0, 450.0],
    "sd_treated": [80.0, 150.0],
    "n_control": [9, 10],
    "mean_control": [800.0, 600.0],
    "sd_control": [240.0, 180.0],
}


def two_groups(**changed: Any) -> TwoGroups:  # noqa: ANN401 - columns of any kind
    return TwoGroups.of(**{**COLUMNS, "label": ["a", "b"], **changed})


def test_the_correction_is_the_ratio_of_gamma_functions() -> None:
    # J(2) = Γ(1)/Γ(1/2), J(4) = Γ(2)/(√2 Γ(3/2)); 1 - 3/(4m - 1) is its usual approximation.
    assert hedges_correction([2.0, 4.0]) == pytest.approx(
        [1 / math.sqrt(math.pi), math.sqrt(2 / math.pi)]
    )
    assert hedges_correction([100.0])[0] == pytest.approx(1 - 3 / 399, abs=1e-5)
    with pytest.raises(InputError, match="more than 1 degree of freedom, found 1"):
        hedges_correction([1.0])


def test_hedges_g_by_hand() -> None:
    sizes = standardized_mean_difference(two_groups())
    pooled = math.sqrt((5 * 80**2 + 8 * 240**2) / 13)
    j = math.exp(math.lgamma(6.5) - math.lgamma(6.0)) / math.sqrt(6.5)
    g = j * (200 - 800) / pooled
    assert sizes.yi[0] == pytest.approx(g, rel=1e-12)
    assert sizes.vi[0] == pytest.approx(1 / 6 + 1 / 9 + g**2 / 30, rel=1e-12)
    assert sizes.measure == "SMD"
    assert sizes.variance_formula == "LS: 1/n_t + 1/n_c + g²/(2N)"
    other = standardized_mean_difference(two_groups(), variance="LS2")
    d = g / j
    assert other.vi[0] == pytest.approx(j**2 * (1 / 6 + 1 / 9 + d**2 / 30), rel=1e-12)
    unbiased = standardized_mean_difference(two_groups(), variance="UB")
    assert unbiased.vi[0] == pytest.approx(
        1 / 6 + 1 / 9 + (1 - 11 / (13 * j**2)) * g**2, rel=1e-12
    )
    average = standardized_mean_difference(two_groups(), variance="AV")
    center = (15 * sizes.yi[0] + 20 * sizes.yi[1]) / 35
    assert average.vi == pytest.approx(
        [1 / 6 + 1 / 9 + center**2 / 30, 1 / 5 + center**2 / 40], rel=1e-12
    )
    assert average.yi.tolist() == sizes.yi.tolist()


def test_the_unbiased_variance_of_g_has_no_bias() -> None:
    # g is unbiased, and so is its UB variance: simulated with 6 animals, true difference 1.5.
    rng = np.random.default_rng(4)
    sets = 40_000
    x, y = rng.normal(1.5, 1, (sets, 6)), rng.normal(0, 1, (sets, 6))
    sizes = standardized_mean_difference(
        TwoGroups.of(
            n_treated=[6] * sets,
            mean_treated=x.mean(axis=1),
            sd_treated=x.std(axis=1, ddof=1),
            n_control=[6] * sets,
            mean_control=y.mean(axis=1),
            sd_control=y.std(axis=1, ddof=1),
        ),
        variance="UB",
    )
    spread = float(sizes.yi.std())
    assert sizes.yi.mean() == pytest.approx(1.5, abs=4 * spread / math.sqrt(sets))
    # The variance of g has a relative standard error of about 2 % here (heavy tail).
    assert sizes.vi.mean() == pytest.approx(spread**2, rel=0.04)


def test_differences_between_spreads_by_hand() -> None:
    sizes = heteroscedastic_mean_difference(two_groups())
    s2 = (80**2 + 240**2) / 2
    j = float(hedges_correction(13.0))
    g = j * -600 / math.sqrt(s2)
    bonett = g**2 * (80**4 / 5 + 240**4 / 8) / (8 * s2**2) + (80**2 / 5 + 240**2 / 8) / s2
    assert sizes.yi[0] == pytest.approx(g, rel=1e-12)
    assert sizes.vi[0] == pytest.approx(j**2 * bonett, rel=1e-12)
    later = heteroscedastic_mean_difference(two_groups(), variance="LS")
    assert later.vi[0] == pytest.approx(bonett, rel=1e-12)
    assert later.variance_formula != sizes.variance_formula


def test_a_mean_difference_by_hand() -> None:
    sizes = mean_difference(two_groups())
    assert sizes.yi.tolist() == [-600, -150]
    assert sizes.vi == pytest.approx([80**2 / 6 + 240**2 / 9, (150**2 + 180**2) / 10])


def test_log_ratios_by_hand() -> None:
    sizes = log_ratio_of_means(two_groups())
    a, b = 0.4**2 / 6, 0.3**2 / 9
    assert sizes.yi[0] == pytest.approx(math.log(0.25))
    assert sizes.vi[0] == pytest.approx(a + b)
    corrected = log_ratio_of_means(two_groups(), bias_correction=True)
    assert corrected.yi[0] == pytest.approx(math.log(0.25) + (a - b) / 2)
    assert corrected.vi.tolist() == sizes.vi.tolist()
    assert corrected.formula != sizes.formula
    second = log_ratio_of_means(two_groups(), variance="LS2")
    assert second.vi[0] == pytest.approx(a + b + (a**2 + b**2) / 2)
    # Weighted by n: treated (6·0.4 + 10/3)/16, control (9·0.3 + 10·0.3)/19 = 0.3.
    treated = (6 * 0.4 + 10 / 3) / 16
    average = log_ratio_of_means(two_groups(), variance="AV")
    assert average.vi == pytest.approx([treated**2 / 6 + 0.09 / 9, treated**2 / 10 + 0.09 / 10])
    both = (6 * 0.4 + 10 / 3 + 19 * 0.3) / 35
    homogeneous = log_ratio_of_means(two_groups(), variance="AVHO")
    assert homogeneous.vi == pytest.approx([both**2 * (1 / 6 + 1 / 9), both**2 / 5])


def test_ratios_of_spread_by_hand() -> None:
    sizes = variability_ratio(two_groups())
    assert sizes.yi[0] == pytest.approx(math.log(80 / 240) + 1 / 10 - 1 / 16)
    assert sizes.vi[0] == pytest.approx(1 / 10 + 1 / 16)
    relative = coefficient_of_variation_ratio(two_groups())
    assert relative.yi[0] == pytest.approx(math.log(0.4 / 0.3) + 1 / 10 - 1 / 16)
    assert relative.vi[0] == pytest.approx(1 / 10 + 1 / 16 + 0.16 / 6 + 0.09 / 9)


def test_a_normalized_difference_is_the_share_of_the_way_back_to_healthy() -> None:
    sizes = normalized_mean_difference(two_groups(), sham=[100.0, 100.0])
    assert sizes.yi[0] == pytest.approx(600 / 700)
    assert sizes.vi[0] == pytest.approx((80**2 / 6 + 240**2 / 9) / 700**2)
    shared = normalized_mean_difference(two_groups(), sham=100.0, treated_per_control=3)
    assert shared.vi[0] == pytest.approx((80**2 / 6 + 240**2 / 3) / 700**2)
    delta = normalized_mean_difference(two_groups(), sham=100.0, variance="delta")
    assert delta.vi[0] == pytest.approx((80**2 / 6 + (1 / 7) ** 2 * 240**2 / 9) / 700**2)
    assert delta.variance_formula != sizes.variance_formula


def test_without_a_tumor_as_healthy_the_normalized_difference_is_tgi() -> None:
    plain = normalized_mean_difference(two_groups(), variance="delta")
    log_ratio = log_ratio_of_means(two_groups())
    assert 100 * plain.yi == pytest.approx(tgi_from_log_ratio(log_ratio.yi))
    # Delta method there and back.
    back = log_ratio_from_tgi(100 * plain.yi, 100 * np.sqrt(plain.vi))
    assert back.yi == pytest.approx(log_ratio.yi)
    assert back.vi == pytest.approx(log_ratio.vi)
    assert back.measure == "ROM"


@given(st.floats(-300, 99), st.floats(0.1, 50))
def test_tgi_and_log_ratio_convert_into_each_other(tgi: float, error: float) -> None:
    sizes = log_ratio_from_tgi([tgi], [error])
    assert tgi_from_log_ratio(sizes.yi)[0] == pytest.approx(tgi, abs=1e-9)
    half = math.sqrt(float(sizes.vi[0])) * 1e-6
    slope = (tgi_from_log_ratio(sizes.yi + half) - tgi_from_log_ratio(sizes.yi - half))[0]
    assert abs(slope) == pytest.approx(2e-6 * error, rel=1e-4)


def test_tgi_as_a_fraction_is_suspected_and_100_percent_refused() -> None:
    assert [one.code for one in log_ratio_from_tgi([0.6, 0.4], [0.1, 0.1]).warnings] == ["suspect"]
    assert log_ratio_from_tgi([0.6, 40.0], [0.1, 5.0]).warnings == ()
    assert log_ratio_from_tgi([0.0], [5.0]).warnings == ()
    with pytest.raises(InputError, match=r"row 2: expected .* below 100 %, found 120"):
        log_ratio_from_tgi([50, 120], [5, 5])
    with pytest.raises(InputError, match="a standard error above 0, found 0"):
        log_ratio_from_tgi([50], [0])


def test_a_baseline_adjusted_ratio_by_hand() -> None:
    start = two_groups(
        mean_treated=[100.0, 150.0],
        sd_treated=[20.0, 30.0],
        mean_control=[125.0, 150.0],
        sd_control=[25.0, 45.0],
    )
    sizes = baseline_adjusted_log_ratio(two_groups(), start, correlation=0.5)
    assert sizes.yi[0] == pytest.approx(math.log(0.25 / 0.8))
    treated = (0.4**2 + 0.2**2 - 0.4 * 0.2) / 6
    control = (0.3**2 + 0.2**2 - 0.3 * 0.2) / 9
    assert sizes.vi[0] == pytest.approx(treated + control)
    free = baseline_adjusted_log_ratio(two_groups(), start, correlation=[0.0, 0.9])
    assert free.vi[0] > sizes.vi[0]
    assert free.vi[1] < sizes.vi[1]
    with pytest.raises(InputError, match="a correlation between -1 and 1, found 50"):
        baseline_adjusted_log_ratio(two_groups(), start, correlation=50)
    with pytest.raises(InputError, match="a correlation between -1 and 1, found 1"):
        baseline_adjusted_log_ratio(two_groups(), start, correlation=[0.5, 1.0])
    with pytest.raises(InputError, match="the same rows and animals"):
        baseline_adjusted_log_ratio(two_groups(), two_groups(label=["a", "c"]), correlation=0)
    with pytest.raises(InputError, match="the same rows and animals"):
        baseline_adjusted_log_ratio(two_groups(), two_groups(n_control=[9, 9]), correlation=0)


def test_estimates_with_standard_errors_become_rows() -> None:
    sizes = from_std_errors([-0.05, 0.02], [0.01, 0.02], measure="growth_rate")
    assert sizes.vi == pytest.approx([1e-4, 4e-4])
    rows = sizes.rows(["a", "b"], study=["x", "x"])
    assert rows.measure == "growth_rate"
    assert rows.study == ("x", "x")
    assert rows.variance_formula == "square of the standard error"
    with pytest.raises(InputError, match=r"row 2: expected a standard error above 0, found 0"):
        from_std_errors([1, 2], [1, 0], measure="MD")
    with pytest.raises(InputError, match="one std_error for each of the 2 yi, found 1"):
        from_std_errors([1, 2], [1], measure="MD")
    with pytest.raises(InputError, match="a measure out of"):
        from_std_errors([1], [1], measure="rate")


def test_a_hazard_ratio_takes_its_error_from_its_limits() -> None:
    z = stats.norm.ppf(0.95)
    lower, upper = 0.5 * math.exp(-z * 0.3), 0.5 * math.exp(z * 0.3)
    sizes = log_hazard_ratio([0.5], [lower], [upper], level=0.9)
    assert sizes.yi[0] == pytest.approx(math.log(0.5))
    assert sizes.vi[0] == pytest.approx(0.09)
    assert sizes.warnings == ()
    skewed = log_hazard_ratio([0.5, 0.5], [lower, 0.45], [upper, 2.0])
    assert [(one.code, one.rows) for one in skewed.warnings] == [("suspect", ("2",))]
    with pytest.raises(InputError, match=r"row 1: expected limits that enclose .* 0.5 \(0.6 to"):
        log_hazard_ratio([0.5], [0.6], [0.9])
    with pytest.raises(InputError, match=r"a hazard ratio above 0, found -0\.7"):
        log_hazard_ratio([-0.7], [0.2], [0.9])
    with pytest.raises(InputError, match="between 0 and 1, found 95"):
        log_hazard_ratio([0.5], [0.3], [0.9], level=95)


def test_hazard_ratios_from_a_log_rank_test() -> None:
    direct = log_hazard_ratio_from_log_rank([10], [16], [6])
    assert direct.yi[0] == pytest.approx(-1.0)
    assert direct.vi[0] == pytest.approx(1 / 6)
    # The p-value of that test and the same variance give the same ratio back.
    p = 2 * stats.norm.sf(abs(10 - 16) / math.sqrt(6))
    back = log_hazard_ratio_from_p(
        [p], events=[24], n_treated=[10], n_control=[10], favors=["treated"]
    )
    assert back.yi[0] == pytest.approx(-1.0)
    assert back.vi[0] == pytest.approx(1 / 6)
    assert back.warnings[0].code == "assumption"
    unequal = log_hazard_ratio_from_p(
        [p], events=[24], n_treated=[5], n_control=[15], favors=["control"]
    )
    assert unequal.vi[0] == pytest.approx(1 / 4.5)
    assert unequal.yi[0] > 0
    with pytest.raises(InputError, match=r"a p-value above 0 and up to 1, found 5"):
        log_hazard_ratio_from_p(
            [5], events=[24], n_treated=[10], n_control=[10], favors=["treated"]
        )
    with pytest.raises(InputError, match="the group that did better out of treated, control"):
        log_hazard_ratio_from_p([0.5], events=[24], n_treated=[9], n_control=[9], favors=["drug"])
    with pytest.raises(InputError, match="one favors for each of the 1"):
        log_hazard_ratio_from_p([0.5], events=[24], n_treated=[9], n_control=[9], favors=[])


def test_hazard_ratios_from_observed_and_expected_events() -> None:
    sizes = log_hazard_ratio_from_events([6, 8], [9, 10], [12, 10], [9, 8])
    assert sizes.yi == pytest.approx([math.log(0.5), math.log(0.8 / 1.25)])
    assert sizes.vi == pytest.approx([2 / 9, 1 / 10 + 1 / 8])
    # Near no effect it is Peto's, with V = E_t E_c/(E_t + E_c).
    near = log_hazard_ratio_from_events([9.9], [10], [10.1], [10])
    peto = log_hazard_ratio_from_log_rank([9.9], [10], [5])
    assert near.yi == pytest.approx(peto.yi, rel=1e-3)
    assert near.vi == pytest.approx(peto.vi)
    with pytest.raises(InputError, match=r"row 2: expected a number of events above 0, found 0"):
        log_hazard_ratio_from_events([6, 0], [9, 9], [12, 12], [9, 9])


def test_ratios_of_exponential_medians() -> None:
    ratio = median_survival_ratio([44], [22], events_treated=[8], events_control=[10])
    hazard = log_hazard_ratio_from_medians([44], [22], events_treated=[8], events_control=[10])
    assert ratio.yi[0] == pytest.approx(math.log(2))
    assert hazard.yi[0] == -ratio.yi[0]
    assert ratio.vi[0] == hazard.vi[0] == pytest.approx((1 / 8 + 1 / 10) / math.log(2) ** 2)
    events = median_survival_ratio(
        [44], [22], events_treated=[8], events_control=[10], variance="events"
    )
    assert events.vi[0] == pytest.approx(1 / 8 + 1 / 10)
    assert ratio.warnings[0].code == "assumption"
    with pytest.raises(InputError, match="a median survival above 0, found 0"):
        median_survival_ratio([0], [22], events_treated=[8], events_control=[10])
    with pytest.raises(InputError, match="a variance out of medians, events"):
        median_survival_ratio(
            [1],
            [2],
            events_treated=[8],
            events_control=[10],
            variance="exact",  # type: ignore[arg-type]
        )


def test_the_variance_of_exponential_medians_is_that_of_simulated_ones() -> None:
    rng = np.random.default_rng(11)
    n, sets = 41, 20_000
    ratio = np.log(np.median(rng.exponential(2, (sets, n)), axis=1))
    ratio -= np.log(np.median(rng.exponential(1, (sets, n)), axis=1))
    sizes = median_survival_ratio([2], [1], events_treated=[n], events_control=[n])
    # Asymptotic in n: 3 % at 41; 1/d would be off by half.
    assert float(ratio.var()) == pytest.approx(float(sizes.vi[0]), rel=0.06)


def test_response_contrasts_by_hand() -> None:
    odds = response_contrast([6], [8], [2], [10])
    assert odds.yi[0] == pytest.approx(math.log(6 * 8 / (2 * 2)))
    assert odds.vi[0] == pytest.approx(1 / 6 + 1 / 2 + 1 / 2 + 1 / 8)
    assert odds.warnings == ()
    risk = response_contrast([6], [8], [2], [10], measure="risk_difference")
    assert risk.yi[0] == pytest.approx(0.55)
    assert risk.vi[0] == pytest.approx(0.75 * 0.25 / 8 + 0.2 * 0.8 / 10)
    arcsine = response_contrast([6], [8], [2], [10], measure="arcsine_difference")
    assert arcsine.yi[0] == pytest.approx(math.asin(math.sqrt(0.75)) - math.asin(math.sqrt(0.2)))
    assert arcsine.vi[0] == pytest.approx(1 / 32 + 1 / 40)
    double = response_contrast([6], [8], [2], [10], measure="freeman_tukey_difference")
    first = math.asin(math.sqrt(6 / 9)) + math.asin(math.sqrt(7 / 9))
    second = math.asin(math.sqrt(2 / 11)) + math.asin(math.sqrt(3 / 11))
    assert double.yi[0] == pytest.approx((first - second) / 2)
    assert double.vi[0] == pytest.approx(1 / 34 + 1 / 42)


def test_empty_cells_get_a_half_and_say_so() -> None:
    odds = response_contrast([3, 4], [8, 8], [0, 2], [8, 8])
    assert odds.yi[0] == pytest.approx(math.log(3.5 * 8.5 / (5.5 * 0.5)))
    assert odds.yi[1] == pytest.approx(math.log(4 * 6 / (4 * 2)))
    assert [(one.code, one.rows) for one in odds.warnings] == [("correction", ("1",))]
    risk = response_contrast([8], [8], [2], [8], measure="risk_difference")
    assert risk.yi[0] == pytest.approx(8.5 / 9 - 2.5 / 9)
    assert risk.vi[0] > 0
    for measure in ("arcsine_difference", "freeman_tukey_difference"):
        assert response_contrast([0], [8], [0], [8], measure=measure).warnings == ()


@pytest.mark.parametrize(("responders", "n"), [(0.5, 8), (50, 8), (-1, 8), (4, 8.5)])
def test_shares_in_place_of_animals_are_refused(responders: float, n: float) -> None:
    with pytest.raises(InputError, match="give numbers of animals, not shares or percentages"):
        response_contrast([responders], [n], [2], [10])


MEASURES: Final[dict[str, Callable[[TwoGroups], EffectSizes]]] = {
    "SMD": standardized_mean_difference,
    "SMDH": heteroscedastic_mean_difference,
    "MD": mean_difference,
    "ROM": log_ratio_of_means,
    "NMD": normalized_mean_difference,
    "VR": variability_ratio,
    "CVR": coefficient_of_variation_ratio,
}


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_names_its_formulas_and_keeps_the_animals(measure: str) -> None:
    sizes = MEASURES[measure](two_groups())
    assert sizes.measure == measure
    assert sizes.formula
    assert sizes.variance_formula
    assert sizes.source
    assert sizes.n_treated is not None
    assert sizes.n_treated.tolist() == [6, 10]
    rows = sizes.rows(["a", "b"])
    assert rows.n_control is not None
    assert rows.n_control.tolist() == [9, 10]
    assert sizes.to_dict()["yi"] == sizes.yi.tolist()


@pytest.mark.parametrize("measure", MEASURES)
def test_a_row_without_any_spread_has_no_effect_size(measure: str) -> None:
    flat = two_groups(sd_treated=[80.0, 0.0], sd_control=[240.0, 0.0])
    with pytest.raises(InputError, match=r"row b: expected rows that have the measure"):
        MEASURES[measure](flat)
    kept = flat.usable(measure)
    assert kept.label == ("a",)
    assert kept.warnings[0].rows == ("b",)
    assert kept.warnings[0].code == "dropped"
    assert MEASURES[measure](kept).warnings == kept.warnings


def test_a_group_without_spread_is_flagged() -> None:
    flat = two_groups(sd_treated=[80.0, 0.0])
    assert flat.usable("VR").label == flat.usable("CVR").label == ("a",)
    assert flat.usable("ROM").label == ("a", "b")
    sizes = log_ratio_of_means(two_groups(sd_treated=[80.0, 0.0]))
    assert [(one.code, one.rows) for one in sizes.warnings] == [("zero_variance", ("b",))]


@pytest.mark.parametrize("measure", ["ROM", "CVR"])
def test_ratios_need_means_above_zero(measure: str) -> None:
    below = two_groups(mean_treated=[-5.0, 450.0])
    with pytest.raises(InputError, match="a ratio needs means above 0"):
        MEASURES[measure](below)
    assert below.usable(measure).label == ("b",)
    assert below.usable("SMD").label == ("a", "b")


def test_a_measure_that_is_not_made_from_means_is_refused() -> None:
    with pytest.raises(InputError, match="made from means and standard deviations"):
        two_groups().usable("log_odds_ratio")
    with pytest.raises(DataError, match=r"at least one row .* row a: a ratio needs means"):
        two_groups(mean_control=[-1.0, 0.0]).usable("ROM")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_treated": [1, 10]}, r"row a: .*found n_treated is 1, below 2"),
        ({"sd_control": [10.0, math.nan]}, r"row b: .*found sd_control is missing"),
        ({"sd_control": [10.0, -3.0]}, r"row b: expected a sd_control of 0 or more, found -3"),
        ({"mean_control": [10.0]}, "one mean_control for each of the 2 rows, found 1"),
    ],
)
def test_summaries_that_are_wrong_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_groups(**changed)


def test_incomplete_rows_are_left_out_with_a_reason() -> None:
    kept = two_groups(n_control=[9, 1], incomplete="drop")
    assert kept.label == ("a",)
    assert [one.message for one in kept.warnings] == ["left out: n_control is 1, below 2"]
    with pytest.raises(DataError, match="at least one row that can be used"):
        two_groups(n_control=[1, 1], incomplete="drop")
    assert kept.to_dict()["label"] == ["a"]


def test_rows_without_labels_are_numbered() -> None:
    assert two_groups(label=None).label == ("1", "2")


def test_choices_of_variance_that_do_not_exist_are_named() -> None:
    with pytest.raises(InputError, match="a variance out of LS, LS2, UB, AV, found 'HO'"):
        standardized_mean_difference(two_groups(), variance="HO")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a variance out of LS, LS2, AV, AVHO"):
        log_ratio_of_means(two_groups(), variance="UB")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a variance out of LS-J2, LS"):
        heteroscedastic_mean_difference(two_groups(), variance="UB")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a variance out of fixed, delta"):
        normalized_mean_difference(two_groups(), variance="LS")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a measure out of log_odds_ratio"):
        response_contrast([1], [2], [1], [2], measure="RR")  # type: ignore[arg-type]


def test_a_normalized_difference_needs_a_distance_and_a_share() -> None:
    with pytest.raises(InputError, match=r"row b: expected a control mean that differs"):
        normalized_mean_difference(two_groups(), sham=[0.0, 600.0])
    with pytest.raises(InputError, match=r"1 or more treated groups per control, found 0\.5"):
        normalized_mean_difference(two_groups(), treated_per_control=0.5)


def test_warnings_go_with_the_rows_into_the_result_under_their_names() -> None:
    kept = two_groups(n_control=[9, 1], sd_treated=[0.0, 1.0], incomplete="drop")
    rows = log_ratio_of_means(kept).rows()
    assert rows.label == ("a",)
    assert [(one.code, one.rows) for one in rows.warnings] == [
        ("dropped", ("b",)),
        ("zero_variance", ("a",)),
    ]
    assert pool(rows).warnings[:2] == rows.warnings
    odds = response_contrast([3, 4, 5], [8, 8, 8], [0, 2, 2], [8, 8, 8])
    assert odds.label == ("1", "2", "3")
    named = odds.rows(["x", "y", "z"])
    assert named.warnings[0].rows == ("x",)
    assert pool(named).warnings[0] == named.warnings[0]
    assert fit_regression(named, {}).warnings[0] == named.warnings[0]
    assert rows.take([0]).warnings == rows.warnings
    with pytest.raises(InputError, match="one yi for each of the 2 labels"):
        odds.rows(["x", "y"])
