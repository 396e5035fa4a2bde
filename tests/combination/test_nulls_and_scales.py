"""All null models on all scales: what was observed and foreseen, and what is the same question."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from oncovivo.combination import (
    CombinationArms,
    bliss,
    compare_nulls,
    hsa,
    response_additivity,
    sensitivity,
)
from oncovivo.combination.nulls import NULLS
from oncovivo.combination.quantities import GROWTH_SCALES
from oncovivo.combination.result import Null, Scale, SynergyResult
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.effects import growth_effects
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}
SIZES = {name: math.exp(20 * rate) for name, rate in RATES.items()}
AREAS = {name: math.expm1(20 * rate) / rate for name, rate in RATES.items()}
SAME = ("estimate", "std_error", "df", "lower", "upper", "p_value", "index", "index_lower")


@pytest.fixture(scope="module")
def exact() -> GrowthFit:
    return fit_growth(exact_growth(RATES))


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(made_up_growth(RATES, seed=2))


def by_pair(found: tuple[SynergyResult, ...]) -> dict[tuple[Null, Scale], SynergyResult]:
    return {(result.null, result.scale): result for result in found}


def test_all_nulls_are_asked_on_all_scales_that_they_have(fit: GrowthFit) -> None:
    found = by_pair(compare_nulls(fit, TWO))
    wanted = [
        (null, scale)
        for null in NULLS
        for scale in GROWTH_SCALES
        if (null, scale) != ("response_additivity", "growth_rate")
    ]
    assert list(found) == wanted
    assert len(wanted) == 11


def test_nulls_and_scales_are_chosen_and_keep_their_order(fit: GrowthFit) -> None:
    found = compare_nulls(
        fit,
        TWO,
        nulls=["response_additivity", "bliss", "bliss"],
        scales=["auc", "growth_rate"],
        day=14.0,
        level=0.9,
    )
    assert [(result.null, result.scale) for result in found] == [
        ("response_additivity", "auc"),
        ("bliss", "auc"),
        ("bliss", "growth_rate"),
    ]
    assert found[0] == response_additivity(fit, TWO, scale="auc", day=14.0, level=0.9)
    assert found[1] == bliss(fit, TWO, scale="auc", day=14.0, level=0.9)


@pytest.mark.parametrize(
    ("scale", "of_arm"),
    [
        ("growth_rate", RATES),
        ("relative_volume", SIZES),
        ("tgi", {name: 100 * (1 - size / SIZES["C"]) for name, size in SIZES.items()}),
        ("auc", AREAS),
    ],
)
def test_what_was_observed_and_foreseen_is_in_the_unit_of_the_scale(
    exact: GrowthFit, scale: Scale, of_arm: dict[str, float]
) -> None:
    # The fit has these rates to 1e-9; sizes multiply the error by the day.
    one = bliss(exact, TWO, scale=scale)
    assert one.observed == pytest.approx(of_arm["AB"], rel=1e-6)
    if scale == "growth_rate":
        assert one.foreseen == pytest.approx(0.08 + 0.07 - 0.10, abs=1e-8)
    elif scale == "tgi":
        kept = [1 - of_arm[name] / 100 for name in "AB"]
        assert one.foreseen == pytest.approx(100 * (1 - kept[0] * kept[1]), rel=1e-6)
    else:
        assert one.foreseen == pytest.approx(of_arm["A"] * of_arm["B"] / of_arm["C"], rel=1e-6)
    best = hsa(exact, TWO, scale=scale)
    assert (best.versus, best.observed) == ("B", one.observed)
    assert best.foreseen == pytest.approx(of_arm["B"], rel=1e-6)
    if scale != "growth_rate":
        sums = response_additivity(exact, TWO, scale=scale)  # type: ignore[arg-type]
        assert sums.observed == pytest.approx(one.observed)
        # Inhibitions add up as they are: that of the control is zero.
        control = of_arm["C"]
        assert sums.foreseen == pytest.approx(of_arm["A"] + of_arm["B"] - control, rel=1e-6)


def test_the_index_is_what_was_observed_over_what_was_foreseen(fit: GrowthFit) -> None:
    for found in compare_nulls(fit, TWO, scales=["relative_volume", "tgi", "auc"]):
        assert found.observed is not None
        assert found.foreseen is not None
        parts = (found.observed, found.foreseen)
        if found.scale == "tgi":
            parts = (100 - found.observed, 100 - found.foreseen)
        assert found.index == pytest.approx(parts[0] / parts[1], rel=1e-9), found.null
    for found in compare_nulls(fit, TWO, nulls=["bliss", "hsa"], scales=["growth_rate"]):
        assert found.observed is not None
        assert found.foreseen is not None
        assert found.estimate == pytest.approx(found.observed - found.foreseen, rel=1e-9)


@pytest.mark.parametrize("time", [TimeShape(), TimeShape(kind="piecewise", knots=(10.0,))])
def test_inhibition_of_the_model_is_the_question_of_the_relative_size(time: TimeShape) -> None:
    fit = fit_growth(made_up_growth(RATES, seed=2), GrowthModel(time=time))
    found = by_pair(compare_nulls(fit, TWO, day=14.0))
    for null in NULLS:
        size, inhibition = found[null, "relative_volume"], found[null, "tgi"]
        for name in (*SAME, "index_upper", "detectable_index", "verdict", "single_agents"):
            assert getattr(size, name) == getattr(inhibition, name), name
        assert size.observed != inhibition.observed
    effects = growth_effects(fit, 3, 0, time=14.0)
    model_based = next(e.estimate for e in effects if e.effect == "tgi_rate_pct")
    assert found["bliss", "tgi"].observed == pytest.approx(model_based, rel=1e-9)


def test_a_size_foreseen_below_zero_is_told_as_it_is() -> None:
    rates = {"C": 0.15, "A": 0.06, "B": 0.05, "AB": 0.0}
    r = {name: math.exp(20 * rate) for name, rate in rates.items()}
    fit = fit_growth(exact_growth(rates))
    size = response_additivity(fit, TWO)
    assert size.foreseen == pytest.approx(r["A"] + r["B"] - r["C"], rel=1e-6)
    assert (size.foreseen or 0.0) < 0
    inhibition = response_additivity(fit, TWO, scale="tgi")
    wanted = 200 - 100 * (r["A"] + r["B"]) / r["C"]
    assert wanted > 100
    assert inhibition.foreseen == pytest.approx(wanted, rel=1e-6)
    assert inhibition.index is None


def test_three_partners_foresee_less_two_controls() -> None:
    rates = {**RATES, "Z": 0.09, "ABZ": 0.02}
    arms = CombinationArms(control="C", partners=("A", "B", "Z"), combination="ABZ")
    found = response_additivity(fit_growth(exact_growth(rates)), arms)
    r = {name: math.exp(20 * rate) for name, rate in rates.items()}
    assert found.foreseen == pytest.approx(r["A"] + r["B"] + r["Z"] - 2 * r["C"], rel=1e-6)


def test_a_cured_arm_has_neither_observed_nor_foreseen() -> None:
    cured = fit_censored(with_limit(made_up_growth({**RATES, "AB": -0.9}), 20.0))
    for found in compare_nulls(cured, TWO):
        assert (found.observed, found.foreseen) == (None, None)
    with pytest.raises(InputError, match=r"without censored readings.*CR2 needs residuals"):
        sensitivity(cured, TWO)


def test_choices_are_checked(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match=r"a null model: bliss, hsa.*'loewe'"):
        compare_nulls(fit, TWO, nulls=["loewe"])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"a null model.*none"):
        compare_nulls(fit, TWO, nulls=[])
    with pytest.raises(InputError, match=r"a scale of growth.*'hazard'"):
        compare_nulls(fit, TWO, scales=["hazard"])
    with pytest.raises(InputError, match=r"relative_volume, tgi, auc, found growth_rate"):
        compare_nulls(fit, TWO, nulls=["response_additivity"], scales=["growth_rate"])
    with pytest.raises(InputError, match=r"'hazard'; hazards and medians are asked of times"):
        bliss(fit, TWO, scale="hazard")


def test_cluster_robust_answers_stand_beside_those_of_the_model(fit: GrowthFit) -> None:
    pairs = sensitivity(fit, TWO, scales=["growth_rate", "auc"])
    alone = compare_nulls(
        fit_growth(fit.data, replace(fit.model, df="cr2")), TWO, scales=["growth_rate", "auc"]
    )
    assert [pair.result for pair in pairs] == list(
        compare_nulls(fit, TWO, scales=["growth_rate", "auc"])
    )
    for pair, robust in zip(pairs, alone, strict=True):
        assert pair.robust == robust
        assert pair.robust.df_method.startswith("CR2")
        assert pair.result.estimate == pytest.approx(pair.robust.estimate, rel=1e-9)
        assert pair.result.observed == pytest.approx(pair.robust.observed)
        assert pair.robust.df != pair.result.df
        made = json.loads(json.dumps(pair.to_dict(), allow_nan=False))
        assert made["agrees"] == (pair.result.verdict == pair.robust.verdict)
    with pytest.raises(InputError, match=r"to hold against CR2.*found CR2"):
        sensitivity(fit_growth(fit.data, replace(fit.model, df="cr2")), TWO)


def test_cr2_tells_an_arm_s_own_spread_where_the_model_has_one_for_all() -> None:
    data = made_up_growth(RATES, seed=1, sd_slope=0.002)
    own = 0.06 * np.random.default_rng(3).standard_normal(6)
    size = data.log_size.copy()
    for place, animal in enumerate(data.animals_of(3).tolist()):
        mine = data.animal == animal
        size[mine] += own[place] * data.time[mine]
    fit = fit_growth(replace(data, log_size=size))
    (pair,) = sensitivity(fit, TWO, nulls=["hsa"], scales=["growth_rate"])
    assert pair.robust.std_error is not None
    assert pair.result.std_error is not None
    # Of two arms one has all the spread, of four only one: half against a quarter of it.
    ratio = pair.robust.std_error / pair.result.std_error
    assert ratio == pytest.approx(math.sqrt(2), rel=0.1)
