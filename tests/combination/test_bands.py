"""The index over the days, held on all days together."""

from __future__ import annotations

import json
import math

import pytest
from scipy import stats

from oncovivo.combination import bliss, hsa, index_band, response_additivity
from oncovivo.combination.result import Null
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from tests.combination.studies import TWO
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}
NULLS: list[Null] = ["bliss", "hsa", "response_additivity"]


@pytest.fixture(scope="module")
def straight() -> GrowthFit:
    return fit_growth(made_up_growth(RATES, seed=2))


@pytest.fixture(scope="module")
def bent() -> GrowthFit:
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    return fit_growth(made_up_growth(RATES, seed=2), model)


def test_straight_curves_ask_bliss_once(straight: GrowthFit) -> None:
    band = index_band(straight, TWO)
    one = bliss(straight, TWO)
    assert band.one_question
    assert band.p_value == pytest.approx(one.p_value, rel=1e-9)
    assert one.df is not None
    assert band.critical == pytest.approx(stats.t.ppf(0.975, one.df))
    last = band.days[-1]
    assert last.day == one.day
    assert last.index_lower == pytest.approx(one.index_lower)
    assert last.index_upper == pytest.approx(one.index_upper)
    assert band.verdict == one.verdict


@pytest.mark.parametrize("null", NULLS)
def test_bent_curves_widen_the_limits_of_a_day_but_not_more_than_bonferroni(
    bent: GrowthFit, null: Null
) -> None:
    band = index_band(bent, TWO, null=null)
    assert not band.one_question
    assert band.df is not None
    assert band.critical is not None
    questions = len(band.days) * (2 if null == "hsa" else 1)
    alone = stats.t.ppf(0.975, band.df)
    assert alone < band.critical < stats.t.ppf(1 - 0.025 / questions, band.df)
    day = band.days[2]
    of_day = {"bliss": bliss, "hsa": hsa}
    one = (
        of_day[null](bent, TWO, scale="relative_volume", day=day.day)
        if null in of_day
        else response_additivity(bent, TWO, day=day.day)
    )
    assert day.index == pytest.approx(one.index)
    assert one.index_lower is not None
    assert day.index_lower is not None
    assert day.index_lower < one.index_lower


def test_the_better_partner_is_that_of_the_day_and_not_one_minimum_of_all_days() -> None:
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    data = made_up_growth({"C": 0.1, "A": 0.05, "B": 0.0, "AB": -0.02}, seed=4)
    # A acts at once and wears off, B acts late: the better partner changes.
    late = (data.time - 10.0).clip(min=0.0)
    arm = data.arm[data.animal]
    size = data.log_size.copy()
    size[arm == 1] += -0.15 * (data.time.clip(max=10.0) - late)[arm == 1]
    object.__setattr__(data, "log_size", size)
    fit = fit_growth(data, model)
    band = index_band(fit, TWO, null="hsa")
    better = set()
    for day in band.days:
        one = hsa(fit, TWO, scale="relative_volume", day=day.day)
        assert day.index == pytest.approx(one.index)
        better.add(one.versus)
    assert better == {"A", "B"}


def test_response_additivity_changes_its_answer_over_the_days(straight: GrowthFit) -> None:
    band = index_band(straight, TWO, null="response_additivity", days=[7, 14, 21])
    assert [day.day for day in band.days] == [7.0, 14.0, 21.0]
    assert not band.one_question
    for day in band.days:
        one = response_additivity(straight, TWO, day=day.day)
        upper = math.inf if day.index_upper is None else day.index_upper
        assert day.index == pytest.approx(one.index)
        assert upper >= (math.inf if one.index_upper is None else one.index_upper)


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("together", [-0.2, 0.05, 0.068, 0.2])
def test_the_verdict_follows_from_the_band(null: Null, together: float) -> None:
    data = made_up_growth({**RATES, "AB": together}, sd_slope=0.01)
    band = index_band(fit_growth(data), TWO, null=null, days=[7, 14])
    below = any(day.index_upper is not None and day.index_upper < 1 for day in band.days)
    above = any(day.index_lower is not None and day.index_lower > 1 for day in band.days)
    assert (band.verdict == "synergy") == below
    assert (band.verdict == "antagonism") == above
    made = json.loads(json.dumps(band.to_dict(), allow_nan=False))
    assert len(made["days"]) == 2


@pytest.mark.parametrize("null", ["bliss", "hsa"])
@pytest.mark.parametrize(("together", "verdict"), [(-0.2, "synergy"), (0.3, "antagonism")])
def test_what_is_plain_is_called_so(null: Null, together: float, verdict: str) -> None:
    data = made_up_growth({**RATES, "AB": together}, sd_slope=0.01)
    assert index_band(fit_growth(data), TWO, null=null).verdict == verdict


def test_a_cured_arm_has_no_band() -> None:
    fit = fit_censored(with_limit(made_up_growth({**RATES, "AB": -0.9}), 20.0))
    band = index_band(fit, TWO)
    assert band.days == ()
    assert "bound the rate" in band.reason


def test_bad_questions_are_refused(straight: GrowthFit) -> None:
    with pytest.raises(InputError, match="a null model: bliss"):
        index_band(straight, TWO, null="loewe")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"days after the baseline.*found 0, 7"):
        index_band(straight, TWO, days=[0.0, 7.0])
