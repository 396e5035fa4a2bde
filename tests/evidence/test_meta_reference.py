"""Against metafor 3.8.1, at the tolerances of the reference files.

metafor iterates tau² to 1e-5; ours is the maximum to rounding. Where tau² is small against that
(body weight, log ratio: 0.005) the reference is further from the maximum than its own tolerance
says: REML and REML with Knapp-Hartung, two fits of one tau², differ by 2e-3 of it in the file.
There the comparison allows tau² what the iteration leaves, and asks that our likelihood be no
lower than metafor's.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.evidence.meta import (
    EffectSizes,
    Method,
    PooledResult,
    Rows,
    Test,
    TwoGroups,
    case_diagnostics,
    coefficient_of_variation_ratio,
    fit_regression,
    heteroscedastic_mean_difference,
    leave_one_out,
    log_ratio_of_means,
    mean_difference,
    pool,
    standardized_mean_difference,
    variability_ratio,
)

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
FloatArray: TypeAlias = NDArray[np.float64]

TUMOR: Final = ("SMD", "SMDH", "MD", "ROM", "VR", "CVR")
SECTIONS: Final = (
    *(("80_tumor_volume", measure) for measure in TUMOR),
    ("81_body_weight", "SMD"),
    ("81_body_weight", "ROM"),
)
MAKERS: Final[dict[str, Callable[[TwoGroups], EffectSizes]]] = {
    "SMD": standardized_mean_difference,
    "SMDH": heteroscedastic_mean_difference,
    "MD": mean_difference,
    "ROM": log_ratio_of_means,
    "VR": variability_ratio,
    "CVR": coefficient_of_variation_ratio,
}
COLUMNS: Final = {
    "80_tumor_volume": ("no_ex", "mean_ex", "sd_ex", "no_nc", "mean_nc", "sd_nc"),
    "81_body_weight": ("ex_size", "ex_mean", "ex_sd", "ctrl_n", "ctrl_mean", "ctrl_sd"),
}
FITS: Final[dict[str, tuple[Method, Test]]] = {
    **{name: (name, "z") for name in ("EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")},
    "REML_knha": ("REML", "knapp-hartung"),
    "DL_knha": ("DL", "knapp-hartung"),
    "REML_adhoc": ("REML", "knapp-hartung-floor"),
}
CLOSED: Final = ("EE", "DL", "HE", "HS", "SJ", "DL_knha")
# What metafor's iteration to 1e-5 may leave of tau² (its steps shrink by halves and more).
LEFT: Final = 2.5e-5


def groups(section: str, measure: str, shared_data: ReadData) -> TwoGroups:
    path = shared_data("meta_modular_cart") / f"{section[3:]}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    n_t, mean_t, sd_t, n_c, mean_c, sd_c = (
        [float(row[name] or "nan") for row in table] for name in COLUMNS[section]
    )
    return TwoGroups.of(
        n_treated=n_t,
        mean_treated=mean_t,
        sd_treated=sd_t,
        n_control=n_c,
        mean_control=mean_c,
        sd_control=sd_c,
        label=[row["study_id"] for row in table],
        incomplete="drop",
    ).usable(measure)


def rows(section: str, measure: str, shared_data: ReadData) -> Rows:
    chosen = groups(section, measure, shared_data)
    return MAKERS[measure](chosen).rows(chosen.label)


def results(section: str, measure: str, shared_reference: ReadReference) -> dict[str, Any]:
    sections = shared_reference("meta_modular_cart")["sections"]
    found: dict[str, Any] = sections[f"{section}_{measure}"]["results"]
    return found


@pytest.mark.parametrize(("section", "measure"), SECTIONS)
def test_effect_sizes_are_those_of_escalc(
    section: str, measure: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = results(section, measure, shared_reference)["effects"]
    found = rows(section, measure, shared_data)
    assert list(found.label) == reference["study"]
    # A row of body weight has equal means, and g of 0: abs.
    assert found.yi == pytest.approx(reference["yi"], rel=1e-8, abs=1e-12)
    assert found.vi == pytest.approx(reference["vi"], rel=1e-8)


def check_pooled(
    found: PooledResult, reference: dict[str, Any], *, rel: float, left: float
) -> None:
    """Compare all numbers; ``left`` is how far the reference's tau² may be off."""
    assert found.tau2 is not None
    assert found.tau2 == pytest.approx(reference["tau2"], rel=rel, abs=max(1e-10, left))
    assert found.k == reference["k"]
    assert found.df == reference["df"]
    assert found.q == pytest.approx(reference["Q"], rel=1e-8)
    assert found.q_p_value == pytest.approx(reference["Q_p"], rel=1e-7)
    if left:
        return
    assert found.estimate == pytest.approx(reference["estimate"], rel=rel)
    assert found.std_error == pytest.approx(reference["se"], rel=rel)
    assert found.statistic == pytest.approx(reference["zt"], rel=rel)
    # A p-value of 1e-11 moves by the square of the statistic times its relative change.
    assert found.p_value == pytest.approx(reference["p"], rel=rel * (1 + found.statistic**2))
    size = abs(found.estimate) + found.std_error
    assert [found.lower, found.upper] == pytest.approx(reference["ci"], abs=2 * rel * size)
    if reference["pi"] is None:
        assert found.pi_lower is None
        assert found.pi_upper is None
    else:
        wide = size + 2 * math.sqrt(found.tau2)
        assert found.pi_lower == pytest.approx(reference["pi"][0], abs=2 * rel * wide)
        assert found.pi_upper == pytest.approx(reference["pi"][1], abs=2 * rel * wide)
    assert found.i2 == pytest.approx(reference["I2"], rel=rel, abs=1e-8)
    assert found.h2 == pytest.approx(reference["H2"], rel=rel)
    if found.tau2_std_error is None:
        assert reference["se_tau2"] is None
    else:
        assert found.tau2_std_error == pytest.approx(reference["se_tau2"], rel=rel)
    # At its maximum a likelihood hardly moves with tau²; elsewhere it does.
    top = found.method in ("ML", "REML")
    assert found.log_likelihood == pytest.approx(reference["logLik"], rel=1e-7 if top else rel)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("section", "measure"), SECTIONS)
