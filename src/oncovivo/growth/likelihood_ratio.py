"""Likelihood-ratio tests between two fits of which one is a special case of the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.growth.engine import Problem
from oncovivo.growth.model import Likelihood, RandomEffects, Residual

if TYPE_CHECKING:
    from oncovivo.growth.fit import GrowthFit

__all__ = ["LikelihoodRatio", "likelihood_ratio_test"]

FloatArray: TypeAlias = NDArray[np.float64]
Subject: TypeAlias = Literal["fixed part", "variance"]

# Columns that reach no further than this share of their length beyond others add nothing.
_SAME_SPACE: Final = 1e-8
# A larger model that falls this far short did not reach its maximum.
_SHORT: Final = 1e-5

_LESS_RANDOM: Final[dict[RandomEffects, frozenset[RandomEffects]]] = {
    "intercept": frozenset(),
    "slope": frozenset(),
    "intercept_slope_independent": frozenset({"intercept", "slope"}),
    "intercept_slope": frozenset({"intercept", "slope", "intercept_slope_independent"}),
}
_LESS_RESIDUAL: Final[dict[Residual, frozenset[Residual]]] = {
    "iid": frozenset(),
    "arm": frozenset({"iid"}),
    "car1": frozenset({"iid"}),
    "arm_car1": frozenset({"iid", "arm", "car1"}),
    "animal": frozenset({"iid", "arm"}),
}
_N_VARIANCES: Final[dict[RandomEffects, int]] = {
    "intercept": 1,
    "slope": 1,
    "intercept_slope_independent": 2,
    "intercept_slope": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Parameters
    ----------
    statistic : float
        Twice the difference of the log-likelihoods, 0 or more.
    df : int
        Parameters that the larger model has more.
    p_value : float
        From `reference`.
    on_boundary : bool
        Whether one of these parameters has the smaller model's value at the edge of what it can
        be, as a variance of 0 is.
    reference : str
        Distribution of the statistic when the smaller model holds, in words.
    subject : {"fixed part", "variance"}
        What the models differ in.
    likelihood : {"REML", "ML"}
        Which likelihood.
    log_likelihood_smaller, log_likelihood_larger : float
        Of the fits.
    """

    statistic: float
    df: int
    p_value: float
    on_boundary: bool
    reference: str
    subject: Subject
    likelihood: Likelihood
    log_likelihood_smaller: float
    log_likelihood_larger: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def likelihood_ratio_test(smaller: GrowthFit, larger: GrowthFit) -> LikelihoodRatio:
    """Test whether a larger model fits better than a special case of it.

    Fits of different fixed parts are compared by full maximum likelihood; the chi-square
    distribution is too liberal with few animals, and the t and F tests of the larger fit are the
    ones to report. Fits that differ in random effects or residual are compared by either
    likelihood. Where one added parameter lies on the edge in the smaller model (a variance of 0, a
    residual correlation of 0), the statistic is distributed as an equal mixture of chi-squares
    with as many degrees of freedom as there are other added parameters, and one more (Self and
    Liang, J Am Stat Assoc 1987;82:605; Stram and Lee, Biometrics 1994;50:1171).

    Parameters
    ----------
    smaller, larger : GrowthFit
        Fits of the same readings.

    Raises
    ------
    InputError
        If the fits are not comparable: other readings, another likelihood, models of which none
        is a special case of the other, fixed parts that differ under restricted likelihood, or
        more than one parameter on the edge.
    DataError
        If the larger model fits worse, so that it cannot be at its maximum.
    """
    _check_same_data(smaller, larger)
    less, more = smaller.problem, larger.problem
    _check_inside(less.x, more.x)
    added_columns = more.x.shape[1] - less.x.shape[1]
    variance_differs = _structure(less) != _structure(more)
    if added_columns and variance_differs:
        expected = "models that differ in the fixed part or in the variance, not in both"
        raise InputError(expected, found="both differ")
    if not added_columns and not variance_differs:
        expected = "a larger model with parameters that the smaller one lacks"
        raise InputError(expected, found="two fits of one model")
    if added_columns and smaller.likelihood == "REML":
        expected = "fits by likelihood 'ML' to compare fixed parts"
        mend = "a restricted likelihood is one of other data when the fixed part changes"
        raise InputError(expected, found="REML", mend=mend)
    edge = 0
    df = added_columns
    if variance_differs:
        _check_variance(less, more)
        edge = _on_edge(more) - _on_edge(less)
        df = _n_parameters(more) - _n_parameters(less)
        if edge > 1:
            expected = "models that differ by one variance, or one correlation of residuals"
            found = f"{edge} that are 0 in the smaller model"
            raise InputError(expected, found=found, mend="add one after the other")
    first = smaller.log_likelihood
    second = larger.log_likelihood
    gain = second - first
    if smaller.likelihood == "REML":
        # Other columns of the same space shift the restricted likelihood by a constant.
        gain += _half_log_det(more.x) - _half_log_det(less.x)
    if gain < -_SHORT * (1.0 + abs(first)):
        expected = "a larger model that fits at least as well"
        found = f"a log-likelihood lower by {-gain:.3g}"
        raise DataError(expected, found=found, mend="the larger fit is not at its maximum")
    statistic = max(2.0 * gain, 0.0)
    return LikelihoodRatio(
        statistic=statistic,
        df=df,
        p_value=_p_value(statistic, df, on_edge=bool(edge)),
        on_boundary=bool(edge),
        reference=f"equal mixture of chi-square with {df - 1} and {df} degrees of freedom"
        if edge
        else f"chi-square with {df} degree{'s' if df > 1 else ''} of freedom",
        subject="variance" if variance_differs else "fixed part",
        likelihood=smaller.likelihood,
        log_likelihood_smaller=first,
        log_likelihood_larger=second,
    )


