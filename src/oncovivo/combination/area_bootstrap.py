"""The index from areas under the animals' own curves, with a bootstrap of animals within arms.

No model of growth stands behind it. Each animal's area becomes a number: the growth rate of the
exponential with the same area on the log scale (2/T² times the area above the start, T the days
followed), or the mean of the size relative to the start. An arm keeps the share s = R/R_C of the
control's size; with rates R = exp(mean rate times the days), with sizes R is their mean.

Bliss foresees s_AB = s_A s_B, the highest single agent the smaller one, response additivity
s_A + s_B - 1, with three partners s_A + s_B + s_Z - 2.

Unequal follow-up biases areas. The rate of an animal that left early rests on its early days:
where growth slows down it is too high, and on a straight log line it is right but for the last
reading, which lies high because the animal left for it. The mean size of such an animal lacks its
largest sizes and is too small. What that does to an index depends on which arms lose animals. By
default areas therefore end on the last day to which every animal was followed; where they do not,
the result says how many fall short.

References
----------
Mao B, Guo S. Cancer Res Commun 2023;3:2146, doi 10.1158/2767-9764.CRC-23-0243 (invivoSyn: rates of
the areas, percentile limits; its program adds up effects for response additivity instead of what
is left). Efron B, Tibshirani RJ. An Introduction to the Bootstrap, 1993, ch. 12 and 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias, TypeVar, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.combination.answers import NO_ERROR, index_of
from oncovivo.combination.bliss import bliss_signs
from oncovivo.combination.nulls import NULLS
from oncovivo.combination.response_additivity import NOT_POSITIVE
from oncovivo.combination.result import Alternative, Null, Verdict
from oncovivo.combination.roles import CombinationArms
from oncovivo.endpoints.auc import area_growth_rates, normalized_areas
from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.numerics.resampling import resample_rows

__all__ = ["AreaIndex", "AreaMeasure", "FollowUp", "Limits", "area_index"]

FloatArray: TypeAlias = NDArray[np.float64]
AreaMeasure: TypeAlias = Literal["growth_rate", "mean_size"]
FollowUp: TypeAlias = Literal["common", "own"]
Limits: TypeAlias = Literal["bootstrap_t", "percentile"]
Word = TypeVar("Word", Null, AreaMeasure, FollowUp, Limits)

DRAWS: Final = 1000
_FEWEST_DRAWS: Final = 200
_FEWEST_ANIMALS: Final = 2
# Beyond this the log of an index counts as without limit.
_FARTHEST: Final = 60.0
# A mean that is the same for all animals has this error left, from rounding.
_NO_SPREAD: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaIndex:
    """Observed over foreseen share of the control's size, from areas under the animals' curves.

    Parameters
    ----------
    null : {"bliss", "hsa", "response_additivity"}
        The null model.
    measure : {"growth_rate", "mean_size"}
        What an animal's area was turned into.
    follow_up : {"common", "own"}
        Whether readings after the day entered (``own``).
    arms : CombinationArms
        Roles.
    day, time : float
        Study day of the index, and days since baseline.
    observed, foreseen : float or None
        Share of the control's size that the combination keeps, and that the null model foresees.
    estimate, lower, upper : float or None
        Observed less foreseen, as logs; for response additivity ln(R_AB + R_C) - ln(R_A + R_B).
    index, index_lower, index_upper : float or None
        Observed over foreseen: below 1 is synergy. A missing upper limit is unbounded.
    level : float
        Confidence.
    alternative : {"two_sided", "less"}
        ``less``: the highest single agent, whose limits each hold alone at the level.
    p_value : float or None
        From the draws; never 0.
    limits : {"bootstrap_t", "percentile"}
        How limits were made.
    draws : int
        How many.
    n_animals : tuple of int
        Animals that entered: control, partners, combination.
    n_short : int
        How many of them have areas over fewer days than others.
    verdict : {"synergy", "antagonism", "not_shown"}
        What the limits say.
    reason : str
        What is missing or flagged; empty otherwise.
    """

    null: Null
    measure: AreaMeasure
    follow_up: FollowUp
    arms: CombinationArms
    day: float
    time: float
    observed: float | None
    foreseen: float | None
    estimate: float | None
    lower: float | None
    upper: float | None
    index: float | None
    index_lower: float | None
    index_upper: float | None
    level: float
    alternative: Alternative
    p_value: float | None
    limits: Limits
    draws: int
    n_animals: tuple[int, ...]
    n_short: int
    verdict: Verdict
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {**asdict(self), "arms": self.arms.to_dict(), "n_animals": list(self.n_animals)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Areas:
    """Numbers of each arm's animals, control first, and what is to be said about them."""

    values: tuple[FloatArray, ...]
    time: float
    n_short: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Means:
    """Logs of arms' sizes and their variances, shape (..., k)."""

    value: FloatArray
    variance: FloatArray


