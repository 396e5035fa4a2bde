"""Worked examples of the literature: what the papers print."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.evidence.meta import (
    Method,
    Rows,
    case_diagnostics,
    fit_regression,
    leave_one_out,
    pool,
    response_contrast,
)

FloatArray: TypeAlias = NDArray[np.float64]

# The papers print four decimals.
PRINTED: Final = 6e-5

# 13 trials of BCG against tuberculosis: cases and others among vaccinated and not vaccinated,
# and degrees of latitude and year (Colditz GA et al. JAMA 1994;271:698).
BCG: Final = np.array(
    [
        (4, 119, 11, 128, 44, 1948),
        (6, 300, 29, 274, 55, 1949),
        (3, 228, 11, 209, 42, 1960),
        (62, 13536, 248, 12619, 52, 1977),
        (33, 5036, 47, 5761, 13, 1973),
        (180, 1361, 372, 1079, 44, 1953),
        (8, 2537, 10, 619, 19, 1973),
        (505, 87886, 499, 87892, 13, 1980),
        (29, 7470, 45, 7232, 27, 1968),
        (17, 1699, 65, 1600, 42, 1961),
        (186, 50448, 141, 27197, 18, 1974),
        (5, 2493, 3, 2338, 33, 1969),
        (27, 16886, 29, 17825, 33, 1976),
    ],
    dtype=np.float64,
)
LABELS: Final = [str(trial) for trial in range(1, 14)]


def risk_ratios(*, smoothed: bool = False) -> Rows:
    """Log risk ratios of the trials, with Berkey's smoothed variances if asked for."""
    a, b, c, d = BCG[:, :4].T
    yi = np.log(a / (a + b)) - np.log(c / (c + d))
    vi = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    if smoothed:
        vi = np.sum(b / a) / (13 * (a + b)) + np.sum(d / c) / (13 * (c + d))
    return Rows.of(LABELS, yi, vi)


def odds_ratios() -> Rows:
    a, b, c, d = BCG[:, :4].T
    return response_contrast(a, a + b, c, c + d).rows(LABELS)


def test_bcg_risk_ratios_with_equal_effects_and_by_dersimonian_and_laird() -> None:
    # Stata's metan, as quoted in metafor's test suite.
    equal = pool(risk_ratios(), method="EE", test="z")
    assert equal.estimate == pytest.approx(-0.4303, abs=PRINTED)
    assert (equal.lower, equal.upper) == pytest.approx((-0.5097, -0.3509), abs=PRINTED)
    assert equal.statistic == pytest.approx(-10.6247, abs=PRINTED)
    assert equal.q == pytest.approx(152.2330, abs=PRINTED)
    assert equal.pi_lower is None
    moments = pool(risk_ratios(), method="DL", test="z")
    assert moments.estimate == pytest.approx(-0.7141, abs=PRINTED)
    assert (moments.lower, moments.upper) == pytest.approx((-1.0644, -0.3638), abs=PRINTED)
    assert moments.tau2 == pytest.approx(0.3088, abs=PRINTED)
    assert moments.i2 == pytest.approx(92.1173, abs=PRINTED)
    limits = (moments.tau2_lower, moments.tau2_upper)
    assert limits == pytest.approx((0.1197, 1.1115), abs=PRINTED)
    # Printed from a root found to 1e-4: 81.9177 and 97.6781.
    assert (moments.i2_lower, moments.i2_upper) == pytest.approx((81.9177, 97.6781), abs=4e-3)


def test_bcg_risk_ratios_by_reml_and_with_two_moderators() -> None:
    # Viechtbauer W. J Stat Softw 2010;36(3), sections 3.2 and 3.3.
    result = pool(risk_ratios(), test="z", prediction="test")
    assert result.estimate == pytest.approx(-0.7145, abs=PRINTED)
    assert result.std_error == pytest.approx(0.1798, abs=PRINTED)
    assert (result.lower, result.upper) == pytest.approx((-1.0669, -0.3622), abs=PRINTED)
    assert result.tau2 == pytest.approx(0.3132, abs=PRINTED)
    assert result.tau2_std_error == pytest.approx(0.1664, abs=PRINTED)
    assert result.h2 == pytest.approx(12.86, abs=6e-3)
    both = fit_regression(
        risk_ratios(), {"latitude": BCG[:, 4].tolist(), "year": BCG[:, 5].tolist()}, test="z"
    )
    estimates = [one.estimate for one in both.coefficients]
    assert estimates == pytest.approx([-3.5455, -0.0280, 0.0019], abs=2e-4)
    assert both.tau2 == pytest.approx(0.1108, abs=PRINTED)
    assert both.qm == pytest.approx(12.2043, abs=2e-4)
    assert both.qm_p_value == pytest.approx(0.0022, abs=PRINTED)
    assert both.qe == pytest.approx(28.3251, abs=PRINTED)


