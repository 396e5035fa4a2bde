"""The day on which each animal is expected at its volume limit, from the fitted growth model.

The line of an animal is its arm's line plus the animal's own deviations, predicted from its
readings (BLUP). A reading on day t is then predicted with the variance

    (w - zAX) Phi (w - zAX)' + z (G - A Z G) z' + sigma²,   A = G Z' V⁻¹,

w the weights of the arm's mean on day t, z = (1, t), X and Z the animal's rows of the fixed and
random part, V = Z G Z' + sigma² I, Phi the covariance of the coefficients: what is not known of
the arm, of the animal, and of the reading itself (Henderson's mixed model equations, written for
one animal). The projected day is where the line meets the limit; its interval ends where the
limits of the prediction do. Growth is exponential throughout: a tumor that slows down arrives
later than projected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit

__all__ = [
    "LimitProjection",
    "ProjectionStatus",
    "ReachedCount",
    "count_reached",
    "predict_reading",
    "project_limit",
]

FloatArray: TypeAlias = NDArray[np.float64]
ProjectionStatus: TypeAlias = Literal["ok", "not_reached", "unbounded", "not_estimable"]

# Beyond a year the projection says nothing that a line can know.
HORIZON: Final = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProjection:
    """When an animal is expected at its volume limit.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    reached : bool
        Whether a reading was at the limit: `day` is then that reading's, `lower` the day of the
        reading before it.
    day : float or None
        Study day on which the animal's line meets the limit; None where it does not within the
        horizon.
    lower, upper : float or None
        Study days between which a reading meets it; None where there is no such day within the
        horizon.
    level : float
        Confidence of the interval.
    last_day, last_volume : float or None
        The last reading: study day and mm³.
    rate : float or None
        The animal's own growth rate, natural log per day.
    status : {"ok", "not_reached", "unbounded", "not_estimable"}
        ``unbounded``: there is a day but no upper end; ``not_estimable``: no line, because the
        animal or its study could not enter a fit.
    reason : str
        Why a number is None.
    """

    animal_id: str
    arm: str
    reached: bool
    day: float | None
    lower: float | None
    upper: float | None
    level: float
    last_day: float | None
    last_volume: float | None
    rate: float | None
    status: ProjectionStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedCount:
    """How many animals of an arm are expected to have been at the limit by a day.

    Parameters
    ----------
    arm : str
        The arm.
    day : float
        Study day.
    n : int
        Animals with a reading.
    reached : int
        Of these, animals with a reading at the limit until that day.
    expected : float
        `reached` and the sum of the probabilities of the others, if they are kept so long.
    """

    arm: str
    day: float
    n: int
    reached: int
    expected: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    """Mean m = a + b t and variance c0 + c1 t + c2 t² of a reading t days after baseline."""

    start: float
    slope: float
    variance: FloatArray
    df: float

    def mean(self, time: float) -> float:
        """Expected log size."""
        return self.start + self.slope * time

    def sd(self, time: float) -> float:
        """Standard deviation of the prediction."""
        return math.sqrt(max(float(np.polyval(self.variance[::-1], time)), 0.0))

    def quantile(self, level: float) -> float:
        """How many standard deviations an interval reaches."""
        return float(special.stdtrit(self.df, 0.5 + level / 2))

    def first(self, target: float, reach: float, begin: float) -> float | None:
        """First time from `begin` on at which mean + reach × sd meets the target."""
        if self.mean(begin) + reach * self.sd(begin) >= target:
            return begin
        if reach == 0:
            return (target - self.start) / self.slope if self.slope > 0 else None
        # (target - mean)² = reach² variance, of whose roots those on the right branch count.
        gap = np.array([(target - self.start) ** 2, 2 * (self.start - target) * self.slope, 0.0])
        gap[2] = self.slope**2
        roots = np.roots((gap - reach**2 * self.variance)[::-1])
        times = sorted(
            float(root.real)
            for root in roots
            if abs(root.imag) <= 1e-9 * max(1.0, abs(root.real)) and root.real > begin
        )
        for time in times:
            if (target - self.mean(time)) * reach >= 0:
                return time
        return None


def predict_reading(fit: GrowthFit, animal_id: str, day: float) -> tuple[float, float]:
    """Mean and standard deviation of the log size that an animal would be read at on a day.

    Parameters
    ----------
    fit : GrowthFit
        A fit with linear time, without groups and covariates, residuals ``iid`` or ``arm``.
    animal_id : str
        An animal that entered the fit.
    day : float
        Study day.

    Returns
    -------
    tuple of float
        Log mm³, the standard deviation with that of the reading itself.

    Raises
    ------
    InputError
        If the animal did not enter, or the model is another one.
    """
    _check_model(fit)
    places = _places(fit)
    if animal_id not in places:
        expected = "an animal that entered the fit"
        raise InputError(expected, found=repr(animal_id), where=f"study {fit.data.study_id}")
    line = _line(fit, *places[animal_id])
    time = day - _start_day(fit, places[animal_id][1])
    return line.mean(time), line.sd(time)


def project_limit(
    fit: GrowthFit, limit: float, *, level: float = 0.95, horizon: float = HORIZON
) -> tuple[LimitProjection, ...]:
    """The day on which each animal is expected at a volume.

    Parameters
    ----------
    fit : GrowthFit
        As for :func:`predict_reading`.
    limit : float
        Volume, mm³.
    level : float
        Confidence of the intervals.
    horizon : float
        Days after an animal's last reading beyond which nothing is projected.

    Returns
    -------
    tuple of LimitProjection
        For each animal of the fit, in the order of its data.

    Raises
    ------
    InputError
        If an option is outside its domain or the model is another one.
    """
    _check_model(fit)
    _check_options(limit, level, horizon)
    data = fit.data
    places = _places(fit)
    found: list[LimitProjection] = []
    for number, name in enumerate(data.animal_ids):
        rows = np.flatnonzero(data.animal == number)
        arm = data.arms[data.arm[number]]
        days, sizes = data.day[rows], np.exp(data.log_size[rows])
        line = _line(fit, *places[name])
        reached = np.flatnonzero(~data.below_limit[rows] & (sizes >= limit * (1 - 1e-9)))
        if reached.size:
            found.append(_reached(name, arm, days, sizes, int(reached[0]), line, level=level))
            continue
        start = _start_day(fit, number)
        found.append(
            _projected(
                (name, arm),
                line,
                np.log(limit),
                start=start,
                last=(float(days[-1]), float(sizes[-1])),
                level=level,
                horizon=horizon,
            )
        )
    return tuple(found)


def count_reached(
    fit: GrowthFit,
    limit: float,
    days: Sequence[float],
    *,
    gone: frozenset[str] = frozenset(),
) -> tuple[ReachedCount, ...]:
    """How many animals are expected to have been at the limit by some days.

    Parameters
    ----------
    fit : GrowthFit
        As for :func:`predict_reading`.
    limit : float
        Volume, mm³.
    days : sequence of float
        Study days.
    gone : frozenset of str
        Animals that left for another reason: they cannot reach the limit any more.

    Returns
    -------
    tuple of ReachedCount
        By day and arm.

    Raises
    ------
    InputError
        If the limit is not positive or the model is another one.
    """
    _check_model(fit)
    _check_options(limit, 0.95, HORIZON)
    data = fit.data
    places = _places(fit)
    target = math.log(limit)
    lines = [_line(fit, *places[name]) for name in data.animal_ids]
    starts = [_start_day(fit, number) for number in range(data.n_animals)]
    last = np.full(data.n_animals, -np.inf)
    np.maximum.at(last, data.animal, data.day)
    at = ~data.below_limit & (np.exp(data.log_size) >= limit * (1 - 1e-9))
    arrived = np.full(data.n_animals, np.inf)
    np.minimum.at(arrived, data.animal[at], data.day[at])
    rows = []
    for day in days:
        reached = np.zeros(len(data.arms), dtype=int)
        expected = np.zeros(len(data.arms))
        for number, name in enumerate(data.animal_ids):
            if arrived[number] <= day:
                reached[data.arm[number]] += 1
            elif name not in gone and day > last[number]:
                line, time = lines[number], day - starts[number]
                score = (line.mean(time) - target) / line.sd(time)
                expected[data.arm[number]] += float(special.stdtr(line.df, score))
        for number, arm in enumerate(data.arms):
            rows.append(
                ReachedCount(
                    arm=arm,
                    day=float(day),
                    n=int((data.arm == number).sum()),
                    reached=int(reached[number]),
                    expected=float(reached[number] + expected[number]),
                )
            )
    return tuple(rows)


def _line(fit: GrowthFit, place: int, number: int) -> _Line:
    """The animal's line with the uncertainty of a new reading."""
    problem, data = fit.problem, fit.data
    own = problem.animal == place
    arm = int(data.arm[number])
    z = np.column_stack((np.ones(int(own.sum())), problem.time[own]))
    cov, sigma2 = fit.random_covariance, float(fit.residual_variance[place])
    # Columns: level and slope of the arm's mean, so that the weights on a day are start + t step.
    ends = fit.terms.curve(arm, np.array([0.0, 1.0]))
    start, step = ends[0], ends[1] - ends[0]
    gain = np.linalg.solve(z @ cov @ z.T + sigma2 * np.eye(len(z)), z @ cov).T
    rest = cov - gain @ z @ cov
    carry = gain @ problem.x[own]
    weights = np.vstack((start - carry[0], step - carry[1]))
    spread = weights @ fit.inference.covariance @ weights.T + (rest + rest.T) / 2
    effect = fit.random_effects[place]
    df = float(fit.contrasts(step).df[0])
    return _Line(
        start=float(start @ fit.coefficients + effect[0]),
        slope=float(step @ fit.coefficients + effect[1]),
        variance=np.array([spread[0, 0] + sigma2, 2 * spread[0, 1], spread[1, 1]]),
        df=df,
    )


