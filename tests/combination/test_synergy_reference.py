"""Against SynergyLMM's own results: its estimates and errors, and the p values it should have."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy import stats

from oncovivo.combination import CombinationArms, bliss, hsa
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import DegreesOfFreedom, GrowthModel
from tests.growth.studies import read_growth

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

GRID = [
    f"genentech_gdc0084_temozolomide.{a}_{b}" for a in ("01", "10", "18") for b in (10, 40, 80)
]
NAMES = [
    "synergylmm_example.grwth_data",
    "synergylmm_example.webapp_example",
    "invivosyn_combos.LS_1034",
    "invivosyn_combos.SW837",
    "iowa_melanoma_a375",
    "kroemer_mtx_caloric.HC_MTX",
    "kroemer_mtx_caloric.NF_MTX",
    *GRID,
]


def study(
    sections: dict[str, Any], shared_data: ReadData, df: DegreesOfFreedom
) -> tuple[GrowthFit, CombinationArms]:
    """The four arms of a file under SynergyLMM's model."""
    section = sections["30_lmm"]
    role = section["results"]["mapping"]
    arms = CombinationArms(
        control=role["control"],
        partners=(role["drug_a"], role["drug_b"]),
        combination=role["combination"],
    )
    data = read_growth(shared_data(section["data_file"].removeprefix("shared/data/")))
    own = np.isin(data.arm, [data.arm_number(name) for name in arms.arms])
    return fit_growth(data.select(own[data.animal]), GrowthModel(baseline="ratio", df=df)), arms


def last_row(sections: dict[str, Any], name: str) -> tuple[float, float, float]:
    """Estimate per day, standard error and p of the fit to all times."""
    table = sections[name]["results"]["synergy"]
    rows = list(zip(*(table[k] for k in ("Metric", "Time", "Estimate", "pval")), strict=True))
    _, time, index, p_value = [row for row in rows if row[0] == "CI"][-1]
    score = [row[2] for row in rows if row[0] == "SS"][-1]
    estimate = math.log(index) / time
    return estimate, -estimate / score, p_value


@pytest.mark.parametrize("name", NAMES)
def test_estimates_errors_and_their_z_test_are_reproduced(
    name: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference(name)["sections"]
    fit, arms = study(sections, shared_data, "satterthwaite")
    for section, test in (("31_bliss", bliss), ("31_hsa", hsa)):
        estimate, error, p_of_z = last_row(sections, section)
        found = test(fit, arms)
        assert found.std_error is not None
        assert found.estimate == pytest.approx(estimate, abs=1e-6)
        assert found.std_error == pytest.approx(error, abs=1e-6)
        reference_z = 2 * stats.norm.sf(abs(found.estimate or 0.0) / found.std_error)
        assert reference_z == pytest.approx(p_of_z, rel=5e-3)


def test_the_oracle_has_the_p_value_of_its_28_degrees_of_freedom(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference("synergylmm_example.grwth_data")["sections"]
    fit, arms = study(sections, shared_data, "kr")
    found = bliss(fit, arms)
    assert found.estimate == pytest.approx(-0.02455794, abs=1e-8)
    assert found.std_error == pytest.approx(0.00645367, abs=2e-8)
    assert found.df == pytest.approx(28.0, abs=1e-4)
    assert found.p_value == pytest.approx(0.00071, abs=5e-6)
    against_best = hsa(fit, arms)
    assert against_best.estimate == pytest.approx(-0.02819053, abs=1e-8)
    assert against_best.std_error == pytest.approx(0.00456343, abs=1e-8)
    assert 2 * (against_best.p_value or 0.0) == pytest.approx(1.1e-6, rel=0.05)


def test_a_baseline_that_is_an_outcome_is_more_precise_on_the_same_data(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference("synergylmm_example.grwth_data")["sections"]
    _, arms = study(sections, shared_data, "kr")
    fit = fit_growth(read_growth(shared_data("synergylmm_example/grwth_data.csv")))
    found = bliss(fit, arms)
    assert found.singular
    assert found.estimate == pytest.approx(-0.01350338, abs=1e-7)
    assert found.std_error == pytest.approx(0.002434, abs=1e-6)
    assert found.df == pytest.approx(28.0)
    assert found.p_value == pytest.approx(6.2e-6, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_the_cluster_robust_error_is_reproduced_and_has_few_degrees_of_freedom(
    name: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference(name)["sections"]
    fit, arms = study(sections, shared_data, "cr2")
    estimate, error, _ = last_row(sections, "31_bliss_CR2")
    found = bliss(fit, arms)
    assert found.estimate == pytest.approx(estimate, abs=1e-6)
    assert found.std_error == pytest.approx(error, rel=1e-5)
    assert found.df is not None
    assert found.df < fit.n_animals