def area_index(
    data: GrowthData,
    arms: CombinationArms,
    *,
    rng: np.random.Generator,
    nulls: Sequence[Null] = NULLS,
    measure: AreaMeasure = "growth_rate",
    follow_up: FollowUp = "common",
    day: float | None = None,
    level: float = 0.95,
    limits: Limits = "bootstrap_t",
    draws: int = DRAWS,
) -> tuple[AreaIndex, ...]:
    """The index of areas, the whole combination and then each pair, with limits from resamples.

    Animals are drawn with replacement within their arms, the same draws for every null model.

    Parameters
    ----------
    data : GrowthData
        Readings of one study. Those below the limit count as the limit, which the reason says.
    arms : CombinationArms
        Roles.
    rng : numpy.random.Generator
        Random numbers.
    nulls : sequence of {"bliss", "hsa", "response_additivity"}
        Which; all without it.
    measure : {"growth_rate", "mean_size"}
        The rate that an area stands for, or the mean relative size.
    follow_up : {"common", "own"}
        ``common``: readings up to the day; ``own``: all of each animal's readings, whatever the
        day.
    day : float, optional
        Study day of the index; else the last to which every animal of the arms was followed.
    level : float
        Confidence.
    limits : {"bootstrap_t", "percentile"}
        Studentized by the linearized standard error of each draw, or percentiles of the draws.
        Percentiles are too narrow with few animals.
    draws : int
        At least 200.

    Raises
    ------
    InputError
        If a choice is none, an arm has no reading, or the day is not after the baseline.
    DataError
        If an arm has fewer than two animals with an area.

    Notes
    -----
    Limits of the index for response additivity are the ratios I for which R_AB = I (R_A + R_B -
    R_C) is not rejected; their studentized distance is taken to be spread as at I = 1.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> rates = np.repeat([0.10, 0.08, 0.07, 0.01], 5) + np.tile([-2, -1, 0, 1, 2], 4) * 0.004
    >>> data = growth_data_from_arrays(
    ...     arm=np.repeat(["C", "A", "B", "AB"], 10).tolist(),
    ...     animal_id=[f"m{i // 2}" for i in range(40)],
    ...     time=np.tile([0.0, 20.0], 20),
    ...     log_size=5.0 + np.repeat(rates, 2) * np.tile([0.0, 20.0], 20),
    ... )
    >>> roles = CombinationArms(control="C", partners=("A", "B"), combination="AB")
    >>> found = area_index(data, roles, rng=np.random.default_rng(1), nulls=["bliss"])
    >>> round(found[0].index, 3), found[0].verdict
    (0.449, 'synergy')
    """
    for null in nulls:
        _check(null, NULLS, what="a null model")
    if not nulls:
        raise InputError("a null model: " + ", ".join(NULLS), found="none")
    _check(measure, get_args(AreaMeasure), what="a measure of the area")
    _check(follow_up, get_args(FollowUp), what="a follow-up")
    _check(limits, get_args(Limits), what="a kind of limits")
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if draws < _FEWEST_DRAWS:
        raise InputError(f"at least {_FEWEST_DRAWS} draws", found=str(draws))
    results: list[AreaIndex] = []
    for question in arms.questions:
        areas = _areas(data, question, measure=measure, follow_up=follow_up, day=day)
        point = _means([values[None] for values in areas.values], measure, areas.time)
        drawn = _means(
            [values[resample_rows(values.size, draws, rng=rng)] for values in areas.values],
            measure,
            areas.time,
        )
        for null in dict.fromkeys(nulls):
            blank = AreaIndex(
                null=null,
                measure=measure,
                follow_up=follow_up,
                arms=question,
                day=data.baseline_day + areas.time,
                time=areas.time,
                observed=None,
                foreseen=None,
                estimate=None,
                lower=None,
                upper=None,
                index=None,
                index_lower=None,
                index_upper=None,
                level=level,
                alternative="less" if null == "hsa" else "two_sided",
                p_value=None,
                limits=limits,
                draws=draws,
                n_animals=tuple(values.size for values in areas.values),
                n_short=areas.n_short,
                verdict="not_shown",
                reason=_joined(*areas.remarks),
            )
            maker = _Maker(null, point, drawn, level=level, limits=limits)
            results.append(maker.result(blank))
    return tuple(results)