def _reached(
    name: str,
    arm: str,
    days: FloatArray,
    sizes: FloatArray,
    first: int,
    line: _Line,
    *,
    level: float,
) -> LimitProjection:
    """An animal that was read at the limit."""
    return LimitProjection(
        animal_id=name,
        arm=arm,
        reached=True,
        day=float(days[first]),
        lower=float(days[max(first - 1, 0)]),
        upper=float(days[first]),
        level=level,
        last_day=float(days[-1]),
        last_volume=float(sizes[-1]),
        rate=line.slope,
        status="ok",
        reason="",
    )


def _projected(
    who: tuple[str, str],
    line: _Line,
    target: float,
    *,
    start: float,
    last: tuple[float, float],
    level: float,
    horizon: float,
) -> LimitProjection:
    """An animal that is still below the limit."""
    begin = last[0] - start
    reach = line.quantile(level)

    def first(reach: float) -> float | None:
        time = line.first(target, reach, begin)
        return None if time is None or time > begin + horizon else start + time

    day, lower, upper = first(0.0), first(reach), first(-reach)
    status: ProjectionStatus = "ok"
    reason = ""
    if day is None:
        status = "not_reached"
        reason = (
            f"the tumor does not grow: {line.slope:+.3f} per day"
            if line.slope <= 0
            else f"not within {horizon:g} days of its last reading"
        )
    elif upper is None:
        status = "unbounded"
        reason = f"the upper end is not within {horizon:g} days of its last reading"
    return LimitProjection(
        animal_id=who[0],
        arm=who[1],
        reached=False,
        day=day,
        lower=lower,
        upper=upper,
        level=level,
        last_day=last[0],
        last_volume=last[1],
        rate=line.slope,
        status=status,
        reason=reason,
    )


