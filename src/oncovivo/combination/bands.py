"""The index on every day, with limits that hold on all days together.

Where log curves are straight, Bliss on every day is one question, and the band is that of one
contrast. Elsewhere the largest |t| over the days is held. A test of each day alone would claim
synergy too often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.answers import index_of
from oncovivo.combination.bliss import bliss_signs
from oncovivo.combination.quantities import Question, arm_quantities, pose
from oncovivo.combination.response_additivity import RatioFamily
from oncovivo.combination.result import Null, Verdict
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.effects import NO_RATE
from oncovivo.growth.fit import Contrasts, GrowthFit
from oncovivo.numerics.multivariate_t import max_t

__all__ = ["DayIndex", "IndexBand", "index_band"]

FloatArray: TypeAlias = NDArray[np.float64]

# Days whose tests correlate more strongly than this are one question.
_ONE_QUESTION: Final = 1 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class DayIndex:
    """Observed over foreseen size on a day.

    Parameters
    ----------
    day : float
        Study day.
    index : float or None
        Below 1 is synergy; None where nothing above zero is foreseen.
    index_lower, index_upper : float or None
        Limits that hold on all days together; a missing upper one is unbounded.
    """

    day: float
    index: float | None
    index_lower: float | None
    index_upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBand:
    """The index over the days.

    Parameters
    ----------
    null : {"bliss", "hsa", "response_additivity"}
        The null model, of relative sizes.
    arms : CombinationArms
        Roles.
    level : float
        Confidence, on all days together.
    days : tuple of DayIndex
        By day; empty where there is no answer.
    df : float or None
        The smallest degrees of freedom of the days.
    critical : float or None
        Multiple of the standard error that the limits reach.
    p_value : float or None
        That there is synergy or antagonism on no day; for the highest single agent, synergy.
    one_question : bool
        Whether all days are one question.
    verdict : {"synergy", "antagonism", "not_shown"}
        On the day that is clearest, by the band.
    reason : str
        Why there is no answer; empty otherwise.
    """

    null: Null
    arms: CombinationArms
    level: float
    days: tuple[DayIndex, ...]
    df: float | None
    critical: float | None
    p_value: float | None
    one_question: bool
    verdict: Verdict
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "null": self.null,
            "arms": self.arms.to_dict(),
            "level": self.level,
            "days": [asdict(day) for day in self.days],
            "df": self.df,
            "critical": self.critical,
            "p_value": self.p_value,
            "one_question": self.one_question,
            "verdict": self.verdict,
            "reason": self.reason,
        }


def index_band(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    null: Null = "bliss",
    days: Sequence[float] | None = None,
    level: float = 0.95,
) -> IndexBand:
    """The index on every day with simultaneous limits, and one test over all days.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    null : {"bliss", "hsa", "response_additivity"}
        Null model of the relative sizes.
    days : sequence of float, optional
        Study days after the baseline; else those on which an animal of the arms was read, up to
        the last on which each arm was.
    level : float
        Confidence, on all days together.

    Raises
    ------
    InputError
        If the null model is none, a day is not after the baseline, an arm is not in the fit, or
        the level is not between 0 and 1.

    Notes
    -----
    For the highest single agent the days and partners are one family of differences, and a day's
    limits are the largest of its differences' limits; the band is two-sided, and so wider than
    the one-sided test of one day.
    """
    if null not in get_args(Null):
        expected = "a null model: " + ", ".join(get_args(Null))
        raise InputError(expected, found=repr(null))
    first = pose(fit, arms, scale="relative_volume", level=level)
    times = _times(fit, first, days)
    questions = [replace(first, time=t, day=fit.data.baseline_day + t) for t in times.tolist()]
    if first.unbounded:
        return IndexBand(
            null=null,
            arms=first.arms,
            level=level,
            days=(),
            df=None,
            critical=None,
            p_value=None,
            one_question=False,
            verdict="not_shown",
            reason=NO_RATE,
        )
    value, slopes = _differences(fit, questions, null)
    shape = value.shape
    found = fit.contrasts(slopes.reshape(-1, slopes.shape[-1]), level=level)
    statistic = value.ravel() / found.std_error
    correlation = _correlation(found)
    df = float(found.df.min())
    joint = max_t(statistic, correlation, df, level=level)
    adjusted = joint.p_values.reshape(shape)
    if null == "hsa":
        adjusted = np.where(value < 0, adjusted, 1.0)
    by_day = adjusted.max(axis=1)
    clearest = int(np.argmin(by_day))
    p_value = float(by_day[clearest])
    error = found.std_error.reshape(shape)
    verdict: Verdict = "not_shown"
    if p_value < 1 - level:
        verdict = "synergy" if value[clearest].max() < 0 else "antagonism"
    elif null == "hsa" and (value - joint.critical * error).max() > 0:
        verdict = "antagonism"
    return IndexBand(
        null=null,
        arms=first.arms,
        level=level,
        days=tuple(
            _day_index(question, value[row], joint.critical * error[row])
            if null != "response_additivity"
            else _ratio_index(fit, question, joint.critical)
            for row, question in enumerate(questions)
        ),
        df=df,
        critical=joint.critical,
        p_value=p_value,
        one_question=bool(np.abs(correlation).min() > _ONE_QUESTION),
        verdict=verdict,
    )


def _times(fit: GrowthFit, question: Question, days: Sequence[float] | None) -> FloatArray:
    """Times of the band, rising, days since baseline."""
    data = fit.data
    if days is None:
        own = (question.control, *question.partners, question.combination)
        time = np.unique(data.time[np.isin(data.arm[data.animal], own)])
        return np.asarray(time[(time > 0) & (time <= question.time)])
    time = np.unique(np.asarray(days, dtype=np.float64)) - data.baseline_day
    if not (time.size and np.isfinite(time).all() and time[0] > 0):
        expected = f"days after the baseline, day {data.baseline_day:g}"
        found = ", ".join(f"{day:g}" for day in days) or "none"
        raise InputError(expected, found=found, where=f"study {data.study_id}")
    return np.asarray(time)


def _differences(
    fit: GrowthFit, questions: Sequence[Question], null: Null
) -> tuple[FloatArray, FloatArray]:
    """Observed less foreseen by day, shape (t, q), and the slopes, shape (t, q, p)."""
    values, slopes = [], []
    for question in questions:
        numbers = (question.control, *question.partners, question.combination)
        if null == "response_additivity":
            estimate, row = RatioFamily(fit, question).at(0.0)
            values.append(np.array([estimate]))
            slopes.append(row[None])
            continue
        arm = arm_quantities(fit, numbers, scale="relative_volume", time=question.time)
        rows = np.array([bliss_signs(len(question.partners))])
        if null == "hsa":
            size = len(question.partners)
            rows = np.hstack((np.zeros((size, 1)), -np.eye(size), np.ones((size, 1))))
        values.append(rows @ arm.value)
        slopes.append(rows @ arm.slopes)
    return np.stack(values), np.stack(slopes)


def _correlation(found: Contrasts) -> FloatArray:
    scaled = found.covariance / np.outer(found.std_error, found.std_error)
    correlation = np.clip((scaled + scaled.T) / 2, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def _day_index(question: Question, value: FloatArray, reach: FloatArray) -> DayIndex:
    return DayIndex(
        day=question.day,
        index=index_of(float(value.max())),
        index_lower=index_of(float((value - reach).max())),
        index_upper=index_of(float((value + reach).max())),
    )


def _ratio_index(fit: GrowthFit, question: Question, critical: float) -> DayIndex:
    family = RatioFamily(fit, question, critical=critical)
    center = family.log_index()
    lower, upper = family.limits()
    return DayIndex(
        day=question.day,
        index=None if center is None else index_of(center),
        index_lower=None if lower is None else index_of(lower),
        index_upper=None if upper is None else index_of(upper),
    )
