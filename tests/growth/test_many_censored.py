"""Censored fits of many studies at once are the single ones."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth import many_censored
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.engine import Problem
from oncovivo.growth.fit import GrowthFit
from oncovivo.growth.many import fit_many
from oncovivo.growth.many_animals import CensoredAnimals
from oncovivo.growth.many_censored import ManyCensoredFits, fit_many_censored
from oncovivo.growth.model import GrowthModel, Intercept
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.tobit import TobitLikelihood, TobitProblem

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

DAYS = np.array([0.0, 3.0, 7.0, 10.0, 14.0])
POINTS = 7
BOTH = ((0, 0), (1, 0), (1, 1))


class Made:
    """Studies of arms of n animals, the last ones shrinking below the limit.

    Parameters
    ----------
    intercept : {"common", "arm"}
        Of the fixed part.
    leavers : bool
        Whether some animals leave before the last day, one after its first reading.
    """

    def __init__(
        self,
        rates: tuple[float, ...] = (0.1, 0.0, -0.1),
        *,
        studies: int = 6,
        n: int = 5,
        limit: float = 80.0,
        intercept: Intercept = "common",
        leavers: bool = False,
        rate_sd: float = 0.03,
        reading_sd: float = 0.2,
        seed: int = 5,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.arm = np.repeat(np.arange(len(rates)), n)
        self.animal = np.repeat(np.arange(self.arm.size), DAYS.size)
        self.time = np.tile(DAYS, self.arm.size)
        self.intercept: Intercept = intercept
        own = self.arm[self.animal]
        slopes = np.where(own[:, None] == np.arange(len(rates)), self.time[:, None], 0.0)
        level = (own[:, None] == np.arange(len(rates))) * 1.0
        x = np.column_stack((np.ones(own.size) if intercept == "common" else level, slopes))
        shape = (studies, self.arm.size)
        size = np.log(120.0) + 0.3 * rng.normal(size=shape)[:, self.animal]
        size += np.array(rates)[own] * self.time
        size += rate_sd * rng.normal(size=shape)[:, self.animal] * self.time
        size += reading_sd * rng.normal(size=size.shape)
        self.below = size < np.log(limit)
        self.size = np.maximum(size, np.log(limit))
        self.read = np.ones(size.shape, dtype=bool)
        if leavers:
            last = rng.integers(2, DAYS.size + 1, size=shape)
            last[:, 0] = 1
            self.read = np.arange(own.size) % DAYS.size < last[:, self.animal]
            self.below &= self.read
            # What was not read may be anything.
            self.size = np.where(self.read, self.size, np.nan)
        self.design = Problem(
            y=np.zeros(own.size), x=x, time=self.time, animal=self.animal, arm=self.arm
        )
        self.weights = np.zeros((len(rates) - 1, x.shape[1]))
        first = x.shape[1] - len(rates)
        self.weights[:, first] = -1.0
        self.weights[np.arange(len(rates) - 1), first + 1 + np.arange(len(rates) - 1)] = 1.0

    def studies(self) -> Replicates:
        """As the batch takes them."""
        observed = None if self.read.all() else self.read
        return Replicates(design=self.design, outcomes=self.size, observed=observed)

    def fits(self, executor: Executor | None = None) -> ManyCensoredFits:
        """All at once."""
        return fit_many_censored(
            self.studies(), self.below, self.weights, points=POINTS, executor=executor
        )

    def single(self, study: int) -> GrowthFit:
        """One alone."""
        there = self.read[study]
        data = growth_data_from_arrays(
            arm=[f"arm {number}" for number in self.arm[self.animal][there].tolist()],
            animal_id=[f"m{number:02}" for number in self.animal[there].tolist()],
            time=self.time[there],
            log_size=self.size[study, there],
            below_limit=self.below[study, there],
        )
        return fit_censored(data, GrowthModel(intercept=self.intercept), points=POINTS)


def check(made: Made, fits: ManyCensoredFits, study: int) -> None:
    """A study of the batch against its twin.

    The same rule at the same maximum: log-likelihoods to 1e-6, estimates to 1e-4 standard errors.
    Degrees of freedom rest on differences, one-sided here and central there.
    """
    twin = made.single(study)
    told = twin.contrasts(made.weights)
    assert twin.converged
    assert fits.fitted[study]
    assert fits.singular[study] == twin.singular
    assert fits.log_likelihood[study] == pytest.approx(twin.log_likelihood, abs=1e-6)
    off = (fits.estimate[study] - told.estimate) / told.std_error
    assert np.abs(off).max() < 1e-4
    np.testing.assert_allclose(fits.std_error[study], told.std_error, rtol=1e-4)
    np.testing.assert_allclose(fits.df[study], told.df, rtol=2e-3)
    np.testing.assert_allclose(fits.coefficients[study], twin.coefficients, atol=1e-5)
    spread = np.sqrt(np.diag(twin.random_covariance))
    off_spread = (fits.random_covariance[study] - twin.random_covariance) / np.outer(
        spread, spread
    )
    assert np.abs(off_spread).max() < 1e-4
    assert fits.residual_variance[study] == pytest.approx(twin.residual_variance[0], rel=1e-4)


@pytest.mark.parametrize("intercept", ["common", "arm"])
@pytest.mark.parametrize("leavers", [False, True])
def test_studies_are_the_single_ones(*, intercept: Intercept, leavers: bool) -> None:
    made = Made(intercept=intercept, leavers=leavers)
    assert 0.1 < made.below.sum() / made.read.sum() < 0.4
    fits = made.fits()
    assert (fits.df < made.arm.size - 3).any()
    for study in range(3):
        check(made, fits, study)


def test_singular_fits_are_too() -> None:
    made = Made((0.1, -0.05), n=3, limit=90.0, studies=8)
    fits = made.fits()
    assert 0 < fits.singular.sum() < 8
    for study in (int(fits.singular.argmax()), int(fits.singular.argmin())):
        check(made, fits, study)


def test_bounds_far_above_the_readings_say_nothing() -> None:
    made = Made(reading_sd=0.02, studies=2, limit=1e-3)
    assert not made.below.any()
    last = np.arange(made.time.size) >= made.time.size - 3
    made.below[:] = last
    made.size = np.where(last, 40.0, made.size)
    fits = made.fits()
    made.read, made.below = ~made.below, np.zeros_like(made.below)
    without = made.fits()
    np.testing.assert_allclose(fits.estimate, without.estimate, atol=1e-8)
    np.testing.assert_allclose(fits.std_error, without.std_error, rtol=1e-6)
    np.testing.assert_allclose(fits.log_likelihood, without.log_likelihood, atol=1e-7)


def test_without_a_censored_reading_it_is_maximum_likelihood() -> None:
    made = Made(limit=1e-3, studies=3)
    assert not made.below.any()
    fits = made.fits()
    design = replace(made.design, likelihood="ML")
    known = fit_many(replace(made.studies(), design=design), made.weights)
    np.testing.assert_allclose(fits.estimate, known.estimate, atol=1e-7)
    np.testing.assert_allclose(fits.log_likelihood, known.log_likelihood, atol=1e-7)
    np.testing.assert_allclose(fits.residual_variance, known.variances[:, -1], rtol=1e-5)
    assert fits.fitted.all()


@pytest.mark.parametrize("leavers", [False, True])
def test_the_likelihood_and_its_derivatives_are_those_of_one_study(*, leavers: bool) -> None:
    made = Made(studies=4, leavers=leavers)
    lines = many_censored._lines(made.design)
    known = np.where(made.read, made.size, 0.0)
    studies = many_censored._about_lines(known, made.read, made.below, lines)
    likelihood = many_censored._likelihood(studies, lines, POINTS)
    rng = np.random.default_rng(2)
    theta = np.array([0.1, -0.2, 0.3, -0.1, 0.3, -0.1, 0.25, np.log(0.25)])
    theta = theta + 0.1 * rng.normal(size=(4, 8))
    value, gradient, information = likelihood.score(theta)
    part = likelihood.take(np.array([1, 3])).score(theta[[1, 3]])
    for study in range(4):
        rows = made.read[study]
        animal = np.unique(made.animal[rows], return_inverse=True)[1]
        problem = TobitProblem(
            y=studies.rest[study, rows],
            below=made.below[study, rows],
            x=lines.x[rows],
            z=np.column_stack((np.ones(rows.sum()), lines.time[rows])),
            animal=animal,
            stratum=np.zeros(animal.size, dtype=np.intp),
            root=BOTH,
        )
        twin = TobitLikelihood(problem, points=POINTS).score(theta[study])
        # Both integrate by the same rule about modes found to 1e-5: what is left is its error's
        # change.
        assert value[study] == pytest.approx(twin[0], abs=1e-7)
        np.testing.assert_allclose(gradient[study], twin[1], atol=1e-5 * np.abs(twin[1]).max())
        np.testing.assert_allclose(information[study], twin[2], atol=1e-5 * np.abs(twin[2]).max())
    np.testing.assert_allclose(part[0], value[[1, 3]], rtol=1e-12)
    np.testing.assert_allclose(part[2], information[[1, 3]], rtol=1e-9, atol=1e-9)


def test_studies_that_tell_too_little_are_left_alone() -> None:
    made = Made(studies=5)
    alone = made.fits()
    own = made.arm[made.animal]
    # An arm that nobody measured after its first day, and one animal with two readings.
    made.below[1] |= (own == 2) & (made.time > 0)
    made.below[3] = made.time > 0
    fits = made.fits()
    assert fits.fitted.tolist() == [True, False, True, False, True]
    for name in ("estimate", "std_error", "df", "coefficients", "log_likelihood"):
        found, known = getattr(fits, name), getattr(alone, name)
        assert np.isnan(found[[1, 3]]).all()
        np.testing.assert_allclose(found[[0, 2, 4]], known[[0, 2, 4]], rtol=1e-8)
    made.below[:] = made.time > 0
    assert not made.fits().fitted.any()


def test_a_search_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_censored, "_STEPS", 1)
    fits = Made(studies=2).fits()
    assert not fits.fitted.any()
    assert np.isnan(fits.estimate).all()


def test_more_censored_readings_than_the_rule_can_take_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(many_censored, "MOST_CENSORED", 4)
    made = Made(studies=8, seed=1)
    most = made.below.reshape(8, -1, DAYS.size).sum(axis=2).max(axis=1)
    assert 0 < (most > 4).sum() < 8
    assert made.fits().fitted.tolist() == (most <= 4).tolist()


def test_workers_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(studies=9, leavers=True)
    whole = made.fits()
    monkeypatch.setattr(many_censored, "_STUDIES", 4)
    with ThreadPoolExecutor(2) as executor:
        parts = made.fits(executor=executor)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        other = made.fits(executor=executor)
    assert parts.df.tobytes() == other.df.tobytes()
    np.testing.assert_allclose(parts.df, whole.df, rtol=1e-6)
    np.testing.assert_allclose(parts.std_error, whole.std_error, rtol=1e-9)


def test_order_of_rows_and_units_change_nothing() -> None:
    made = Made(studies=3, leavers=True)
    fits = made.fits()
    rows = np.argsort(made.time, kind="stable")
    design = replace(
        made.design,
        y=made.design.y[rows],
        x=made.design.x[rows] * np.array([1.0, *[24.0] * 3]),
        time=made.time[rows] * 24.0,
        animal=made.animal[rows],
    )
    studies = Replicates(
        design=design, outcomes=made.size[:, rows] + 2.0, observed=made.read[:, rows]
    )
    other = fit_many_censored(studies, made.below[:, rows], made.weights, points=POINTS)
    np.testing.assert_allclose(24 * other.estimate, fits.estimate, rtol=1e-6)
    np.testing.assert_allclose(24 * other.std_error, fits.std_error, rtol=1e-6)
    np.testing.assert_allclose(other.df, fits.df, rtol=1e-5)
    hours = np.array([1.0, 24.0])
    np.testing.assert_allclose(
        other.random_covariance * np.outer(hours, hours), fits.random_covariance, rtol=1e-5
    )
    np.testing.assert_allclose(other.coefficients[:, 0], fits.coefficients[:, 0] + 2.0, rtol=1e-7)


def test_animals_come_with_most_censored_readings_first() -> None:
    made = Made(studies=2)
    lines = many_censored._lines(made.design)
    studies = many_censored._about_lines(made.size, made.read, made.below, lines)
    animals: CensoredAnimals = many_censored._likelihood(studies, lines, POINTS).censored
    counts = made.below.reshape(2, -1, DAYS.size).sum(axis=2)
    assert animals.count.tolist() == sorted(counts[counts > 0].tolist(), reverse=True)


def test_what_does_not_fit_is_refused() -> None:
    made = Made(studies=2)
    studies = made.studies()
    with pytest.raises(InputError, match="marks of what is below the limit of shape"):
        fit_many_censored(studies, made.below[:, 1:], made.weights, points=POINTS)
    with pytest.raises(InputError, match="weights of shape"):
        fit_many_censored(studies, made.below, made.weights[:, 1:], points=POINTS)
    for changes in ({"random": "slope"}, {"residual": "arm"}, {"groups": {"cage": made.arm}}):
        other = replace(studies, design=replace(made.design, **changes))
        with pytest.raises(InputError, match="random intercept and slope, one residual"):
            fit_many_censored(other, made.below, made.weights, points=POINTS)
    curved = replace(made.design, x=np.column_stack((made.design.x, made.time**2)))
    with pytest.raises(InputError, match="a line for each arm"):
        fit_many_censored(
            replace(studies, design=curved), made.below, np.ones((1, 5)), points=POINTS
        )