def _places(fit: GrowthFit) -> dict[str, tuple[int, int]]:
    """Place among the fitted animals and number in the data of each animal that entered."""
    entered = np.unique(fit.data.animal[fit.terms.rows])
    return {
        fit.data.animal_ids[number]: (place, int(number)) for place, number in enumerate(entered)
    }


def _start_day(fit: GrowthFit, number: int) -> float:
    """Study day on which the clock of an animal starts."""
    first = int(np.flatnonzero(fit.data.animal == number)[0])
    return float(fit.data.day[first] - fit.data.time[first])


def _check_model(fit: GrowthFit) -> None:
    """Refuse models whose predictions these formulas do not hold for."""
    model = fit.model
    fits = (
        model.baseline == "outcome"
        and model.time.kind == "linear"
        and not model.groups
        and not model.covariates
        and model.residual in ("iid", "arm")
    )
    if not fits:
        expected = "a growth model with linear time and random lines of the animals only"
        raise InputError(expected, found=f"{model.time.kind} time, residual {model.residual}")
    if fit.data.measure != "volume_mm3":
        expected = "volumes to project to a volume limit"
        raise InputError(expected, found="areas", where=f"study {fit.data.study_id}")


def _check_options(limit: float, level: float, horizon: float) -> None:
    """Refuse numbers outside their domains."""
    if not 0 < limit < math.inf:
        expected = "a positive limit in mm³"
        raise InputError(expected, found=f"{limit:g}")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    if not 0 < horizon < math.inf:
        expected = "a positive horizon in days"
        raise InputError(expected, found=f"{horizon:g}")
