"""The day that fixed-day endpoints speak of: stated, or chosen by a rule that sees no volume.

The rule looks at how many animals were measured, never at what was measured, so the day cannot be
picked for its result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.endpoints.arms import SAME_DAY, ArmCurves
from oncovivo.errors import DataError

__all__ = ["DayChoice", "DayRule", "DayShare", "choose_day", "has_enough", "last_rate_day"]

DayRule: TypeAlias = Literal["option", "last day with enough animals", "no day has enough animals"]

# Share and number of the animals of every arm that a default day needs.
DAY_SHARE: Final = 0.8
DAY_FEWEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShare:
    """Animals of an arm on the day chosen.

    Parameters
    ----------
    arm : str
        Name of the arm.
    n_enrolled, n_at_risk, n_measured : int
        Animals of the arm, those still followed on the day, those measured on it.
    share : float
        Measured over enrolled: animals that left count as absent.
    """

    arm: str
    n_enrolled: int
    n_at_risk: int
    n_measured: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChoice:
    """The day of fixed-day endpoints, how it was chosen, and who is left on it.

    Parameters
    ----------
    day : float or None
        Study day; None when no day after the baseline has enough animals in every arm.
    rule : DayRule
        ``option`` when the user named it.
    shares : tuple of DayShare
        One for each arm compared; on the last day after the baseline when there is no day.
    """

    day: float | None
    rule: DayRule
    shares: tuple[DayShare, ...]

    def __str__(self) -> str:
        """A line for a table's heading."""
        if self.day is None:
            return f"no day ({self.rule} in every arm)"
        lowest = min((share.share for share in self.shares), default=math.nan)
        return f"day {self.day:g} ({self.rule}; at least {lowest:.0%} of each arm measured)"


def has_enough(arm: ArmCurves, day: float) -> bool:
    """Whether at least 80 % and 3 of an arm's animals were measured on a day."""
    measured = int(arm.measured_at(day).sum())
    return measured >= max(DAY_FEWEST, math.ceil(DAY_SHARE * arm.n - SAME_DAY))


def choose_day(
    arms: Sequence[ArmCurves], *, baseline_day: float, day: float | None = None
) -> DayChoice:
    """The day named, else the last one after the baseline with enough animals in every arm.

    Enough is at least 80 % of those enrolled and at least 3; an animal that has left, or was not
    measured on that very day, is absent.

    Parameters
    ----------
    arms : sequence of ArmCurves
        All arms that are compared, the control among them.
    baseline_day : float
        Study day; the day chosen comes after it.
    day : float, optional
        Study day named by the user.

    Raises
    ------
    DataError
        If the day named is not after the baseline, or no animal was measured on it.
    """
    days = sorted({float(value) for arm in arms for value in arm.days()})
    after = [value for value in days if value > baseline_day + SAME_DAY]
    if day is not None:
        on_it = [value for value in after if abs(value - day) <= SAME_DAY]
        if not on_it:
            raise DataError(
                "a day with readings after the baseline",
                found=f"day {day:g}, baseline day {baseline_day:g}",
                mend="days with readings: "
                + (", ".join(f"{value:g}" for value in after) or "none"),
            )
        return DayChoice(day=on_it[0], rule="option", shares=_shares(arms, on_it[0]))
    for value in reversed(after):
        if all(has_enough(arm, value) for arm in arms):
            return DayChoice(
                day=value, rule="last day with enough animals", shares=_shares(arms, value)
            )
    last = after[-1] if after else baseline_day
    return DayChoice(day=None, rule="no day has enough animals", shares=_shares(arms, last))


def last_rate_day(control: ArmCurves, choice: DayChoice) -> float:
    """Last study day that growth rates see.

    A day that the user named; else the last one on which at least half of the control was
    followed, so that arms are compared over a time in which there was a control, and never a day
    before the one chosen.

    Parameters
    ----------
    control : ArmCurves
        Curves of the control.
    choice : DayChoice
        The day of fixed-day endpoints.
    """
    if choice.rule == "option" and choice.day is not None:
        return choice.day
    half = math.ceil(control.n / 2)
    followed = [float(day) for day in control.days() if control.followed_to(day).sum() >= half]
    return max([*followed, *([] if choice.day is None else [choice.day])])


def _shares(arms: Sequence[ArmCurves], day: float) -> tuple[DayShare, ...]:
    """Who is left of each arm on a day."""
    return tuple(
        DayShare(
            arm=arm.arm,
            n_enrolled=arm.n,
            n_at_risk=int(arm.followed_to(day).sum()),
            n_measured=int(arm.measured_at(day).sum()),
            share=int(arm.measured_at(day).sum()) / arm.n if arm.n else 0.0,
        )
        for arm in arms
    )
