"""Which candidates are on a Pareto front, draw by draw, and what is lost beside its best.

All values are to be small. An objective may have a tolerance: a difference up to it counts as
none. That keeps a dose off the front whose gain nobody could see, but it makes dominance a
relation in which each of many close candidates could push out the next until almost none is left.
So the front is its kernel: no member dominates another, and whatever is left out is dominated by
a member, not by something that is itself left out.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_at_no_greater_cost", "pareto_front"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# Pairs of candidates, over draws, that are held at once.
_MOST_PAIRS: Final = 10_000_000


def pareto_front(values: FloatArray, tolerance: FloatArray, admissible: BoolArray) -> BoolArray:
    """Members of the front of each draw, shape (d, c).

    Parameters
    ----------
    values : ndarray, shape (d, c, k)
        Of c candidates in d draws, each of k objectives to be small.
    tolerance : ndarray, shape (d, k)
        Differences up to it count as none; 0 where every difference counts. With at most two
        objectives that have one, dominance has no circles and the front is the only one.
    admissible : ndarray of bool, shape (c,)
        Others neither are on the front nor keep one off it.

    Examples
    --------
    >>> values = np.array([[[1.0, 5.0], [2.0, 3.0], [2.5, 3.0], [0.99, 9.0]]])
    >>> everyone = np.ones(4, dtype=np.bool_)
    >>> pareto_front(values, np.array([[0.0, 0.0]]), everyone).tolist()
    [[True, True, False, True]]
    >>> pareto_front(values, np.array([[0.05, 0.0]]), everyone).tolist()
    [[True, True, False, False]]
    """
    draws, candidates, _ = values.shape
    front = np.zeros((draws, candidates), dtype=np.bool_)
    together = max(_MOST_PAIRS // max(candidates**2, 1), 1)
    for first in range(0, draws, together):
        part = slice(first, first + together)
        front[part] = _kernel(_dominates(values[part], tolerance[part]), admissible)
    return front


def best_at_no_greater_cost(
    values: FloatArray, costs: FloatArray, admissible: BoolArray
) -> FloatArray:
    """Smallest value among admissible candidates that cost no more, shape (d, c).

    Parameters
    ----------
    values : ndarray, shape (d, c)
        Of c candidates in d draws.
    costs : ndarray, shape (c, m)
        The same in all draws; without columns all candidates are compared with all.
    admissible : ndarray of bool, shape (c,)
        Which may be the best. What is not admissible is compared with those that are.

    Examples
    --------
    >>> values = np.array([[8.0, 5.0, 6.0]])
    >>> costs = np.array([[1.0], [2.0], [3.0]])
    >>> best_at_no_greater_cost(values, costs, np.ones(3, dtype=np.bool_)).tolist()
    [[8.0, 5.0, 5.0]]
    """
    cheap = (costs[:, np.newaxis, :] <= costs[np.newaxis, :, :]).all(axis=2)
    cheap &= admissible[:, np.newaxis]
    best = np.full(values.shape, np.inf)
    for place in range(values.shape[1]):
        if cheap[:, place].any():
            best[:, place] = values[:, cheap[:, place]].min(axis=1)
    return best


def _dominates(values: FloatArray, tolerance: FloatArray) -> BoolArray:
    """Whether candidate i dominates j in a draw, shape (d, c, c)."""
    draws, candidates, objectives = values.shape
    nowhere_worse = np.ones((draws, candidates, candidates), dtype=np.bool_)
    somewhere_better = np.zeros_like(nowhere_worse)
    for place in range(objectives):
        mine, theirs = values[:, :, np.newaxis, place], values[:, np.newaxis, :, place]
        slack = tolerance[:, place, np.newaxis, np.newaxis]
        nowhere_worse &= mine <= theirs + slack
        somewhere_better |= mine < theirs - slack
    return nowhere_worse & somewhere_better


def _kernel(dominates: BoolArray, admissible: BoolArray) -> BoolArray:
    """Members, shape (d, c): take what nothing open dominates, drop what it dominates, repeat."""
    open_ = np.broadcast_to(admissible, dominates.shape[:2]).copy()
    front = np.zeros_like(open_)
    # Each round settles one candidate of a draw or more.
    for _ in range(admissible.size):
        if not open_.any():
            break
        taken = open_ & ~(dominates & open_[:, :, np.newaxis]).any(axis=1)
        front |= taken
        open_ &= ~taken & ~(dominates & taken[:, :, np.newaxis]).any(axis=1)
    return front
