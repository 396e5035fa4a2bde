"""The growth after leaving that changes a conclusion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.many import fit_many
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.tipping import Side, TippingPoint, delta_studies, tipping_point
from tests.growth.studies import made_up_growth

DAYS = np.array([0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0])


def with_leavers(
    rates: dict[str, float], last: dict[str, float], *, animals: int = 8, seed: int = 1
) -> tuple[GrowthData, dict[str, float]]:
    """Two arms of which some animals have no reading after a day."""
    data = made_up_growth(rates, animals=animals, seed=seed)
    end = np.array([last.get(name, 21.0) for name in data.animal_ids])
    return data.select(data.time <= end[data.animal]), last


def tip(
    fit: GrowthFit,
    left: dict[str, float],
    *,
    side: Side = "arm",
    draws: int = 200,
    seed: int = 5,
) -> TippingPoint:
    return tipping_point(
        fit,
        fit.data.arm_number("drug"),
        fit.data.arm_number("vehicle"),
        side=side,
        left=left,
        schedule=DAYS,
        level=0.95,
        draws=draws,
        rng=np.random.default_rng(seed),
    )


RATES = {"vehicle": 0.11, "drug": 0.05}
LEFT = {"drug 0": 7.0, "drug 3": 10.0, "drug 5": 14.0}


@pytest.mark.parametrize("model", [GrowthModel(), GrowthModel(intercept="arm", residual="arm")])
def test_at_delta_zero_the_analysis_is_the_models(model: GrowthModel) -> None:
    data, left = with_leavers(RATES, LEFT)
    fit = fit_growth(data, model)
    start = tip(fit, left, draws=2000).at_random
    arms = [fit.data.arm_number(name) for name in ("drug", "vehicle")]
    own = fit.contrasts(fit.terms.rate(arms[0]) - fit.terms.rate(arms[1]))
    assert start is not None
    assert start.estimate == pytest.approx(own.estimate[0], abs=4 * start.monte_carlo_error)
    assert start.std_error == pytest.approx(own.std_error[0], rel=0.04)
    assert start.df == pytest.approx(own.df[0], rel=0.25)
    assert 0 < start.missing_share < 0.5


def test_the_tipping_point_is_where_the_interval_first_holds_zero() -> None:
    data, left = with_leavers(RATES, LEFT)
    fit = fit_growth(data)
    found = tip(fit, left)
    assert (found.status, found.n_leavers, found.n_imputed) == ("ok", 3, 4 + 3 + 2)
    assert found.delta is not None
    assert found.at_tipping is not None
    assert found.at_tipping.upper == pytest.approx(0.0, abs=1e-4)
    studies = delta_studies(
        fit,
        fit.data.arm_number("drug"),
        fit.data.arm_number("vehicle"),
        side="arm",
        left=left,
        schedule=DAYS,
        draws=200,
        rng=np.random.default_rng(5),
    )
    for share in np.linspace(0, 0.98, 8):
        assert studies.contrast(share * found.delta, level=0.95).upper < 0
    assert studies.contrast(1.02 * found.delta, level=0.95).upper > 0


def test_the_tipping_point_of_a_constructed_study_is_recovered() -> None:
    # Everybody leaves the treated arm on day 14, and the model's line goes on: a change of the
    # rate from day 14 to 21 by delta is a change of the animals' slopes by delta times the share
    # that readings on days 17 and 21 have in a line. With so little noise the slopes are those
    # of lines through all seven days, and the contrast is a t test of them.
    data = made_up_growth(RATES, animals=10, sd_residual=0.01, sd_intercept=0.3, seed=2)
    treated = data.arm[data.animal] == data.arm_number("drug")
    left = {name: 14.0 for name in data.animal_ids if name.startswith("drug")}
    fit = fit_growth(data.select(~treated | (data.time <= 14.0)), GrowthModel(intercept="arm"))
    found = tip(fit, left, draws=400)
    own = fit.contrasts(np.array(fit.terms.rate(1) - fit.terms.rate(0)))
    centered = DAYS - DAYS.mean()
    share = float(centered @ np.maximum(DAYS - 14.0, 0.0) / (centered @ centered))
    assert found.delta == pytest.approx(-float(own.upper[0]) / share, rel=0.1)
    assert found.monte_carlo_error is not None
    assert found.monte_carlo_error < 0.05 * float(found.delta or 0)


def test_slower_growth_of_the_controls_leavers_tips_too() -> None:
    data, left = with_leavers(RATES, {f"vehicle {number}": 10.0 for number in range(6)})
    found = tip(fit_growth(data), left, side="control")
    assert found.status == "ok"
    assert found.at_random is not None
    assert found.at_tipping is not None
    assert found.at_tipping.estimate > found.at_random.estimate


def test_more_leavers_tip_earlier() -> None:
    few, more = (
        with_leavers(RATES, {f"drug {number}": 7.0 for number in range(count)}) for count in (2, 6)
    )
    one, two = tip(fit_growth(few[0]), few[1]), tip(fit_growth(more[0]), more[1])
    assert one.multiple is not None
    assert two.multiple is not None
    assert two.multiple < one.multiple


@pytest.mark.parametrize(
    ("rates", "left", "status"),
    [
        ({"vehicle": 0.11, "drug": 0.05}, {}, "nobody_left"),
        ({"vehicle": 0.11, "drug": 0.05}, {"drug 1": 21.0}, "nobody_left"),
        ({"vehicle": 0.08, "drug": 0.08}, {"drug 1": 7.0}, "no_difference"),
        ({"vehicle": 0.05, "drug": 0.11}, {"drug 1": 7.0}, "wrong_direction"),
    ],
)
def test_without_a_tipping_point_the_reason_is_given(
    rates: dict[str, float], left: dict[str, float], status: str
) -> None:
    data, left = with_leavers(rates, left)
    found = tip(fit_growth(data), left)
    assert (found.status, found.delta, found.multiple) == (status, None, None)
    assert found.reason


def test_one_leaver_near_the_end_does_not_tip_a_clear_effect() -> None:
    data = made_up_growth({"vehicle": 0.3, "drug": 0.05}, animals=8, sd_slope=0.01)
    late = data.select(~((data.animal == data.animal_ids.index("drug 1")) & (data.time > 17)))
    found = tip(fit_growth(late), {"drug 1": 17.0})
    assert found.status in ("ok", "not_reached")
    assert found.multiple is None or found.multiple > 1


def test_the_draws_follow_from_the_seed() -> None:
    data, left = with_leavers(RATES, LEFT)
    fit = fit_growth(data)
    assert tip(fit, left).to_dict() == tip(fit, left).to_dict()
    assert tip(fit, left, seed=6).delta != tip(fit, left).delta


def test_the_unit_of_time_does_not_matter() -> None:
    data, left = with_leavers(RATES, LEFT)
    fit = fit_growth(data)
    scaled = fit_growth(replace(data, time=24 * data.time))
    hours = tipping_point(
        scaled,
        scaled.data.arm_number("drug"),
        scaled.data.arm_number("vehicle"),
        side="arm",
        left={name: 24 * last for name, last in left.items()},
        schedule=24 * DAYS,
        level=0.95,
        draws=200,
        rng=np.random.default_rng(5),
    )
    assert hours.multiple == pytest.approx(tip(fit, left).multiple, rel=1e-3)


def test_completed_studies_are_pooled_by_rubins_rules() -> None:
    data, left = with_leavers(RATES, LEFT)
    fit = fit_growth(data)
    made = delta_studies(
        fit,
        fit.data.arm_number("drug"),
        fit.data.arm_number("vehicle"),
        side="arm",
        left=left,
        schedule=DAYS,
        draws=4,
        rng=np.random.default_rng(3),
    )
    pooled = made.contrast(0.02, level=0.95)
    moved = replace(made.studies, outcomes=made.studies.outcomes + 0.02 * made.shift)
    fits = fit_many(moved, made.weights[None, :])
    estimate, error = fits.estimate[:, 0], fits.std_error[:, 0]
    between = sum((value - estimate.mean()) ** 2 for value in estimate) / 3
    total = sum(error**2) / 4 + between * (1 + 1 / 4)
    assert pooled.estimate == pytest.approx(sum(estimate) / 4, rel=1e-12)
    assert pooled.std_error == pytest.approx(total**0.5, rel=1e-12)
    assert pooled.missing_share == pytest.approx(between * 1.25 / total, rel=1e-12)
    # Barnard and Rubin 1999, written out.
    complete = fits.df[:, 0].mean()
    share = between * 1.25 / total
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    assert pooled.df == pytest.approx(1 / (share**2 / 3 + 1 / observed), rel=1e-12)
    reach = stats.t.ppf(0.975, pooled.df) * pooled.std_error
    assert pooled.upper - pooled.estimate == pytest.approx(reach, rel=1e-9)
