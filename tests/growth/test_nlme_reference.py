"""Gompertz and exponential mixed models against nlme.

The random effects of this Gompertz model enter linearly, so its likelihood has a closed form. nlme
maximizes a linearized one step by step and stops short on most studies; there our likelihood must
be higher, and ours and nlme's estimates are both held against the closed form.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.laws.series import saturation
from oncovivo.growth.nlme import fit_nonlinear

pytestmark = pytest.mark.realdata
FloatArray: TypeAlias = NDArray[np.float64]
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
# Where nlme's linearized optimum is the optimum.
AT_OPTIMUM = {"invivosyn_combos.LS_1034", "synergylmm_example.grwth_data"}


def study(path: Path) -> GrowthData:
    """Positive sizes of a file, days from its first."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    size = "volume_mm3" if "volume_mm3" in rows[0] else "area_mm2"
    rows = [row for row in rows if row[size] not in ("", "NA") and float(row[size]) > 0]
    day = np.array([float(row["day"]) for row in rows])
    return growth_data_from_arrays(
        arm=[row["treatment"] for row in rows],
        animal_id=[row["animal_id"] for row in rows],
        time=day - day.min(),
        log_size=np.log([float(row[size]) for row in rows]),
    )


def closed_form(
    data: GrowthData, start: float, rates: FloatArray, decay: float, sd: FloatArray, sigma: float
) -> float:
    """Log-likelihood of the Gompertz model from the animals' covariance matrices."""
    total = 0.0
    for animal in range(data.n_animals):
        rows = data.animal == animal
        reach = data.time[rows] * saturation(decay * data.time[rows])[0]
        covariance = sd[0] ** 2 + sd[1] ** 2 * np.outer(reach, reach)
        covariance += sigma**2 * np.eye(reach.size)
        mean = start + rates[data.arm[animal]] * reach
        total += stats.multivariate_normal.logpdf(data.log_size[rows], mean, covariance)
    return float(total)


@pytest.mark.parametrize(("name", "path"), STUDIES)
def test_exponential_model_is_nlmes(
    name: str, path: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference(name)["sections"]["12_nlme"]
    reference = section["results"]["exponential"]
    data = study(shared_data(path))
    fit = fit_nonlinear(data, "exponential")
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(reference["logLik"], abs=1e-5)
    assert fit.aic == pytest.approx(reference["AIC"], abs=1e-4)
    assert fit.bic == pytest.approx(reference["BIC"], abs=1e-4)
    fixed = reference["fixed"]
    values = dict(zip(fixed["term"], fixed["Value"], strict=True))
    tolerance = section["tolerance"]["exponential"]
    expected = [values["(Intercept)"], *(values[f"t:g{arm}"] for arm in data.arms)]
    np.testing.assert_allclose(
        fit.coefficients, expected, rtol=10 * tolerance["rel"], atol=tolerance["abs"]
    )


@pytest.mark.parametrize(("name", "path"), STUDIES)
def test_gompertz_model_reaches_at_least_what_nlme_does(
    name: str, path: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference(name)["sections"]["12_nlme"]
    reference = section["results"]["gompertz"]
    data = study(shared_data(path))
    fit = fit_nonlinear(data, "gompertz")
    assert fit.converged
    sd = np.sqrt(np.diag(fit.omega))
    ours = closed_form(
        data, fit.coefficients[0], fit.coefficients[1:-1], fit.coefficients[-1], sd, fit.sigma
    )
    assert fit.log_likelihood == pytest.approx(ours, abs=1e-6)

    fixed = reference["fixed"]
    values = dict(zip(fixed["term"], fixed["Value"], strict=True))
    base = values["r.(Intercept)"]
    rates = np.array([base + values.get(f"r.g{arm}", 0.0) for arm in data.arms])
    theirs = closed_form(
        data,
        values["l0"],
        rates,
        values["rho"],
        np.array(list(reference["sd_random"].values())),
        reference["sigma"],
    )
    assert fit.log_likelihood >= theirs - 1e-6
    # The linearized likelihood that nlme prints may lie above the true one by a hair.
    assert fit.log_likelihood >= reference["logLik"] - 1e-4
    if name not in AT_OPTIMUM:
        assert fit.log_likelihood > theirs + 0.1
        return
    assert fit.log_likelihood == pytest.approx(reference["logLik"], abs=1e-4)
    errors = dict(zip(fixed["term"], fixed["Std.Error"], strict=True))
    tolerance = section["tolerance"]["nlme"]["rel"]
    np.testing.assert_allclose(
        fit.coefficients, [values["l0"], *rates, values["rho"]], rtol=tolerance
    )
    assert fit.sigma == pytest.approx(reference["sigma"], rel=tolerance)
    # nlme's standard errors leave out what the variances and the decay do to each other.
    assert fit.std_errors[0] == pytest.approx(errors["l0"], rel=0.05)


def test_result_is_ready_for_json(shared_data: ReadData) -> None:
    fit = fit_nonlinear(study(shared_data("invivosyn_combos/SW837.csv")), "gompertz")
    assert json.loads(json.dumps(fit.to_dict(), allow_nan=False))["law"] == "gompertz"
