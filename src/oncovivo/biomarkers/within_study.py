"""How a marker goes with response among the animals of a study, one value of each per animal.

Treatment moves a marker of its target and, where it works, tumors too. Over all arms together the
two then go with each other even if no animal's marker says anything about that animal: the
correlation that is asked for is the one within arms.

References
----------
Fisher RA. Metron 1921;1(4):3 (transform of a correlation). Bonett DG, Wright TA. Psychometrika
2000;65:23 (standard error of the transform of Spearman's).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.remarks import Remark
from oncovivo.biomarkers.timing import MEASURED_AFTER_TREATMENT, MarkerTiming
from oncovivo.errors import InputError

__all__ = [
    "CorrelationMethod",
    "CorrelationScope",
    "MarkerCorrelation",
    "correlate_marker",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
CorrelationMethod: TypeAlias = Literal["spearman", "pearson"]
CorrelationScope: TypeAlias = Literal["within_arm", "pooled"]
PMethod: TypeAlias = Literal["exact", "permutation", "none"]

POOLED: Final = (
    "pooled over arms: it mixes what treatment does to both with what the marker says of an "
    "animal; the partial correlation within arms answers the latter"
)
# Up to here every order of the marker within arms is looked at, beyond it a sample is drawn.
MOST_ORDERS: Final = 50_000
DRAWS: Final = 9_999
# Sums of the same numbers in another order differ by rounding; such a tie counts as a tie.
_TIE: Final = 1e-9
# Ranks and sizes whose spread within arms is rounding are constant.
_NO_SPREAD: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerCorrelation:
    """A correlation of marker and response, animals as units.

    Parameters
    ----------
    marker, response : str
        Names.
    method : {"spearman", "pearson"}
        Of ranks or of values.
    scope : {"within_arm", "pooled"}
        Partial, adjusted for arm, or over all animals as if there were no arms.
    estimate : float or None
        -1 to 1; None where one of the two does not vary.
    std_error, lower, upper : float or None
        By Fisher's transform; the standard error is brought back to the scale of the estimate.
    level : float
        Confidence.
    p_value : float or None
        Two-sided, from orders of the marker (within arms where the scope says so).
    p_method : {"exact", "permutation", "none"}
        All orders, or drawn ones with (b + 1)/(B + 1).
    p_value_t : float or None
        The same by Student's t with n - 2 degrees of freedom, less one for each arm beyond the
        first: what other programs print.
    n_animals, n_arms : int
        That have both values.
    status : {"ok", "flagged", "undefined"}
        ``flagged`` where the marker was measured after treatment, or arms were pooled.
    reason : str
        Why; empty where ok.
    remarks : tuple of Remark
        What to know.
    """

    marker: str
    response: str
    method: CorrelationMethod
    scope: CorrelationScope
    estimate: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    level: float
    p_value: float | None
    p_method: PMethod
    p_value_t: float | None
    n_animals: int
    n_arms: int
    status: Literal["ok", "flagged", "undefined"]
    reason: str
    remarks: tuple[Remark, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        shown = asdict(self)
        del shown["remarks"]
        return {**shown, "warnings": [remark.to_dict() for remark in self.remarks]}


def correlate_marker(
    values: FloatArray,
    response: FloatArray,
    arm: Sequence[str],
    *,
    rng: np.random.Generator,
    method: CorrelationMethod = "spearman",
    scope: CorrelationScope = "within_arm",
    timing: MarkerTiming | None = None,
    names: tuple[str, str] = ("marker", "response"),
    level: float = 0.95,
    draws: int = DRAWS,
) -> MarkerCorrelation:
    """Correlation of a marker with response over the animals of a study.

    Within arms, ranks (or values) of both are taken from their arm's mean: the partial correlation
    given the arm, the number that ``ppcor`` in R gives with the arms as 0/1 covariates. Its test
    exchanges marker values within arms only, so it holds whatever treatment does.

    Parameters
    ----------
    values, response : ndarray, shape (n,)
        One of each for each animal; an animal with a NaN does not enter.
    arm : sequence of str, length n
        Arm of each animal; with lines told apart, arm and line in one label.
    rng : numpy.random.Generator
        Draws orders where there are too many to look at all.
    method : {"spearman", "pearson"}
        Of ranks over all animals, or of values.
    scope : {"within_arm", "pooled"}
        Adjusted for arm, or not.
    timing : MarkerTiming, optional
        When the marker was measured; one from after the first treatment is flagged.
    names : (str, str)
        Of marker and response.
    level : float
        Confidence of the interval.
    draws : int
        Orders to draw.

    Raises
    ------
    InputError
        If arrays do not fit, or a choice is unknown.

    Examples
    --------
    Treatment lowers both; within an arm the two have nothing to do with each other:

    >>> pS6 = np.array([1.0, 1.1, 0.9, 1.0, 0.2, 0.3, 0.1, 0.2])
    >>> rate = np.array([0.10, 0.11, 0.12, 0.11, 0.04, 0.05, 0.06, 0.05])
    >>> arms = ["vehicle"] * 4 + ["drug"] * 4
    >>> rng = np.random.default_rng(1)
    >>> pooled = correlate_marker(
    ...     pS6, rate, arms, method="pearson", scope="pooled", rng=rng
    ... )
    >>> within = correlate_marker(pS6, rate, arms, method="pearson", rng=rng)
    >>> pooled.p_value < 0.05, within.p_value < 0.05
    (True, False)
    """
    from scipy import stats

    _check(values, response, arm, method, scope, level, draws)
    known = np.isfinite(values) & np.isfinite(response)
    labels = np.array(arm, dtype=str)[known]
    block = np.unique(labels, return_inverse=True)[1].astype(np.intp)
    n, n_arms = int(known.sum()), int(np.unique(labels).size)
    if scope == "pooled":
        block = np.zeros(n, dtype=np.intp)
    x, y = values[known], response[known]
    # Draws depend on the order of rows; a result must not.
    order = np.lexsort((x, y, block))
    x, y, block = x[order], y[order], block[order]
    if method == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    x_rest, y_rest = _from_block_means(x, block), _from_block_means(y, block)
    n_blocks = int(block.max()) + 1 if n else 0
    df = n - 1 - n_blocks
    remarks = _remarks(int((~known).sum()), n, n_arms, block, scope)
    length = math.sqrt(float(x_rest @ x_rest) * float(y_rest @ y_rest))
    scale = math.sqrt(float(x @ x) * float(y @ y)) or 1.0
    if df < 1 or length <= _NO_SPREAD * scale:
        reason = (
            f"{n} animals in {n_arms} arms are too few"
            if df < 1
            else "marker or response does not vary" + (" within arms" if n_blocks > 1 else "")
        )
        return MarkerCorrelation(
            marker=names[0],
            response=names[1],
            method=method,
            scope=scope,
            estimate=None,
            std_error=None,
            lower=None,
            upper=None,
            level=level,
            p_value=None,
            p_method="none",
            p_value_t=None,
            n_animals=n,
            n_arms=n_arms,
            status="undefined",
            reason=reason,
            remarks=remarks,
        )
    r = float(np.clip(x_rest @ y_rest / length, -1.0, 1.0))
    p_value, p_method = _order_test(x_rest, y_rest, block, draws=draws, rng=rng)
    std_error, lower, upper = _limits(r, df, method, level)
    after = timing.reason(names[0]) if timing else ""
    if after:
        remarks = (*remarks, Remark(code=MEASURED_AFTER_TREATMENT, message=after))
    flags = [after, POOLED if scope == "pooled" and n_arms > 1 else ""]
    reason = "; ".join(flag for flag in flags if flag)
    return MarkerCorrelation(
        marker=names[0],
        response=names[1],
        method=method,
        scope=scope,
        estimate=r,
        std_error=std_error,
        lower=lower,
        upper=upper,
        level=level,
        p_value=p_value,
        p_method=p_method,
        p_value_t=_t_test(r, df),
        n_animals=n,
        n_arms=n_arms,
        status="flagged" if reason else "ok",
        reason=reason,
        remarks=remarks,
    )


def _check(
    values: FloatArray,
    response: FloatArray,
    arm: Sequence[str],
    method: str,
    scope: str,
    level: float,
    draws: int,
) -> None:
    n = len(arm)
    if values.shape != (n,) or response.shape != (n,):
        expected = f"a marker and a response for each of {n} animals"
        raise InputError(expected, found=f"shapes {values.shape} and {response.shape}")
    if method not in get_args(CorrelationMethod):
        raise InputError("method 'spearman' or 'pearson'", found=repr(method))
    if scope not in get_args(CorrelationScope):
        raise InputError("scope 'within_arm' or 'pooled'", found=repr(scope))
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if draws < 1:
        raise InputError("one draw or more", found=str(draws))


def _from_block_means(values: FloatArray, block: IntArray) -> FloatArray:
    """Values less the mean of their block."""
    if not values.size:
        return values
    total = np.bincount(block, weights=values)
    return np.asarray(values - (total / np.bincount(block))[block])


def _order_test(
    x: FloatArray, y: FloatArray, block: IntArray, *, draws: int, rng: np.random.Generator
) -> tuple[float, PMethod]:
    """Two-sided p-value of the sum of products when x changes places within blocks."""
    observed = abs(float(x @ y)) - _TIE * math.sqrt(float(x @ x) * float(y @ y))
    sizes = np.bincount(block)
    if math.prod(math.factorial(int(size)) for size in sizes) <= MOST_ORDERS:
        sums = np.zeros(1)
        for number in range(sizes.size):
            rows = np.flatnonzero(block == number)
            orders = np.array(list(permutations(rows.tolist())), dtype=np.intp)
            sums = (sums[:, None] + x[orders] @ y[rows]).ravel()
        return float((np.abs(sums) >= observed).mean()), "exact"
    # Rows come block by block, so a random key plus the block's number sorts within blocks.
    order = np.argsort(rng.random((draws, x.size)) + block, axis=1)
    far = int((np.abs(x[order] @ y) >= observed).sum())
    return (far + 1) / (draws + 1), "permutation"


def _t_test(r: float, df: int) -> float:
    """Two-sided p-value of a correlation by Student's t."""
    from scipy import special

    rest = 1 - r * r
    if rest <= 0:
        return 0.0
    return float(2 * special.stdtr(df, -abs(r) * math.sqrt(df / rest)))


