"""Response additivity: the delta method, its bootstrap, and what others get wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from oncovivo.combination import (
    CombinationArms,
    response_additivity,
    response_additivity_bootstrap,
)
from oncovivo.combination.response_additivity import SizeScale
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import GrowthFit, fit_growth
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(made_up_growth(RATES, seed=2))


def sizes(rates: dict[str, float], day: float = 20.0) -> dict[str, float]:
    return {name: math.exp(rate * day) for name, rate in rates.items()}


def test_the_estimate_and_the_index_are_those_of_the_sizes() -> None:
    found = response_additivity(fit_growth(exact_growth(RATES)), TWO)
    r = sizes(RATES)
    sums = math.log(r["AB"] + r["C"]) - math.log(r["A"] + r["B"])
    assert found.estimate == pytest.approx(sums, abs=1e-8)
    assert found.index == pytest.approx(r["AB"] / (r["A"] + r["B"] - r["C"]), rel=1e-7)


def test_three_partners_lose_the_control_twice() -> None:
    rates = {**RATES, "Z": 0.09, "ABZ": 0.02}
    arms = CombinationArms(control="C", partners=("A", "B", "Z"), combination="ABZ")
    found = response_additivity(fit_growth(exact_growth(rates)), arms)
    r = sizes(rates)
    foreseen = r["A"] + r["B"] + r["Z"] - 2 * r["C"]
    assert foreseen > 0
    assert found.index == pytest.approx(r["ABZ"] / foreseen, rel=1e-6)


def test_survival_is_added_up_and_not_the_effects_which_turns_antagonism_into_synergy() -> None:
    # Shares of the control's size 0.6 and 0.592: foreseen 0.192, not the sum of effects 0.808.
    shares = {"C": 1.0, "A": 0.6, "B": 0.592, "AB": 0.338}
    rates = {name: 0.2 + math.log(share) / 20 for name, share in shares.items()}
    found = response_additivity(fit_growth(exact_growth(rates, spread=0.001, noise=0.02)), TWO)
    assert found.index == pytest.approx(0.338 / 0.192, rel=1e-4)
    assert found.index == pytest.approx(1.76, abs=0.005)
    assert found.verdict == "antagonism"
    assert pytest.approx(0.418, abs=0.001) == 0.338 / 0.808


def test_the_standard_error_is_that_of_the_delta_method(fit: GrowthFit) -> None:
    found = response_additivity(fit, TWO, day=14.0)
    rows = 14.0 * np.stack([fit.terms.rate(arm) for arm in range(4)])

    def sums(coefficients: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        c, a, b, ab = np.exp(rows @ coefficients)
        return float(np.log(ab + c) - np.log(a + b))

    size = fit.coefficients.size
    slopes = np.array(
        [
            (sums(fit.coefficients + 1e-6 * step) - sums(fit.coefficients - 1e-6 * step)) / 2e-6
            for step in np.eye(size)
        ]
    )
    error = math.sqrt(slopes @ fit.inference.covariance @ slopes)
    assert found.std_error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("together", [-0.05, 0.03, 0.09])
@pytest.mark.parametrize("scale", ["relative_volume", "auc"])
def test_limits_of_the_index_agree_with_the_test(
    seed: int, together: float, scale: SizeScale
) -> None:
    data = made_up_growth({**RATES, "AB": together}, seed=seed, sd_slope=0.01)
    found = response_additivity(fit_growth(data), TWO, scale=scale)
    assert found.index is not None
    assert found.index_lower is not None
    upper = math.inf if found.index_upper is None else found.index_upper
    assert found.index_lower < found.index < upper
    outside = {"synergy": upper < 1, "antagonism": found.index_lower > 1}
    assert outside.get(found.verdict, found.index_lower <= 1 <= upper)


def test_a_foreseen_size_below_zero_is_unbounded_and_not_capped() -> None:
    rates = {"C": 0.15, "A": 0.06, "B": 0.05, "AB": 0.0}
    fit = fit_growth(exact_growth(rates))
    found = response_additivity(fit, TWO)
    assert (found.index, found.index_upper, found.detectable_index) == (None, None, None)
    assert "not above zero" in found.reason
    assert found.estimate is not None
    assert found.p_value is not None
    drawn = response_additivity_bootstrap(fit, TWO, rng=np.random.default_rng(1))
    assert (drawn.index, drawn.index_upper) == (None, None)
    assert drawn.not_positive > 5000


@pytest.mark.parametrize("scale", ["relative_volume", "auc"])
@pytest.mark.parametrize("seed", range(6))
def test_the_bootstrap_and_the_delta_method_agree(seed: int, scale: SizeScale) -> None:
    fit = fit_growth(made_up_growth(RATES, seed=seed))
    delta = response_additivity(fit, TWO, scale=scale)
    drawn = response_additivity_bootstrap(
        fit, TWO, scale=scale, rng=np.random.default_rng(seed), draws=10_000
    )
    assert drawn.p_value == pytest.approx(delta.p_value, abs=0.01)
    assert delta.upper is not None
    assert delta.lower is not None
    assert drawn.lower == pytest.approx(delta.lower, abs=0.1 * (delta.upper - delta.lower))
    assert drawn.index == pytest.approx(delta.index)
    assert drawn.df == delta.df


def test_the_bootstrap_repeats_itself_and_goes_to_json(fit: GrowthFit) -> None:
    first, second = (
        response_additivity_bootstrap(fit, TWO, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert first == second
    assert json.loads(json.dumps(first.to_dict(), allow_nan=False))["draws"] == 10_000


def test_a_truth_at_the_detectable_index_has_the_power(fit: GrowthFit) -> None:
    rates = {"C": 0.10, "A": 0.09, "B": 0.08, "AB": 0.05}
    made = fit_growth(exact_growth(rates, spread=0.004, noise=0.05))
    found = response_additivity(made, TWO)
    assert found.detectable_index is not None
    assert found.index_lower is not None
    assert 0 < found.detectable_index < 1
    r = sizes(rates)
    there = found.detectable_index * (r["A"] + r["B"] - r["C"])
    at = exact_growth({**rates, "AB": math.log(there) / 20}, spread=0.004, noise=0.05)
    again = response_additivity(fit_growth(at), TWO)
    # Estimate at the truth: 80 % power is the t quantile and about 0.85 standard errors more.
    assert again.estimate is not None
    assert again.std_error is not None
    assert -again.estimate / again.std_error == pytest.approx(2.94, abs=0.05)


def test_bad_questions_are_refused(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match=r"relative_volume, tgi, auc.*rates do not add up"):
        response_additivity(fit, TWO, scale="growth_rate")  # type: ignore[arg-type]
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="at least 200 draws"):
        response_additivity_bootstrap(fit, TWO, rng=rng, draws=10)
    cured = fit_censored(with_limit(made_up_growth({**RATES, "AB": -0.9}), 20.0))
    with pytest.raises(InputError, match="only bounds for AB"):
        response_additivity_bootstrap(cured, TWO, rng=rng)