def test_bcg_odds_ratios_of_van_houwelingen() -> None:
    # van Houwelingen HC, Arends LR, Stijnen T. Stat Med 2002;21:589, pages 596 and 597.
    equal = pool(odds_ratios(), method="EE", test="z")
    limits = np.exp([equal.estimate, equal.lower, equal.upper])
    assert limits == pytest.approx([0.6465, 0.5951, 0.7024], abs=PRINTED)
    likelihood = pool(odds_ratios(), method="ML", test="z")
    limits = np.exp([likelihood.estimate, likelihood.lower, likelihood.upper])
    assert limits == pytest.approx([0.4762, 0.3360, 0.6749], abs=PRINTED)
    assert likelihood.tau2 == pytest.approx(0.3025, abs=PRINTED)
    profile = (likelihood.tau2_lower, likelihood.tau2_upper)
    assert profile == pytest.approx((0.1302, 1.1812), abs=PRINTED)
    hartung = pool(odds_ratios(), method="ML")
    assert np.exp([hartung.lower, hartung.upper]) == pytest.approx([0.3175, 0.7141], abs=PRINTED)


def test_bcg_with_smoothed_variances_and_latitude() -> None:
    # Berkey CS et al. Stat Med 1995;14:395, page 408 (empirical Bayes).
    rows = risk_ratios(smoothed=True)
    alone = pool(rows, method="EB", test="z")
    assert alone.estimate == pytest.approx(-0.5429, abs=PRINTED)
    assert alone.std_error == pytest.approx(0.1842, abs=PRINTED)
    assert alone.tau2 == pytest.approx(0.2682, abs=PRINTED)
    latitude = {"latitude": (BCG[:, 4] - 33.46).tolist()}
    mixed = fit_regression(rows, latitude, method="EB", test="z")
    assert [one.estimate for one in mixed.coefficients] == pytest.approx(
        [-0.6303, -0.0268], abs=PRINTED
    )
    assert [one.std_error for one in mixed.coefficients] == pytest.approx(
        [0.1591, 0.0110], abs=PRINTED
    )
    assert mixed.tau2 == pytest.approx(0.1572, abs=PRINTED)
    assert mixed.r2_pct == pytest.approx(41.3844, abs=PRINTED)
    fixed = fit_regression(rows, latitude, method="EE", test="z")
    assert [one.estimate for one in fixed.coefficients] == pytest.approx(
        [-0.5949, -0.0282], abs=PRINTED
    )
    assert [one.std_error for one in fixed.coefficients] == pytest.approx(
        [0.0696, 0.0040], abs=PRINTED
    )
    assert fixed.r2_pct is None


def test_what_metafor_says_of_the_first_bcg_trial() -> None:
    # metafor's test suite; its tau² is iterated to 1e-5, ours to rounding: 2e-6 of 0.3.
    case = case_diagnostics(risk_ratios(), test="z").rows[0]
    assert case.rstudent == pytest.approx(-0.218142474344442, rel=1e-5)
    assert case.dffits == pytest.approx(-0.0407075604868486, rel=1e-5)
    assert case.cook == pytest.approx(0.00171654236729195, rel=1e-5)
    assert case.covariance_ratio == pytest.approx(1.11644891104804, rel=1e-5)
    assert case.tau2_deleted == pytest.approx(0.336156745300306, rel=1e-5)
    assert case.hat == pytest.approx(0.0505948307931551, rel=1e-5)
    assert case.dfbetas == pytest.approx(-0.0402659025974144, rel=1e-5)
    assert not case.influential
    without = leave_one_out(risk_ratios(), test="z").rows[0]
    assert without.estimate == pytest.approx(-0.707083788031436, rel=1e-5)
    assert without.std_error == pytest.approx(0.189961024702717, rel=1e-5)
    assert without.lower == pytest.approx(-1.07940055491509, rel=1e-5)
    assert without.p_value == pytest.approx(0.000197449759023198, rel=1e-4)
    assert without.q == pytest.approx(151.582572747109, rel=1e-10)
    assert without.i2 == pytest.approx(93.2259349111223, rel=1e-5)


