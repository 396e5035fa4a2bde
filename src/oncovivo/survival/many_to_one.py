"""Each arm against one control by log-rank tests, adjusted for looking at several arms.

Arm j and the control alone give the score U_j, observed minus expected events of the arm, from
their own risk sets. At a time when Y_j and Y_0 of them are at risk, U_j grows by
w_j (Y_0 d_j − Y_j d_0) / (Y_j + Y_0). If the hazard is the same in all arms the events d of the
arms are multivariate hypergeometric, and because these coefficients times the numbers at risk add
up to 0, only the diagonal of their covariance counts:

    Cov(U_j, U_l) = sum over times of  K w_j w_l Y_j Y_l Y_0 / ((Y_j + Y_0)(Y_l + Y_0)),
    K = D (Y − D) / (Y (Y − 1)),

with D events among Y animals of all arms. The variance of U_j has Y_j Y_0 / (Y_j + Y_0) in the
place of the fraction. With equal arms the correlation is near one half, as in Dunnett's test of
means. The adjusted p-value is the probability that the largest of these correlated normal
statistics is as far from 0 as the one seen; for few animals it is taken from relabelings.

References
----------
Dunnett CW. J Am Stat Assoc 1955;50:1096. Holm S. Scand J Stat 1979;6:65. Phipson B, Smyth GK.
Stat Appl Genet Mol Biol 2010;9:39 (a drawn p-value counts the observed labels).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.numerics.multivariate_t import max_t_p_values
from oncovivo.survival.curves import checked_times
from oncovivo.survival.relabeling import relabelings

__all__ = ["ArmAgainstControl", "ManyToOne", "ManyToOneMethod", "many_to_one"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
ManyToOneMethod: TypeAlias = Literal["asymptotic", "permutation"]

# Variances below this are rounding.
_NO_VARIANCE: Final = 1e-10
# Statistics closer than this are the same.
_TIE: Final = 1e-9
# Numbers in one array of relabeled risk sets.
_BLOCK: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAgainstControl:
    """One arm against the control.

    Parameters
    ----------
    arm : int
        Code of the arm.
    z, chi_squared : float or None
        Standardized score, positive where the arm has more events than expected, and its square,
        which is the log-rank statistic of the two arms; None where nothing can be compared.
    p_value : float or None
        Two-sided, of this arm alone.
    p_adjusted : float or None
        Adjusted for all arms by the largest statistic.
    p_holm : float or None
        `p_value` adjusted by Holm's steps, for comparison; it needs no joint distribution.
    monte_carlo_error : float
        Standard error of `p_adjusted` where relabelings were drawn; 0 otherwise.
    status : {"ok", "not_estimable"}
        Whether there is a statistic.
    reason : str
        Why there is none; empty otherwise.
    """

    arm: int
    z: float | None
    chi_squared: float | None
    p_value: float | None
    p_adjusted: float | None
    p_holm: float | None
    monte_carlo_error: float = 0.0
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyToOne:
    """Tests of all arms against one control.

    Parameters
    ----------
    control : int
        Code of the control.
    arms : tuple of ArmAgainstControl
        In the order of their codes.
    correlation : tuple of tuples of float
        Of the scores of the arms that have a statistic, if the hazard is the same in all.
    method : {"asymptotic", "permutation"}
        Whence the p-values.
    exact : bool
        Whether all relabelings were looked at.
    n_relabelings : int
        How many were looked at; 0 for the asymptotic method.
    """

    control: int
    arms: tuple[ArmAgainstControl, ...]
    correlation: tuple[tuple[float, ...], ...]
    method: ManyToOneMethod
    exact: bool
    n_relabelings: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """One stratum's animals, and who was at risk and had the event at each of its event times."""

    member: IntArray
    at_risk: FloatArray
    died: FloatArray


