"""Growth laws side by side, and the test of log-linearity."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.law_choice import compare_laws, log_linearity_test
from oncovivo.growth.laws import growth_law
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.nlme import animal_log_likelihoods, fit_nonlinear
from tests.growth.curve_studies import law_study

LAWS = ("exponential", "logistic", "gompertz")


@pytest.fixture(scope="module")
def slowing() -> GrowthData:
    """Growth that slows in both arms."""
    return law_study(
        growth_law("gompertz"),
        {"vehicle": [5.0, 0.25, 0.08], "drug": [5.0, 0.12, 0.08]},
        animals=8,
        spread={"log_v0": 0.2, "rate": 0.015},
    )


@pytest.fixture(scope="module")
def straight() -> GrowthData:
    """Exponential growth in both arms."""
    return law_study(
        growth_law("exponential"),
        {"vehicle": [5.0, 0.12], "drug": [5.0, 0.06]},
        animals=8,
        spread={"log_v0": 0.2, "rate": 0.015},
        seed=5,
    )


def test_the_true_law_is_found_where_growth_slows(slowing: GrowthData) -> None:
    comparison = compare_laws(slowing, LAWS)
    assert comparison.best_bic == "gompertz"
    assert comparison.best_predicting == "gompertz"
    assert comparison.verdict.startswith(
        "the gompertz law predicts left-out animals best and has the smallest BIC"
    )
    scores = {score.law.name: score for score in comparison.scores}
    plain, best = scores["exponential"], scores["gompertz"]
    assert plain.predictive_score is not None
    assert best.predictive_score is not None
    assert best.predictive_score > plain.predictive_score + 5
    assert plain.predictive_error is not None
    assert best.predictive_error is not None
    assert best.predictive_error < plain.predictive_error
    assert set(best.by_animal) == set(slowing.animal_ids)


def test_the_simplest_law_is_kept_where_growth_is_exponential(straight: GrowthData) -> None:
    comparison = compare_laws(straight, LAWS)
    assert comparison.best_predicting == "exponential"
    assert comparison.best_bic == "exponential"


def test_a_left_out_animal_is_predicted_by_the_others(slowing: GrowthData) -> None:
    comparison = compare_laws(slowing, ("exponential",), folds=slowing.n_animals)
    assert comparison.folds == slowing.n_animals
    trained = fit_nonlinear(slowing.without_animals(["drug3"]), "exponential")
    others = [name for name in slowing.animal_ids if name != "drug3"]
    expected = animal_log_likelihoods(trained, slowing.without_animals(others))[0]
    found = comparison.score("exponential").by_animal["drug3"]
    assert found == pytest.approx(expected, abs=1e-6)


def test_folds_do_not_depend_on_the_order_of_animals(slowing: GrowthData) -> None:
    first = compare_laws(slowing, ("exponential",))
    who = [slowing.animal_ids[index] for index in slowing.animal]
    arms = [slowing.arms[index] for index in slowing.arm[slowing.animal]]
    backwards = growth_data_from_arrays(
        arm=arms[::-1],
        animal_id=who[::-1],
        time=slowing.time[::-1],
        log_size=slowing.log_size[::-1],
    )
    second = compare_laws(backwards, ("exponential",))
    old, new = first.score("exponential").by_animal, second.score("exponential").by_animal
    assert new == pytest.approx(old, abs=1e-5)


def test_random_folds_follow_their_generator(slowing: GrowthData) -> None:
    one, same, other = (
        compare_laws(slowing, ("exponential",), rng=np.random.default_rng(seed))
        .score("exponential")
        .predictive_score
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_the_only_animal_of_an_arm_is_never_left_out(slowing: GrowthData) -> None:
    lonely = slowing.without_animals([f"drug{number}" for number in range(1, 8)])
    score = compare_laws(lonely, ("exponential",)).score("exponential")
    assert "drug0" not in score.by_animal
    assert len(score.by_animal) == 8


def test_a_law_that_fails_is_reported_beside_the_others(slowing: GrowthData) -> None:
    short = slowing.select(slowing.time < 4)
    comparison = compare_laws(short, ("exponential", "gompertz"))
    failed = comparison.score("gompertz")
    assert failed.fit is None
    assert failed.failure is not None
    assert "3 times or more" in failed.failure
    assert failed.to_dict()["fit"] is None
    assert comparison.best_bic == "exponential"
    with pytest.raises(DataError, match="one of the laws can describe"):
        compare_laws(short, ("gompertz",))


def test_an_animal_that_decides_alone_is_named() -> None:
    data = law_study(
        growth_law("gompertz"),
        {"vehicle": [5.0, 0.25, 0.08], "drug": [5.0, 0.12, 0.08]},
        animals=8,
        noise=0.1,
        spread={"log_v0": 0.2},
    )
    odd = data.animal == data.animal_ids.index("drug2")
    size = data.log_size.copy()
    # One animal of the drug arm bolts at the end, as no slowing tumor does.
    size[odd] = 5.0 + 0.3 * data.time[odd]
    moved = growth_data_from_arrays(
        arm=[data.arms[index] for index in data.arm[data.animal]],
        animal_id=[data.animal_ids[index] for index in data.animal],
        time=data.time,
        log_size=size,
    )
    comparison = compare_laws(moved, ("exponential", "gompertz"))
    assert comparison.best_predicting == "exponential"
    assert comparison.deciding == {"drug2": "gompertz"}
    assert "without animal drug2 the gompertz law would predict best" in comparison.verdict


def test_bad_choices_are_refused(slowing: GrowthData) -> None:
    with pytest.raises(InputError, match="a growth law"):
        compare_laws(slowing, ("linear",))
    with pytest.raises(InputError, match="each once"):
        compare_laws(slowing, ("gompertz", "gompertz"))
    with pytest.raises(InputError, match="each once, found none"):
        compare_laws(slowing, ())
    with pytest.raises(InputError, match="2 folds or more, found 1"):
        compare_laws(slowing, LAWS, folds=1)
    with pytest.raises(InputError, match="a law that was compared"):
        compare_laws(slowing, ("exponential",)).score("gompertz")


def test_slowing_growth_is_not_log_linear(slowing: GrowthData) -> None:
    test = log_linearity_test(slowing, laws=("exponential", "gompertz"))
    assert test.p_value < 1e-4
    assert not test.log_linear
    assert (test.change.estimate < 0).all()
    assert test.verdict.startswith("growth is not log-linear (F(2, ")
    assert "growth slows in vehicle, drug" in test.verdict
    assert "the gompertz law predicts left-out animals best" in test.verdict
    json.dumps(test.to_dict(), allow_nan=False)


def test_exponential_growth_is_log_linear(straight: GrowthData) -> None:
    test = log_linearity_test(straight, laws=LAWS)
    assert test.p_value > 0.05
    assert test.log_linear
    assert test.comparison is None
    assert test.verdict.startswith("no departure from log-linear growth shows (F(2, ")


def test_change_is_the_rate_at_the_end_minus_the_rate_at_the_start(slowing: GrowthData) -> None:
    test = log_linearity_test(slowing)
    terms, fit = test.fit.terms, test.fit
    for arm in range(2):
        first = terms.rate(arm, start=0.0, end=1e-4) @ fit.coefficients
        last = terms.rate(arm, start=terms.end - 1e-4, end=terms.end) @ fit.coefficients
        assert test.change.estimate[arm] == pytest.approx(last - first, rel=1e-3)


def test_with_one_arm_the_test_is_the_t_test_of_the_bend(slowing: GrowthData) -> None:
    single = slowing.select(slowing.arm[slowing.animal] == 0)
    test = log_linearity_test(single)
    bent = GrowthModel(time=TimeShape(kind="spline", knots=(12.0,)))
    contrast = fit_growth(single, bent).contrasts(np.array([0.0, 0.0, 1.0]))
    assert test.statistic == pytest.approx(float(contrast.statistic[0]) ** 2, rel=1e-8)
    assert test.p_value == pytest.approx(float(contrast.p_value[0]), rel=1e-6)


def test_the_test_holds_its_level_on_exponential_growth() -> None:
    below = 0
    for seed in range(100):
        data = law_study(
            growth_law("exponential"),
            {"vehicle": [5.0, 0.12], "drug": [5.0, 0.06]},
            animals=6,
            spread={"log_v0": 0.2, "rate": 0.02},
            seed=100 + seed,
        )
        below += log_linearity_test(data).p_value < 0.05
    # 99.9 % of studies in hundreds lie here if the level is 5 %.
    assert below <= 13


def test_log_linearity_needs_three_times_and_a_line(slowing: GrowthData) -> None:
    with pytest.raises(DataError, match="readings at three times or more, found 2"):
        log_linearity_test(slowing.select(slowing.time < 4))
    with pytest.raises(InputError, match="linear time and Kenward-Roger"):
        log_linearity_test(slowing, model=GrowthModel(df="satterthwaite"))
    broken = GrowthModel(time=TimeShape(kind="piecewise", knots=(9.0,)))
    with pytest.raises(InputError, match="linear time and Kenward-Roger"):
        log_linearity_test(slowing, model=broken)
    with pytest.raises(InputError, match="a level between 0 and 1"):
        log_linearity_test(slowing, level=1.0)
