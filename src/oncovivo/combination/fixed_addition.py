"""A fixed addition: one schedule of radiation, a vaccine or a drug on top of several partners.

The null model is a proportional effect: the addition multiplies the relative size on a day by the
same factor with every partner as with the control. On the rate, the differences d = β_with -
β_without are all equal. The ratio of a partner's factor to the control's is its Bliss index, so a
single partner brings back the Bliss test.

References
----------
Kenward MG, Roger JH. Biometrics 1997;53:983 (F test of several questions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.answers import index_of
from oncovivo.combination.dose_grid import RADIATION
from oncovivo.combination.index_day import index_time
from oncovivo.combination.result import Verdict
from oncovivo.combination.simultaneous import JointTest, Together, ask_together
from oncovivo.errors import DataError, InputError
from oncovivo.growth.effects import NO_RATE
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.studies import Arm, Treatment

__all__ = [
    "AdditionArms",
    "AdditionEffect",
    "AdditionIndex",
    "FixedAddition",
    "addition_arms",
    "fixed_addition",
]

FloatArray: TypeAlias = NDArray[np.float64]

EVERY: Final = ("every arm", "every arm with the addition")
"""What the common effect is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionArms:
    """Arms with and without an addition.

    Parameters
    ----------
    control : tuple of str, length 2
        The control, and the addition alone.
    partners : tuple of tuples of str, length 2 each
        Each partner alone, and the partner with the addition.

    Raises
    ------
    InputError
        If there is no partner, or an arm has two roles.
    """

    control: tuple[str, str]
    partners: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not self.partners:
            expected = "a partner beside the control, with and without the addition"
            raise InputError(expected, found="none")
        named = [name for pair in self.pairs for name in pair]
        for name in named:
            if named.count(name) > 1:
                expected = "a role of its own for each arm"
                raise InputError(expected, found=f"'{name}' in two roles")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Arm without and arm with the addition: the control's, then the partners'."""
        return (self.control, *self.partners)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionEffect:
    """What the addition does on top of one arm.

    Parameters
    ----------
    without, with_addition : str
        The two arms.
    estimate, std_error, df, lower, upper : float
        Difference of their rates, natural log per day.
    factor, factor_lower, factor_upper : float or None
        What the addition multiplies the relative size on the day by; None beyond all numbers.
    """

    without: str
    with_addition: str
    estimate: float
    std_error: float
    df: float
    lower: float
    upper: float
    factor: float | None
    factor_lower: float | None
    factor_upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionIndex:
    """A partner's factor over the control's: observed over foreseen size of the arm with both.

    Parameters
    ----------
    partner, combination : str
        Partner alone, and with the addition.
    estimate, std_error, df, p_value : float
        Difference of the two differences of rates, its two-sided t test alone.
    p_adjusted : float
        Among all partners, by the largest |t|.
    index : float or None
        On the day; below 1 the addition does more with the partner than with the control.
    index_lower, index_upper : float or None
        Limits of this index alone.
    index_lower_simultaneous, index_upper_simultaneous : float or None
        Limits that hold over all partners.
    verdict : {"synergy", "antagonism", "not_shown"}
        By the adjusted p value.
    """

    partner: str
    combination: str
    estimate: float
    std_error: float
    df: float
    p_value: float
    p_adjusted: float
    index: float | None
    index_lower: float | None
    index_upper: float | None
    index_lower_simultaneous: float | None
    index_upper_simultaneous: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAddition:
    """Whether an addition multiplies sizes by the same factor with every partner.

    Parameters
    ----------
    study_id : str
        Study.
    arms : AdditionArms
        Arms.
    day : float
        Study day of factors and indices.
    level : float
        Confidence.
    effects : tuple of AdditionEffect
        Of the control, then of each partner; empty without an answer.
    common : AdditionEffect or None
        The one effect that fits all best: the average of the differences with the weights that
        make its error smallest. Meant only where `equality` leaves it open.
    equality : JointTest or None
        That all differences are equal.
    indices : tuple of AdditionIndex
        Of each partner.
    reason : str
        Why there is no answer; empty otherwise.
    warnings : tuple of GrowthWarning
        Of the fit and of the test.
    """

    study_id: str
    arms: AdditionArms
    day: float
    level: float
    effects: tuple[AdditionEffect, ...]
    common: AdditionEffect | None
    equality: JointTest | None
    indices: tuple[AdditionIndex, ...]
    reason: str
    warnings: tuple[GrowthWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "study_id": self.study_id,
            "null": "proportional_effect",
            "scale": "relative_volume",
            "arms": asdict(self.arms),
            "day": self.day,
            "level": self.level,
            "effects": [asdict(effect) for effect in self.effects],
            "common": None if self.common is None else asdict(self.common),
            "equality": None if self.equality is None else self.equality.to_dict(),
            "indices": [asdict(index) for index in self.indices],
            "reason": self.reason,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


def fixed_addition(
    fit: GrowthFit, arms: AdditionArms, *, day: float | None = None, level: float = 0.95
) -> FixedAddition:
    """Test that an addition multiplies the relative size by one factor, whatever the partner.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : AdditionArms
        Arms with and without the addition.
    day : float, optional
        Study day of factors and indices; else the last on which each of the arms was read.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or the level is not
        between 0 and 1.

    Notes
    -----
    The weights of the common effect come from the covariance of the differences and are taken as
    known, as everywhere in a mixed model. Arms that share no animals and no variance components
    would give the usual weights, one over each squared error.
    """
    data = fit.data
    numbers = [(data.arm_number(without), data.arm_number(added)) for without, added in arms.pairs]
    time, beyond = index_time(fit, [number for pair in numbers for number in pair], day)
    bare = FixedAddition(
        study_id=data.study_id,
        arms=arms,
        day=data.baseline_day + time,
        level=level,
        effects=(),
        common=None,
        equality=None,
        indices=(),
        reason=NO_RATE,
        warnings=(*fit.warnings, *beyond),
    )
    if fit.arms_without_rate & {name for pair in arms.pairs for name in pair}:
        return bare
    rows = np.stack(
        [
            fit.terms.rate(added, end=time) - fit.terms.rate(without, end=time)
            for without, added in numbers
        ]
    )
    share = np.linalg.solve(fit.contrasts(rows, level=level).covariance, np.ones(len(rows)))
    best = (share / share.sum()) @ rows
    together = ask_together(fit, rows[1:] - rows[0], level=level)
    return replace(
        bare,
        effects=_effects(fit, rows, arms.pairs, time, level),
        common=_effects(fit, best[None], [EVERY], time, level)[0],
        equality=together.joint,
        indices=tuple(_index(together, row, pair, time) for row, pair in enumerate(arms.partners)),
        reason="",
    )


def _index(together: Together, row: int, pair: tuple[str, str], time: float) -> AdditionIndex:
    """A partner's factor over the control's."""
    each = together.each
    estimate, p_adjusted = float(each.estimate[row]), float(together.p_adjusted[row])
    return AdditionIndex(
        partner=pair[0],
        combination=pair[1],
        estimate=estimate,
        std_error=float(each.std_error[row]),
        df=float(each.df[row]),
        p_value=float(each.p_value[row]),
        p_adjusted=p_adjusted,
        index=index_of(time * estimate),
        index_lower=index_of(time * float(each.lower[row])),
        index_upper=index_of(time * float(each.upper[row])),
        index_lower_simultaneous=index_of(time * float(together.lower[row])),
        index_upper_simultaneous=index_of(time * float(together.upper[row])),
        verdict=_verdict(estimate, p_adjusted, each.level),
    )


def _verdict(estimate: float, p_adjusted: float, level: float) -> Verdict:
    if p_adjusted >= 1 - level:
        return "not_shown"
    return "synergy" if estimate < 0 else "antagonism"


def _effects(
    fit: GrowthFit,
    rows: FloatArray,
    pairs: Sequence[tuple[str, str]],
    time: float,
    level: float,
) -> tuple[AdditionEffect, ...]:
    """Differences of rates and what they multiply the size on the day by."""
    found = fit.contrasts(rows, level=level)
    columns = (found.estimate, found.std_error, found.df, found.lower, found.upper)
    return tuple(
        AdditionEffect(
            without=without,
            with_addition=added,
            estimate=estimate,
            std_error=error,
            df=df,
            lower=lower,
            upper=upper,
            factor=index_of(time * estimate),
            factor_lower=index_of(time * lower),
            factor_upper=index_of(time * upper),
        )
        for (without, added), (estimate, error, df, lower, upper) in zip(
            pairs, np.column_stack(columns).tolist(), strict=True
        )
    )


def addition_arms(study_arms: Sequence[Arm], addition: str) -> AdditionArms:
    """Pairs of arms whose regimens differ by an addition and by nothing else.

    Parameters
    ----------
    study_arms : sequence of Arm
        Of the study; arms without regimens count as untreated.
    addition : str
        The compound that is added; ``radiation`` for a treatment without one.

    Raises
    ------
    InputError
        If no arm receives the addition.
    DataError
        If the addition is given in several ways, two arms have the same regimens, or there is no
        pair of the control or of a partner.

    Examples
    --------
    >>> from oncovivo.studies import parse_regimen
    >>> texts = {
    ...     "vehicle": "",
    ...     "RT": "5 x 2 Gy qd",
    ...     "drug": "drug 5 mg/kg po qd x5",
    ...     "drug + RT": "drug 5 mg/kg po qd x5 + 5 x 2 Gy qd",
    ... }
    >>> arms = [
    ...     Arm(name=name, regimens=(parse_regimen(text),) if text else ())
    ...     for name, text in texts.items()
    ... ]
    >>> addition_arms(arms, "radiation").pairs
    (('vehicle', 'RT'), ('drug', 'drug + RT'))
    """
    key = "" if addition.casefold() == RADIATION else addition.casefold()
    without: dict[frozenset[Treatment], str] = {}
    added: dict[frozenset[Treatment], str] = {}
    schedules: dict[Treatment, str] = {}
    for arm in study_arms:
        given = [
            treatment
            for regimen in arm.regimens
            for treatment in regimen.treatments
            # A vehicle has no dose, and does not make a partner.
            if any(course.dose for course in treatment.courses)
        ]
        own = [one for one in given if (one.compound or "").casefold() == key]
        rest = frozenset(one for one in given if one not in own)
        known = added if own else without
        if rest in known:
            expected = "arms with regimens of their own"
            found = f"'{known[rest]}' and '{arm.name}' alike"
            raise DataError(expected, found=found, mend="name the pairs of arms")
        known[rest] = arm.name
        for one in own:
            schedules.setdefault(one, arm.name)
    if not added:
        expected = "an addition that an arm receives"
        raise InputError(expected, found=repr(addition), mend="write the compound as regimens do")
    if len(schedules) > 1:
        (one, first), (other, second) = list(schedules.items())[:2]
        expected = f"one schedule of {addition} in all arms"
        raise DataError(expected, found=f"'{one}' in '{first}', '{other}' in '{second}'")
    pairs = [(name, added[rest], rest) for rest, name in without.items() if rest in added]
    control = [(name, both) for name, both, rest in pairs if not rest]
    partners = tuple((name, both) for name, both, rest in pairs if rest)
    if not control or not partners:
        lacking = "the control" if not control else "a partner"
        expected = f"arms of {lacking} with and without {addition}"
        found = ", ".join(f"'{name}' and '{both}'" for name, both, _ in pairs) or "no pair"
        raise DataError(expected, found=found)
    return AdditionArms(control=control[0], partners=partners)
