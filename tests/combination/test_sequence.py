"""Arms that differ only in order or timing: found, and compared as such."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.combination import compare_sequences, sequence_groups
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.compare import compare
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.studies import Arm, parse_regimen
from tests.combination.studies import exact_growth
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "AB": 0.05, "BA": 0.03, "both": 0.04}


def study(regimens: dict[str, str]) -> list[Arm]:
    return [
        Arm(name=name, regimens=(parse_regimen(text),) if text else ())
        for name, text in regimens.items()
    ]


ORDERS = {
    "C": "",
    "AB": "a 5 mg/kg iv days 0, 3 + b 2 mg/kg po days 7, 10",
    "BA": "b 2 mg/kg po days 0, 3 + A 5 mg/kg iv days 7, 10",
    "both": "a 5 mg/kg iv days 0, 3 + b 2 mg/kg po days 0, 3",
    "a alone": "a 5 mg/kg iv days 0, 3",
}


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(exact_growth(RATES))


def test_arms_in_another_order_are_one_group() -> None:
    (group,) = sequence_groups(study(ORDERS))
    assert group.names == ("AB", "BA", "both")
    assert group.kind == "order"
    assert group.compounds == ("a", "b")
    assert group.total_doses == ("10 mg/kg", "4 mg/kg")
    assert [arm.order for arm in group.arms] == [(("a",), ("b",)), (("b",), ("A",)), (("a", "b"),)]
    assert group.arms[1].days == (("b", (0, 3)), ("A", (7, 10)))
    assert json.loads(json.dumps(group.to_dict()))["kind"] == "order"


def test_one_compound_on_other_days_is_a_matter_of_timing() -> None:
    (group,) = sequence_groups(
        study(
            {
                "daily": "a 5 mg/kg po qd x4",
                "weekly": "a 5 mg/kg po qw x4",
                "late": "a 5 mg/kg po qd x4 from day 7",
                "split": "a 10 mg/kg po qd x2",
            }
        )
    )
    assert group.kind == "timing"
    assert group.names == ("daily", "weekly", "late")


def test_the_order_of_unequal_doses_counts() -> None:
    (group,) = sequence_groups(
        study(
            {
                "loading first": "a 40 mg/kg iv qw x1 then 20 mg/kg iv qw x2",
                "loading last": "a 20 mg/kg iv qw x2 then 40 mg/kg iv qw x1",
            }
        )
    )
    assert group.kind == "timing"
    assert group.arms[0].days == group.arms[1].days == (("a", (0, 7, 14)),)
    assert group.total_doses == ("80 mg/kg",)


@pytest.mark.parametrize(
    "other",
    [
        "a 5 mg/kg po qd x4",
        "a 5 mg/kg po days 0, 1, 2, 3",
        "a 6 mg/kg po qw x4",
        "a 5 mg/kg iv qw x4",
        "a 5 mg/kg po qw x5",
        "b 5 mg/kg po qw x4",
        "a 5 mg/kg po qw",
        "a po qw x4",
        "",
    ],
)
def test_same_days_or_other_doses_routes_and_compounds_make_no_group(other: str) -> None:
    assert sequence_groups(study({"one": "a 5 mg/kg po qd x4", "other": other})) == ()


def test_radiation_before_and_after_a_drug_is_found() -> None:
    (group,) = sequence_groups(
        study(
            {
                "before": "5 x 2 Gy qd + a 5 mg/kg po qd x5 from day 7",
                "after": "a 5 mg/kg po qd x5 + 5 x 2 Gy qd from day 7",
            }
        )
    )
    assert group.compounds == ("a", "radiation")
    assert group.kind == "order"


def test_schedules_are_compared_as_rates_and_sizes(fit: GrowthFit) -> None:
    (group,) = sequence_groups(study(ORDERS))
    found = compare_sequences(fit, group)
    assert found.arms == ("AB", "BA", "both")
    assert [(pair.arm, pair.versus) for pair in found.pairs] == [
        ("AB", "BA"),
        ("AB", "both"),
        ("BA", "both"),
    ]
    estimates = [pair.estimate for pair in found.pairs]
    assert estimates == pytest.approx([0.02, 0.01, -0.01], abs=1e-6)
    assert found.pairs[0].size_ratio == pytest.approx(math.exp(0.4), rel=1e-4)
    assert found.day == 20.0
    for pair in found.pairs:
        reach = stats.t.ppf(0.975, pair.df) * pair.std_error
        assert pair.lower == pytest.approx(pair.estimate - reach)
        assert pair.p_value == pytest.approx(
            2 * stats.t.sf(abs(pair.estimate) / pair.std_error, pair.df)
        )
        assert pair.size_ratio_lower == pytest.approx(math.exp(20 * pair.lower_simultaneous))
        assert pair.size_ratio_upper == pytest.approx(math.exp(20 * pair.upper_simultaneous))


def test_three_schedules_are_tukeys_three_pairs_and_the_f_test_of_their_slopes() -> None:
    three = {name: rate for name, rate in RATES.items() if name != "C"}
    data = made_up_growth(three, animals=6, seed=4)
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    assert not fit.singular
    found = compare_sequences(fit, list(three))
    # Balanced arms: the studentized range of three means.
    for pair in found.pairs:
        q = abs(pair.estimate) / pair.std_error * math.sqrt(2)
        exact = stats.studentized_range.sf(q, 3, pair.df)
        # Pairs of one set of means are nearly of rank two, which max_t does to 1e-5.
        assert pair.p_adjusted == pytest.approx(exact, abs=1e-4)
    slopes = [
        [
            stats.linregress(data.time[data.animal == i], data.log_size[data.animal == i]).slope
            for i in data.animals_of(number)
        ]
        for number in range(3)
    ]
    assert found.joint is not None
    # As near as the variances of the fit are to their optimum.
    assert found.joint.statistic == pytest.approx(stats.f_oneway(*slopes).statistic, rel=1e-4)
    assert found.joint.df_denominator == pytest.approx(15, rel=1e-4)


def test_the_family_is_the_group_and_not_the_study(fit: GrowthFit) -> None:
    (pair,) = compare_sequences(fit, ["AB", "BA"]).pairs
    assert pair.p_adjusted == pytest.approx(pair.p_value)
    assert pair.lower_simultaneous == pytest.approx(pair.lower)
    tukey = compare(fit, "C", adjustment="tukey")
    (same,) = [one for one in tukey.contrasts if {one.arm, one.versus} == {"AB", "BA"}]
    assert abs(pair.estimate) == pytest.approx(abs(same.estimate or 0.0))
    assert pair.p_adjusted < (same.p_adjusted or 0.0)


def test_where_curves_bend_the_day_counts() -> None:
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    bent = fit_growth(made_up_growth(RATES, seed=2), model)
    early, late = (compare_sequences(bent, ["AB", "BA"], day=day).pairs[0] for day in (7.0, 21.0))
    assert early.estimate != pytest.approx(late.estimate)
    rate = bent.terms.rate(bent.data.arm_number("AB"), end=7.0)
    rate = rate - bent.terms.rate(bent.data.arm_number("BA"), end=7.0)
    assert early.estimate == pytest.approx(float(np.dot(rate, bent.coefficients)))
    assert early.size_ratio == pytest.approx(math.exp(7 * early.estimate))


def test_a_cured_schedule_leaves_no_answer() -> None:
    fit = fit_censored(with_limit(made_up_growth({**RATES, "BA": -2.0}), 20.0))
    found = compare_sequences(fit, ["AB", "BA"])
    assert (found.pairs, found.joint) == ((), None)
    assert "bound the rate" in found.reason
    assert compare_sequences(fit, ["AB", "both"]).reason == ""


def test_what_cannot_be_compared_is_refused(fit: GrowthFit) -> None:
    for arms in (["AB"], ["AB", "AB"], []):
        with pytest.raises(InputError, match="two or more different arms"):
            compare_sequences(fit, arms)
    with pytest.raises(InputError, match="'X'"):
        compare_sequences(fit, ["AB", "X"])
    with pytest.raises(InputError, match="a day after the baseline"):
        compare_sequences(fit, ["AB", "BA"], day=-1.0)
    with pytest.raises(InputError, match="a level between 0 and 1"):
        compare_sequences(fit, ["AB", "BA"], level=0.0)
    late = compare_sequences(fit, ["AB", "BA"], day=30.0)
    assert "beyond_readings" in {warning.code for warning in late.warnings}
    assert json.loads(json.dumps(late.to_dict()))["pairs"][0]["arm"] == "AB"