def test_pooled_results_are_those_of_rma(
    section: str,
    measure: str,
    fit: str,
    shared_data: ReadData,
    shared_reference: ReadReference,
) -> None:
    reference = results(section, measure, shared_reference)[fit]
    method, test = FITS[fit]
    # metafor 3.8 predicts with the quantile of the test.
    found = pool(rows(section, measure, shared_data), method=method, test=test, prediction="test")
    closed = fit in CLOSED
    loose = (section, measure) == ("81_body_weight", "ROM") and not closed
    check_pooled(found, reference, rel=1e-8 if closed else 1e-4, left=LEFT if loose else 0.0)
    if method in ("ML", "REML"):
        # The reference is printed to 12 digits.
        assert found.log_likelihood is not None
        assert found.log_likelihood >= reference["logLik"] - 1e-9


@pytest.mark.parametrize(("section", "measure"), SECTIONS)
def test_limits_of_the_variance_are_those_of_the_q_profile(
    section: str, measure: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = results(section, measure, shared_reference)["tau2_ci"]
    found = pool(rows(section, measure, shared_data))
    # uniroot stops at 1.2e-4 of tau², whatever its size.
    lower, upper = reference["ci.lb"][0], reference["ci.ub"][0]
    assert found.tau2_lower == pytest.approx(lower, rel=1e-3, abs=1.3e-4)
    assert found.tau2_upper == pytest.approx(upper, rel=1e-3, abs=1.3e-4)
    if lower > 0.01:
        assert found.i2_lower == pytest.approx(reference["ci.lb"][2], rel=1e-3)
        assert found.h2_lower == pytest.approx(reference["ci.lb"][3], rel=1e-3)
    assert found.i2_upper == pytest.approx(reference["ci.ub"][2], rel=1e-3)
    assert found.h2_upper == pytest.approx(reference["ci.ub"][3], rel=1e-3)


@pytest.mark.parametrize(("section", "measure"), SECTIONS)
def test_leave_one_out_is_that_of_metafor(
    section: str, measure: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = results(section, measure, shared_reference)["leave1out"]
    found = leave_one_out(rows(section, measure, shared_data), test="z").rows
    assert [one.q for one in found] == pytest.approx(reference["Q"], rel=1e-8)
    tau2 = [one.tau2 for one in found]
    loose = (section, measure) == ("81_body_weight", "ROM")
    assert tau2 == pytest.approx(reference["tau2"], rel=1e-4, abs=LEFT)
    if loose:
        return
    assert [one.estimate for one in found] == pytest.approx(reference["estimate"], rel=1e-4)
    assert [one.std_error for one in found] == pytest.approx(reference["se"], rel=1e-4)
    assert [one.i2 for one in found] == pytest.approx(reference["I2"], rel=1e-4)


@pytest.mark.parametrize(("section", "measure"), SECTIONS)
def test_case_diagnostics_are_those_of_influence(
    section: str, measure: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = results(section, measure, shared_reference)["influence"]
    found = case_diagnostics(rows(section, measure, shared_data), test="z").rows
    loose = (section, measure) == ("81_body_weight", "ROM")
    pairs = {
        "rstudent": [one.rstudent for one in found],
        "dffits": [one.dffits for one in found],
        "cook.d": [one.cook for one in found],
        "cov.r": [one.covariance_ratio for one in found],
        "hat": [one.hat for one in found],
    }
    for name, values in pairs.items():
        # Where the iteration shows (see the head of this file) the diagnostics agree to 1e-2.
        rel, absolute = (0.02, 0.01) if loose else (2e-4, 2e-5)
        assert values == pytest.approx(reference[name], rel=rel, abs=absolute), name
    assert [one.q_deleted for one in found] == pytest.approx(reference["QE.del"], rel=1e-8)


@pytest.mark.parametrize("name", ["day", "animals"])
@pytest.mark.parametrize("measure", TUMOR)
def test_regressions_are_those_of_rma(
    measure: str, name: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    chosen = groups("80_tumor_volume", measure, shared_data)
    with (shared_data("meta_modular_cart") / "tumor_volume.csv").open(
        encoding="utf-8", newline=""
    ) as stream:
        days = {row["study_id"]: float(row["end_point_days"]) for row in csv.DictReader(stream)}
    moderators = {
        "day": [days[label] for label in chosen.label],
        "animals": (chosen.n_treated + chosen.n_control).tolist(),
    }
    reference = results("80_tumor_volume", measure, shared_reference)[f"metareg_{name}"]
    tests: tuple[tuple[str, Test], ...] = (("z", "z"), ("knha", "knapp-hartung"))
    for key, test in tests:
        expected = reference[key]
        found = fit_regression(
            MAKERS[measure](chosen).rows(chosen.label), {name: moderators[name]}, test=test
        )
        for at, one in enumerate(found.coefficients):
            coefficient = expected["coef"]
            assert one.estimate == pytest.approx(coefficient["estimate"][at], rel=1e-4)
            assert one.std_error == pytest.approx(coefficient["se"][at], rel=1e-4)
            assert one.p_value == pytest.approx(coefficient["pval"][at], rel=1e-3)
            size = abs(one.estimate) + one.std_error
            assert one.lower == pytest.approx(coefficient["ci.lb"][at], abs=2e-4 * size)
            assert one.upper == pytest.approx(coefficient["ci.ub"][at], abs=2e-4 * size)
            assert one.df == (None if test == "z" else found.k - 2)
        assert found.tau2 == pytest.approx(expected["tau2"], rel=1e-4)
        assert found.qe == pytest.approx(expected["QE"], rel=1e-8)
        assert found.qe_p_value == pytest.approx(expected["QEp"], rel=1e-7)
        assert found.qm == pytest.approx(expected["QM"], rel=1e-4)
        assert [found.qm_df, found.qm_df2] == expected["QM_df"]
        assert found.qm_p_value == pytest.approx(expected["QMp"], rel=1e-4)
        assert found.i2 == pytest.approx(expected["I2"], rel=1e-4)
        assert found.r2_pct == pytest.approx(expected["R2"], rel=2e-4, abs=1e-8)


@pytest.mark.parametrize("method", ["REML", "DL"])
def test_the_389_effects_of_besson_pool_as_in_rma(
    method: Method, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference("meta_besson2016")["sections"]
    reference = sections["80_multilevel"]["results"][f"rma_{method}"]
    path = shared_data("meta_besson2016") / "dat_besson2016.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))

    def column(name: str) -> FloatArray:
        return np.array(
            [float(row[name]) if row[name] not in ("", "NA") else np.nan for row in table]
        )

    n_t, n_c = column("exp_n"), column("con_n")
    chosen = TwoGroups.of(
        n_treated=n_t,
        mean_treated=column("exp_mean"),
        sd_treated=column("exp_se") * np.sqrt(n_t),
        n_control=n_c,
        mean_control=column("con_mean"),
        sd_control=column("con_se") * np.sqrt(n_c),
        label=[row["comp_ID"] for row in table],
        incomplete="drop",
    ).usable("SMD")
    found = pool(
        standardized_mean_difference(chosen).rows(chosen.label),
        method=method,
        test="z",
        prediction="test",
    )
    check_pooled(found, reference, rel=1e-8 if method == "DL" else 1e-4, left=0.0)


def test_the_grid_of_cases_has_not_shrunk(shared_reference: ReadReference) -> None:
    sections = shared_reference("meta_modular_cart")["sections"]
    assert {f"{section}_{measure}" for section, measure in SECTIONS} == set(sections)
    assert len(FITS) == 12