def _check(word: Word, known: Sequence[Word], *, what: str) -> None:
    if word not in known:
        raise InputError(f"{what}: " + ", ".join(known), found=repr(word))


def _areas(
    data: GrowthData,
    arms: CombinationArms,
    *,
    measure: AreaMeasure,
    follow_up: FollowUp,
    day: float | None,
) -> _Areas:
    """Numbers of the animals of one combination."""
    names = (arms.control, *arms.partners, arms.combination)
    members = [data.animals_of(data.arm_number(name)) for name in names]
    own = np.concatenate(members)
    last = np.full(data.n_animals, -np.inf)
    np.maximum.at(last, data.animal, data.time)
    # An animal with one reading has no area, and does not set the day.
    followed = own[data.readings[own] >= 2]
    if day is None and not followed.size:
        expected = "animals with two readings or more"
        raise DataError(expected, found="none", where=f"study {data.study_id}")
    time = float(last[followed].min()) if day is None else day - data.baseline_day
    if not (math.isfinite(time) and time > 0):
        expected = f"a day after the baseline, day {data.baseline_day:g}"
        found = f"day {data.baseline_day + time:g}"
        raise InputError(expected, found=found, where=f"study {data.study_id}")
    rows = _rows(data, own, end=time if follow_up == "common" else math.inf)
    number = _numbers(rows, measure)
    known = np.isfinite(number)
    values = []
    low = 0
    for name, group in zip(names, members, strict=True):
        mine = slice(low, low + group.size)
        low += group.size
        values.append(number[mine][known[mine]])
        if values[-1].size < _FEWEST_ANIMALS:
            expected = f"two animals or more with an area in arm '{name}'"
            raise DataError(expected, found=str(values[-1].size), where=f"study {data.study_id}")
    span = np.where(rows.use, rows.time, 0.0).max(axis=1)[known]
    short = int((span < span.max() - SAME_DAY).sum())
    return _Areas(
        values=tuple(values),
        time=time,
        n_short=short,
        remarks=_remarks(data, own, known, short=short, measure=measure),
    )