def many_to_one(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    control: int = 0,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    method: ManyToOneMethod = "asymptotic",
    rng: np.random.Generator | None = None,
    draws: int = 10_000,
) -> ManyToOne:
    """Log-rank tests of each arm against the control with Dunnett-type adjusted p-values.

    Relabeling moves animals among all arms (within their strata) and studentizes every pair
    anew. It is exact if all arms are alike, also in when animals leave without event, and to be
    preferred with few animals. Where some arms do differ, either method is only approximate for
    the others.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    event : array_like of bool, shape (n,)
        Whether the event happened then.
    group : array_like of int, shape (n,)
        Arm of each animal.
    control : int, default 0
        The arm that all others are compared with.
    strata : array_like of int, shape (n,), optional
        Only animals of one stratum are compared.
    rho, gamma : float
        Fleming-Harrington weights, from the pooled survival of each pair.
    method : {"asymptotic", "permutation"}, default "asymptotic"
        Normal statistics, or relabelings.
    rng : numpy.random.Generator, optional
        Source of randomness; needed where there are too many relabelings to look at all.
    draws : int
        Relabelings to draw then, at least 99.

    Raises
    ------
    InputError
        If arrays do not match, the control or another arm has no animal, a weight is negative,
        the method is none, or relabelings must be drawn and there is no `rng`.

    Examples
    --------
    >>> time = [2, 3, 4, 5, 9, 8, 7, 6, 12, 11, 10, 5]
    >>> found = many_to_one(time, [True] * 12, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    >>> [(arm.arm, round(arm.p_value, 4), round(arm.p_adjusted, 4)) for arm in found.arms]
    [(1, 0.0067, 0.0124), (2, 0.0169, 0.0303)]
    """
    times, happened, _ = checked_times(time, event)
    codes, place, block_of = _checked_groups(group, strata, times.size, control)
    if not (rho >= 0 and gamma >= 0):
        raise InputError("rho and gamma of 0 or more", found=f"{rho:g} and {gamma:g}")
    if method not in get_args(ManyToOneMethod):
        raise InputError("the method asymptotic or permutation", found=str(method))
    blocks = tuple(_blocks(times, happened, block_of))
    weights = (float(rho), float(gamma))
    score, variance, joint = _pair_scores(blocks, place[np.newaxis], codes.size, weights)
    known = variance[0] > _NO_VARIANCE
    z = np.where(known, score[0] / np.sqrt(np.where(known, variance[0], 1.0)), 0.0)
    spread = np.sqrt(np.diagonal(joint[0])[known])
    correlation = joint[0][np.ix_(known, known)] / np.outer(spread, spread)
    np.fill_diagonal(correlation, 1.0)
    p_value, p_adjusted, error = np.ones(z.size), np.ones(z.size), np.zeros(z.size)
    n_relabelings, exact = 0, False
    if method == "permutation":
        labels, exact = relabelings(place, block_of, draws=draws, rng=rng)
        n_relabelings = len(labels)
        alone, largest = _as_far(blocks, labels, np.abs(z), codes.size, weights)
        extra = 0 if exact else 1
        p_value = (alone + extra) / (n_relabelings + extra)
        p_adjusted = (largest + extra) / (n_relabelings + extra)
        if not exact:
            error = np.sqrt(p_adjusted * (1 - p_adjusted) / n_relabelings)
    elif known.any():
        p_value = 2 * special.ndtr(-np.abs(z))
        p_adjusted[known] = max_t_p_values(z[known], correlation, math.inf)
    p_holm = np.ones(z.size)
    p_holm[known] = _holm(p_value[known])
    columns = (codes[1:], z, p_value, p_adjusted, p_holm, error)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    arms = tuple(
        _arm(*row, estimable=estimable)
        for row, estimable in zip(rows, known.tolist(), strict=True)
    )
    return ManyToOne(
        control=int(codes[0]),
        arms=arms,
        correlation=tuple(tuple(row) for row in correlation.tolist()),
        method=method,
        exact=exact,
        n_relabelings=n_relabelings,
    )