def _p_value(statistic: float, df: int, *, on_edge: bool) -> float:
    upper = float(special.chdtrc(df, statistic))
    if not on_edge:
        return upper
    # Chi-square with no degrees of freedom is always 0.
    lower = float(special.chdtrc(df - 1, statistic)) if df > 1 else float(statistic <= 0)
    return 0.5 * (lower + upper)


def _check_same_data(smaller: GrowthFit, larger: GrowthFit) -> None:
    less, more = smaller.problem, larger.problem
    same = (
        less.y.shape == more.y.shape
        and np.array_equal(less.y, more.y)
        and np.array_equal(less.time, more.time)
        and np.array_equal(less.animal, more.animal)
        and smaller.n_censored == larger.n_censored
    )
    if not same:
        expected = "two fits of the same readings"
        found = f"{less.y.size} and {more.y.size} readings"
        if less.y.size == more.y.size:
            found += " that differ"
        raise InputError(expected, found=found)
    if smaller.likelihood != larger.likelihood:
        expected = "two fits by the same likelihood"
        raise InputError(expected, found=f"{smaller.likelihood} and {larger.likelihood}")


def _check_inside(less: FloatArray, more: FloatArray) -> None:
    """Refuse a smaller fixed part that is not a special case of the larger."""
    basis = np.linalg.qr(more)[0]
    rest = less - basis @ (basis.T @ less)
    size = np.linalg.norm(less, axis=0)
    if (np.linalg.norm(rest, axis=0) > _SAME_SPACE * size).any():
        expected = "a smaller fixed part that is a special case of the larger one"
        raise InputError(expected, found="columns that the larger model lacks")


def _structure(problem: Problem) -> tuple[RandomEffects, Residual, tuple[str, ...]]:
    return problem.random, problem.residual, tuple(sorted(problem.groups))


def _check_variance(less: Problem, more: Problem) -> None:
    """Refuse variances of which the smaller are no special case, or too many to count."""
    inside = (
        less.random in {more.random, *_LESS_RANDOM[more.random]}
        and less.residual in {more.residual, *_LESS_RESIDUAL[more.residual]}
        and set(less.groups) <= set(more.groups)
    )
    if not inside:
        expected = "a smaller model whose variance is a special case of the larger one's"
        found = " against ".join(
            ", ".join((f"random {p.random}", f"residual {p.residual}", *sorted(p.groups)))
            for p in (less, more)
        )
        raise InputError(expected, found=found)
    if more.residual == "animal" and less.residual != "animal":
        expected = "a number of variances that does not grow with the animals"
        raise InputError(expected, found="residual 'animal'")


def _on_edge(problem: Problem) -> int:
    """Parameters that may be 0 and no less."""
    correlated = problem.residual in ("car1", "arm_car1")
    return _N_VARIANCES[problem.random] + len(problem.groups) + int(correlated)


def _n_parameters(problem: Problem) -> int:
    by_arm = problem.residual in ("arm", "arm_car1")
    residual = np.unique(problem.arm).size if by_arm else 1
    return _on_edge(problem) + int(problem.random == "intercept_slope") + residual


def _half_log_det(x: FloatArray) -> float:
    return float(np.log(np.abs(np.diag(np.linalg.qr(x, mode="r")))).sum())
