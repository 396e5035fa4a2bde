"""The Tobit mixed likelihood against brute-force integration and differences of itself."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from oncovivo.growth.tobit import TobitLikelihood, TobitProblem, mills_ratio

FloatArray: TypeAlias = NDArray[np.float64]

BOTH = ((0, 0), (1, 0), (1, 1))
LIMIT = 3.7


def _study(
    *,
    seed: int = 4,
    n: int = 6,
    root: tuple[tuple[int, int], ...] = BOTH,
    by_arm: bool = False,
    columns: slice = slice(0, 2),
    censor: bool = True,
) -> TobitProblem:
    """Two arms, the second shrinking below the limit; unequal numbers of readings."""
    rng = np.random.default_rng(seed)
    y, x, z, animal, stratum = [], [], [], [], []
    for number in range(n):
        arm = int(number >= n // 2)
        time = np.linspace(0.0, 1.0, 4 + number % 3)
        size = 4.6 + 0.3 * rng.normal() + ((1.5, -2.0)[arm] + 0.5 * rng.normal()) * time
        y.append(size + 0.2 * rng.normal(size=time.size))
        x.append(np.column_stack((np.ones(time.size), time * (1 - arm), time * arm)))
        z.append(np.column_stack((np.ones(time.size), time))[:, columns])
        animal += [number] * time.size
        stratum += [arm * by_arm] * time.size
    outcome = np.concatenate(y)
    below = (outcome < LIMIT) & censor
    return TobitProblem(
        y=np.where(below, LIMIT, outcome),
        below=below,
        x=np.vstack(x),
        z=np.vstack(z),
        animal=np.array(animal, dtype=np.intp),
        stratum=np.array(stratum, dtype=np.intp),
        root=root,
    )


# Intercept, two rates; root of the covariance; log residual standard deviation.
FULL = np.array([4.6, 1.4, -2.1, 0.32, 0.1, 0.45, np.log(0.22)])


def _differences(value: object, theta: FloatArray, step: float = 1e-5) -> FloatArray:
    assert callable(value)
    ends = [(value(theta + shift), value(theta - shift)) for shift in step * np.eye(theta.size)]
    return np.array([(high - low) / (2 * step) for high, low in ends])


def _grid_log_likelihood(problem: TobitProblem, theta: FloatArray) -> float:
    """The same integral on a dense grid of intercepts and slopes, in their own scale."""
    beta, lower, log_sd = problem.split(theta)
    covariance = lower @ lower.T
    reach = 9 * np.sqrt(np.diag(covariance))
    axes = [np.linspace(-width, width, 1201) for width in reach]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    prior = stats.multivariate_normal(np.zeros(len(axes)), covariance).logpdf(mesh)
    total = 0.0
    for number in range(problem.n_animals):
        log_value = prior.copy()
        for row in np.flatnonzero(problem.animal == number):
            mean = problem.x[row] @ beta + mesh @ problem.z[row]
            sd = np.exp(log_sd[problem.stratum[row]])
            reading = (
                stats.norm.logcdf(problem.y[row], mean, sd)
                if problem.below[row]
                else stats.norm.logpdf(problem.y[row], mean, sd)
            )
            log_value += reading
        total += float(special.logsumexp(log_value) + np.log(cell))
    return total


def test_two_effects_agree_with_a_dense_grid() -> None:
    problem = _study()
    assert 0.2 < problem.below.mean() < 0.5
    reached = TobitLikelihood(problem, points=21).value(FULL)
    assert reached == pytest.approx(_grid_log_likelihood(problem, FULL), abs=1e-6)


def test_one_effect_agrees_with_scipy_quadrature() -> None:
    problem = _study(root=((0, 0),), columns=slice(1, 2))
    theta = np.array([4.6, 1.4, -2.1, 0.45, np.log(0.3)])

    def integrand(effect: float, number: int) -> float:
        rows = problem.animal == number
        mean = problem.x[rows] @ theta[:3] + problem.z[rows, 0] * effect
        a = (problem.y[rows] - mean) / 0.3
        below = problem.below[rows]
        density = np.where(below, stats.norm.cdf(a), stats.norm.pdf(a) / 0.3)
        return float(density.prod() * stats.norm.pdf(effect, scale=0.45))

    expected = sum(
        np.log(integrate.quad(integrand, -4, 4, args=(number,), limit=200, epsabs=0)[0])
        for number in range(problem.n_animals)
    )
    reached = TobitLikelihood(problem, points=21).value(theta)
    assert reached == pytest.approx(expected, abs=1e-6)


def test_without_censoring_it_is_the_normal_density() -> None:
    problem = _study(censor=False)
    beta, lower, _ = problem.split(FULL)
    expected = 0.0
    for number in range(problem.n_animals):
        rows = problem.animal == number
        z = problem.z[rows]
        covariance = z @ lower @ lower.T @ z.T + 0.22**2 * np.eye(len(z))
        mean = problem.x[rows] @ beta
        expected += stats.multivariate_normal(mean, covariance).logpdf(problem.y[rows])
    for points in (1, 5):
        reached = TobitLikelihood(problem, points=points).value(FULL)
        assert reached == pytest.approx(expected, abs=1e-10)
    laplace = TobitLikelihood(problem, integration="laplace").value(FULL)
    assert laplace == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("root", "columns", "theta"),
    [
        (BOTH, slice(0, 2), FULL),
        (((0, 0), (1, 1)), slice(0, 2), np.delete(FULL, 4)),
        (((0, 0),), slice(1, 2), np.delete(FULL, [3, 4])),
        (((0, 0),), slice(0, 1), np.delete(FULL, [4, 5])),
    ],
)
@pytest.mark.parametrize("by_arm", [False, True])
def test_score_and_information_are_the_differences_of_the_value(
    root: tuple[tuple[int, int], ...], columns: slice, theta: FloatArray, *, by_arm: bool
) -> None:
    problem = _study(root=root, columns=columns, by_arm=by_arm)
    place = np.append(theta, np.log(0.3)) if by_arm else theta
    assert problem.n_parameters == place.size
    likelihood = TobitLikelihood(problem, points=41)
    value, gradient, information = likelihood.score(place)
    assert value == pytest.approx(likelihood.value(place), abs=1e-10)
    np.testing.assert_allclose(gradient, _differences(likelihood.value, place), atol=2e-5)
    by_hand = -_differences(lambda t: likelihood.score(t)[1], place)
    np.testing.assert_allclose(information, by_hand, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("by_arm", [False, True])
def test_the_score_of_laplace_follows_the_modes(*, by_arm: bool) -> None:
    problem = _study(by_arm=by_arm)
    place = np.append(FULL, np.log(0.3)) if by_arm else FULL
    likelihood = TobitLikelihood(problem, integration="laplace")
    value, gradient = likelihood.laplace_score(place)
    assert value == pytest.approx(likelihood.value(place), abs=1e-10)
    np.testing.assert_allclose(gradient, _differences(likelihood.value, place), atol=1e-5)


def test_more_points_come_nearer_and_laplace_is_near() -> None:
    problem = _study(n=12)
    fine = TobitLikelihood(problem, points=61).value(FULL)
    off = [abs(TobitLikelihood(problem, points=k).value(FULL) - fine) for k in (3, 7, 15, 31)]
    assert off == sorted(off, reverse=True)
    assert off[-1] < 1e-7
    laplace = TobitLikelihood(problem, integration="laplace").value(FULL)
    assert 1e-6 < abs(laplace - fine) < 0.05


def test_many_readings_are_handled_in_chunks_without_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = _study(n=12)
    value, gradient, information = TobitLikelihood(problem, points=11).score(FULL)
    monkeypatch.setattr("oncovivo.growth.tobit._CHUNK", 3000)
    parts = TobitLikelihood(problem, points=11).score(FULL)
    assert parts[0] == pytest.approx(value, abs=1e-11)
    np.testing.assert_allclose(parts[1], gradient, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(parts[2], information, rtol=1e-10, atol=1e-9)


def test_a_start_far_from_the_modes_ends_at_the_same_value() -> None:
    problem = _study()
    warm = TobitLikelihood(problem, points=15)
    for shift in (30.0, -30.0):
        far = FULL.copy()
        far[2] += shift
        assert np.isfinite(warm.value(far))
    assert warm.value(FULL) == pytest.approx(
        TobitLikelihood(problem, points=15).value(FULL), abs=1e-9
    )


def test_the_mills_ratio_holds_in_both_tails() -> None:
    middle = np.linspace(-30, 30, 121)
    known = np.exp(stats.norm.logpdf(middle) - special.log_ndtr(middle))
    np.testing.assert_allclose(mills_ratio(middle), known, rtol=1e-11, atol=1e-300)
    far = np.array([-1e3, -1e6, -1e100])
    np.testing.assert_allclose(mills_ratio(far), -far - 1 / far, rtol=1e-9)
    assert mills_ratio(np.array([50.0, 1e100])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bound", [-1e2 + 1e-6, -1e2 - 1e-6, -1e4, -1e7])
def test_derivatives_far_below_the_limit_stay_between_their_bounds(bound: float) -> None:
    problem = TobitProblem(
        y=np.array([0.0, bound]),
        below=np.array([False, True]),
        x=np.array([[1.0], [0.0]]),
        z=np.array([[1.0], [0.0]]),
        animal=np.zeros(2, dtype=np.intp),
        stratum=np.zeros(2, dtype=np.intp),
        root=((0, 0),),
    )
    likelihood = TobitLikelihood(problem, points=5)
    theta = np.array([0.0, 1.0, 0.0])
    value, gradient, information = likelihood.score(theta)
    expected = float(special.log_ndtr(bound)) + stats.norm.logpdf(0.0, scale=np.sqrt(2))
    assert value == pytest.approx(expected, rel=1e-12)
    # The log probability falls with half the square of the distance over the deviation.
    assert gradient[2] == pytest.approx(bound**2, rel=1e-3)
    assert information[2, 2] == pytest.approx(2 * bound**2, rel=1e-3)
    value, gradient = TobitLikelihood(problem, integration="laplace").laplace_score(theta)
    assert gradient[2] == pytest.approx(bound**2, rel=1e-3)
