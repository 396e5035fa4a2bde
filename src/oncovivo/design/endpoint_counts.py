"""How many animals are expected at their volume limit by a day, with an interval.

Whether an animal is read at the limit depends on what it shares with the others (the coefficients
of the model) and on what is its own. Given the shared part the animals are independent, and their
number has the distribution of a sum of unequal chances; this is averaged over what the shared part
may be, on a fixed quasi-random set of points, so that the same fit gives the same numbers. All
parts are divided by one chi variable of an arm's degrees of freedom: each animal alone then has
the t distribution of its projection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

from oncovivo.design.endpoint_line import (
    AnimalLine,
    animal_line,
    animal_places,
    check_model,
    start_day,
)
from oncovivo.errors import InputError
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthFit

__all__ = ["ReachedCount", "count_reached", "total_series"]

FloatArray: TypeAlias = NDArray[np.float64]

# A power of two; the quantiles of a few dozen animals no longer move beyond it.
_POINTS: Final = 1024
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedCount:
    """How many animals of an arm are expected to have been at the limit by a day.

    Parameters
    ----------
    arm : str or None
        The arm; None for all arms together.
    day : float
        Study day.
    n : int
        Animals with a reading.
    reached : int
        Of these, animals with a reading at the limit until that day.
    expected : float
        `reached` and the sum of the probabilities of the others, if they are kept so long.
    lower, upper : int
        Between these the number lies with probability `level`.
    level : float
        Of the interval.
    """

    arm: str | None
    day: float
    n: int
    reached: int
    expected: float
    lower: int
    upper: int
    level: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carrier:
    """An animal with the lines of its tumors, and the day on which it was at a limit."""

    arm: int
    lines: tuple[AnimalLine, ...]
    starts: tuple[float, ...]
    last: float
    arrived: float
    gone: bool


def count_reached(
    fit: GrowthFit,
    limit: float | None,
    days: Sequence[float],
    *,
    gone: frozenset[str] = frozenset(),
    total_limit: float | None = None,
    hosts: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
) -> tuple[ReachedCount, ...]:
    """How many animals are expected to have been at a limit by some days.

    Parameters
    ----------
    fit : GrowthFit
        As for :func:`~oncovivo.design.endpoint_projection.predict_reading`.
    limit : float or None
        Volume of a tumor, mm³; None where only the total has a limit.
    days : sequence of float
        Study days.
    gone : frozenset of str
        Animals (tumors) that left for another reason: they cannot reach the limit any more.
    total_limit : float, optional
        Volume of all tumors of an animal, mm³.
    hosts : mapping of str to sequence of str, optional
        The tumors of an animal that has several; it counts once. Its chance is the larger of
        those of its total and of any of its tumors.
    level : float
        Of the intervals.

    Returns
    -------
    tuple of ReachedCount
        By day and arm, after the arms of a day all of them together.

    Raises
    ------
    InputError
        If a limit is not positive, there is none, or the model is another one.
    """
    check_model(fit)
    limits = [value for value in (limit, total_limit) if value is not None]
    if not limits or not all(0 < value < math.inf for value in limits):
        expected = "a positive limit in mm³"
        raise InputError(expected, found=", ".join(f"{value:g}" for value in limits) or "none")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    carriers = _carriers(fit, limit, total_limit, hosts or {}, gone)
    shifts, scales = _shared_points(fit, carriers)
    counts: list[ReachedCount] = []
    for day in days:
        chances = [
            _chances(carrier, day, limit, total_limit, shifts, scales[carrier.arm])
            for carrier in carriers
        ]
        for arm in (*range(len(fit.data.arms)), None):
            own = [n for n, carrier in enumerate(carriers) if arm in (None, carrier.arm)]
            counts.append(
                _count(
                    [carriers[n] for n in own],
                    [chances[n] for n in own],
                    arm=None if arm is None else fit.data.arms[arm],
                    day=float(day),
                    level=level,
                )
            )
    return tuple(counts)


def _count(
    carriers: Sequence[_Carrier],
    chances: Sequence[FloatArray | None],
    *,
    arm: str | None,
    day: float,
    level: float,
) -> ReachedCount:
    """The distribution of the number, as its mean and two quantiles."""
    reached = sum(carrier.arrived <= day for carrier in carriers)
    spread = np.zeros((_POINTS, len(carriers) + 1))
    spread[:, 0] = 1.0
    expected = 0.0
    for chance in chances:
        if chance is None:
            continue
        spread[:, 1:] = spread[:, 1:] * (1 - chance[:, None]) + spread[:, :-1] * chance[:, None]
        spread[:, 0] *= 1 - chance
        expected += float(chance.mean())
    below = np.cumsum(spread.mean(axis=0))
    ends = [
        int(np.argmax(below >= tail - _ROUNDING)) for tail in ((1 - level) / 2, (1 + level) / 2)
    ]
    return ReachedCount(
        arm=arm,
        day=day,
        n=len(carriers),
        reached=reached,
        expected=reached + expected,
        lower=reached + ends[0],
        upper=reached + ends[1],
        level=level,
    )


def _chances(
    carrier: _Carrier,
    day: float,
    limit: float | None,
    total_limit: float | None,
    shifts: FloatArray,
    scales: FloatArray,
) -> FloatArray | None:
    """Chance to be read at a limit on a day, at each point; None where there is none left."""
    if carrier.arrived <= day or carrier.gone or day <= carrier.last:
        return None
    means, spreads = [], []
    for line, start in zip(carrier.lines, carrier.starts, strict=True):
        z = np.array([1.0, day - start])
        means.append(line.mean(z[1]) + scales * (shifts @ (z @ line.weights)))
        spreads.append(scales * line.own_sd(z[1]))
    free = np.ones(_POINTS)
    if limit is not None:
        for mean, spread in zip(means, spreads, strict=True):
            free *= special.ndtr((math.log(limit) - mean) / spread)
    chance = 1 - free
    if total_limit is not None:
        mean = np.logaddexp.reduce(means, axis=0)
        shares = np.exp(np.array(means) - mean)
        spread = np.sqrt(((shares * spreads) ** 2).sum(axis=0))
        chance = np.maximum(chance, special.ndtr((mean - math.log(total_limit)) / spread))
    return np.asarray(chance)


def _shared_points(
    fit: GrowthFit, carriers: Sequence[_Carrier]
) -> tuple[FloatArray, dict[int, FloatArray]]:
    """Deviations of the coefficients, and of each arm the factor that makes normal into t."""
    cov = fit.inference.covariance
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    points = qmc.Sobol(len(cov) + 1, scramble=False).random(_POINTS) + 0.5 / _POINTS
    shifts = special.ndtri(points[:, :-1]) @ root.T
    df = {carrier.arm: carrier.lines[0].df for carrier in carriers}
    return shifts, {
        arm: np.sqrt(known / special.chdtri(known, points[:, -1])) for arm, known in df.items()
    }


def _carriers(
    fit: GrowthFit,
    limit: float | None,
    total_limit: float | None,
    hosts: Mapping[str, Sequence[str]],
    gone: frozenset[str],
) -> list[_Carrier]:
    """The animals of a fit, those with several tumors as one."""
    places = animal_places(fit)
    host_of = {tumor: host for host, tumors in hosts.items() for tumor in tumors}
    members: dict[str, list[str]] = {}
    for name in fit.data.animal_ids:
        if name in places:
            members.setdefault(host_of.get(name, name), []).append(name)
    found = []
    for tumors in members.values():
        numbers = [places[name][1] for name in tumors]
        found.append(
            _Carrier(
                arm=int(fit.data.arm[numbers[0]]),
                lines=tuple(animal_line(fit, *places[name]) for name in tumors),
                starts=tuple(start_day(fit, number) for number in numbers),
                last=max(float(fit.data.day[fit.data.animal == n].max()) for n in numbers),
                arrived=_arrival(fit, numbers, limit, total_limit),
                gone=any(name in gone for name in tumors),
            )
        )
    return found


def _arrival(
    fit: GrowthFit, numbers: Sequence[int], limit: float | None, total_limit: float | None
) -> float:
    """Day of the first reading at a limit; infinite where there is none."""
    days = [math.inf]
    if limit is not None:
        own = np.isin(fit.data.animal, numbers) & ~fit.data.below_limit
        at = own & (np.exp(fit.data.log_size) >= limit * (1 - _ROUNDING))
        days += fit.data.day[at].tolist()
    if total_limit is not None:
        days += [
            day
            for day, total in total_series(fit.data, numbers)
            if total >= total_limit * (1 - _ROUNDING)
        ]
    return min(days)


def total_series(data: GrowthData, numbers: Sequence[int]) -> list[tuple[float, float]]:
    """Day and volume of tumors together, each with its latest reading.

    Parameters
    ----------
    data : GrowthData
        The readings.
    numbers : sequence of int
        The tumors, by their numbers in the data.
    """
    rows = np.flatnonzero(np.isin(data.animal, numbers))
    latest: dict[int, float] = {}
    found: dict[float, float] = {}
    for row in rows[np.argsort(data.day[rows], kind="stable")].tolist():
        latest[int(data.animal[row])] = math.exp(data.log_size[row])
        found[float(data.day[row])] = math.fsum(latest.values())
    return list(found.items())
