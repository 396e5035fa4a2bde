"""Rank test in which an animal that left does worse than any that stayed.

References
----------
Lachin JM. Control Clin Trials 1999;20:408 (worst-rank score analysis). Mann HB, Whitney DR. Ann
Math Stat 1947;18:50.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.numerics.resampling import permutation_sum_test

__all__ = ["Outcome", "WorstRank", "worst_rank_test"]

FloatArray: TypeAlias = NDArray[np.float64]
WorstRankMethod: TypeAlias = Literal["exact", "exact_permutation", "permutation", "none"]

# Beyond this many pairs of animals the exact distribution is sampled.
_MOST_PAIRS: Final = 2_500
NO_ANIMALS: Final = "an arm has no animal that can be ranked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of an animal on the day: exactly one of the two numbers.

    Parameters
    ----------
    left : float or None
        Study day on which it left; the earlier, the worse.
    change : float or None
        Change of log size since baseline, of an animal that stayed; the larger, the worse.
    """

    left: float | None = None
    change: float | None = None

    @property
    def badness(self) -> tuple[int, float]:
        """What outcomes are sorted by: those that left come last, the earliest of them at last."""
        if self.left is not None:
            return 1, -self.left
        return 0, self.change if self.change is not None else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRank:
    """Worst-rank comparison of an arm with the control.

    Parameters
    ----------
    superiority : float or None
        Estimated probability that a treated animal does better than a control, ties counted half;
        above 0.5 the treatment is better.
    p_value : float or None
        Two-sided Wilcoxon-Mann-Whitney test; None where an arm has nobody.
    smallest_p : float or None
        Smallest p value that so many animals can give; above 1 - level the test cannot reject.
    method : {"exact", "exact_permutation", "permutation", "none"}
        ``exact``: distribution without ties. ``exact_permutation``: all relabelings of the tied
        ranks. ``permutation``: a sample of them.
    n_treated, n_control : int
        Animals that were ranked.
    n_treated_left, n_control_left : int
        Those of them that left before the day.
    reason : str
        Why a number is missing; else empty.
    """

    superiority: float | None
    p_value: float | None
    smallest_p: float | None
    method: WorstRankMethod
    n_treated: int
    n_control: int
    n_treated_left: int
    n_control_left: int
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def worst_rank_test(
    treated: Sequence[Outcome],
    control: Sequence[Outcome],
    *,
    draws: int,
    rng: np.random.Generator,
) -> WorstRank:
    """Wilcoxon-Mann-Whitney test of the composite rank.

    Parameters
    ----------
    treated, control : sequence of Outcome
        Animals of the two arms.
    draws : int
        Relabelings to draw where there are ties and too many to look at all.
    rng : numpy.random.Generator
        Source of randomness, used only then.

    Examples
    --------
    >>> found = worst_rank_test(
    ...     [Outcome(change=c) for c in (0.1, 0.4, 0.5)],
    ...     [Outcome(left=14.0), Outcome(left=17.0), Outcome(change=1.2)],
    ...     draws=1000,
    ...     rng=np.random.default_rng(1),
    ... )
    >>> found.superiority, round(found.p_value, 3)
    (1.0, 0.1)
    """
    # Here and not above: scipy.stats takes half a second to import.
    from scipy import stats

    n_treated, n_control = len(treated), len(control)
    left = [sum(one.left is not None for one in group) for group in (treated, control)]
    if not (n_treated and n_control):
        return WorstRank(
            superiority=None,
            p_value=None,
            smallest_p=None,
            method="none",
            n_treated=n_treated,
            n_control=n_control,
            n_treated_left=left[0],
            n_control_left=left[1],
            reason=NO_ANIMALS,
        )
    values = [one.badness for one in (*treated, *control)]
    place = {value: index for index, value in enumerate(sorted(set(values)))}
    ranks = stats.rankdata([place[value] for value in values])
    x, y = ranks[:n_treated], ranks[n_treated:]
    worse = float(x.sum()) - n_treated * (n_treated + 1) / 2
    method: WorstRankMethod
    if len(place) == len(values) and n_treated * n_control <= _MOST_PAIRS:
        p_value = float(stats.mannwhitneyu(x, y, method="exact").pvalue)
        method = "exact"
    else:
        p_value, _, whole = permutation_sum_test(
            ranks - ranks.mean(), n_treated, draws=draws, rng=rng
        )
        method = "exact_permutation" if whole else "permutation"
    return WorstRank(
        superiority=1 - worse / (n_treated * n_control),
        p_value=min(p_value, 1.0),
        smallest_p=min(2 / math.comb(n_treated + n_control, n_treated), 1.0),
        method=method,
        n_treated=n_treated,
        n_control=n_control,
        n_treated_left=left[0],
        n_control_left=left[1],
        reason="",
    )