def _limits(
    r: float, df: int, method: CorrelationMethod, level: float
) -> tuple[float | None, float | None, float | None]:
    """Standard error and limits by Fisher's transform; None with too few animals."""
    from scipy import special

    # n - 3 for a plain correlation, one less for each arm beyond the first.
    left = df - 1
    if left < 1 or abs(r) >= 1:
        return None, None, None
    widening = 1 + r * r / 2 if method == "spearman" else 1.0
    error = math.sqrt(widening / left)
    reach = float(special.ndtri(0.5 + level / 2)) * error
    middle = math.atanh(r)
    return (1 - r * r) * error, math.tanh(middle - reach), math.tanh(middle + reach)


def _remarks(
    missing: int, n: int, n_arms: int, block: IntArray, scope: CorrelationScope
) -> tuple[Remark, ...]:
    remarks: list[Remark] = []
    if missing:
        remarks.append(
            Remark(
                code="animals_not_used",
                message=f"{missing} animals lack the marker or the response",
            )
        )
    alone = int((np.bincount(block) == 1).sum()) if n and scope == "within_arm" else 0
    if alone:
        remarks.append(
            Remark(
                code="single_animals",
                message=f"{alone} of {n_arms} arms have one animal with both values, which says "
                "nothing within its arm",
            )
        )
    if scope == "pooled" and n_arms > 1:
        remarks.append(Remark(code="pooled_over_arms", message=POOLED))
    return tuple(remarks)
