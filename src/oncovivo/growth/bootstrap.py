"""Parametric bootstrap of one question, for studies too small for theory.

The statistic is the t of the fit; its distribution comes from studies drawn from the model that
was fitted under the null hypothesis. Estimates of a linear mixed model move with its coefficients
and leave their errors alone, so the drawn studies need no mean: only the variances matter.

References
----------
Halekoh U, Højsgaard S. J Stat Softw 2014;59(9):1 (parametric bootstrap of mixed models). Davison
AC, Hinkley DV. Bootstrap Methods and their Application, 1997, chapters 4 and 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.engine import Problem
from oncovivo.growth.fit import GrowthFit
from oncovivo.growth.many import ManyFits, Method, fit_many
from oncovivo.growth.replicates import Replicates

__all__ = ["BootstrapTest", "NullStatistics", "bootstrap_test", "null_statistics"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

DRAWS: Final = 999
# A count of draws that rounding alone moves above a whole number is that number.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapTest:
    """A question answered by the parametric bootstrap.

    Parameters
    ----------
    estimate, std_error, statistic : float
        Of the fit.
    p_value : float
        Two-sided, (1 + drawn statistics at least as large) / (1 + draws).
    lower, upper : float
        Bootstrap-t interval, symmetric about the estimate; it leaves out 0 only where the p value
        is at most 1 - `level`.
    critical : float
        Multiple of the standard error that the interval reaches.
    level : float
        Confidence of the interval.
    draws : int
        Studies drawn under the null hypothesis.
    singular : int
        Drawn studies whose fit is singular.
    method : str
        What the statistic and its distribution are.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    lower: float
    upper: float
    critical: float
    level: float
    draws: int
    singular: int
    method: str

    def to_dict(self) -> dict[str, float | int | str]:
        """All fields, ready for JSON."""
        return {
            "estimate": self.estimate,
            "std_error": self.std_error,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "lower": self.lower,
            "upper": self.upper,
            "critical": self.critical,
            "level": self.level,
            "draws": self.draws,
            "singular": self.singular,
            "method": self.method,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NullStatistics:
    """Statistics of studies drawn under the null hypothesis of each of B studies.

    Parameters
    ----------
    statistic : ndarray, shape (B, draws)
        The t statistic.
    singular : ndarray of bool, shape (B, draws)
        Whether the drawn study's fit is singular.
    """

    statistic: FloatArray
    singular: BoolArray


def bootstrap_test(
    fit: GrowthFit,
    weights: FloatArray,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = 0.95,
) -> BootstrapTest:
    """Test that a linear question has the answer 0, by the parametric bootstrap.

    Parameters
    ----------
    fit : GrowthFit
        Without groups, residual ``iid`` or ``arm``, inference ``kr`` or ``satterthwaite``.
    weights : ndarray, shape (p,)
        The question.
    rng : numpy.random.Generator
        Random numbers.
    draws : int
        Studies that are drawn; the smallest p value is 1 / (draws + 1).
    level : float
        Confidence of the interval.

    Raises
    ------
    InputError
        If the fit's model cannot be drawn from, the weights do not fit its coefficients, or the
        draws are too few for the level.

    Notes
    -----
    The variances that are drawn from are themselves estimates: in four arms of three animals the
    test keeps its level, in two arms of three it rejects at up to about 6.5 % instead of 5 %
    (``validation/growth/type_one.json``), where an intercept for each arm is exact.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> from oncovivo.growth.fit import fit_growth
    >>> day = np.tile([0.0, 3.0, 6.0, 9.0], 6)
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=day,
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> fit = fit_growth(data)
    >>> weights = fit.terms.rate(1) - fit.terms.rate(0)
    >>> found = bootstrap_test(fit, weights, rng=np.random.default_rng(1))
    >>> found.p_value < 0.05, found.upper < 0
    (True, True)
    """
    method = _check(fit, draws, level)
    row = np.asarray(weights, dtype=np.float64)
    if row.shape != (fit.coefficients.size,):
        expected = f"the {fit.coefficients.size} weights of one question"
        raise InputError(expected, found=f"shape {row.shape}")
    _check_question(row)
    answer = fit.contrasts(row, level=level)
    estimate, error = float(answer.estimate[0]), float(answer.std_error[0])
    statistic = float(answer.statistic[0])
    if not math.isfinite(statistic):
        expected = "a question whose answer has a standard error"
        raise InputError(expected, found="a standard error of 0")
    studies = Replicates(design=fit.problem, outcomes=fit.problem.y[None])
    null = null_statistics(studies, row, rng=rng, draws=draws, method=method)
    size = np.abs(null.statistic[0])
    place = math.ceil(level * (draws + 1) - _ROUNDING)
    critical = float(np.sort(size)[place - 1])
    return BootstrapTest(
        estimate=estimate,
        std_error=error,
        statistic=statistic,
        p_value=(1 + int((size >= abs(statistic)).sum())) / (draws + 1),
        lower=estimate - critical * error,
        upper=estimate + critical * error,
        critical=critical,
        level=level,
        draws=draws,
        singular=int(null.singular.sum()),
        method=f"parametric bootstrap of t ({answer.method})",
    )


def null_statistics(
    studies: Replicates,
    weights: FloatArray,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    method: Method = "kr",
) -> NullStatistics:
    """Draw studies under each study's null hypothesis, and fit them.

    Parameters
    ----------
    studies : Replicates
        One design, with residual ``iid`` or ``arm`` and without groups.
    weights : ndarray, shape (p,)
        The question, whose answer is 0 under the null hypothesis.
    rng : numpy.random.Generator
        Random numbers.
    draws : int
        Studies drawn for each.
    method : {"kr", "satterthwaite"}
        Which t statistic.

    Raises
    ------
    InputError
        If the model has one coefficient only, or the question has no weights.
    """
    _check_question(weights)
    made = studies.by_animal()
    design = made.design
    null = replace(made, design=replace(design, x=design.x @ _null_space(weights)))
    fits = fit_many(null, np.eye(1, null.design.x.shape[1]))
    outcomes = _draw(design, fits, rng=rng, draws=draws)
    drawn = Replicates(
        design=design,
        outcomes=outcomes.reshape(-1, design.time.size),
        observed=None if made.observed is None else np.repeat(made.observed, draws, axis=0),
    )
    refits = fit_many(drawn, weights[None], method=method)
    shape = (made.outcomes.shape[0], draws)
    # A fit that did not reach its optimum counts against the question.
    size = np.where(refits.converged, refits.statistic[:, 0], np.inf)
    return NullStatistics(
        statistic=np.where(np.isnan(size), np.inf, size).reshape(shape),
        singular=refits.singular.reshape(shape),
    )


def _check_question(weights: FloatArray) -> None:
    """Refuse weights that ask nothing, and models that have no null hypothesis."""
    if not np.isfinite(weights).all() or not weights.any():
        raise InputError("weights that ask about a coefficient", found="none")
    if weights.size < 2:
        expected = "a model that has coefficients under the null hypothesis"
        raise InputError(expected, found="one coefficient in all")


def _null_space(weights: FloatArray) -> FloatArray:
    """Columns that span the coefficients for which the answer is 0, shape (p, p - 1)."""
    return np.linalg.qr(weights[:, None], mode="complete")[0][:, 1:]


def _draw(design: Problem, fits: ManyFits, *, rng: np.random.Generator, draws: int) -> FloatArray:
    """Random effects and residuals of studies with given variances, shape (B, draws, m)."""
    studies, n = fits.n_studies, design.arm.size
    value = dict(zip(fits.parameters, fits.variances.T, strict=True))
    nothing = np.zeros(studies)
    level = value.get("var(intercept)", nothing)
    both = value.get("cov(intercept,slope)", nothing)
    slope = value.get("var(slope)", nothing)
    sd_level = np.sqrt(level)
    shared = np.divide(both, sd_level, out=np.zeros(studies), where=level > 0)
    own = np.sqrt(np.maximum(slope - shared**2, 0.0))
    residual = np.sqrt(
        np.broadcast_to(value["var(residual)"][:, None], (studies, n))
        if design.residual == "iid"
        else np.stack([value[f"var(residual:{arm})"] for arm in design.arm.tolist()], axis=1)
    )
    first, second = rng.standard_normal((2, studies, draws, n))
    line = shared[:, None, None] * first + own[:, None, None] * second
    animal = design.animal
    outcome = rng.standard_normal((studies, draws, design.time.size))
    outcome *= residual[:, None, animal]
    outcome += (sd_level[:, None, None] * first)[:, :, animal]
    outcome += line[:, :, animal] * design.time
    return outcome


def _check(fit: GrowthFit, draws: int, level: float) -> Method:
    """Refuse models that are not drawn from, and draws that do not reach the level."""
    problem = fit.problem
    if problem.groups or problem.residual not in ("iid", "arm"):
        expected = "a model without groups, with residual 'iid' or 'arm'"
        found = ", ".join([*problem.groups, f"residual '{problem.residual}'"])
        mend = "Kenward-Roger inference serves the others"
        raise InputError(expected, found=found, mend=mend)
    if fit.derivatives is None:
        expected = "a fit without censored readings"
        raise InputError(expected, found=f"{fit.n_censored} of them")
    method = fit.model.df
    if method == "cr2":
        raise InputError("inference 'kr' or 'satterthwaite'", found="'cr2'")
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if level * (draws + 1) > draws + _ROUNDING:
        fewest = math.ceil(level / (1 - level) - _ROUNDING)
        raise InputError(f"at least {fewest} draws at level {level:g}", found=str(draws))
    return method
