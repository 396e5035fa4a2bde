"""A combination read as a factorial design: interactions of the partners on log growth.

In a 2 × 2 design the interaction is the Bliss contrast. In a 2 × 2 × 2 design, which needs the
arms of all pairs, the Bliss contrast of all three is the sum of the three interactions of two and
the interaction of three.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from oncovivo.combination.quantities import pose
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit

__all__ = ["Interaction", "factorial_interactions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """An interaction of partners on the growth rate.

    Parameters
    ----------
    partners : tuple of str
        Arms of the partners alone.
    estimate, std_error, df, p_value, lower, upper : float
        Natural log per day, with its two-sided t test and interval.
    """

    partners: tuple[str, ...]
    estimate: float
    std_error: float
    df: float
    p_value: float
    lower: float
    upper: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {**asdict(self), "partners": list(self.partners)}


def factorial_interactions(
    fit: GrowthFit, arms: CombinationArms, *, day: float | None = None, level: float = 0.95
) -> tuple[Interaction, ...]:
    """Interactions of a full factorial design: of each two partners, then of three.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles; three partners with the arms of all pairs.
    day : float, optional
        Study day that average rates run to where log curves bend.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If three partners lack the arm of a pair, the readings only bound the rate of an arm, an
        arm is not in the fit, the day is not after the baseline, or the level is none.
    """
    question = pose(fit, arms, scale="growth_rate", day=day, level=level)
    if fit.arms_without_rate & set(arms.arms):
        expected = "arms whose rates the readings tell"
        raise InputError(expected, found=", ".join(sorted(fit.arms_without_rate)))
    partners = arms.partners
    if len(partners) > 2 and len(arms.pairs) < len(partners):
        expected = "the arms of all three pairs for a factorial design"
        raise InputError(expected, found=f"{len(arms.pairs)} of them")

    def rate(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return fit.terms.rate(fit.data.arm_number(name), end=question.time)

    rows = []
    for pair in arms.questions[1:] if arms.pairs else arms.questions:
        first, second = pair.partners
        rows.append(rate(pair.combination) - rate(first) - rate(second) + rate(pair.control))
    terms: list[tuple[str, ...]] = [pair.partners for pair in arms.pairs] or [partners]
    if arms.pairs:
        alone = [rate(name) for name in partners]
        both = [rate(pair.arm) for pair in arms.pairs]
        rows.append(
            rate(arms.combination)
            - np.sum(both, axis=0)
            + np.sum(alone, axis=0)
            - rate(arms.control)
        )
        terms.append(partners)
    found = fit.contrasts(np.stack(rows), level=level)
    return tuple(
        Interaction(
            partners=names,
            estimate=float(found.estimate[row]),
            std_error=float(found.std_error[row]),
            df=float(found.df[row]),
            p_value=float(found.p_value[row]),
            lower=float(found.lower[row]),
            upper=float(found.upper[row]),
        )
        for row, names in enumerate(terms)
    )
