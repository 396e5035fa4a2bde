"""Sequence and schedule: arms that receive the same doses on other days or in another order.

There is no null model here: nothing is foreseen from partners alone. The arms are compared with
each other, all pairs at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np

from oncovivo.combination.answers import index_of
from oncovivo.combination.dose_grid import RADIATION
from oncovivo.combination.index_day import index_time
from oncovivo.combination.simultaneous import JointTest, ask_together
from oncovivo.errors import InputError
from oncovivo.growth.effects import NO_RATE
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.studies import Arm, Treatment

__all__ = [
    "SequenceArm",
    "SequenceComparison",
    "SequenceGroup",
    "SequencePair",
    "compare_sequences",
    "sequence_groups",
]

SequenceKind: TypeAlias = Literal["order", "timing"]
WhatIsGiven: TypeAlias = frozenset[tuple[tuple[object, ...], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceArm:
    """An arm and when it receives what.

    Parameters
    ----------
    arm : str
        Name.
    days : tuple of (str, tuple of int)
        Each compound and its dosing days, in the order of the first doses.
    """

    arm: str
    days: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def order(self) -> tuple[tuple[str, ...], ...]:
        """Compounds in the order of their first doses, those of one day together."""
        first = {compound: days[0] for compound, days in self.days}
        return tuple(
            tuple(sorted(name for name, day in first.items() if day == start))
            for start in sorted(set(first.values()))
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"arm": self.arm, "days": {name: list(days) for name, days in self.days}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceGroup:
    """Arms that differ only in order or timing.

    Parameters
    ----------
    compounds : tuple of str
        What all of them receive, by name.
    total_doses : tuple of str
        Total dose of each compound, the same in all arms.
    arms : tuple of SequenceArm, length 2 or more
        In the order of the study.
    """

    compounds: tuple[str, ...]
    total_doses: tuple[str, ...]
    arms: tuple[SequenceArm, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(arm.arm for arm in self.arms)

    @property
    def kind(self) -> SequenceKind:
        """``order`` where arms start with different compounds, else ``timing``."""
        return "order" if len({arm.order for arm in self.arms}) > 1 else "timing"

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "compounds": list(self.compounds),
            "total_doses": list(self.total_doses),
            "kind": self.kind,
            "arms": [arm.to_dict() for arm in self.arms],
        }


def sequence_groups(study_arms: Sequence[Arm]) -> tuple[SequenceGroup, ...]:
    """Groups of arms with the same compounds, doses and routes, given on other days.

    Parameters
    ----------
    study_arms : sequence of Arm
        Of the study. Arms without regimens, or with doses or days that are not stated, are in no
        group.

    Examples
    --------
    >>> from oncovivo.studies import parse_regimen
    >>> texts = {
    ...     "a first": "a 5 mg/kg iv days 0, 3 + b 2 mg/kg po days 7, 10",
    ...     "b first": "a 5 mg/kg iv days 7, 10 + b 2 mg/kg po days 0, 3",
    ...     "a alone": "a 5 mg/kg iv days 0, 3",
    ... }
    >>> arms = [Arm(name=n, regimens=(parse_regimen(text),)) for n, text in texts.items()]
    >>> [(group.kind, group.names) for group in sequence_groups(arms)]
    [('order', ('a first', 'b first'))]
    """
    found: dict[WhatIsGiven, list[SequenceArm]] = {}
    totals: dict[WhatIsGiven, dict[str, str]] = {}
    timetables: dict[WhatIsGiven, set[frozenset[object]]] = {}
    for arm in study_arms:
        treatments = [one for regimen in arm.regimens for one in regimen.treatments]
        if not treatments or any(one.missing() for one in treatments):
            continue
        key = frozenset(Counter(_what(one) for one in treatments).items())
        days = sorted(
            (((one.compound or RADIATION), one.dosing_days()) for one in treatments),
            key=lambda entry: (entry[1], entry[0]),
        )
        found.setdefault(key, []).append(SequenceArm(arm=arm.name, days=tuple(days)))
        totals.setdefault(
            key, {one.compound or RADIATION: _total_words(one) for one in treatments}
        )
        timetables.setdefault(key, set()).add(frozenset(_when(one) for one in treatments))
    groups = []
    for key, arms in found.items():
        if len(timetables[key]) > 1:
            compounds = tuple(sorted(totals[key]))
            groups.append(
                SequenceGroup(
                    compounds=compounds,
                    total_doses=tuple(totals[key][name] for name in compounds),
                    arms=tuple(arms),
                )
            )
    return tuple(groups)


def _what(treatment: Treatment) -> tuple[object, ...]:
    """What is given apart from when: compound, and how many of which doses by which route."""
    given: Counter[tuple[object, ...]] = Counter()
    for course in treatment.courses:
        given[course.dose, course.route] += course.n_doses()
    return (treatment.compound or "").casefold(), frozenset(given.items())


def _when(treatment: Treatment) -> tuple[object, ...]:
    """Dosing days, and the doses in the order in which they are given."""
    doses = tuple(course.dose for course in treatment.courses for _ in range(course.n_doses()))
    return (treatment.compound or "").casefold(), treatment.dosing_days(), doses


def _total_words(treatment: Treatment) -> str:
    """Total dose; phases in different units by phase."""
    units = {course.dose.unit for course in treatment.courses if course.dose}
    if len(units) == 1:
        return str(treatment.total_dose())
    return " + ".join(f"{course.n_doses()} x {course.dose}" for course in treatment.courses)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePair:
    """One schedule against another.

    Parameters
    ----------
    arm, versus : str
        The two arms.
    estimate, std_error, df, p_value, lower, upper : float
        Difference of the rates, natural log per day, its two-sided t test and interval alone.
    p_adjusted : float
        Among all pairs, by the largest |t|.
    lower_simultaneous, upper_simultaneous : float
        Limits that hold over all pairs.
    size_ratio : float or None
        Relative size of `arm` over that of `versus` on the day; None beyond all numbers.
    size_ratio_lower, size_ratio_upper : float or None
        Its limits over all pairs.
    """

    arm: str
    versus: str
    estimate: float
    std_error: float
    df: float
    p_value: float
    lower: float
    upper: float
    p_adjusted: float
    lower_simultaneous: float
    upper_simultaneous: float
    size_ratio: float | None
    size_ratio_lower: float | None
    size_ratio_upper: float | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceComparison:
    """Arms of a group against each other.

    Parameters
    ----------
    study_id : str
        Study.
    arms : tuple of str
        The arms compared.
    day : float
        Study day of the ratios.
    level : float
        Confidence.
    pairs : tuple of SequencePair
        Every pair of arms, the first less or over the second; empty without an answer.
    joint : JointTest or None
        That all arms grow alike.
    reason : str
        Why there is no answer; empty otherwise.
    warnings : tuple of GrowthWarning
        Of the fit.
    """

    study_id: str
    arms: tuple[str, ...]
    day: float
    level: float
    pairs: tuple[SequencePair, ...]
    joint: JointTest | None
    reason: str
    warnings: tuple[GrowthWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "study_id": self.study_id,
            "arms": list(self.arms),
            "day": self.day,
            "level": self.level,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "joint": None if self.joint is None else self.joint.to_dict(),
            "reason": self.reason,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


def compare_sequences(
    fit: GrowthFit,
    arms: SequenceGroup | Sequence[str],
    *,
    day: float | None = None,
    level: float = 0.95,
) -> SequenceComparison:
    """Growth rates of schedules against each other, all pairs held together.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : SequenceGroup or sequence of str
        Arms to be compared, two or more.
    day : float, optional
        Study day of the ratios of sizes, and where log curves bend the end of the mean rates;
        else the last on which each of the arms was read.
    level : float
        Confidence, of each pair alone and of all together.

    Raises
    ------
    InputError
        If there are fewer than two different arms, one is not in the fit, the day is not after
        the baseline, or the level is not between 0 and 1.
    """
    names = arms.names if isinstance(arms, SequenceGroup) else tuple(arms)
    if len(names) < 2 or len(set(names)) < len(names):
        expected = "two or more different arms"
        raise InputError(expected, found=", ".join(f"'{name}'" for name in names) or "none")
    data = fit.data
    numbers = [data.arm_number(name) for name in names]
    time, beyond = index_time(fit, numbers, day)
    unknown = bool(fit.arms_without_rate & set(names))
    pairs: tuple[SequencePair, ...] = ()
    joint: JointTest | None = None
    if not unknown:
        pairs, joint = _pairs(fit, names, numbers, time, level)
    return SequenceComparison(
        study_id=data.study_id,
        arms=names,
        day=data.baseline_day + time,
        level=level,
        pairs=pairs,
        joint=joint,
        reason=NO_RATE if unknown else "",
        warnings=(*fit.warnings, *beyond),
    )


def _pairs(
    fit: GrowthFit, names: Sequence[str], numbers: Sequence[int], time: float, level: float
) -> tuple[tuple[SequencePair, ...], JointTest]:
    """Differences of the rates of all pairs."""
    rates = [fit.terms.rate(number, end=time) for number in numbers]
    places = list(combinations(range(len(names)), 2))
    found = ask_together(fit, np.stack([rates[i] - rates[j] for i, j in places]), level=level)
    each = found.each
    return tuple(
        SequencePair(
            arm=names[i],
            versus=names[j],
            estimate=float(each.estimate[row]),
            std_error=float(each.std_error[row]),
            df=float(each.df[row]),
            p_value=float(each.p_value[row]),
            lower=float(each.lower[row]),
            upper=float(each.upper[row]),
            p_adjusted=float(found.p_adjusted[row]),
            lower_simultaneous=float(found.lower[row]),
            upper_simultaneous=float(found.upper[row]),
            size_ratio=index_of(time * float(each.estimate[row])),
            size_ratio_lower=index_of(time * float(found.lower[row])),
            size_ratio_upper=index_of(time * float(found.upper[row])),
        )
        for row, (i, j) in enumerate(places)
    ), found.joint