def _checked_groups(
    group: ArrayLike, strata: ArrayLike | None, n: int, control: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Codes of the arms with the control first, each animal's place among them, its stratum."""
    arms = np.asarray(group)
    if arms.shape != (n,) or not np.issubdtype(arms.dtype, np.integer):
        raise InputError("an arm, a whole number, for each animal", found=f"shape {arms.shape}")
    found = np.unique(arms)
    if control not in found:
        raise InputError("animals of the control", found=f"none of arm {control}")
    if found.size == 1:
        raise InputError("an arm beside the control", found="none")
    codes = np.concatenate(([control], found[found != control])).astype(np.intp)
    place = np.argmax(arms[:, np.newaxis] == codes, axis=1)
    if strata is None:
        return codes, place, np.zeros(n, dtype=np.intp)
    blocks = np.asarray(strata)
    if blocks.shape != (n,):
        raise InputError("a stratum for each animal", found=f"shape {blocks.shape}")
    return codes, place, np.unique(blocks, return_inverse=True)[1].reshape(-1)


def _blocks(time: FloatArray, event: BoolArray, strata: IntArray) -> Iterator[_Block]:
    """The strata."""
    for code in range(int(strata.max()) + 1):
        member = np.flatnonzero(strata == code)
        times, happened = time[member], event[member]
        steps = np.unique(times[happened])[:, np.newaxis]
        yield _Block(
            member=member,
            at_risk=(times >= steps).astype(np.float64),
            died=((times == steps) & happened).astype(np.float64),
        )


def _pair_scores(
    blocks: tuple[_Block, ...], labels: IntArray, n_arms: int, weights: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores of k arms against arm 0, shape (B, k), their variances, and their covariance.

    The variance is the pair's own hypergeometric one; the covariance, shape (B, k, k), is that
    of all arms with one hazard.
    """
    count, k = len(labels), n_arms - 1
    score, variance = np.zeros((count, k)), np.zeros((count, k))
    joint = np.zeros((count, k, k))
    for block in blocks:
        in_arm = labels[:, block.member, np.newaxis] == np.arange(n_arms)
        risk = block.at_risk @ in_arm.astype(np.float64)
        died = block.died @ in_arm.astype(np.float64)
        pair = risk[..., 1:] + risk[..., :1]
        events = died[..., 1:] + died[..., :1]
        share = risk[..., 1:] / np.maximum(pair, 1.0)
        weight = _weights(pair, events, weights)
        score += (weight * (died[..., 1:] - share * events)).sum(axis=1)
        ties = events * (pair - events) / np.maximum(pair - 1, 1.0)
        variance += (weight**2 * share * (1 - share) * ties).sum(axis=1)
        # these do not change with the labels
        all_risk, all_died = block.at_risk.sum(axis=1), block.died.sum(axis=1)
        rate = all_died * (all_risk - all_died) / (all_risk * np.maximum(all_risk - 1, 1.0))
        part = weight * share
        joint += np.swapaxes(part * rate[:, np.newaxis] * risk[..., :1], 1, 2) @ part
        # the arm's own variance adds Y_0² Y_j to Y_j² Y_0
        own = (rate[:, np.newaxis] * weight**2 * (1 - share) ** 2 * risk[..., 1:]).sum(axis=1)
        joint += own[:, :, np.newaxis] * np.eye(k)
    return score, variance, joint


def _weights(pair: FloatArray, events: FloatArray, weights: tuple[float, float]) -> FloatArray:
    """Fleming-Harrington weights from each pair's pooled survival just before each time."""
    rho, gamma = weights
    if rho == 0 and gamma == 0:
        return np.ones_like(pair)
    survival = np.cumprod(1 - events / np.maximum(pair, 1.0), axis=1)
    before = np.concatenate((np.ones_like(survival[:, :1]), survival[:, :-1]), axis=1)
    return np.asarray(before**rho * (1 - before) ** gamma, dtype=np.float64)


def _as_far(
    blocks: tuple[_Block, ...],
    labels: IntArray,
    far: FloatArray,
    n_arms: int,
    weights: tuple[float, float],
) -> tuple[IntArray, IntArray]:
    """Relabelings in which an arm's statistic is at least as far, and in which any arm's is."""
    alone, largest = np.zeros(far.size, dtype=np.intp), np.zeros(far.size, dtype=np.intp)
    rows = max(1, _BLOCK // (max(block.at_risk.size for block in blocks) + 1))
    for first in range(0, len(labels), rows):
        score, variance, _ = _pair_scores(blocks, labels[first : first + rows], n_arms, weights)
        known = variance > _NO_VARIANCE
        size = np.where(known, np.abs(score) / np.sqrt(np.where(known, variance, 1.0)), 0.0)
        alone += np.count_nonzero(size >= far - _TIE, axis=0)
        top = size.max(axis=1, keepdims=True)
        largest += np.count_nonzero(top >= far - _TIE, axis=0)
    return alone, largest


def _holm(p_value: FloatArray) -> FloatArray:
    """Holm's step-down adjusted p-values."""
    order = np.argsort(p_value, kind="stable")
    steps = p_value[order] * np.arange(p_value.size, 0, -1)
    adjusted = np.empty_like(p_value)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _arm(
    arm: int,
    z: float,
    p_value: float,
    p_adjusted: float,
    p_holm: float,
    error: float,
    *,
    estimable: bool,
) -> ArmAgainstControl:
    """Result of one arm."""
    if not estimable:
        return ArmAgainstControl(
            arm=arm,
            z=None,
            chi_squared=None,
            p_value=None,
            p_adjusted=None,
            p_holm=None,
            status="not_estimable",
            reason="no event happened while animals of this arm and the control were at risk",
        )
    return ArmAgainstControl(
        arm=arm,
        z=z,
        chi_squared=z * z,
        p_value=p_value,
        p_adjusted=p_adjusted,
        p_holm=p_holm,
        monte_carlo_error=error,
    )
