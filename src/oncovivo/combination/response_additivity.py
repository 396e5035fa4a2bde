"""Response additivity: the partners' effects on the size itself add up.

R_AB = R_A + R_B - R_C for relative sizes R, with three partners R_ABZ = R_A + R_B + R_Z - 2 R_C.
What is foreseen may be below zero, so the test compares sums of positive numbers:
ln(R_AB + R_C) - ln(R_A + R_B).

References
----------
Romero-Becerra R. SynergyLMM, R package, doi 10.32614/CRAN.package.SynergyLMM (the same null model,
tested there on simulated ratios of areas that are cut at 0 and at 100). Fieller EC. J R Stat Soc B
1954;16:175 (a set of ratios that a test does not reject).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination.answers import (
    in_units,
    index_of,
    not_estimable,
    share_in_units,
    two_sided,
)
from oncovivo.combination.detectable import MANY, POWER, power_of_t
from oncovivo.combination.quantities import ArmQuantities, Question, arm_quantities, pose
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit

__all__ = [
    "DRAWS",
    "SIZE_SCALES",
    "AdditivityBootstrap",
    "RatioFamily",
    "SizeScale",
    "response_additivity",
    "response_additivity_bootstrap",
]

FloatArray: TypeAlias = NDArray[np.float64]
SizeScale: TypeAlias = Literal["relative_volume", "tgi", "auc"]

SIZE_SCALES: Final[tuple[SizeScale, ...]] = get_args(SizeScale)
"""Scales on which partners' effects add up."""

DRAWS: Final = 10_000
"""Draws of the bootstrap unless asked otherwise."""

NOT_POSITIVE: Final = "the foreseen size is not above zero: the index does not exist"
NONE_DETECTABLE: Final = "no combination, even one that leaves nothing, would show with 80 % power"
# Beyond this the log of an index counts as without limit.
_FARTHEST: Final = 60.0
_FEWEST_DRAWS: Final = 200


def response_additivity(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    scale: SizeScale = "relative_volume",
    day: float | None = None,
    level: float = 0.95,
) -> SynergyResult:
    """Test a combination against response additivity, two-sided, by the delta method.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    scale : {"relative_volume", "tgi", "auc"}
        Size relative to the start on the day, the same told as inhibition of the model, or the
        area under it up to the day. Rates have no response additivity.
    day : float, optional
        Study day; else the last on which each of the arms was read.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or scale or level is none.

    Notes
    -----
    Limits of the index are the ratios I for which R_AB = I (R_A + R_B - R_C) is not rejected by
    the same test on ln(R_AB + I R_C) - ln(I (R_A + R_B)); they agree with the p value, and the
    upper one does not exist where the foreseen size may be zero.
    """
    question = _pose(fit, arms, scale=scale, day=day, level=level)
    if question.unbounded:
        return not_estimable(fit, question, "response_additivity")
    family = RatioFamily(fit, question)
    estimate, slopes = family.at(0.0)
    found = two_sided(fit, question, "response_additivity", estimate=estimate, slopes=slopes)
    center = family.log_index()
    index = None if center is None else index_of(center)
    control, observed = family.control, family.observed
    found = replace(
        found,
        observed=in_units(question, observed, control=control),
        foreseen=share_in_units(question, family.foreseen_share(), control=control),
    )
    reason = found.reason or ("" if center is not None else NOT_POSITIVE)
    if found.std_error is None:
        return replace(found, index=index, reason=reason)
    lower, upper = family.limits()
    detectable = family.detectable()
    if center is not None and detectable is None:
        reason = NONE_DETECTABLE
    return replace(
        found,
        index=index,
        index_lower=None if lower is None else index_of(lower),
        index_upper=None if upper is None else index_of(upper),
        detectable_index=detectable,
        reason=reason,
    )


def _pose(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    scale: SizeScale,
    day: float | None,
    level: float,
) -> Question:
    if scale not in SIZE_SCALES:
        expected = "a scale of sizes: " + ", ".join(SIZE_SCALES)
        mend = "effects on rates do not add up to an effect on sizes"
        raise InputError(expected, found=repr(scale), mend=mend)
    return pose(fit, arms, scale=scale, day=day, level=level)


