"""Many studies at once are the single ones."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth import many
from oncovivo.growth.engine import Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.many import ManyFits, Method, fit_many
from oncovivo.growth.model import Likelihood, Residual
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.satterthwaite import Satterthwaite
from tests.growth.problems import made_problem

FloatArray = NDArray[np.float64]
ROWS = np.array([[0.0, -1.0, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]])


def outcomes_of(design: Problem, studies: int, seed: int = 0) -> FloatArray:
    """Outcomes of a design, with spread between animals that is nil in some studies."""
    rng = np.random.default_rng(seed)
    n = design.arm.size
    spread = rng.choice([0.0, 1.0], size=(studies, 1))
    level = spread * rng.normal(0, 0.3, (studies, n))
    rate = rng.normal(0, 0.02, (studies, n))
    noise = rng.normal(0, 0.15, (studies, design.time.size))
    lines = level[:, design.animal] + rate[:, design.animal] * design.time
    return np.asarray(design.x @ np.array([5.0, 0.1, 0.08, 0.05]) + lines + noise)


def leavers(design: Problem, studies: int, seed: int = 0) -> NDArray[np.bool_]:
    """Animals leave after their third reading or later; a few readings are missing between."""
    rng = np.random.default_rng(seed)
    first = np.searchsorted(design.animal, np.arange(design.arm.size))
    place = np.arange(design.time.size) - first[design.animal]
    last = rng.integers(3, 12, size=(studies, design.arm.size))
    observed = place < last[:, design.animal]
    return np.asarray(observed & (rng.random(observed.shape) > 0.03))


def single(problem: Problem, rows: NDArray[np.bool_] | None) -> Problem:
    """One study without the readings that it lacks, nor animals that have none."""
    if rows is None:
        return problem
    animals, animal = np.unique(problem.animal[rows], return_inverse=True)
    return replace(
        problem,
        y=problem.y[rows],
        x=problem.x[rows],
        time=problem.time[rows],
        animal=animal,
        arm=problem.arm[animals],
    )


def check(fits: ManyFits, problems: list[Problem], weights: FloatArray = ROWS) -> None:
    for place, problem in enumerate(problems):
        fit = fit_reduced(problem)
        inference = (
            KenwardRoger(fit.derivatives)
            if fits.method == "kr"
            else Satterthwaite(fit.derivatives, fit.observed_information)
        )
        estimate = weights @ fit.coefficients
        error = np.sqrt(np.diag(weights @ inference.covariance @ weights.T))
        plain = np.sqrt(np.diag(weights @ fit.derivatives.covariance @ weights.T))
        limit = problem.arm.size - np.unique(problem.arm).size
        df = inference.df(weights)
        df = np.minimum(df, limit) if fit.singular else df
        assert fits.converged[place]
        assert fits.singular[place] == fit.singular
        assert fits.df_limit[place] == limit
        p = fit.coefficients.size
        np.testing.assert_allclose(fits.coefficients[place, :p], fit.coefficients, rtol=1e-8)
        np.testing.assert_allclose(fits.estimate[place], estimate, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(fits.std_error[place], error, rtol=1e-8)
        np.testing.assert_allclose(fits.std_error_plain[place], plain, rtol=1e-8)
        np.testing.assert_allclose(fits.df[place], df, rtol=1e-6)
        np.testing.assert_allclose(fits.statistic[place], estimate / error, rtol=1e-7)
        p_value = 2 * special.stdtr(df, -np.abs(estimate / error))
        np.testing.assert_allclose(fits.p_value[place], p_value, rtol=1e-6)
        normal = 2 * special.ndtr(-np.abs(estimate / plain))
        np.testing.assert_allclose(fits.p_value_normal[place], normal, rtol=1e-6)
        variances = fits.variances[place, : fit.values.size]
        np.testing.assert_allclose(variances, fit.values, rtol=1e-6, atol=1e-12)
        assert fits.log_likelihood[place] == pytest.approx(fit.log_likelihood, abs=1e-8)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("residual", ["iid", "arm"])
@pytest.mark.parametrize("uneven", [True, False])
def test_studies_of_one_design_are_the_single_ones(
    *, complete: bool, residual: Residual, uneven: bool
) -> None:
    design = made_problem(0, residual=residual, uneven=uneven)
    outcomes = outcomes_of(design, 12)
    observed = None if complete else leavers(design, 12)
    if observed is not None:
        outcomes = np.where(observed, outcomes, np.nan)
    fits = fit_many(Replicates(design=design, outcomes=outcomes, observed=observed), ROWS)
    assert fits.n_studies == 12
    check(
        fits,
        [
            single(replace(design, y=y), None if observed is None else observed[place])
            for place, y in enumerate(outcomes)
        ],
    )


@pytest.mark.parametrize("method", ["kr", "satterthwaite"])
@pytest.mark.parametrize("likelihood", ["REML", "ML"])
def test_both_methods_and_likelihoods(method: Method, likelihood: Likelihood) -> None:
    design = made_problem(1, likelihood=likelihood, random="slope")
    outcomes = outcomes_of(design, 6)
    fits = fit_many(Replicates(design=design, outcomes=outcomes), ROWS, method=method)
    assert fits.parameters == ("var(slope)", "var(residual)")
    check(fits, [replace(design, y=y) for y in outcomes])


def test_schedules_longer_than_an_integer_has_bits_are_not_merged() -> None:
    days = np.arange(70.0)
    animal = np.repeat(np.arange(6), 70)
    arm = np.repeat([0, 1], 3)
    time = np.tile(days, 6)
    own = arm[animal]
    x = np.column_stack((np.ones(420), np.where(own == 0, time, 0.0), np.where(own == 1, time, 0)))
    design = Problem(y=np.zeros(420), x=x, time=time, animal=animal, arm=arm)
    rng = np.random.default_rng(0)
    outcomes = rng.normal(0, 0.1, (2, 420)) + rng.normal(0, 0.3, (2, 6))[:, animal]
    observed = rng.random((2, 420)) < 0.9
    fits = fit_many(
        Replicates(design=design, outcomes=outcomes, observed=observed), np.array([[0.0, -1, 1]])
    )
    problems = [
        single(replace(design, y=y), rows) for y, rows in zip(outcomes, observed, strict=True)
    ]
    check(fits, problems, np.array([[0.0, -1.0, 1.0]]))


def unequal() -> tuple[list[Problem], list[FloatArray]]:
    """Studies with other numbers of arms, animals and readings, in no order."""
    sizes = [(3, 4), (2, 5), (4, 3), (3, 6), (2, 3), (3, 4)]
    problems = [
        made_problem(seed, n_arms=arms, per_arm=animals, sd_factor=(1.0,) * arms)
        for seed, (arms, animals) in enumerate(sizes)
    ]
    rows = [
        np.array([[0.0, -1.0, 1.0, *[0.0] * (problem.x.shape[1] - 3)]]) for problem in problems
    ]
    return problems, rows


def test_unequal_studies_come_back_in_their_order() -> None:
    problems, rows = unequal()
    fits = fit_many(problems, rows)
    for place, (problem, weights) in enumerate(zip(problems, rows, strict=True)):
        one = fit_many([problem], weights)
        check(one, [problem], weights)
        np.testing.assert_allclose(fits.p_value[place], one.p_value[0], rtol=1e-9)
        p = problem.x.shape[1]
        np.testing.assert_allclose(fits.coefficients[place, :p], one.coefficients[0], rtol=1e-9)
        assert np.isnan(fits.coefficients[place, p:]).all()


def test_leaving_out_each_animal_is_an_exact_refit() -> None:
    design = made_problem(3)
    observed = design.animal != np.arange(design.arm.size)[:, None]
    outcomes = np.broadcast_to(design.y, observed.shape)
    fits = fit_many(Replicates(design=design, outcomes=outcomes, observed=observed), ROWS)
    check(fits, [single(design, rows) for rows in observed])


def test_workers_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    design = made_problem(0, uneven=False)
    outcomes = outcomes_of(design, 40)
    studies = Replicates(design=design, outcomes=outcomes, observed=leavers(design, 40))
    whole = fit_many(studies, ROWS)
    monkeypatch.setattr(many, "_CHUNK_NUMBERS", 1)
    with ThreadPoolExecutor(2) as executor:
        parts = fit_many(studies, ROWS, executor=executor)
    np.testing.assert_allclose(parts.p_value, whole.p_value, rtol=1e-12)
    again = fit_many(studies, ROWS)
    assert again.p_value.tobytes() == parts.p_value.tobytes()


def test_other_processes_can_do_the_work() -> None:
    problems, rows = unequal()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        fits = fit_many(problems, rows, executor=executor)
    assert fits.p_value.tobytes() == fit_many(problems, rows).p_value.tobytes()


def test_an_arm_that_lost_all_readings_is_not_estimable() -> None:
    design = made_problem(0)
    outcomes = outcomes_of(design, 2)
    observed = np.ones(outcomes.shape, dtype=bool)
    observed[1] = design.arm[design.animal] != 2
    fits = fit_many(Replicates(design=design, outcomes=outcomes, observed=observed), ROWS)
    assert fits.estimable.tolist() == [True, False]
    assert fits.converged.tolist() == [True, False]
    assert np.isnan(fits.p_value[1]).all()
    check(fits, [replace(design, y=outcomes[0])])


def test_rows_of_a_design_may_come_in_turn() -> None:
    design = made_problem(0, uneven=False)
    outcomes = outcomes_of(design, 3)
    observed = leavers(design, 3)
    rows = np.argsort(design.time, kind="stable")
    mixed = replace(
        design,
        y=design.y[rows],
        x=design.x[rows],
        time=design.time[rows],
        animal=design.animal[rows],
    )
    one = fit_many(Replicates(design=design, outcomes=outcomes, observed=observed), ROWS)
    other = fit_many(
        Replicates(design=mixed, outcomes=outcomes[:, rows], observed=observed[:, rows]), ROWS
    )
    np.testing.assert_allclose(one.p_value, other.p_value, rtol=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    design = made_problem(0)
    outcomes = outcomes_of(design, 2)
    with pytest.raises(InputError, match="weights of shape"):
        fit_many(Replicates(design=design, outcomes=outcomes), ROWS[:, :2])
    with pytest.raises(InputError, match="outcomes"):
        Replicates(design=design, outcomes=outcomes[:, :-1])
    with pytest.raises(InputError, match="finite outcomes"):
        Replicates(design=design, outcomes=np.where(outcomes > 5.0, np.nan, outcomes))
    with pytest.raises(InputError, match="at least one study"):
        fit_many([], ROWS)
    with pytest.raises(InputError, match="for each of 2 studies"):
        fit_many([design, design], [ROWS])
    with pytest.raises(InputError, match="the model and the number of questions"):
        fit_many([design, replace(design, random="slope")], ROWS)
    with pytest.raises(InputError, match="fit_dense"):
        fit_many([replace(design, residual="car1")], ROWS)
