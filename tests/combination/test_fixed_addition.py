"""A fixed addition: one factor for all partners, or not."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.combination import (
    AdditionArms,
    CombinationArms,
    FixedAddition,
    addition_arms,
    bliss,
    fixed_addition,
)
from oncovivo.errors import DataError, InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel
from oncovivo.studies import Arm, parse_regimen
from tests.combination.studies import exact_growth
from tests.growth.studies import made_up_growth, with_limit

# Radiation takes 0.03 per day from the control and from A, 0.06 from B.
RATES = {"C": 0.10, "R": 0.07, "A": 0.09, "AR": 0.06, "B": 0.08, "BR": 0.02}
ARMS = AdditionArms(control=("C", "R"), partners=(("A", "AR"), ("B", "BR")))


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(exact_growth(RATES))


@pytest.fixture(scope="module")
def found(fit: GrowthFit) -> FixedAddition:
    return fixed_addition(fit, ARMS)


def test_factors_are_ratios_of_sizes_on_the_day(found: FixedAddition) -> None:
    assert found.day == 20.0
    factors = {effect.with_addition: effect.factor for effect in found.effects}
    assert factors["R"] == pytest.approx(math.exp(-0.6), rel=1e-5)
    assert factors["AR"] == pytest.approx(math.exp(-0.6), rel=1e-5)
    assert factors["BR"] == pytest.approx(math.exp(-1.2), rel=1e-5)
    for effect in found.effects:
        reach = stats.t.ppf(0.975, effect.df) * effect.std_error
        assert effect.factor_lower == pytest.approx(math.exp(20 * (effect.estimate - reach)))
        assert effect.factor_upper == pytest.approx(math.exp(20 * (effect.estimate + reach)))


def test_an_index_is_that_of_bliss_and_limits_hold_together(
    fit: GrowthFit, found: FixedAddition
) -> None:
    for index, (without, added) in zip(found.indices, ARMS.partners, strict=True):
        roles = CombinationArms(control="C", partners=(without, "R"), combination=added)
        alone = bliss(fit, roles, day=20.0)
        assert (index.partner, index.combination) == (without, added)
        assert index.estimate == pytest.approx(alone.estimate, abs=1e-12)
        assert index.p_value == pytest.approx(alone.p_value)
        assert index.index_lower == pytest.approx(alone.index_lower)
        assert index.index_upper == pytest.approx(alone.index_upper)
        assert index.p_value < index.p_adjusted < 2 * index.p_value or index.p_value > 0.5
        assert index.index_lower is not None
        assert index.index_lower_simultaneous is not None
        assert index.index_lower_simultaneous < index.index_lower
        assert (index.index_upper_simultaneous or 0.0) > (index.index_upper or 0.0)
    same, more = found.indices
    assert same.index == pytest.approx(1.0, abs=1e-4)
    assert more.index == pytest.approx(math.exp(-0.6), rel=1e-4)
    assert (same.verdict, more.verdict) == ("not_shown", "synergy")


def test_equality_is_the_interaction_of_partner_and_addition() -> None:
    # Balanced, an intercept for each arm: a two-way analysis of variance of the animals' slopes.
    data = made_up_growth(RATES, animals=5, seed=8)
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    assert not fit.singular
    slopes = {
        arm: [
            stats.linregress(data.time[data.animal == i], data.log_size[data.animal == i]).slope
            for i in data.animals_of(number)
        ]
        for number, arm in enumerate(data.arms)
    }
    means = {arm: float(np.mean(own)) for arm, own in slopes.items()}
    within = sum(float(np.sum((np.array(own) - means[arm]) ** 2)) for arm, own in slopes.items())
    variance = within / (30 - 6)
    steps = np.array([means[added] - means[without] for without, added in ARMS.pairs])
    # Each difference has the variance 2 s² / 5.
    statistic = float(((steps - steps.mean()) ** 2).sum()) / 2 / (2 * variance / 5)
    found = fixed_addition(fit, ARMS)
    assert found.equality is not None
    assert found.equality.method == "f"
    assert found.equality.df_numerator == 2
    assert found.equality.df_denominator == pytest.approx(24, rel=1e-4)
    assert found.equality.statistic == pytest.approx(statistic, rel=1e-4)
    # Equal errors: the common effect is the plain mean, with a third of the variance.
    assert found.common is not None
    assert found.common.estimate == pytest.approx(steps.mean(), abs=1e-8)
    assert found.common.std_error == pytest.approx(math.sqrt(2 * variance / 15), rel=1e-4)
    assert found.common.factor == pytest.approx(math.exp(21 * steps.mean()), rel=1e-6)


def test_the_common_effect_leans_on_the_sharper_difference() -> None:
    few = made_up_growth(RATES, animals=8, seed=5)
    # Six of the eight animals of B with the addition are taken away.
    number = few.arm_number("BR")
    gone = np.isin(few.animal, few.animals_of(number)[2:])
    fit = fit_growth(few.select(~gone), GrowthModel(intercept="arm"))
    found = fixed_addition(fit, ARMS)
    assert found.common is not None
    weights = np.array([1 / effect.std_error**2 for effect in found.effects])
    values = np.array([effect.estimate for effect in found.effects])
    # Differences that share no arm are all but independent.
    assert found.common.estimate == pytest.approx(weights @ values / weights.sum(), abs=1e-4)
    assert weights[2] < 0.6 * weights[0]
    assert found.common.std_error < min(effect.std_error for effect in found.effects)


def test_a_single_partner_brings_back_bliss(fit: GrowthFit) -> None:
    one = fixed_addition(fit, AdditionArms(control=("C", "R"), partners=(("B", "BR"),)), day=15.0)
    alone = bliss(
        fit, CombinationArms(control="C", partners=("B", "R"), combination="BR"), day=15.0
    )
    (index,) = one.indices
    assert one.equality is not None
    assert one.equality.p_value == pytest.approx(alone.p_value, rel=1e-6)
    assert index.p_adjusted == pytest.approx(alone.p_value)
    assert index.index_upper_simultaneous == pytest.approx(alone.index_upper)
    assert index.verdict == alone.verdict == "synergy"


def test_an_addition_that_does_less_with_a_partner_is_antagonism() -> None:
    fit = fit_growth(exact_growth({**RATES, "AR": 0.12}))
    assert fixed_addition(fit, ARMS).indices[0].verdict == "antagonism"


def test_a_day_beyond_the_readings_is_warned_about_and_one_before_refused(
    fit: GrowthFit, found: FixedAddition
) -> None:
    assert "beyond_readings" not in {warning.code for warning in found.warnings}
    late = fixed_addition(fit, ARMS, day=40.0)
    assert "beyond_readings" in {warning.code for warning in late.warnings}
    with pytest.raises(InputError, match="a day after the baseline"):
        fixed_addition(fit, ARMS, day=0.0)
    with pytest.raises(InputError, match="'X'"):
        fixed_addition(fit, AdditionArms(control=("C", "R"), partners=(("A", "X"),)))


def test_a_cured_arm_leaves_no_answer() -> None:
    fit = fit_censored(with_limit(made_up_growth({**RATES, "BR": -2.0}), 20.0))
    found = fixed_addition(fit, ARMS)
    assert (found.effects, found.common, found.equality, found.indices) == ((), None, None, ())
    assert "bound the rate" in found.reason


def test_a_result_is_json(found: FixedAddition) -> None:
    whole = json.loads(json.dumps(found.to_dict()))
    assert whole["null"] == "proportional_effect"
    assert whole["arms"]["partners"] == [["A", "AR"], ["B", "BR"]]
    assert len(whole["indices"]) == 2


def test_roles_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="a partner beside the control"):
        AdditionArms(control=("C", "R"), partners=())
    with pytest.raises(InputError, match="'R' in two roles"):
        AdditionArms(control=("C", "R"), partners=(("A", "R"),))


def study(regimens: dict[str, str]) -> list[Arm]:
    return [
        Arm(name=name, regimens=(parse_regimen(text),) if text else ())
        for name, text in regimens.items()
    ]


VACCINE = "vaccine 100 ug sc days 0, 7"


def test_pairs_are_found_in_regimens_whatever_the_order_of_treatments() -> None:
    arms = study(
        {
            "drug + vaccine": f"{VACCINE} + drug 5 mg/kg po qd x5",
            "untreated": "",
            "drug": "drug 5 mg/kg po qd x5",
            "high": "drug 9 mg/kg po qd x5",
            "high + vaccine": f"drug 9 mg/kg po qd x5 + {VACCINE}",
            "vaccine": VACCINE,
            "other": "other 1 mg/kg po qd x5",
        }
    )
    found = addition_arms(arms, "Vaccine")
    assert found.control == ("untreated", "vaccine")
    assert found.partners == (("drug", "drug + vaccine"), ("high", "high + vaccine"))


@pytest.mark.parametrize(
    ("regimens", "match"),
    [
        ({"C": "", "C2": "", "V": VACCINE}, "'C' and 'C2' alike"),
        (
            {"C": "", "V": VACCINE, "D": "d 1 mg/kg po qd x5"},
            "arms of a partner with and without",
        ),
        (
            {"D": "d 1 mg/kg po qd x5", "DV": f"d 1 mg/kg po qd x5 + {VACCINE}"},
            "arms of the control with and without",
        ),
        (
            {"C": "", "V": VACCINE, "DV": "d 1 mg/kg po qd x5 + vaccine 100 ug sc days 0, 9"},
            "one schedule of vaccine in all arms",
        ),
    ],
)
def test_additions_that_are_not_fixed_are_refused(regimens: dict[str, str], match: str) -> None:
    with pytest.raises(DataError, match=match):
        addition_arms(study(regimens), "vaccine")


def test_an_addition_that_no_arm_receives_is_refused() -> None:
    with pytest.raises(InputError, match=r"an addition that an arm receives.*'radiation'"):
        addition_arms(study({"C": "", "V": VACCINE}), "radiation")