class RatioFamily:
    """The tests that the combination is I times what is foreseen, for each log of I.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    question : Question
        What was asked, on a scale of sizes.
    critical : float, optional
        Multiple of the standard error that limits reach, where several days are held together;
        else the t quantile of each test.
    """

    def __init__(
        self, fit: GrowthFit, question: Question, *, critical: float | None = None
    ) -> None:
        numbers = (question.control, *question.partners, question.combination)
        self._fit = fit
        self._level = question.level
        self._critical = critical
        self._quantity: ArmQuantities = arm_quantities(
            fit, numbers, scale=question.scale, time=question.time
        )
        self._log_share = math.log(len(question.partners) - 1)

    def at(self, log_index: float, *, observed: float | None = None) -> tuple[float, FloatArray]:
        """ln(R_AB / I + m R_C) - ln(sum of R_i) and its slopes, with another R_AB if asked."""
        value, slopes = self._quantity.value, self._quantity.slopes
        own = value[-1] if observed is None else observed
        left = np.array([self._log_share + value[0], own - log_index])
        sum_left = float(np.logaddexp.reduce(left))
        sum_right = float(np.logaddexp.reduce(value[1:-1]))
        of_left = np.exp(left - sum_left) @ slopes[[0, -1]]
        of_right = np.exp(value[1:-1] - sum_right) @ slopes[1:-1]
        return sum_left - sum_right, np.asarray(of_left - of_right)

    def arm_slopes(self) -> FloatArray:
        """Slopes of ln(R_AB + m R_C) - ln(sum of R_i) by the logs of the arms' sizes."""
        value = self._quantity.value
        left = special.softmax([self._log_share + value[0], value[-1]])
        return np.array([left[0], *-special.softmax(value[1:-1]), left[1]])

    @property
    def control(self) -> float:
        """Log of the control's size."""
        return float(self._quantity.value[0])

    @property
    def observed(self) -> float:
        """Log of the combination's size."""
        return float(self._quantity.value[-1])

    def foreseen_share(self) -> float:
        """Size foreseen as a share of the control's; zero or below where partners overshoot."""
        value = self._quantity.value
        with np.errstate(over="ignore"):
            kept: FloatArray = np.exp(value[1:-1] - value[0])
        return float(kept.sum()) - (kept.size - 1)

    def log_index(self) -> float | None:
        """Log of observed over foreseen; None where nothing above zero is foreseen."""
        foreseen = self._log_foreseen()
        return None if foreseen is None else float(self._quantity.value[-1]) - foreseen

    def _log_foreseen(self) -> float | None:
        value = self._quantity.value
        sum_right = float(np.logaddexp.reduce(value[1:-1]))
        beyond = float(self._log_share + value[0]) - sum_right
        # At or below zero; far below it the share is beyond all numbers.
        return None if beyond >= 0 else sum_right + math.log(-math.expm1(beyond))

    def _test(self, slopes: FloatArray) -> tuple[float, float]:
        """Standard error and degrees of freedom."""
        found = self._fit.contrasts(slopes, level=self._level)
        return float(found.std_error[0]), float(found.df[0])

    def _excess(self, log_index: float) -> float:
        """How far an index is beyond what is not rejected; positive beyond."""
        estimate, slopes = self.at(log_index)
        error, df = self._test(slopes)
        critical = self._critical
        if critical is None:
            critical = float(special.stdtrit(df, 0.5 + self._level / 2))
        return abs(estimate) - critical * error

    def limits(self) -> tuple[float | None, float | None]:
        """Logs of the limits of the index; None where there is none."""
        center = self.log_index()
        if center is None:
            # The foreseen size is at or below zero: large indices are the least impossible ones.
            if self._excess(_FARTHEST) > 0:
                return None, None
            return self._edge(_FARTHEST, -1.0), None
        return self._edge(center, -1.0), self._edge(center, 1.0)

    def _edge(self, inside: float, direction: float) -> float | None:
        """First root of the excess on one side of an index that is not rejected."""
        step, last = 0.125, inside
        while abs(last) <= 2 * _FARTHEST:
            there = last + direction * step
            if self._excess(there) > 0:
                return float(scipy.optimize.brentq(self._excess, last, there, xtol=1e-10))
            last, step = there, 1.5 * step
        return None

    def detectable(self) -> float | None:
        """Largest index below 1 that the test would find with the usual power, if any."""
        foreseen = self._log_foreseen()
        if foreseen is None:
            return None

        def lacking(log_index: float) -> float:
            estimate, slopes = self.at(0.0, observed=foreseen + log_index)
            error, df = self._test(slopes)
            return POWER - power_of_t(estimate / error, df, level=self._level)

        return _largest_with_power(lacking)


