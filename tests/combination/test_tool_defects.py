"""What other tools get wrong about synergy, each with the right answer.

SynergyLMM 1.1.2 and invivoSyn at commit 7dcab78; later versions of invivoSyn take the minimum of
each day, and find the combination by its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from oncovivo.combination import (
    CombinationArms,
    area_index,
    bliss,
    hsa,
    index_band,
    response_additivity,
    response_additivity_bootstrap,
)
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from tests.combination.studies import TWO, exact_growth
from tests.combination.test_synergy_reference import study

ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
FloatArray: TypeAlias = NDArray[np.float64]


def exact_curves(curves: dict[str, list[float]], days: list[float]) -> GrowthData:
    """Arms whose mean log curves are given, with deviations between animals that cancel."""
    time = np.array(days)
    rng = np.random.default_rng(5)
    slopes = np.linspace(-1, 1, 6)[:, None] * 0.002 * time
    scatter = 0.01 * rng.standard_normal((6, time.size))
    scatter -= scatter.mean(axis=0)
    sizes = np.concatenate([(np.array(mean) + slopes + scatter) for mean in curves.values()])
    return growth_data_from_arrays(
        arm=np.repeat(list(curves), 6 * time.size).tolist(),
        animal_id=[f"m{i // time.size:02}" for i in range(sizes.size)],
        time=np.tile(time, len(sizes)),
        log_size=5.0 + sizes.ravel(),
    )


def test_invivosyn_adds_up_effects_where_what_is_left_adds_up() -> None:
    # Shares left 0.6, 0.592 and 0.338: foreseen 0.192. It takes the sum of the effects, 0.808.
    left = {"C": 1.0, "A": 0.6, "B": 0.592, "AB": 0.338}
    data = exact_growth({name: 0.2 + math.log(share) / 20 for name, share in left.items()})
    (area,) = area_index(data, TWO, rng=np.random.default_rng(1), nulls=["response_additivity"])
    model = response_additivity(fit_growth(data), TWO, scale="tgi")
    for found in (area.index, model.index):
        assert found == pytest.approx(0.338 / 0.192, rel=1e-2)
        assert found == pytest.approx(1.76, abs=0.02)
    effects = (1 - left["A"]) + (1 - left["B"])
    assert left["AB"] / effects == pytest.approx(0.418, abs=1e-3)
    assert area.verdict != "synergy"
    assert model.foreseen == pytest.approx(100 * effects, rel=1e-4)


def test_invivosyn_takes_one_minimum_of_all_days_where_each_day_has_its_own() -> None:
    # Logs of the smaller partner's size on three days, and what the combination lacks of them.
    smaller, lacking = [0.50, 0.95, 1.42], [0.15, 0.38, 0.56]
    together = [low - gap for low, gap in zip(smaller, lacking, strict=True)]
    curves = {
        "C": [0.0, 1.2, 2.2, 3.2],
        "A": [0.0, 0.9, 1.6, 2.1],
        "B": [0.0, *smaller],
        "AB": [0.0, *together],
    }
    days = [0.0, 7.0, 14.0, 21.0]
    model = GrowthModel(
        time=TimeShape(kind="piecewise", knots=(7.0, 14.0)), random="intercept_slope_independent"
    )
    fit = fit_growth(exact_curves(curves, days), model)
    band = index_band(fit, TWO, null="hsa", days=days[1:])
    found = [-math.log(day.index or math.nan) for day in band.days]
    assert found == pytest.approx([0.15, 0.38, 0.56], abs=1e-6)
    one_minimum = min(min(curves[name][1:]) for name in ("A", "B"))
    assert [one_minimum - own for own in together] == pytest.approx([0.15, -0.07, -0.36])


def test_inhibitions_above_100_percent_multiply_to_less_where_sizes_multiply_to_more() -> None:
    # Both partners shrink tumors: 120 % inhibition of growth each.
    rates = {"C": 0.05, "A": -0.0201, "B": -0.0201, "AB": -0.09}
    size = {name: math.exp(20 * rate) for name, rate in rates.items()}
    inhibition = {name: 1 - (size[name] - 1) / (size["C"] - 1) for name in ("A", "B", "AB")}
    assert inhibition["A"] == pytest.approx(1.2, abs=0.01)
    foreseen_by_growth = 1 - (1 - inhibition["A"]) * (1 - inhibition["B"])
    assert foreseen_by_growth == pytest.approx(0.96, abs=0.005)
    found = bliss(fit_growth(exact_growth(rates)), TWO, scale="tgi")
    alone = 100 * (1 - size["A"] / size["C"])
    assert found.foreseen == pytest.approx(100 * (1 - (size["A"] / size["C"]) ** 2), rel=1e-6)
    assert found.foreseen is not None
    # More than one partner does, and never more than all.
    assert alone < found.foreseen < 100
    assert found.index == pytest.approx(size["AB"] * size["C"] / size["A"] ** 2, rel=1e-6)


def test_synergylmm_tests_by_z_where_t_has_few_degrees_of_freedom() -> None:
    rates = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.0257}
    found = bliss(fit_growth(exact_growth(rates, animals=3, spread=0.02, noise=0.2)), TWO)
    assert found.estimate is not None
    assert found.std_error is not None
    assert found.df == pytest.approx(8.0, abs=0.5)
    of_z = 2 * stats.norm.sf(abs(found.estimate) / found.std_error)
    assert of_z < 0.05 < (found.p_value or 0.0)
    assert found.verdict == "not_shown"


def test_synergylmm_takes_the_better_partner_as_known_where_the_other_may_be_better() -> None:
    # B looks better by a little, and of A there are three animals only.
    rng = np.random.default_rng(2)
    days = np.array([0.0, 5.0, 10.0, 15.0, 20.0])
    animals = {"C": 8, "A": 3, "B": 8, "AB": 8}
    rates = {"C": 0.10, "A": 0.072, "B": 0.07, "AB": 0.049}
    arm = [name for name, n in animals.items() for _ in range(n)]
    own = np.concatenate(
        [
            rates[name] + 0.02 * stats.norm.ppf((np.arange(n) + 0.5) / n)
            for name, n in animals.items()
        ]
    )
    size = 5.0 + own[:, None] * days + 0.05 * rng.standard_normal((own.size, days.size))
    data = growth_data_from_arrays(
        arm=np.repeat(arm, days.size).tolist(),
        animal_id=[f"m{i // days.size:02}" for i in range(size.size)],
        time=np.tile(days, own.size),
        log_size=size.ravel(),
    )
    found = hsa(fit_growth(data), TWO)
    assert found.versus == "B"
    first, second = found.single_agents
    assert second.p_value < 0.05 < first.p_value
    assert found.p_value == first.p_value
    assert found.verdict == "not_shown"


def test_a_ratio_beyond_100_is_told_as_it_is_and_not_capped() -> None:
    # Foreseen: hardly above zero. Observed: as much as the control.
    rates = {"C": 0.2, "A": 0.2 + math.log(0.502) / 20, "B": 0.2 + math.log(0.5) / 20, "AB": 0.2}
    data = exact_growth(rates, animals=6, spread=1e-5, noise=1e-4)
    found = response_additivity(fit_growth(data), TWO)
    assert found.index == pytest.approx(500.0, rel=1e-3)
    assert found.verdict == "antagonism"


def test_a_p_value_of_draws_is_never_zero() -> None:
    rates = {"C": 0.2, "A": 0.19, "B": 0.19, "AB": 0.0}
    fit = fit_growth(exact_growth(rates, spread=0.001, noise=0.01))
    drawn = response_additivity_bootstrap(fit, TWO, rng=np.random.default_rng(1), draws=200)
    assert drawn.p_value == pytest.approx(1 / 201)


def test_tumors_that_shrink_have_areas_above_zero() -> None:
    # Its Gompertz form sums logs, which are below zero for a shrinking tumor, and sets them to 0.
    rates = {"C": 0.02, "A": -0.03, "B": -0.04, "AB": -0.10}
    found = bliss(fit_growth(exact_growth(rates)), TWO, scale="auc")

    def area(rate: float) -> float:
        return float(integrate.quad(lambda t: math.exp(rate * t), 0, 20)[0])

    foreseen = area(-0.03) * area(-0.04) / area(0.02)
    assert found.foreseen == pytest.approx(foreseen, rel=1e-6)
    assert found.observed == pytest.approx(area(-0.10), rel=1e-6)
    assert found.index == pytest.approx(area(-0.10) / foreseen, rel=1e-6)


@pytest.mark.realdata
def test_response_additivity_of_synergylmm_is_that_of_the_rates_and_surer_than_they_are(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference("synergylmm_example.grwth_data")["sections"]
    fit, arms = study(sections, shared_data, "kr")
    table = sections["32_ra"]["results"]["synergy"]
    rows = zip(table["Metric"], table["Time"], table["Estimate"], table["pval"], strict=True)
    ratio, p_value = next(row[2:] for row in rows if row[0] == "CI" and row[1] == 30)
    names = (arms.control, *arms.partners, arms.combination)
    rates = fit.coefficients[[fit.data.arm_number(name) for name in names]]
    c, a, b, ab = np.expm1(30 * rates) / rates
    # Theirs is the median of 10,000 ratios; its tolerance allows 3 %.
    assert ab / (a + b - c) == pytest.approx(ratio, rel=0.01)
    found = response_additivity(fit, arms, scale="auc", day=30.0)
    assert found.p_value is not None
    assert found.index == pytest.approx(ratio, rel=0.01)
    # Their draws are normal, 0.029; ours have the 28 degrees of freedom of 32 animals, 0.036.
    assert p_value < found.p_value < p_value + 0.02


def test_arms_of_a_file_may_come_in_any_order() -> None:
    # A row number that is taken for the combination is not that of the combination.
    rates = {"AB": 0.03, "B": 0.07, "C": 0.10, "A": 0.08}
    found = bliss(fit_growth(exact_growth(rates)), TWO)
    assert found.estimate == pytest.approx(-0.02, abs=1e-9)
    three = {**rates, "Z": 0.09, "ABZ": 0.02}
    arms = CombinationArms(control="C", partners=("A", "B", "Z"), combination="ABZ")
    found = bliss(fit_growth(exact_growth(three)), arms)
    assert found.estimate == pytest.approx(0.02 - 0.08 - 0.07 - 0.09 + 0.20, abs=1e-9)
