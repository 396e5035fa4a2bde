"""Highest single agent: no partner is picked and then taken as known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from oncovivo.combination import CombinationArms, hsa
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.many import fit_many
from oncovivo.growth.replicates import Replicates
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(made_up_growth(RATES, seed=5))


def test_the_estimate_is_against_the_better_partner() -> None:
    found = hsa(fit_growth(exact_growth(RATES)), TWO)
    assert found.versus == "B"
    assert found.estimate == pytest.approx(0.03 - 0.07, abs=1e-9)


def test_the_p_value_is_the_largest_of_the_one_sided_ones(fit: GrowthFit) -> None:
    found = hsa(fit, TWO)
    weights = [fit.terms.rate(3) - fit.terms.rate(1), fit.terms.rate(3) - fit.terms.rate(2)]
    alone = fit.contrasts(np.stack(weights))
    expected = special.stdtr(alone.df, alone.statistic)
    assert [agent.p_value for agent in found.single_agents] == pytest.approx(expected)
    assert found.p_value == pytest.approx(expected.max())
    assert found.alternative == "less"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("together", [0.05, 0.065, 0.10])
def test_the_upper_limit_excludes_none_just_when_the_test_shows_synergy(
    seed: int, together: float
) -> None:
    found = hsa(fit_growth(made_up_growth({**RATES, "AB": together}, seed=seed)), TWO)
    assert found.upper is not None
    assert found.lower is not None
    assert found.index_upper is not None
    assert (found.upper < 0) == (found.verdict == "synergy") == (found.index_upper < 1)
    assert (found.lower > 0) == (found.verdict == "antagonism")
    assert found.lower < found.upper


def test_the_doubt_about_the_better_partner_widens_the_limits() -> None:
    equal = hsa(fit_growth(exact_growth({**RATES, "A": 0.07})), TWO)
    assert equal.lower is not None
    assert equal.upper is not None
    first = equal.single_agents[0]
    assert equal.upper == pytest.approx(first.upper)
    assert first.lower is not None
    assert equal.lower < first.lower


def test_three_partners_must_all_be_beaten() -> None:
    rates = {**RATES, "Z": 0.02, "ABZ": 0.03}
    arms = CombinationArms(control="C", partners=("A", "B", "Z"), combination="ABZ")
    found = hsa(fit_growth(exact_growth(rates)), arms)
    assert found.versus == "Z"
    assert found.estimate == pytest.approx(0.01, abs=1e-9)
    assert found.verdict == "not_shown"
    assert [agent.arm for agent in found.single_agents] == ["A", "B", "Z"]


@pytest.mark.parametrize(
    ("rate_of_a", "low", "high"),
    [(0.06, 0.0, 0.03), (0.20, 0.035, 0.065)],
    ids=["equal partners", "one far better"],
)
def test_no_synergy_is_claimed_more_often_than_said(
    rate_of_a: float, low: float, high: float
) -> None:
    # The combination is as good as B alone; 2,000 studies, standard error of 5 % is 0.5 %.
    rng = np.random.default_rng(11)
    rates = {"C": 0.20, "A": rate_of_a, "B": 0.06, "AB": 0.06}
    fit = fit_growth(made_up_growth(rates))
    problem = fit.problem
    studies, animals = 2000, problem.arm.size
    own = rng.standard_normal((2, studies, animals))
    mean = np.array(list(rates.values()))[problem.arm][problem.animal] * problem.time
    outcomes = mean + 0.3 * own[0][:, problem.animal]
    outcomes += 0.02 * own[1][:, problem.animal] * problem.time
    outcomes += 0.15 * rng.standard_normal(outcomes.shape)
    weights = np.stack([fit.terms.rate(3) - fit.terms.rate(arm) for arm in (1, 2)])
    many = fit_many(Replicates(design=problem, outcomes=outcomes), weights)
    claimed = (special.stdtr(many.df, many.statistic).max(axis=1) < 0.05).mean()
    assert low <= claimed <= high