def _largest_with_power(lacking: Callable[[float], float]) -> float | None:
    """First index below 1 at which no power is lacking."""
    step, last = 0.125, 0.0
    while last >= -_FARTHEST:
        there = last - step
        if lacking(there) <= 0:
            return math.exp(float(scipy.optimize.brentq(lacking, there, last, xtol=1e-10)))
        last, step = there, 1.5 * step
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditivityBootstrap:
    """Response additivity from draws of the arms' rates or sizes.

    Parameters
    ----------
    estimate, lower, upper : float
        ln(R_AB + R_C) - ln(R_A + R_B), and how far from it the share `level` of the draws lies.
    p_value : float
        Two-sided: share of draws that lie as far from the estimate as the estimate from 0.
    index, index_lower, index_upper : float or None
        Observed over foreseen size and percentiles of the draws; None where what is foreseen is
        not above zero, which counts as an index without upper limit.
    not_positive : int
        Draws in which nothing above zero was foreseen.
    df : float
        Degrees of freedom of the multivariate t that was drawn from.
    level : float
        Confidence.
    draws : int
        How many.
    """

    estimate: float
    lower: float
    upper: float
    p_value: float
    index: float | None
    index_lower: float | None
    index_upper: float | None
    not_positive: int
    df: float
    level: float
    draws: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def response_additivity_bootstrap(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    scale: SizeScale = "relative_volume",
    day: float | None = None,
    level: float = 0.95,
) -> AdditivityBootstrap:
    """Response additivity without the delta method: draws from a multivariate t.

    The logs of the arms' sizes are drawn around their estimates with their covariance and the
    degrees of freedom of the test of :func:`response_additivity`; nothing is truncated.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    rng : numpy.random.Generator
        Random numbers.
    draws : int
        At least 200.
    scale : {"relative_volume", "tgi", "auc"}
        As for the test.
    day : float, optional
        As for the test.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If the draws are too few, the readings only bound the rate of an arm, or as for the test.
    """
    if draws < _FEWEST_DRAWS:
        raise InputError(f"at least {_FEWEST_DRAWS} draws", found=str(draws))
    question = _pose(fit, arms, scale=scale, day=day, level=level)
    if question.unbounded:
        expected = "arms whose rates the readings tell"
        found = ", ".join(sorted(fit.arms_without_rate))
        raise InputError(expected, found=f"only bounds for {found}")
    numbers = (question.control, *question.partners, question.combination)
    quantity = arm_quantities(fit, numbers, scale=scale, time=question.time)
    family = RatioFamily(fit, question)
    estimate, slopes = family.at(0.0)
    df = float(fit.contrasts(slopes, level=level).df[0])
    covariance = fit.contrasts(quantity.slopes, level=level).covariance
    drawn = quantity.value + _draw(
        covariance, family.arm_slopes(), min(df, MANY), rng=rng, draws=draws
    )
    log_share = math.log(len(question.partners) - 1)
    left = np.logaddexp(drawn[:, 0] + log_share, drawn[:, -1])
    right = special.logsumexp(drawn[:, 1:-1], axis=1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rest = -np.expm1(drawn[:, 0] + log_share - right)
        log_index = np.where(rest > 0, drawn[:, -1] - right - np.log(rest), np.inf)
    tails = [(1 - level) / 2, (1 + level) / 2]
    # Both sides together: the curvature of the logs moves the two tails against each other.
    distance = np.abs(left - right - estimate)
    reach = float(np.quantile(distance, level))
    far = int((distance >= abs(estimate)).sum())
    # Without interpolation: half way to infinity is nowhere.
    index_lower, index_upper = np.quantile(log_index, tails, method="nearest").tolist()
    center = family.log_index()
    return AdditivityBootstrap(
        estimate=estimate,
        lower=estimate - reach,
        upper=estimate + reach,
        p_value=(1 + far) / (draws + 1),
        index=None if center is None else index_of(center),
        index_lower=index_of(index_lower),
        index_upper=index_of(index_upper),
        not_positive=int((rest <= 0).sum()),
        df=df,
        level=level,
        draws=draws,
    )


def _draw(
    covariance: FloatArray,
    along: FloatArray,
    df: float,
    *,
    rng: np.random.Generator,
    draws: int,
) -> FloatArray:
    """Draws from a multivariate t around 0, spread evenly in the direction that is asked about.

    The part along the direction is a t variable, drawn once from each of as many equal shares of
    its distribution as there are draws; what is left is, given that part, a multivariate t with
    one more degree of freedom.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    size = len(along)
    turn = np.linalg.qr(np.column_stack((root.T @ along, np.eye(size))))[0]
    turn[:, 0] *= np.sign(turn[:, 0] @ root.T @ along)
    first = special.stdtrit(df, (np.arange(draws) + rng.random(draws)) / draws)
    rest = rng.standard_normal((draws, size - 1))
    rest /= np.sqrt(rng.chisquare(df + 1, draws) / (df + 1))[:, None]
    rest *= np.sqrt((df + first**2) / (df + 1))[:, None]
    return np.asarray(np.column_stack((first, rest)) @ turn.T @ root.T)
