"""Dose records as arrays, and where and when each dose arrives in each animal.

A record is written as in the datasets of population pharmacokinetics (AMT, RATE, II, ADDL, SS,
EVID, lag, F), with time in days. How they are read here:

- ``evid`` 1 is a dose, 3 a reset, 4 a reset and a dose. A reset empties every compartment and
  ends what was ordered before it: running infusions, additional doses and doses whose lag has
  not passed. Programs differ in that last point.
- ``addl`` doses follow the first, ``ii`` days apart; the k-th is at ``time + k * ii``, so that
  no rounding adds up.
- ``rate`` or ``duration`` makes an infusion. With ``rate`` the bioavailable amount flows at that
  rate, so F changes how long it lasts; with ``duration`` F changes the rate.
- ``ss`` 1 starts from the steady state of this dose every ``ii`` days and forgets what was given
  before; ``ss`` 2 adds that steady state to what is there. At the record's time the amounts are
  those just before the dose arrives, or, with a lag, those that lag earlier in the cycle.
- A record is in force from its place in time; of records at one time the order counts.
- A reading at the time of a dose is taken after the dose unless said otherwise, see
  :meth:`oncovivo.mechanism.pk_segments.PKSegments.amounts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.studies.dosing import Route

__all__ = ["DoseInputs", "DosePath", "DoseTable", "dose_table", "place_doses"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

DOSE: Final = 1
RESET: Final = 3
RESET_AND_DOSE: Final = 4

# More than this in one table is a slip in ADDL.
MOST_DOSES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DosePath:
    """Where a dose by one route goes.

    Parameters
    ----------
    compartment : int
        Index of the compartment that receives it.
    route : str
        Which route it serves, a :class:`oncovivo.studies.dosing.Route` or "any".
    fraction : array_like, shape () or (n,)
        Bioavailability F, per animal; not negative.
    lag : array_like, shape () or (n,)
        Days until the dose begins to arrive.
    duration : array_like, shape () or (n,)
        Days of infusion for records that state neither rate nor duration; 0 is a bolus.
    """

    compartment: int
    route: str = "any"
    fraction: ArrayLike = 1.0
    lag: ArrayLike = 0.0
    duration: ArrayLike = 0.0

    def __post_init__(self) -> None:
        if self.compartment < 0:
            expected = "the index of a compartment"
            raise InputError(expected, found=str(self.compartment))
        if self.route != "any" and self.route not in set(Route):
            expected = f"one of the routes {', '.join(Route)}, or any"
            raise InputError(expected, found=self.route)
        for name in ("fraction", "lag", "duration"):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.ndim > 1 or not (np.isfinite(value) & (value >= 0)).all():
                expected = f"a {name} that is finite and not negative, one or one per animal"
                raise InputError(expected, found=str(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoseTable:
    """Dose records, rising in time; made by :func:`dose_table`.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Day of the record.
    amount : ndarray, shape (m,)
        Amount, or amount per gram of body weight where `per_gram` is true.
    per_gram : ndarray of bool, shape (m,)
        Whether the amount is multiplied by the body weight in grams.
    path : ndarray of int, shape (m,)
        Which of the dose paths it takes.
    rate : ndarray, shape (m,)
        Amount per day of an infusion, else 0; per gram of body weight as the amount is.
    duration : ndarray, shape (m,)
        Days of an infusion, else 0.
    ii : ndarray, shape (m,)
        Days between additional or steady-state doses.
    addl : ndarray of int, shape (m,)
        Number of additional doses.
    ss : ndarray of int, shape (m,)
        0, 1 or 2.
    evid : ndarray of int, shape (m,)
        1, 3 or 4.
    """

    time: FloatArray
    amount: FloatArray
    per_gram: BoolArray
    path: IntArray
    rate: FloatArray
    duration: FloatArray
    ii: FloatArray
    addl: IntArray
    ss: IntArray
    evid: IntArray

    def __len__(self) -> int:
        return len(self.time)

    @property
    def n_doses(self) -> int:
        """Number of doses, the additional ones counted."""
        given = self.evid != RESET
        return int(given.sum() + self.addl.sum())


def dose_table(
    time: ArrayLike,
    amount: ArrayLike,
    *,
    per_gram: ArrayLike = False,
    path: ArrayLike = 0,
    rate: ArrayLike = 0.0,
    duration: ArrayLike = 0.0,
    ii: ArrayLike = 0.0,
    addl: ArrayLike = 0,
    ss: ArrayLike = 0,
    evid: ArrayLike = DOSE,
) -> DoseTable:
    """Dose records from columns, checked and put in order of time.

    Columns are those of :class:`DoseTable`; each is one value for all records or one per record.

    Raises
    ------
    InputError
        If a record cannot be read; the message gives its number, counted from 1.

    Examples
    --------
    >>> table = dose_table([0.0, 7.0], 10.0, ii=1.0, addl=[4, 4])
    >>> table.n_doses
    10
    """
    try:
        columns = np.broadcast_arrays(
            *(
                np.atleast_1d(np.asarray(column, dtype=np.float64))
                for column in (time, amount, per_gram, path, rate, duration, ii, addl, ss, evid)
            )
        )
    except ValueError as error:
        expected = "columns of numbers of one length"
        raise InputError(expected, where="dose table") from error
    if columns[0].ndim != 1:
        expected = "columns of one dimension"
        raise InputError(expected, found=f"{columns[0].ndim} dimensions", where="dose table")
    _check_columns(columns)
    order = np.argsort(columns[0], kind="stable")
    ready = [column[order] for column in columns]
    whole = [ready[index].astype(np.int64) for index in (3, 7, 8, 9)]
    table = DoseTable(
        time=ready[0],
        amount=ready[1],
        per_gram=ready[2].astype(np.bool_),
        path=whole[0],
        rate=ready[4],
        duration=ready[5],
        ii=ready[6],
        addl=whole[1],
        ss=whole[2],
        evid=whole[3],
    )
    if table.n_doses > MOST_DOSES:
        expected = f"at most {MOST_DOSES} doses"
        raise InputError(expected, found=str(table.n_doses), where="dose table")
    return table


def _check_columns(columns: Sequence[FloatArray]) -> None:
    """Refuse the first record that breaks a rule, in the order of the rules."""
    time, amount, per_gram, path, rate, duration, ii, addl, ss, evid = columns
    wrong: tuple[tuple[BoolArray, FloatArray, str], ...] = (
        (~np.isfinite(time), time, "a time in days"),
        (~np.isin(evid, (DOSE, RESET, RESET_AND_DOSE)), evid, "evid 1, 3 or 4"),
        (~(np.isfinite(amount) & (amount >= 0)), amount, "an amount that is not negative"),
        ((evid == RESET) & (amount > 0), amount, "no amount beside a reset (evid 3)"),
        (~np.isin(per_gram, (0, 1)), per_gram, "yes or no for an amount per gram"),
        (~((path >= 0) & (path == np.floor(path))), path, "the index of a dose path"),
        (~(np.isfinite(rate) & (rate >= 0)), rate, "a rate that is not negative"),
        (~(np.isfinite(duration) & (duration >= 0)), duration, "a duration that is not negative"),
        ((rate > 0) & (duration > 0), rate, "a rate or a duration, not both"),
        (~(np.isfinite(ii) & (ii >= 0)), ii, "an interval ii that is not negative"),
        (
            ~((addl >= 0) & (addl == np.floor(addl)) & (addl <= MOST_DOSES)),
            addl,
            f"a whole number of additional doses, at most {MOST_DOSES}",
        ),
        (~np.isin(ss, (0, 1, 2)), ss, "ss 0, 1 or 2"),
        (((addl > 0) | (ss > 0)) & (ii <= 0), ii, "an interval ii above 0 beside addl or ss"),
        ((evid == RESET) & ((addl > 0) | (ss > 0)), evid, "a reset (evid 3) without addl and ss"),
    )
    for bad, column, expected in wrong:
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(expected, found=f"{column[row]:.15g}", where=f"dose record {row + 1}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoseInputs:
    """Doses of every animal, additional ones written out; made by :func:`place_doses`.

    Times have one row where they are common to all animals, else n.

    Parameters
    ----------
    n_animals : int
        Number of animals n.
    arrival : ndarray, shape (1 or n, m)
        Day on which a dose arrives or begins to, lag included.
    duration : ndarray, shape (1 or n, m)
        Days of infusion; 0 is a bolus.
    amount : ndarray, shape (n, m)
        Bioavailable amount.
    compartment : ndarray of int, shape (m,)
        Compartment that receives it.
    ordered : ndarray, shape (m,)
        Day of the dose without its lag.
    ends : ndarray, shape (m,)
        Day of the first reset behind the dose's record, which ends what is left of the dose or
        cancels it; infinite where there is none.
    ss : ndarray of int, shape (m,)
        0, 1 or 2.
    ii : ndarray, shape (m,)
        Days between the doses of the steady state.
    lag : ndarray, shape (1 or n, m)
        Days between order and arrival.
    resets : ndarray, shape (r,)
        Days on which every compartment is emptied.
    """

    n_animals: int
    arrival: FloatArray
    duration: FloatArray
    amount: FloatArray
    compartment: IntArray
    ordered: FloatArray
    ends: FloatArray
    ss: IntArray
    ii: FloatArray
    lag: FloatArray
    resets: FloatArray

    @property
    def n_doses(self) -> int:
        """Number of doses m."""
        return len(self.ordered)


def place_doses(
    table: DoseTable,
    paths: Sequence[DosePath],
    *,
    n_animals: int = 1,
    body_weight: ArrayLike | None = None,
) -> DoseInputs:
    """What each animal receives: additional doses written out, F, lag and body weight applied.

    Parameters
    ----------
    table : DoseTable
        Dose records.
    paths : sequence of DosePath
        Where doses go; `table.path` counts them from 0.
    n_animals : int
        Number of animals n.
    body_weight : array_like, shape () or (n,), optional
        Grams; needed where an amount is per gram of body weight.

    Raises
    ------
    InputError
        If a record names a path that is not there, if a body weight is needed and missing, or if
        the values of a path are of another number of animals.

    Examples
    --------
    >>> table = dose_table(0.0, 2.0, per_gram=True, ii=1.0, addl=2)
    >>> inputs = place_doses(table, [DosePath(compartment=0, fraction=0.5)], body_weight=20.0)
    >>> inputs.arrival.tolist(), inputs.amount.tolist()
    ([[0.0, 1.0, 2.0]], [[20.0, 20.0, 20.0]])
    """
    if n_animals < 1:
        expected = "at least one animal"
        raise InputError(expected, found=str(n_animals))
    record, nth = _written_out(table)
    path = table.path[record]
    if len(path) and path.max() >= len(paths):
        expected = f"a dose path from 0 to {len(paths) - 1}"
        raise InputError(expected, found=str(path.max()), where="dose table")
    fraction, lag, standard = (
        _per_animal([getattr(one, name) for one in paths], n_animals, name)[:, path]
        for name in ("fraction", "lag", "duration")
    )
    amount = table.amount[record] * _grams(table, record, body_weight, n_animals)
    bioavailable = np.broadcast_to(amount * fraction, (n_animals, len(record)))
    duration = _durations(table, record, standard, fraction)
    ordered = table.time[record] + nth * table.ii[record]
    arrival = ordered + lag
    ends = _ends(table)[record]
    return DoseInputs(
        n_animals=n_animals,
        arrival=_shared(arrival),
        duration=_shared(duration),
        amount=bioavailable,
        compartment=np.array([one.compartment for one in paths], dtype=np.int64)[path],
        ordered=ordered,
        ends=ends,
        ss=np.where(nth == 0, table.ss[record], 0),
        ii=table.ii[record],
        lag=_shared(np.broadcast_to(lag, arrival.shape)),
        resets=table.time[_resets(table)],
    )


def _written_out(table: DoseTable) -> tuple[IntArray, IntArray]:
    """Record of each dose, and which of its doses it is, counted from 0."""
    times = np.where(table.evid == RESET, 0, table.addl + 1)
    record = np.repeat(np.arange(len(table)), times)
    first = np.repeat(np.cumsum(times) - times, times)
    return record, np.arange(len(record)) - first


def _per_animal(values: Sequence[ArrayLike], n_animals: int, name: str) -> FloatArray:
    """Values of the paths side by side, of shape (1 or n, paths)."""
    columns = [np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in values]
    for column in columns:
        if len(column) not in (1, n_animals):
            expected = f"a {name} for one or for {n_animals} animals"
            raise InputError(expected, found=f"{len(column)} values", where="dose path")
    rows = max((len(column) for column in columns), default=1)
    return np.array([np.broadcast_to(column, rows) for column in columns]).reshape(-1, rows).T


def _grams(
    table: DoseTable, record: IntArray, body_weight: ArrayLike | None, n_animals: int
) -> FloatArray:
    """What each amount is multiplied by: the body weight, or 1."""
    per_gram = table.per_gram[record]
    if not per_gram.any():
        return np.ones((1, len(record)))
    if body_weight is None:
        expected = "a body weight in grams for doses per body mass"
        raise InputError(expected, mend="give body_weight")
    grams = np.atleast_1d(np.asarray(body_weight, dtype=np.float64))
    if grams.shape not in ((1,), (n_animals,)) or not (np.isfinite(grams) & (grams > 0)).all():
        expected = "a positive body weight in grams, one or one per animal"
        raise InputError(expected, found=str(body_weight))
    return np.where(per_gram, grams[:, None], 1.0)


def _durations(
    table: DoseTable, record: IntArray, standard: FloatArray, fraction: FloatArray
) -> FloatArray:
    """Days of infusion: the record's, those that its rate makes, or the path's."""
    stated, rate = table.duration[record], table.rate[record]
    # Amount and rate are both per gram or both not: the body weight cancels.
    at_rate = table.amount[record] / np.where(rate > 0, rate, 1.0)
    return np.where(rate > 0, fraction * at_rate, np.where(stated > 0, stated, standard))


def _resets(table: DoseTable) -> BoolArray:
    """Records at which every compartment is emptied."""
    return np.asarray((table.evid != DOSE) | (table.ss == 1))


def _ends(table: DoseTable) -> FloatArray:
    """For each record the time of the first reset behind it, infinite where there is none."""
    ends = np.full(len(table), np.inf)
    following = np.inf
    for row in range(len(table) - 1, -1, -1):
        ends[row] = following
        if table.evid[row] != DOSE or table.ss[row] == 1:
            following = table.time[row]
    return ends


def _shared(times: FloatArray) -> FloatArray:
    """One row where all animals agree, so that what follows need not be done animal by animal."""
    return times[:1] if (times == times[:1]).all() else times
