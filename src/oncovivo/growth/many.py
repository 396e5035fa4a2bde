"""Mixed models of many studies in a few array computations."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.cross_products import (
    CrossProducts,
    Scalings,
    cross_products,
    stack_products,
)
from oncovivo.growth.engine import Problem
from oncovivo.growth.kenward_roger import adjusted_covariance, contrast_df
from oncovivo.growth.line_fit import fit_lines
from oncovivo.growth.model import Likelihood, RandomEffects
from oncovivo.growth.reduced import (
    check_reduces,
    log_likelihoods,
    observed_information,
    parameter_names,
    parameter_units,
    relative_derivatives,
    variance_parameters,
)
from oncovivo.growth.replicates import Replicates, replicate_products
from oncovivo.growth.small_sample import invert_information
from oncovivo.numerics.mapping import map_parts, split_evenly

__all__ = ["ManyFits", "Method", "fit_many"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Method: TypeAlias = Literal["kr", "satterthwaite"]

# Numbers in the arrays of one chunk: enough to forget the cost of a call, few enough to stay in
# the cache.
_CHUNK_NUMBERS: Final = 400_000
_FEWEST_STUDIES: Final = 16
# Several chunks for each size of study, so that workers share them.
_MOST_STUDIES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyFits:
    """Fits of B studies and their answers to k questions.

    What a study cannot tell is NaN, and `estimable` says so.

    Parameters
    ----------
    coefficients : ndarray, shape (B, p)
        Where studies have different numbers of them, the rest of a row is NaN.
    estimate, std_error, df, statistic, p_value : ndarray, shape (B, k)
        Each question's two-sided t test.
    std_error_plain, p_value_normal : ndarray, shape (B, k)
        Standard error that takes the variances as known, and its z test, for comparison.
    parameters : tuple of str, length r
        Variance parameters, as those of an engine's fit.
    variances : ndarray, shape (B, r)
        Their estimates.
    log_likelihood : ndarray, shape (B,)
        At the maximum, with all constants.
    converged, singular, estimable : ndarray of bool, shape (B,)
        Whether the maximum was reached; whether it is on the boundary; whether the readings
        tell all coefficients apart.
    df_limit : ndarray, shape (B,)
        Animals minus arms, which singular fits' degrees of freedom do not exceed.
    method : {"kr", "satterthwaite"}
        How standard errors and degrees of freedom were made.
    """

    coefficients: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    std_error_plain: FloatArray
    p_value_normal: FloatArray
    parameters: tuple[str, ...]
    variances: FloatArray
    log_likelihood: FloatArray
    converged: BoolArray
    singular: BoolArray
    estimable: BoolArray
    df_limit: FloatArray
    method: Method

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return int(self.estimate.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    """Studies that are fitted at once."""

    data: CrossProducts
    scalings: Scalings
    weights: FloatArray
    df_limit: FloatArray
    names: tuple[str, ...]
    random: RandomEffects
    likelihood: Likelihood


def fit_many(
    studies: Replicates | Sequence[Problem],
    weights: FloatArray | Sequence[FloatArray],
    *,
    method: Method = "kr",
    executor: Executor | None = None,
) -> ManyFits:
    """Fits of many studies, and the tests of the same questions in each.

    The fits are those of ``fit_reduced``. Studies of one design go fastest; unequal ones are put
    together by size. The result does not depend on the executor.

    Parameters
    ----------
    studies : Replicates or sequence of Problem
        One design with many outcomes, or studies of one model (random effects, residual and
        likelihood) without groups.
    weights : ndarray, shape (k, p), or a sequence of them
        The questions: the same for all studies, or the weights of each.
    method : {"kr", "satterthwaite"}
        Kenward-Roger, or the plain covariance with Satterthwaite degrees of freedom.
    executor : concurrent.futures.Executor, optional
        Who does the work; without it, this process.

    Raises
    ------
    InputError
        If weights do not fit the coefficients, a model does not reduce, or models differ.

    Examples
    --------
    >>> day = np.tile([0.0, 4.0, 8.0], 6)
    >>> animal = np.repeat(np.arange(6), 3)
    >>> arm = np.repeat([0, 1], 3)
    >>> drug = arm[animal] == 1
    >>> x = np.column_stack((np.ones(18), np.where(drug, 0, day), np.where(drug, day, 0)))
    >>> rng = np.random.default_rng(1)
    >>> y = x @ [5, 0.1, 0.06] + rng.normal(scale=0.1, size=(200, 18))
    >>> design = Problem(y=y[0], x=x, time=day, animal=animal, arm=arm)
    >>> fits = fit_many(Replicates(design=design, outcomes=y), np.array([[0.0, -1.0, 1.0]]))
    >>> round(float(fits.estimate.mean()), 3)
    -0.04
    """
    if isinstance(studies, Replicates):
        return _fit_replicates(studies.by_animal(), np.asarray(weights), method, executor)
    return _fit_problems(studies, weights, method, executor)


def _fit_replicates(
    studies: Replicates, weights: FloatArray, method: Method, executor: Executor | None
) -> ManyFits:
    """Chunks of one design."""
    design = studies.design
    _check(design, weights, where="design")
    patterns = design.arm.size if studies.observed is not None else 1
    size = _chunk_size(design.x.shape[1], patterns)
    chunks = split_evenly(studies.outcomes.shape[0], size)
    parts = [(studies.take(chunk), weights) for chunk in chunks]
    return _joined(map_parts(partial(_fit_chunk, method=method), parts, executor=executor))


def _fit_chunk(part: tuple[Replicates, FloatArray], method: Method) -> ManyFits:
    """One chunk of one design."""
    studies, weights = part
    design = studies.design
    data, scalings = replicate_products(studies)
    batch = _Batch(
        data=data,
        scalings=scalings,
        weights=np.broadcast_to(weights, (data.n_studies, *weights.shape)),
        df_limit=_df_limits(studies),
        names=parameter_names(design),
        random=design.random,
        likelihood=design.likelihood,
    )
    return _fit_batch(batch, method)


def _df_limits(studies: Replicates) -> FloatArray:
    """Animals minus arms among those that have a reading."""
    design = studies.design
    n_arms = int(design.arm.max()) + 1
    if studies.observed is None:
        limit = float(design.arm.size - np.unique(design.arm).size)
        return np.full(studies.outcomes.shape[0], limit)
    first = np.flatnonzero(np.diff(design.animal, prepend=-1))
    present = np.logical_or.reduceat(studies.observed, first, axis=1)
    arms = np.array([present[:, design.arm == arm].any(axis=1) for arm in range(n_arms)])
    return np.asarray(present.sum(axis=1) - arms.sum(axis=0), dtype=np.float64)


def _fit_problems(
    problems: Sequence[Problem],
    weights: FloatArray | Sequence[FloatArray],
    method: Method,
    executor: Executor | None,
) -> ManyFits:
    """Chunks of studies with as many coefficients and residual variances, sorted by size."""
    if not problems:
        raise InputError("at least one study", found="none")
    rows = (
        [weights] * len(problems)
        if isinstance(weights, np.ndarray)
        else [np.asarray(own) for own in weights]
    )
    if len(rows) != len(problems):
        raise InputError(f"weights for each of {len(problems)} studies", found=str(len(rows)))
    first = problems[0]
    keys = []
    for number, (problem, own) in enumerate(zip(problems, rows, strict=True)):
        _check(problem, own, where=f"study {number}")
        if (problem.random, problem.residual, problem.likelihood, own.shape[0]) != (
            first.random,
            first.residual,
            first.likelihood,
            rows[0].shape[0],
        ):
            expected = "the model and the number of questions of the first study in all"
            raise InputError(expected, found="another", where=f"study {number}")
        classes = np.unique(problem.arm).size if problem.residual == "arm" else 1
        keys.append((classes, problem.x.shape[1], problem.arm.size, number))
    keys.sort()
    parts: list[list[tuple[Problem, FloatArray]]] = []
    places: list[int] = []
    low = 0
    while low < len(keys):
        high = low
        while high < len(keys) and keys[high][:2] == keys[low][:2]:
            high += 1
        size = _chunk_size(keys[low][1], keys[high - 1][2])
        for piece in split_evenly(high - low, size):
            numbers = [key[3] for key in keys[low:high][piece]]
            parts.append([(problems[number], rows[number]) for number in numbers])
            places.extend(numbers)
        low = high
    found = map_parts(partial(_fit_unequal, method=method), parts, executor=executor)
    return _joined(found, np.argsort(places))


def _fit_unequal(parts: list[tuple[Problem, FloatArray]], method: Method) -> ManyFits:
    """One chunk of unequal studies."""
    prepared = [cross_products(problem)[:2] for problem, _ in parts]
    scalings = [own for _, own in prepared]
    batch = _Batch(
        data=stack_products([data for data, _ in prepared]),
        scalings=Scalings(
            time=np.concatenate([own.time for own in scalings]),
            outcome=np.concatenate([own.outcome for own in scalings]),
            triangle=np.concatenate([own.triangle for own in scalings]),
            start=np.concatenate([own.start for own in scalings]),
            estimable=np.concatenate([own.estimable for own in scalings]),
        ),
        weights=np.array([weights for _, weights in parts]),
        df_limit=np.array(
            [float(problem.arm.size - np.unique(problem.arm).size) for problem, _ in parts]
        ),
        names=parameter_names(parts[0][0]),
        random=parts[0][0].random,
        likelihood=parts[0][0].likelihood,
    )
    return _fit_batch(batch, method)


def _fit_batch(batch: _Batch, method: Method) -> ManyFits:
    """Fit, inference, and back to the units of the problems."""
    data, scalings = batch.data, batch.scalings
    fits = fit_lines(data, random=batch.random, likelihood=batch.likelihood)
    chosen = variance_parameters(batch.random, data.n_classes)
    # Coefficients of X are triangle⁻¹ times those of Q; so are the weights on the other side.
    back = np.linalg.inv(scalings.triangle)
    weights = batch.weights @ back
    beta = scalings.start + scalings.outcome[:, None] * fits.statistics.coefficients
    derivatives = relative_derivatives(fits, chosen, likelihood=batch.likelihood)
    covariance = derivatives.covariance
    plain = ((weights @ covariance) * weights).sum(axis=2)
    if method == "kr":
        spread = invert_information(derivatives.information)
        covariance = adjusted_covariance(derivatives, spread)
    else:
        spread = invert_information(observed_information(fits, chosen))
    variance = ((weights @ covariance) * weights).sum(axis=2)
    df = contrast_df(derivatives, spread, weights)
    df = np.where(fits.singular[:, None], np.minimum(df, batch.df_limit[:, None]), df)
    scale = np.sqrt(fits.scale) * scalings.outcome
    estimate = (weights @ beta[:, :, None])[:, :, 0]
    error = scale[:, None] * np.sqrt(np.maximum(variance, 0.0))
    error_plain = scale[:, None] * np.sqrt(np.maximum(plain, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > 0, estimate / error, np.nan)
        normal = np.where(error_plain > 0, estimate / error_plain, np.nan)
    natural = np.concatenate((fits.covariance, fits.residual), axis=1)
    units = parameter_units(scalings.time, data.n_classes)
    variances = (natural / units)[:, chosen] * scalings.outcome[:, None] ** 2
    known = scalings.estimable
    unknown = ~known[:, None]
    return ManyFits(
        coefficients=np.where(unknown, np.nan, (back @ beta[:, :, None])[:, :, 0]),
        estimate=np.where(unknown, np.nan, estimate),
        std_error=np.where(unknown, np.nan, error),
        df=np.where(unknown, np.nan, df),
        statistic=np.where(unknown, np.nan, statistic),
        p_value=np.where(unknown, np.nan, 2 * special.stdtr(df, -np.abs(statistic))),
        std_error_plain=np.where(unknown, np.nan, error_plain),
        p_value_normal=np.where(unknown, np.nan, 2 * special.ndtr(-np.abs(normal))),
        parameters=tuple(batch.names[index] for index in chosen.tolist()),
        variances=np.where(unknown, np.nan, variances),
        log_likelihood=np.where(
            known, log_likelihoods(data, fits, scalings, batch.likelihood), np.nan
        ),
        converged=fits.converged & known,
        singular=fits.singular & known,
        estimable=known,
        df_limit=batch.df_limit,
        method=method,
    )


def _chunk_size(coefficients: int, patterns: int) -> int:
    """Studies of one chunk."""
    numbers = 3 * patterns * ((coefficients + 1) ** 2 + 10)
    return int(np.clip(_CHUNK_NUMBERS // numbers, _FEWEST_STUDIES, _MOST_STUDIES))


def _check(problem: Problem, weights: FloatArray, *, where: str) -> None:
    """Refuse what does not reduce, and weights that do not fit."""
    check_reduces(problem)
    p = problem.x.shape[1]
    if weights.ndim != 2 or weights.shape[1] != p:
        expected = f"weights of shape (questions, {p})"
        raise InputError(expected, found=str(weights.shape), where=where)


def _joined(parts: Sequence[ManyFits], order: IntArray | None = None) -> ManyFits:
    """One result of the chunks', in the order of the studies."""

    def whole(name: str) -> FloatArray:
        arrays = [getattr(part, name) for part in parts]
        if arrays[0].ndim == 2:
            width = max(array.shape[1] for array in arrays)
            arrays = [
                np.pad(array, ((0, 0), (0, width - array.shape[1])), constant_values=np.nan)
                if array.shape[1] < width
                else array
                for array in arrays
            ]
        joined = np.concatenate(arrays)
        return joined if order is None else joined[order]

    return ManyFits(
        coefficients=whole("coefficients"),
        estimate=whole("estimate"),
        std_error=whole("std_error"),
        df=whole("df"),
        statistic=whole("statistic"),
        p_value=whole("p_value"),
        std_error_plain=whole("std_error_plain"),
        p_value_normal=whole("p_value_normal"),
        variances=whole("variances"),
        log_likelihood=whole("log_likelihood"),
        converged=whole("converged").astype(bool),
        singular=whole("singular").astype(bool),
        estimable=whole("estimable").astype(bool),
        df_limit=whole("df_limit"),
        parameters=max((part.parameters for part in parts), key=len),
        method=parts[0].method,
    )
