"""Exact two-sample log-rank test of few animals, by relabeling.

Observed minus expected events of a group is a sum of one score for each animal, its event less
the cumulative hazard up to its time; under relabeling the scores stay and only the sum changes.

References
----------
Heinze G, Gnant M, Schemper M. Biometrics 2003;59:1151. Phipson B, Smyth GK. Stat Appl Genet Mol
Biol 2010;9:39 (a drawn p-value counts the observed labels).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.numerics import permutation_sum_test
from oncovivo.survival.rank_tests import event_weights
from oncovivo.survival.risk_sets import risk_sets

__all__ = ["PermutationTest", "log_rank_animal_scores", "permutation_rank_test"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """Result of a permutation test.

    Parameters
    ----------
    score : float
        Observed minus expected events of the second group.
    p_value : float
        Two-sided: share of relabelings with a score at least as far from 0.
    n_relabelings : int
        How many were looked at.
    exact : bool
        Whether these were all.
    monte_carlo_error : float
        Standard error of a p-value from drawn relabelings; 0 where exact.
    """

    score: float
    p_value: float
    n_relabelings: int
    exact: bool
    monte_carlo_error: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def log_rank_animal_scores(
    time: FloatArray, event: BoolArray, *, rho: float = 0.0, gamma: float = 0.0
) -> FloatArray:
    """Score of each animal: its weighted event less its weighted cumulative hazard.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time and whether the event happened then.
    rho, gamma : float
        Fleming-Harrington weights.

    Returns
    -------
    ndarray, shape (n,)
        With sum zero.

    Examples
    --------
    >>> log_rank_animal_scores(np.array([1.0, 2.0]), np.array([True, True]))
    array([ 0.5, -0.5])
    """
    sets = risk_sets(time, event)
    weight = event_weights(sets, rho=rho, gamma=gamma)[0]
    hazard = weight / np.maximum(sets.at_risk[0].sum(axis=1), 1.0)
    score: FloatArray = weight - hazard @ sets.at_risk[0]
    return score


def permutation_rank_test(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    *,
    rng: np.random.Generator,
    draws: int = 20_000,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> PermutationTest:
    """Permutation p-value of the two-sample log-rank test or a weighted form.

    Valid where leaving the study without event does not depend on the treatment.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time and whether the event happened then.
    group : ndarray of int, shape (n,)
        0 or 1.
    rng : numpy.random.Generator
        Source of randomness; not used when all relabelings are looked at.
    draws : int
        Relabelings to draw where there are too many to look at all, at least 99.
    rho, gamma : float
        Fleming-Harrington weights.

    Raises
    ------
    InputError
        If there are not two groups, or `draws` is too small.
    """
    if group.shape != np.shape(time) or not np.isin(group, (0, 1)).all():
        raise InputError("a group of 0 or 1 for each animal", found="other values")
    if draws < 99:
        raise InputError("99 draws or more", found=str(draws))
    scores = log_rank_animal_scores(time, event, rho=rho, gamma=gamma)
    ordered = np.concatenate([scores[group == 1], scores[group == 0]])
    n_second = int((group == 1).sum())
    p_value, n_relabelings, exact = permutation_sum_test(ordered, n_second, draws=draws, rng=rng)
    error = 0.0 if exact else math.sqrt(p_value * (1 - p_value) / n_relabelings)
    return PermutationTest(
        score=float(ordered[:n_second].sum()),
        p_value=p_value,
        n_relabelings=n_relabelings,
        exact=exact,
        monte_carlo_error=error,
    )
