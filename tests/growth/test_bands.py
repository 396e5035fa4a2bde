"""Simultaneous bands of the difference of two group curves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.bands import BandFamily, difference_bands
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from tests.growth.studies import made_up_growth

RATES = {"vehicle": 0.11, "low": 0.1, "high": 0.03}
BENT = GrowthModel(intercept="arm", time=TimeShape(kind="piecewise", knots=(10.0,)))


def test_a_band_is_wider_than_each_day_alone_and_narrower_than_bonferroni() -> None:
    fit = fit_growth(made_up_growth(RATES), BENT)
    for band in difference_bands(fit, "vehicle").bands:
        assert band.critical is not None
        assert band.df is not None
        alone = float(special.stdtrit(band.df, 0.975))
        bonferroni = float(special.stdtrit(band.df, 1 - 0.025 / len(band.days)))
        assert alone < band.critical < bonferroni
        for day in band.days:
            assert day.lower_simultaneous < day.lower < day.estimate
            assert day.estimate < day.upper < day.upper_simultaneous


def test_a_band_of_all_arms_is_wider_than_that_of_one() -> None:
    fit = fit_growth(made_up_growth(RATES))
    one = difference_bands(fit, "vehicle").bands[0]
    both = difference_bands(fit, "vehicle", family="all").bands[0]
    assert one.critical is not None
    assert both.critical is not None
    assert both.critical > one.critical
    assert [day.lower for day in both.days] == [day.lower for day in one.days]


@pytest.mark.parametrize("family", ["arm", "all"])
def test_the_largest_of_the_days_stays_inside_as_often_as_promised(family: BandFamily) -> None:
    data = made_up_growth({"vehicle": 0.1, "drug": 0.1}, days=(0.0, 4.0, 8.0, 12.0, 16.0))
    fit = fit_growth(data, BENT)
    band = difference_bands(fit, "vehicle", family=family).bands[0]
    assert band.critical is not None
    assert band.df is not None
    time = np.array([day.day for day in band.days])
    rows = fit.terms.curve(1, time) - fit.terms.curve(0, time)
    covariance = rows @ fit.inference.covariance @ rows.T
    rng = np.random.default_rng(8)
    draws = rng.multivariate_normal(np.zeros(time.size), covariance, size=200_000)
    scale = np.sqrt(rng.chisquare(band.df, size=200_000) / band.df)
    largest = np.abs(draws / np.sqrt(np.diag(covariance))).max(axis=1) / scale
    assert (largest > band.critical).mean() == pytest.approx(0.05, abs=0.002)


def test_the_first_day_is_the_first_outside_the_band() -> None:
    fit = fit_growth(made_up_growth(RATES), BENT)
    bands = {band.arm: band for band in difference_bands(fit, "vehicle").bands}
    high = bands["high"]
    outside = [
        day.day for day in high.days if day.lower_simultaneous > 0 or day.upper_simultaneous < 0
    ]
    assert high.first_day == outside[0]
    assert high.first_day > 0
    assert high.reason == ""
    assert bands["low"].first_day is None
    assert bands["low"].reason == "the band includes no difference on every day"


def test_lines_from_one_start_have_no_first_day() -> None:
    fit = fit_growth(made_up_growth(RATES))
    band = difference_bands(fit, "vehicle").bands[1]
    assert band.arm == "high"
    assert band.days[0].upper_simultaneous < 0
    assert band.first_day is None
    assert band.reason == "straight lines from one start differ on every day or on none"
    assert band.df is not None
    assert band.critical == pytest.approx(float(special.stdtrit(band.df, 0.975)), rel=1e-9)


def test_a_baseline_that_arms_share_is_not_tested() -> None:
    data = made_up_growth(RATES)
    common = difference_bands(fit_growth(data), "vehicle").bands[0]
    own = difference_bands(fit_growth(data, GrowthModel(intercept="arm")), "vehicle").bands[0]
    assert common.days[0].day == 3.0
    assert own.days[0].day == 0.0
    only = difference_bands(fit_growth(data), "vehicle", days=[0.0]).bands[0]
    assert only.days == ()
    assert only.critical is None
    assert only.reason == "no day on which the model leaves the difference open"


def test_a_band_ends_where_the_first_of_the_two_arms_was_read_last() -> None:
    data = made_up_growth(RATES)
    control = data.arm[data.animal] == 0
    fit = fit_growth(data.select(~control | (data.time <= 14.0)), BENT)
    assert difference_bands(fit, "vehicle").bands[0].days[-1].day == 14.0
    further = difference_bands(fit, "vehicle", days=[7.0, 3.0, 20.0]).bands[0]
    assert [day.day for day in further.days] == [3.0, 7.0, 20.0]


def test_estimates_are_the_differences_of_the_curves() -> None:
    fit = fit_growth(made_up_growth(RATES), BENT)
    result = difference_bands(fit, "vehicle", days=[5.0, 15.0])
    time = np.array([5.0, 15.0])
    for number, band in enumerate(result.bands, start=1):
        difference = (fit.terms.curve(number, time) - fit.terms.curve(0, time)) @ fit.coefficients
        assert [day.estimate for day in band.days] == pytest.approx(difference.tolist())
    frame = result.to_frame()
    assert frame["arm"].tolist() == ["low", "low", "high", "high"]
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["family"] == "arm"


def test_bands_that_cannot_be_drawn_are_refused() -> None:
    fit = fit_growth(made_up_growth(RATES))
    with pytest.raises(InputError, match="an arm with readings"):
        difference_bands(fit, "placebo")
    with pytest.raises(InputError, match="days from the baseline on, day 0"):
        difference_bands(fit, "vehicle", days=[-1.0, 4.0])
    with pytest.raises(InputError, match="days from the baseline on"):
        difference_bands(fit, "vehicle", days=[])
    with pytest.raises(InputError, match="a level between 0 and 1"):
        difference_bands(fit, "vehicle", level=0.0)
    with pytest.raises(InputError, match="a family: arm, all"):
        difference_bands(fit, "vehicle", family="days")  # type: ignore[arg-type]
    alone = fit_growth(made_up_growth({"vehicle": 0.1}))
    with pytest.raises(InputError, match="an arm beside the control"):
        difference_bands(alone, "vehicle")