def _remarks(
    data: GrowthData,
    own: NDArray[np.intp],
    known: NDArray[np.bool_],
    *,
    short: int,
    measure: AreaMeasure,
) -> tuple[str, ...]:
    """What is to be said about the areas."""
    remarks = []
    if short:
        harm = (
            "their rates rest on early days"
            if measure == "growth_rate"
            else "their means lack the largest sizes"
        )
        remarks.append(f"{short} of {int(known.sum())} animals were followed less long: {harm}")
    lost = int((~known).sum())
    if lost:
        remarks.append(f"{lost} animals have no area and are left out")
    below = int(data.below_limit[np.isin(data.animal, own)].sum())
    if below:
        remarks.append(f"{below} readings below the limit count as the limit")
    return tuple(remarks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Readings of some animals, a row for each: shape (n, t)."""

    time: FloatArray
    log_size: FloatArray
    use: NDArray[np.bool_]


def _rows(data: GrowthData, own: NDArray[np.intp], *, end: float) -> _Rows:
    """Readings up to an end, where a curve that runs past it is read off between two readings."""
    first = np.searchsorted(data.animal, own)
    count = data.readings[own]
    width = int(count.max()) + 1
    time = np.full((own.size, width), np.inf)
    size = np.zeros((own.size, width))
    for row, (low, n) in enumerate(zip(first.tolist(), count.tolist(), strict=True)):
        mine = slice(low, low + n)
        inside = int((data.time[mine] <= end + SAME_DAY).sum())
        time[row, :inside] = data.time[mine][:inside]
        size[row, :inside] = data.log_size[mine][:inside]
        if 0 < inside < n and data.time[low + inside - 1] < end - SAME_DAY:
            time[row, inside] = end
            size[row, inside] = np.interp(end, data.time[mine], data.log_size[mine])
    use = np.isfinite(time)
    return _Rows(time=np.where(use, time, 0.0), log_size=size, use=use)


def _numbers(rows: _Rows, measure: AreaMeasure) -> FloatArray:
    """Rate per day, or mean size relative to the start; NaN where there is none, shape (n,)."""
    if measure == "growth_rate":
        return area_growth_rates(rows.time, rows.log_size, rows.use)
    from_start = rows.use[:, 0] & (rows.time[:, 0] <= SAME_DAY)
    relative = np.exp(np.where(rows.use, rows.log_size - rows.log_size[:, :1], 0.0))
    return np.where(from_start, normalized_areas(rows.time, relative, rows.use), np.nan)


def _means(values: Sequence[FloatArray], measure: AreaMeasure, time: float) -> _Means:
    """Logs of the sizes of k arms with animals along the last axes, shape (..., k)."""
    mean = np.stack([own.mean(axis=-1) for own in values], axis=-1)
    variance = np.stack([own.var(axis=-1, ddof=1) / own.shape[-1] for own in values], axis=-1)
    if measure == "growth_rate":
        return _Means(value=time * mean, variance=time**2 * variance)
    return _Means(value=np.log(mean), variance=variance / mean**2)


class _Maker:
    """Limits and p value of one null model from the draws."""

    def __init__(
        self, null: Null, point: _Means, drawn: _Means, *, level: float, limits: Limits
    ) -> None:
        self._null = null
        self._level = level
        self._limits: Limits = limits
        self._partners: int = point.value.shape[-1] - 2
        self._own = _Means(value=point.value[0], variance=point.variance[0])
        estimate, error = self._test(self._own)
        self._estimate, self._error = estimate, error
        self._draws = drawn
        values, errors = self._test(drawn)
        self._drawn = values
        with np.errstate(divide="ignore", invalid="ignore"):
            pivot = (values - estimate) / errors
        # A draw of one animal alone in every arm has no error: its distance says nothing.
        self._pivot = pivot[np.isfinite(pivot).all(axis=-1)]

    def _test(self, means: _Means, log_index: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Observed less foreseen as logs and its standard error, shape (..., q)."""
        value, variance = means.value, means.variance
        control, partners, own = value[..., 0], value[..., 1:-1], value[..., -1]
        if self._null == "hsa":
            difference = own[..., None] - partners
            return difference, np.sqrt(variance[..., -1:] + variance[..., 1:-1])
        if self._null == "bliss":
            signs = np.array(bliss_signs(self._partners))
            error = np.sqrt(variance @ signs**2)
            return (value @ signs - log_index)[..., None], error[..., None]
        shared = control + math.log(self._partners - 1)
        left = np.logaddexp(shared, own - log_index)
        right = np.logaddexp.reduce(partners, axis=-1)
        weights = np.concatenate(
            (
                np.exp(shared - left)[..., None],
                np.exp(partners - right[..., None]),
                np.exp(own - log_index - left)[..., None],
            ),
            axis=-1,
        )
        error = np.sqrt((weights**2 * variance).sum(axis=-1))
        return (left - right)[..., None], error[..., None]

    def _log_foreseen(self) -> float | None:
        """Log of the size foreseen; None where nothing above zero is."""
        value = self._own.value
        if self._null != "response_additivity":
            return float(value[-1] - self._estimate.max())
        right = float(np.logaddexp.reduce(value[1:-1]))
        beyond = float(value[0]) + math.log(self._partners - 1) - right
        # At or below zero; far below it the share is beyond all numbers.
        return None if beyond >= 0 else right + math.log(-math.expm1(beyond))

    def _share_foreseen(self, log_foreseen: float | None) -> float | None:
        """Size foreseen over the control's."""
        value = self._own.value
        if log_foreseen is not None:
            return index_of(log_foreseen - float(value[0]))
        with np.errstate(over="ignore"):
            kept: list[float] = np.exp(value[1:-1] - value[0]).tolist()
        return math.fsum(kept) - (self._partners - 1)

    def _tails(self) -> tuple[float, float]:
        """Errors left below and above."""
        if self._null == "hsa":
            return (1 - self._level) / self._partners, 1 - self._level
        return (1 - self._level) / 2, (1 - self._level) / 2

    def _edges(self) -> tuple[float, float]:
        """Limits of the estimate."""
        below, above = self._tails()
        if self._limits == "percentile":
            low, high = np.quantile(self._drawn, [below, 1 - above], axis=0)
        else:
            least, most = np.quantile(self._pivot, [above, 1 - below], axis=0)
            low, high = self._estimate - most * self._error, self._estimate - least * self._error
        return float(low.max()), float(high.max())

    def _p_value(self) -> float:
        """One-sided for the highest single agent, where the largest counts; else two-sided."""
        if self._limits == "percentile":
            far_above = (self._drawn >= 0).sum(axis=0)
            far_below = (self._drawn <= 0).sum(axis=0)
            count = len(self._drawn)
        else:
            statistic = self._estimate / self._error
            far_above = (self._pivot <= statistic).sum(axis=0)
            far_below = (self._pivot >= statistic).sum(axis=0)
            count = len(self._pivot)
        if self._null == "hsa":
            return float((1 + far_above.max()) / (count + 1))
        fewer = min(int(far_above[0]), int(far_below[0]))
        return min(1.0, 2 * (1 + fewer) / (count + 1))

    def _index_edges(self, center: float | None) -> tuple[float | None, float | None]:
        """Logs of the limits of the index of response additivity; None where there is none."""
        below, above = self._tails()
        if self._limits == "percentile":
            logs = self._drawn_log_indices()
            # Without interpolation: half way to infinity is nowhere.
            low, high = np.quantile(logs, [below, 1 - above], method="nearest")
            return float(low), float(high)
        edges = np.quantile(self._pivot[:, 0], [above, 1 - below])
        least, most = float(edges[0]), float(edges[1])

        def beyond(log_index: float) -> float:
            """How far an index is outside of what is not rejected; positive outside."""
            value, error = self._test(self._own, log_index)
            statistic = float(value[0] / error[0])
            return max(statistic - most, least - statistic)

        if center is not None:
            return _edge(beyond, center, -1.0), _edge(beyond, center, 1.0)
        return (_edge(beyond, _FARTHEST, -1.0) if beyond(_FARTHEST) <= 0 else None), None

    def _drawn_log_indices(self) -> FloatArray:
        """Logs of the draws' indices of response additivity, infinite where there is none."""
        value = self._draws.value
        right = np.logaddexp.reduce(value[:, 1:-1], axis=-1)
        rest = -np.expm1(value[:, 0] + math.log(self._partners - 1) - right)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(rest > 0, value[:, -1] - right - np.log(rest), np.inf)

    def result(self, blank: AreaIndex) -> AreaIndex:
        """The answer in full."""
        log_foreseen = self._log_foreseen()
        value = self._own.value
        center = None if log_foreseen is None else float(value[-1]) - log_foreseen
        found = replace(
            blank,
            observed=index_of(float(value[-1] - value[0])),
            foreseen=self._share_foreseen(log_foreseen),
            estimate=float(self._estimate.max()),
            index=None if center is None else index_of(center),
            reason=_joined(blank.reason, "" if center is not None else NOT_POSITIVE),
        )
        if not (self._error > _NO_SPREAD).all():
            return replace(found, reason=_joined(found.reason, NO_ERROR))
        lower, upper = self._edges()
        edges: tuple[float | None, float | None] = (lower, upper)
        if self._null == "response_additivity":
            edges = self._index_edges(center)
        verdict: Verdict = "not_shown"
        if upper < 0:
            verdict = "synergy"
        elif lower > 0:
            verdict = "antagonism"
        return replace(
            found,
            lower=lower,
            upper=upper,
            index_lower=None if edges[0] is None else index_of(edges[0]),
            index_upper=None if edges[1] is None else index_of(edges[1]),
            p_value=self._p_value(),
            verdict=verdict,
        )


def _edge(beyond: Callable[[float], float], inside: float, direction: float) -> float | None:
    """First root on one side of an index that is not rejected."""
    step, last = 0.125, inside
    while abs(last) <= 2 * _FARTHEST:
        there = last + direction * step
        if beyond(there) > 0:
            return float(scipy.optimize.brentq(beyond, last, there, xtol=1e-10))
        last, step = there, 1.5 * step
    return None


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))
