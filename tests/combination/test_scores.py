"""Synergy scores of published tools: as they define them, and why they are no effect sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from oncovivo.combination import (
    area_index,
    bliss,
    hsa,
    invivosyn_score,
    response_additivity,
    synergylmm_score,
)
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from tests.combination.studies import TWO, exact_growth
from tests.combination.test_synergy_reference import NAMES, study
from tests.growth.studies import made_up_growth, with_limit

ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}


def fourfold(data: GrowthData) -> GrowthData:
    """The same animals four times under four names."""
    arm = np.array(data.arms)[data.arm[data.animal]]
    names = np.array(data.animal_ids)[data.animal]
    return growth_data_from_arrays(
        arm=np.tile(arm, 4).tolist(),
        animal_id=[f"{name} {copy}" for copy in range(4) for name in names],
        time=np.tile(data.time, 4),
        log_size=np.tile(data.log_size, 4),
    )


@pytest.mark.realdata
@pytest.mark.parametrize("name", NAMES)
def test_the_score_of_synergylmm_is_reproduced(
    name: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference(name)["sections"]
    fit, arms = study(sections, shared_data, "satterthwaite")
    for section, test in (("31_bliss", bliss), ("31_hsa", hsa)):
        table = sections[section]["results"]["synergy"]
        rows = zip(table["Metric"], table["Estimate"], strict=True)
        wanted = [value for metric, value in rows if metric == "SS"][-1]
        # Standard errors follow the variances, which nlme finds to 1e-4.
        assert synergylmm_score(test(fit, arms)) == pytest.approx(wanted, rel=1e-3, abs=1e-4)


def test_four_times_the_animals_double_the_score_and_not_the_effect() -> None:
    data = made_up_growth(RATES, seed=2)
    one, many = bliss(fit_growth(data), TWO), bliss(fit_growth(fourfold(data)), TWO)
    ratio = (synergylmm_score(many) or 0.0) / (synergylmm_score(one) or 1.0)
    # Restricted likelihood estimates variances with n - 1: a little more than 2.
    assert 2.0 < ratio < 2.3
    assert many.index == pytest.approx(one.index, rel=0.03)


def test_the_score_of_invivosyn_is_a_difference_of_inhibitions() -> None:
    fit = fit_growth(exact_growth(RATES))
    r = {name: math.exp(20 * (rate - 0.10)) for name, rate in RATES.items()}
    for result, foreseen in (
        (bliss(fit, TWO, scale="tgi"), r["A"] * r["B"]),
        (hsa(fit, TWO, scale="tgi"), r["B"]),
        (response_additivity(fit, TWO, scale="tgi"), r["A"] + r["B"] - 1),
    ):
        assert invivosyn_score(result) == pytest.approx(100 * (foreseen - r["AB"]), rel=1e-6)
    (area,) = area_index(fit.data, TWO, rng=np.random.default_rng(1), nulls=["bliss"], day=20.0)
    assert area.observed is not None
    assert area.foreseen is not None
    assert invivosyn_score(area) == pytest.approx(100 * (area.foreseen - area.observed))


def test_the_score_of_invivosyn_fades_where_little_is_left_to_remove() -> None:
    strong = {"C": 0.20, "A": 0.12, "B": 0.12, "AB": -0.05}
    result = bliss(fit_growth(exact_growth(strong)), TWO, scale="tgi")
    score = invivosyn_score(result)
    assert result.index == pytest.approx(math.exp(-20 * 0.09), rel=1e-6)
    # Partners alone leave 4 %: a combination that leaves a sixth of it scores 3.
    assert score == pytest.approx(100 * (math.exp(-3.2) - math.exp(-5.0)), rel=1e-6)
    assert score is not None
    assert score < 4


def test_results_without_a_number_have_no_score() -> None:
    cured = fit_censored(with_limit(made_up_growth({**RATES, "AB": -0.9}), 20.0))
    assert synergylmm_score(bliss(cured, TWO)) is None
    assert invivosyn_score(bliss(cured, TWO, scale="tgi")) is None
    (area,) = area_index(
        exact_growth(RATES), TWO, rng=np.random.default_rng(1), nulls=["bliss"], day=20.0
    )
    assert invivosyn_score(replace(area, observed=None)) is None


def test_scores_of_other_scales_and_nulls_are_refused() -> None:
    fit = fit_growth(exact_growth(RATES))
    with pytest.raises(InputError, match=r"on growth_rate, found bliss on auc"):
        synergylmm_score(bliss(fit, TWO, scale="auc"))
    with pytest.raises(InputError, match="found response_additivity on relative_volume"):
        synergylmm_score(response_additivity(fit, TWO))
    with pytest.raises(InputError, match=r"on the scale tgi, found growth_rate"):
        invivosyn_score(bliss(fit, TWO))
