"""Ranks of effects, each with the ranks that the data do not exclude.

An effect is surely ahead of another when their difference is: two-sided z tests of all pairs, with
the error over all pairs held by Bonferroni. The set of ranks of an effect runs from one more than
the number of effects that are surely ahead of it to one more than the number of those that are not
surely behind it; all sets hold together at the level (Mogstad et al. 2024, with
Bonferroni's critical value).

References
----------
Mogstad M, Romano JP, Shaikh AM, Wilhelm D. Inference for ranks with applications to mobility
across neighbourhoods and academic achievement across countries. Rev Econ Stud 2024;91:476.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import special

from oncovivo.errors import InputError

__all__ = ["RankedEffect", "rank_effects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedEffect:
    """An effect and its rank.

    Parameters
    ----------
    name : str
        Whose effect it is.
    estimate, std_error : float
        As they came.
    rank : int
        From 1, the lowest estimate; ties share the better rank.
    best_rank, worst_rank : int
        Ends of the set of ranks that the data do not exclude.
    """

    name: str
    estimate: float
    std_error: float
    rank: int
    best_rank: int
    worst_rank: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def rank_effects(
    names: Sequence[str],
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    level: float = 0.95,
) -> tuple[RankedEffect, ...]:
    """Independent effects from the lowest to the highest, with sets of ranks.

    Parameters
    ----------
    names : sequence of str
        Each once.
    estimates, variances : sequence of float
        Of the effects; variances are above 0.
    level : float
        Confidence with which all sets hold together.

    Returns
    -------
    tuple of RankedEffect
        By rank, then by name.

    Raises
    ------
    InputError
        If lengths differ, a name comes twice, or a number lies outside its domain.

    Examples
    --------
    >>> for one in rank_effects(["a", "b", "c"], [-0.9, -0.8, 0.1], [0.01, 0.01, 0.01]):
    ...     print(one.name, one.rank, one.best_rank, one.worst_rank)
    a 1 1 2
    b 2 1 2
    c 3 3 3
    """
    k = len(names)
    if not (k == len(estimates) == len(variances)) or len(set(names)) != k:
        raise InputError(
            "one estimate and one variance for each name, and each name once",
            found=f"{k} names, {len(estimates)} estimates, {len(variances)} variances",
        )
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=str(level))
    center = np.asarray(estimates, dtype=np.float64)
    spread = np.asarray(variances, dtype=np.float64)
    for name, mean, variance in zip(names, center.tolist(), spread.tolist(), strict=True):
        if not (math.isfinite(mean) and math.isfinite(variance) and variance > 0):
            raise InputError(
                "a finite estimate with a variance above 0",
                found=f"{mean} with {variance}",
                where=name,
            )
    pairs = max(k * (k - 1) // 2, 1)
    critical = -float(special.ndtri((1 - level) / 2 / pairs))
    z = (center[:, None] - center[None, :]) / np.sqrt(spread[:, None] + spread[None, :])
    ahead_of_it = (z > critical).sum(axis=1)
    behind_it = (z < -critical).sum(axis=1)
    ranks = 1 + (center[None, :] < center[:, None]).sum(axis=1)
    found = [
        RankedEffect(
            name=name,
            estimate=float(center[i]),
            std_error=math.sqrt(float(spread[i])),
            rank=int(ranks[i]),
            best_rank=int(1 + ahead_of_it[i]),
            worst_rank=int(k - behind_it[i]),
        )
        for i, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (one.rank, one.name)))