# Viechtbauer W. J Educ Behav Stat 2005;30:261, pages 271 and 272: estimate, I², H² and
# standard error of tau².
FIRST: Final[dict[Method, tuple[float, float, float, float]]] = {
    "HS": (0.2282, 77.2284, 4.3914, 0.1328),
    "HE": (0.1484, 68.7988, 3.2050, 0.1234),
    "DL": (0.2768, 80.4447, 5.1137, 0.1841),
    "ML": (0.1967, 74.5098, 3.9231, 0.1255),
    "REML": (0.2232, 76.8399, 4.3178, 0.1464),
    "EB": (0.1920, 74.0511, 3.8537, 0.1330),
    "SJ": (0.1992, 74.7545, 3.9611, 0.0979),
}
SECOND: Final[dict[Method, tuple[float, float, float, float]]] = {
    "HS": (0.0099, 22.9266, 1.2975, 0.0138),
    "HE": (0.0, 0.0, 1.0, 0.0217),
    "DL": (0.0126, 27.5275, 1.3798, 0.0159),
    "ML": (0.0132, 28.4505, 1.3976, 0.0151),
    "REML": (0.0157, 32.0203, 1.4710, 0.0167),
    "EB": (0.0104, 23.7198, 1.3110, 0.0156),
    "SJ": (0.0248, 42.6734, 1.7444, 0.0118),
}
FIRST_YI: Final = [-0.581, 0.530, 0.771, 1.031, 0.553, 0.295, 0.078, 0.573, -0.176, -0.232]
FIRST_VI: Final = [0.023, 0.052, 0.060, 0.115, 0.095, 0.203, 0.200, 0.211, 0.051, 0.040]
SECOND_YI: Final = [
    *(0.100, -0.162, -0.090, -0.049, -0.046, -0.010, -0.431, -0.261, 0.134),
    *(0.019, 0.175, 0.056, 0.045, 0.103, 0.121, -0.482, 0.290, 0.342),
]
SECOND_VI: Final = [
    *(0.016, 0.015, 0.050, 0.050, 0.032, 0.052, 0.036, 0.024, 0.034),
    *(0.033, 0.031, 0.034, 0.039, 0.167, 0.134, 0.096, 0.016, 0.035),
]


@pytest.mark.parametrize("method", FIRST)
@pytest.mark.parametrize("example", [1, 2])
def test_seven_estimators_of_the_variance_between_rows(method: Method, example: int) -> None:
    yi, vi = (FIRST_YI, FIRST_VI) if example == 1 else (SECOND_YI, SECOND_VI)
    tau2, i2, h2, error = (FIRST if example == 1 else SECOND)[method]
    result = pool(Rows.of([str(at) for at in range(len(yi))], yi, vi), method=method, test="z")
    assert result.tau2 == pytest.approx(tau2, abs=PRINTED)
    # I² and H² were printed from a tau² iterated to 1e-5.
    assert result.i2 == pytest.approx(i2, abs=3e-3)
    assert result.h2 == pytest.approx(h2, abs=3e-4)
    assert result.tau2_std_error == pytest.approx(error, abs=PRINTED)


def test_rows_in_days_have_a_large_variance_between_them() -> None:
    # Normand S-LT. Stat Med 1999;18:321, tables VIII and IX (length of stay).
    yi = [-20, -2, -55, -71, -4, 1, 11, -10, 7]
    vi = [40.5863, 2.0468, 15.2809, 150.2222, 20.1923, 1.2235, 95.3756, 8.0321, 20.6936]
    rows = Rows.of([str(at) for at in range(9)], yi, vi, measure="MD")
    equal = pool(rows, method="EE", test="z")
    assert (equal.estimate, equal.lower, equal.upper) == pytest.approx(
        (-3.4939, -5.0265, -1.9613), abs=2e-4
    )
    moments = pool(rows, method="DL", test="z")
    # The variances are printed to four decimals, the smallest 1.2235: 4e-5 of tau².
    assert moments.tau2 == pytest.approx(218.7216, rel=1e-4)
    assert moments.estimate == pytest.approx(-14.0972, abs=5e-4)
    restricted = pool(rows, test="z")
    assert restricted.tau2 == pytest.approx(685.1965, rel=1e-6)
    assert (restricted.estimate, restricted.lower, restricted.upper) == pytest.approx(
        (-15.1217, -32.6716, 2.4282), abs=1e-4
    )


def test_rows_that_agree_have_no_variance_between_them() -> None:
    # Normand 1999, tables III and VII (lidocaine): 6 risk differences in percent.
    yi = [2.8026, 0.0000, 1.9711, 1.7961, 3.5334, 4.4031]
    vi = [17.7575, 37.5657, 8.1323, 10.8998, 8.0114, 6.1320]
    rows = Rows.of([str(at) for at in range(6)], yi, vi)
    for method in ("EE", "DL", "REML", "ML", "PM", "HE"):
        result = pool(rows, method=method, test="z")
        assert result.tau2 == 0
        assert (result.estimate, result.lower, result.upper) == pytest.approx(
            (2.9444, 0.3831, 5.5058), abs=1e-4
        )
    # Q is 0.9 with 5 degrees of freedom: above the lower 2.5 % point, 0.83, so that 0 fits.
    limits = pool(rows, test="z")
    assert limits.tau2_lower == 0
    assert limits.tau2_upper is not None
    assert limits.tau2_upper > 0
