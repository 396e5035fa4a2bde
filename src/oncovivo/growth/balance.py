"""How alike the arms start: the baseline sizes of each arm beside the control's."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from oncovivo.growth.data import GrowthData

__all__ = ["BaselineDifference", "baseline_differences"]

# Arms differ notably from here on: a large difference by Cohen's words, and one that fair
# randomization of small arms makes seldom (as the study check ``baseline_imbalance`` has it).
NOTABLE_SD: Final = 0.8
NOTABLE_SE: Final = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDifference:
    """An arm's log sizes at baseline against the control's.

    Parameters
    ----------
    arm, versus : str
        Arm and control.
    n, n_control : int
        Animals with a measured baseline.
    ratio : float or None
        Geometric mean of the arm over that of the control.
    standardized : float or None
        Difference of the mean logs in pooled standard deviations; None with too few animals or
        without spread.
    notable : bool
        Whether it is 0.8 standard deviations or more, and 2.5 standard errors.
    """

    arm: str
    versus: str
    n: int
    n_control: int
    ratio: float | None
    standardized: float | None
    notable: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def baseline_differences(data: GrowthData, control: str) -> tuple[BaselineDifference, ...]:
    """Each arm's baseline against the control's.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    control : str
        Control arm.

    Raises
    ------
    InputError
        If there is no such arm.
    """
    reference = data.arm_number(control)
    start = data.log_baseline
    own = start[data.animals_of(reference)]
    base = own[~np.isnan(own)]
    found: list[BaselineDifference] = []
    for number, name in enumerate(data.arms):
        if number == reference:
            continue
        values = start[data.animals_of(number)]
        values = values[~np.isnan(values)]
        ratio = standardized = None
        notable = False
        if values.size and base.size:
            difference = float(values.mean() - base.mean())
            ratio = math.exp(difference)
            rest = values.size + base.size - 2
            squares = float(
                ((values - values.mean()) ** 2).sum() + ((base - base.mean()) ** 2).sum()
            )
            if rest > 0 and squares > 0:
                sd = math.sqrt(squares / rest)
                standardized = difference / sd
                error = math.sqrt(1 / values.size + 1 / base.size)
                notable = abs(standardized) >= max(NOTABLE_SD, NOTABLE_SE * error)
        found.append(
            BaselineDifference(
                arm=name,
                versus=control,
                n=int(values.size),
                n_control=int(base.size),
                ratio=ratio,
                standardized=standardized,
                notable=notable,
            )
        )
    return tuple(found)
