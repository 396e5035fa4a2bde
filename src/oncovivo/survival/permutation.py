"""Exact log-rank test of few animals, by relabeling.

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
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.survival.rank_tests import event_weights
from oncovivo.survival.relabeling import relabeled_p_value
from oncovivo.survival.risk_sets import risk_sets

__all__ = ["PermutationTest", "log_rank_animal_scores", "permutation_rank_test"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """Result of a permutation test.

    Parameters
    ----------
    score : float or None
        Observed minus expected events of the second of two groups; None of more groups.
    p_value : float
        Two-sided: share of relabelings with a score at least as far from 0.
    n_relabelings : int
        How many were looked at.
    exact : bool
        Whether these were all.
    monte_carlo_error : float
        Standard error of a p-value from drawn relabelings; 0 where exact.
    """

    score: float | None
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
    # Where all have the event at once nobody is ahead: the scores are 0 but for rounding.
    return np.where(np.abs(score) < _ROUNDING, 0.0, score)


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
    """Permutation p-value of the log-rank test of two groups or more, or of a weighted form.

    Of two groups, how far their score is from 0 counts; of more, the sum of squared scores, each
    over its group's size. Valid where leaving the study without event does not depend on the
    treatment.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time and whether the event happened then.
    group : ndarray of int, shape (n,)
        Group of each animal, 0 to k − 1.
    rng : numpy.random.Generator
        Source of randomness; not used when all relabelings are looked at.
    draws : int
        Relabelings to draw where there are too many to look at all, at least 99.
    rho, gamma : float
        Fleming-Harrington weights.

    Raises
    ------
    InputError
        If there are fewer than two groups, or `draws` is too small.
    """
    if draws < 99:
        raise InputError("99 draws or more", found=str(draws))
    group = np.asarray(group)
    if group.shape != np.shape(time) or not (group >= 0).all() or np.unique(group).size < 2:
        raise InputError("a group of 0 to k − 1 for each animal, two or more", found="others")
    scores = log_rank_animal_scores(time, event, rho=rho, gamma=gamma)
    p_value, n_relabelings, exact = relabeled_p_value(scores, group, draws=draws, rng=rng)
    error = 0.0 if exact else math.sqrt(p_value * (1 - p_value) / n_relabelings)
    return PermutationTest(
        score=float(scores[group == group.max()].sum()) if np.unique(group).size == 2 else None,
        p_value=p_value,
        n_relabelings=n_relabelings,
        exact=exact,
        monte_carlo_error=error,
    )
