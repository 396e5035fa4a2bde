"""Leaving out one animal: exact refits, and what they say of a conclusion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.influence import influence
from oncovivo.growth.model import GrowthModel
from tests.growth.studies import made_up_growth, read_growth, with_limit


@pytest.fixture(scope="module")
def study() -> GrowthData:
    """Two drugs, five animals in each arm."""
    return made_up_growth({"vehicle": 0.09, "weak": 0.07, "strong": 0.03}, animals=5)


def without(data: GrowthData, animal: str, model: GrowthModel, arm: str) -> list[float]:
    """Estimate, standard error, df and p of a contrast in a fit without an animal."""
    left = data.without_animals([animal])
    fit = fit_growth(left, model)
    rate = fit.terms.rate
    found = fit.contrasts(rate(left.arm_number(arm)) - rate(left.arm_number("vehicle")))
    return [float(a[0]) for a in (found.estimate, found.std_error, found.df, found.p_value)]


@pytest.mark.parametrize(
    "model",
    [
        GrowthModel(),
        GrowthModel(intercept="arm", residual="arm"),
        GrowthModel(baseline="ratio", df="satterthwaite"),
        GrowthModel(df="cr2"),
    ],
    ids=["common", "arms", "ratio", "robust"],
)
def test_every_row_is_the_fit_without_that_animal(study: GrowthData, model: GrowthModel) -> None:
    table = influence(fit_growth(study, model), "vehicle")
    assert [row.animal_id for row in table.of_arm("weak")] == list(study.animal_ids)
    for row in table.rows[::3]:
        exact = without(study, row.animal_id, model, row.arm)
        found = [row.estimate, row.std_error, row.df, row.p_value]
        np.testing.assert_allclose(np.array(found, dtype=float), exact, rtol=1e-8)


def test_the_change_is_in_standard_errors_of_all_animals(study: GrowthData) -> None:
    fit = fit_growth(study)
    whole = fit.contrasts(fit.terms.rate(1) - fit.terms.rate(0))
    row = influence(fit, "vehicle").of_arm("weak")[3]
    assert row.estimate is not None
    change = (row.estimate - whole.estimate[0]) / whole.std_error[0]
    assert row.change == pytest.approx(float(change))


def test_an_animal_that_carries_the_effect_changes_the_conclusion() -> None:
    data = made_up_growth(
        {"vehicle": 0.05, "drug": 0.05}, animals=4, sd_slope=0.003, sd_residual=0.05
    )
    # One animal grows fast enough to hide a difference that the other three show.
    data.log_size[data.animal == 4] += 0.012 * data.time[data.animal == 4]
    for animal in (5, 6, 7):
        data.log_size[data.animal == animal] -= 0.012 * data.time[data.animal == animal]
    table = influence(fit_growth(data), "vehicle")
    top = table.most_influential("drug")
    assert top is not None
    assert top.animal_id == "drug 0"
    assert top in table.changing
    assert "without animal drug 0" in table.verdict
    assert max(table.cook, key=lambda name: table.cook[name] or 0.0) == "drug 0"


def test_an_arms_only_animal_has_no_refit_and_says_so(study: GrowthData) -> None:
    alone = study.without_animals([f"weak {number}" for number in range(1, 5)])
    table = influence(fit_growth(alone), "vehicle")
    rows = [row for row in table.rows if row.animal_id == "weak 0"]
    assert {row.reason for row in rows} == {"arm 'weak' has no other animal"}
    assert {row.estimate for row in rows} == {None}
    assert not any(row.changes_conclusion for row in rows)
    assert table.cook["weak 0"] is None
    assert "no refit without weak 0" in table.verdict


def test_the_only_pair_of_an_arm_cannot_lose_one() -> None:
    data = made_up_growth({"vehicle": 0.09, "drug": 0.03}, animals=2)
    lone = data.without_animals(["drug 1"])
    table = influence(fit_growth(lone), "vehicle")
    reasons = {row.animal_id: row.reason for row in table.rows}
    assert reasons["vehicle 0"] == "no arm has two animals"
    assert table.most_influential("drug") is None


def test_a_table_is_json_and_a_frame(study: GrowthData) -> None:
    table = influence(fit_growth(study), "vehicle")
    assert json.loads(json.dumps(table.to_dict(), allow_nan=False))["control"] == "vehicle"
    assert len(table.to_frame()) == len(table.rows) == 30


def test_what_cannot_be_compared_is_refused(study: GrowthData) -> None:
    fit = fit_growth(study)
    with pytest.raises(InputError, match="an arm with readings"):
        influence(fit, "nobody")
    with pytest.raises(InputError, match="an arm that was compared"):
        influence(fit, "vehicle").of_arm("vehicle")
    lone = study.select(study.arm[study.animal] == 0)
    with pytest.raises(InputError, match="beside the control"):
        influence(fit_growth(lone), "vehicle")
    with pytest.raises(InputError, match="without censored readings"):
        influence(fit_censored(with_limit(study, 120.0), method="laplace"), "vehicle")


@pytest.mark.realdata
def test_cooks_distance_is_synergylmms(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    data = read_growth(shared_data("synergylmm_example") / "grwth_data.csv")
    section = shared_reference("synergylmm_example.grwth_data")["sections"]["34_diagnostics"]
    table = influence(fit_growth(data, GrowthModel(baseline="ratio")), "Control")
    exact = section["results"]["cook_fixef"]
    assert set(table.cook) == set(exact)
    for animal, value in table.cook.items():
        assert value == pytest.approx(exact[animal], rel=1e-6)
