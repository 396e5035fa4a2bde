"""Activity of an arm by event-free survival, as the pediatric preclinical consortia call it.

- ``high``: EFS T/C above 2, a significant difference of the event-free survival, and a net
  regression: the median of the animals' final volumes over their baselines is below 1;
- ``intermediate``: the first two alone;
- ``low``: otherwise;
- ``not_evaluable``: without a median of the control, with too many toxic deaths, or where what
  is missing would decide.

Where the arm's median was not reached T/C is "> x". From x = 2 on it is above 2. A smaller x
leaves it open: then the arm is still low where the difference is not significant, whatever its
T/C, and not evaluable otherwise.

The criteria and the exact log-rank test are restated from knowledge of the consortium's practice;
their cut-offs have not been compared with the text of the paper named below. The same holds for
the share of toxic deaths, for which no source at all was at hand. All are fields of
:class:`ActivityRule`.

References
----------
Houghton PJ et al. Pediatr Blood Cancer 2007;49:928-940. doi:10.1002/pbc.21078
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.survival.curves import checked_times
from oncovivo.survival.median_ratio import MedianRatio, median_ratio
from oncovivo.survival.permutation import permutation_rank_test

__all__ = [
    "ActivityCall",
    "ActivityRule",
    "PptcActivity",
    "activity_call",
    "pptc_activity",
]

BoolArray: TypeAlias = NDArray[np.bool_]
ActivityCall: TypeAlias = Literal["high", "intermediate", "low", "not_evaluable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRule:
    """Cut-offs of the activity call.

    Parameters
    ----------
    ratio_above : float
        EFS T/C must be above this.
    alpha : float
        The p-value must not be above this.
    final_ratio_below : float
        The median final volume over baseline must be below this for ``high``.
    most_toxic : float
        Share of toxic deaths above which an arm is not evaluable. From memory of the
        consortium's practice, without a source at hand.

    Raises
    ------
    InputError
        If a cut-off is out of range.
    """

    ratio_above: float = 2.0
    alpha: float = 0.05
    final_ratio_below: float = 1.0
    most_toxic: float = 0.25

    def __post_init__(self) -> None:
        for name, value, most in (
            ("T/C", self.ratio_above, np.inf),
            ("p-value", self.alpha, 1.0),
            ("final volume over baseline", self.final_ratio_below, np.inf),
        ):
            if not 0 < value < most:
                expected = f"a cut-off of the {name} above 0" + (" and below 1" * (most == 1))
                raise InputError(expected, found=f"{value:g}")
        if not 0 <= self.most_toxic <= 1:
            raise InputError("a share of toxic deaths from 0 to 1", found=f"{self.most_toxic:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PptcActivity:
    """The activity of an arm, with all that it rests on.

    Parameters
    ----------
    call : {"high", "intermediate", "low", "not_evaluable"}
        The activity.
    reason : str
        Why, in one line.
    n_animals, n_toxic : int
        Animals of the arm, and toxic deaths among them, which do not enter below.
    medians : MedianRatio or None
        EFS T/C and both medians; None where an arm has no other animal.
    p_value : float or None
        Of the log-rank test by relabeling; None where an arm has no other animal.
    exact : bool
        Whether all relabelings were looked at.
    monte_carlo_error : float
        Standard error of a p-value from drawn relabelings.
    median_final_ratio : float or None
        Median of the final volumes over baseline; None without any.
    n_final : int
        Animals that have one.
    rule : ActivityRule
        The cut-offs.
    """

    call: ActivityCall
    reason: str
    n_animals: int
    n_toxic: int
    medians: MedianRatio | None
    p_value: float | None
    exact: bool
    monte_carlo_error: float
    median_final_ratio: float | None
    n_final: int
    rule: ActivityRule

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def activity_call(
    medians: MedianRatio,
    *,
    p_value: float,
    median_final_ratio: float | None,
    toxic_share: float = 0.0,
    rule: ActivityRule | None = None,
) -> tuple[ActivityCall, str]:
    """The call from its ingredients, and why.

    Parameters
    ----------
    medians : MedianRatio
        EFS T/C.
    p_value : float
        Of the difference in event-free survival.
    median_final_ratio : float or None
        Median of the arm's final volumes over baseline.
    toxic_share : float
        Toxic deaths over animals of the arm.
    rule : ActivityRule, optional
        Other cut-offs.

    Returns
    -------
    call : {"high", "intermediate", "low", "not_evaluable"}
    reason : str
    """
    rule = rule or ActivityRule()
    if toxic_share > rule.most_toxic:
        limit = f"more than {100 * rule.most_toxic:g} %"
        return "not_evaluable", f"{100 * toxic_share:.0f} % toxic deaths, {limit}"
    if medians.status == "not_estimable":
        return "not_evaluable", medians.reason
    above, ratio = _above(medians, rule)
    significant = p_value <= rule.alpha
    test = f"p {'≤' if significant else '>'} {rule.alpha:g}"
    if above is None:
        if significant:
            return (
                "not_evaluable",
                f"{ratio} does not tell whether it is above {rule.ratio_above:g}",
            )
        return "low", f"{test}, whatever the T/C ({ratio})"
    if not (above and significant):
        return "low", f"{ratio}, {test}"
    if median_final_ratio is None:
        return "not_evaluable", f"{ratio}, {test}, but no final volume tells of regression"
    final = f"median final volume {median_final_ratio:.2f} times baseline"
    regressed = median_final_ratio < rule.final_ratio_below
    return ("high" if regressed else "intermediate"), f"{ratio}, {test}, {final}"


def pptc_activity(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    final_ratio: ArrayLike,
    *,
    arm: int,
    control: int,
    rng: np.random.Generator,
    toxic: ArrayLike | None = None,
    rule: ActivityRule | None = None,
    draws: int = 2000,
    relabelings: int = 20_000,
    level: float = 0.95,
) -> PptcActivity:
    """Activity of an arm against the control.

    Animals of other groups are left out, and so are toxic deaths of both arms.

    Parameters
    ----------
    time, event, group : array_like, shape (n,)
        Days to the event (four times the baseline in solid tumors), whether it happened, group.
    final_ratio : array_like, shape (n,)
        Volume at the animal's last reading over its baseline; nan where there is none. Those of
        the control are not looked at.
    arm, control : int
        Two of the groups.
    rng : numpy.random.Generator
        Source of randomness, for the limits of T/C and, with many animals, for the p-value.
    toxic : array_like of bool, shape (n,), optional
        Which animals died of the treatment.
    rule : ActivityRule, optional
        Other cut-offs.
    draws, relabelings : int
        Resamples for the limits of T/C; relabelings drawn where there are too many for all.
    level : float
        Confidence of the limits of T/C.

    Raises
    ------
    InputError
        If arrays do not match, a value is out of range, or a group has no animal.

    Examples
    --------
    >>> time, event = [9, 10, 11, 12, 13, 40, 42, 42, 42, 42], [1] * 6 + [0] * 4
    >>> final = [4.1, 4.3, 4.2, 4.4, 4.0, 4.2, 0.3, 0.5, 0.2, 0.0]
    >>> found = pptc_activity(
    ...     time, event, [0] * 5 + [1] * 5, final, arm=1, control=0, rng=np.random.default_rng(1)
    ... )
    >>> found.call, found.reason
    ('high', 'T/C > 3.82, p ≤ 0.05, median final volume 0.30 times baseline')
    """
    rule = rule or ActivityRule()
    times, happened, _ = checked_times(time, event)
    groups = np.asarray(group)
    finals = np.asarray(final_ratio, dtype=np.float64)
    died = np.zeros(times.size, dtype=np.bool_) if toxic is None else np.asarray(toxic, np.bool_)
    for values, what in ((groups, "a group"), (finals, "a final ratio"), (died, "a toxic mark")):
        if values.shape != times.shape:
            expected = f"{what} for each animal"
            raise InputError(expected, found=f"{values.size} for {times.size} animals")
    if np.isinf(finals).any() or (finals < 0).any():
        raise InputError("final volumes over baseline of 0 or more", found="others among them")
    for code in (arm, control):
        if not (groups == code).any():
            raise InputError("a group that has animals", found=f"{code}")
    mine = groups == arm
    n_animals, n_toxic = int(mine.sum()), int((mine & died).sum())
    known = finals[mine & ~died & ~np.isnan(finals)]
    median_final = float(np.median(known)) if known.size else None
    kept = (mine | (groups == control)) & ~died
    second = mine[kept]
    if second.all() or not second.any():
        side = "control" if second.any() else "arm"
        return PptcActivity(
            call="not_evaluable",
            reason=f"no animal of the {side} is left but toxic deaths",
            n_animals=n_animals,
            n_toxic=n_toxic,
            medians=None,
            p_value=None,
            exact=False,
            monte_carlo_error=0.0,
            median_final_ratio=median_final,
            n_final=known.size,
            rule=rule,
        )
    # p-values first: with few animals they draw nothing, and limits follow from the seed alone
    test = permutation_rank_test(
        times[kept], happened[kept], second.astype(np.intp), rng=rng, draws=relabelings
    )
    medians = median_ratio(
        times[kept],
        happened[kept],
        groups[kept],
        arm=arm,
        control=control,
        rng=rng,
        draws=draws,
        level=level,
    )
    call, reason = activity_call(
        medians,
        p_value=test.p_value,
        median_final_ratio=median_final,
        toxic_share=n_toxic / n_animals,
        rule=rule,
    )
    return PptcActivity(
        call=call,
        reason=reason,
        n_animals=n_animals,
        n_toxic=n_toxic,
        medians=medians,
        p_value=test.p_value,
        exact=test.exact,
        monte_carlo_error=test.monte_carlo_error,
        median_final_ratio=median_final,
        n_final=known.size,
        rule=rule,
    )


def _above(medians: MedianRatio, rule: ActivityRule) -> tuple[bool | None, str]:
    """Whether T/C is above the cut-off, None where that is open; and T/C in words."""
    if medians.ratio is not None:
        return medians.ratio > rule.ratio_above, f"T/C {medians.ratio:.2f}"
    beyond = medians.ratio_greater_than or 0.0
    # "> 2" is above 2
    return (True if beyond >= rule.ratio_above else None), f"T/C > {beyond:.2f}"
