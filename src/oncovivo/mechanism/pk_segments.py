"""Amounts from dose to dose: stretches of time on which they are one sum of exponentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.doses import DoseInputs
from oncovivo.mechanism.modes import ExponentialSum, Modes

__all__ = ["AtDose", "PKSegment", "PKSegments", "follow_doses"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
AtDose: TypeAlias = Literal["after", "before"]

# Times closer than this (86 µs) are one time: 3 * 0.1 days is meant to be 0.3 days.
SAME_TIME: Final = 1e-9
# Infusions of a steady state that still run, one for each interval that they outlast.
_MOST_RUNNING: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PKSegment:
    """Amounts between two events.

    Parameters
    ----------
    start : ndarray, shape (1,) or (n,)
        Day of the event before; one for all animals where they share it.
    end : ndarray, shape (1,) or (n,)
        Day of the event behind, infinite for the last.
    terms : ExponentialSum
        Amounts over the days since `start`.
    """

    start: FloatArray
    end: FloatArray
    terms: ExponentialSum

    def amounts(self, times: ArrayLike) -> FloatArray:
        """Amounts at times within the segment; never below 0.

        Parameters
        ----------
        times : array_like, shape (), (t,) or (n, t)
            Days, from start to end.

        Returns
        -------
        ndarray, shape (n, c) or (n, t, c)
            The former for a single time.
        """
        days = np.asarray(times, dtype=np.float64)
        elapsed = days - self.start if days.ndim == 0 else days - self.start[:, None]
        return np.maximum(self.terms.at(np.maximum(elapsed, 0.0)), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PKSegments:
    """Segments in order of time, from the origin on; made by ``LinearPK.segments``.

    Parameters
    ----------
    starts : ndarray, shape (1 or n, s)
        Days on which segments start; one row where the animals share their event times. A segment
        may be of no length where events of animals fall together.
    segments : tuple of PKSegment
        One for each column of `starts`.
    n_animals : int
        Number of animals n.
    n_compartments : int
        Number of amounts c.
    """

    starts: FloatArray
    segments: tuple[PKSegment, ...]
    n_animals: int
    n_compartments: int

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, index: int) -> PKSegment:
        return self.segments[index]

    @property
    def has_common_times(self) -> bool:
        """Whether all animals have their events at the same times."""
        return len(self.starts) == 1

    def select(self, compartments: ArrayLike) -> PKSegments:
        """The same with only some compartments, in the order given.

        Parameters
        ----------
        compartments : array_like of int, shape (k,)
            Indices of compartments.
        """
        chosen = np.asarray(compartments, dtype=np.int64)
        return PKSegments(
            starts=self.starts,
            segments=tuple(
                PKSegment(start=one.start, end=one.end, terms=one.terms.select(chosen))
                for one in self.segments
            ),
            n_animals=self.n_animals,
            n_compartments=len(chosen),
        )

    def amounts(self, times: ArrayLike, *, at_dose: AtDose = "after") -> FloatArray:
        """Amounts at times.

        Parameters
        ----------
        times : array_like, shape (t,)
            Days, in any order.
        at_dose : {"after", "before"}
            Whether a time that is a dose's own is read after the dose or before it.

        Returns
        -------
        ndarray, shape (n, t, c)
            0 before the first event.

        Raises
        ------
        InputError
            If a time is not finite.
        """
        days = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if days.ndim != 1 or not np.isfinite(days).all():
            expected = "finite times in days, in one dimension"
            raise InputError(expected, found="others", where="times of amounts")
        if at_dose == "after":
            begun = self.starts[:, :, None] <= days + SAME_TIME
        else:
            begun = self.starts[:, :, None] < days - SAME_TIME
        index = begun.sum(axis=1) - 1
        values = np.zeros((self.n_animals, len(days), self.n_compartments))
        if self.has_common_times:
            for number in np.unique(index[index >= 0]):
                chosen = index[0] == number
                values[:, chosen] = self.segments[number].amounts(days[chosen])
            return values
        for column, day in enumerate(days):
            for number in np.unique(index[:, column]):
                animals = np.flatnonzero(index[:, column] == number)
                if number >= 0:
                    segment = self.segments[number]
                    elapsed = np.maximum(day - segment.start[animals], 0.0)
                    found = segment.terms.take(animals).at(elapsed)
                    values[animals, column] = np.maximum(found, 0.0)
        return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Events:
    """What happens when: columns are events, in order of time for each animal."""

    time: FloatArray
    jump: FloatArray
    inflow: FloatArray | None
    running: IntArray
    reset: BoolArray


def follow_doses(modes: Modes, inputs: DoseInputs, *, origin: float) -> PKSegments:
    """Segments of n animals, amplitudes carried from each event to the next.

    Parameters
    ----------
    modes : Modes
        Exponentials of n animals.
    inputs : DoseInputs
        Doses of n animals, or of one that stands for all.
    origin : float
        Day of the start, before which nothing is asked.
    """
    n, c = modes.rates.shape
    events = _events(modes, inputs)
    first = np.minimum(origin, events.time.min(initial=np.inf))
    start = np.full(len(events.time), first)
    state = np.zeros((n, c))
    inflow = np.zeros((n, c))
    running = np.zeros(len(events.running), dtype=np.int64)
    parts: list[tuple[FloatArray, ExponentialSum]] = []
    for index in range(events.time.shape[1]):
        time = events.time[:, index]
        if not np.array_equal(time, start):
            terms = modes.trajectory(state, inflow if running.any() else None)
            parts.append((start, terms))
            state, start = terms.at(time - start), time
        kept = ~events.reset[:, index, None]
        state = np.where(kept, state, 0.0) + events.jump[:, index]
        if events.inflow is not None:
            running = np.where(kept[:, 0], running, 0) + events.running[:, index]
            # An inflow that has ended is exactly 0, not what subtraction leaves of it.
            changed = inflow + events.inflow[:, index]
            inflow = np.where((running > 0)[:, None], changed, 0.0)
    parts.append((start, modes.trajectory(state, inflow if running.any() else None)))
    starts = np.stack([begin for begin, _ in parts], axis=1)
    ends = np.concatenate([starts[:, 1:], np.full((len(starts), 1), np.inf)], axis=1)
    return PKSegments(
        starts=starts,
        segments=tuple(
            PKSegment(start=begin, end=ends[:, index], terms=terms)
            for index, (begin, terms) in enumerate(parts)
        ),
        n_animals=n,
        n_compartments=c,
    )


def _events(modes: Modes, inputs: DoseInputs) -> _Events:
    """Resets, ends of infusions, steady states and arrivals, in that order at one time."""
    n, c = modes.rates.shape
    amount = np.broadcast_to(inputs.amount, (n, inputs.n_doses))
    live = inputs.arrival < inputs.ends
    infused = live & (inputs.duration > 0)
    into = np.zeros((inputs.n_doses, c))
    into[np.arange(inputs.n_doses), inputs.compartment] = 1.0
    flow = np.where(infused, amount / np.where(inputs.duration > 0, inputs.duration, 1.0), 0.0)
    bolus = np.where(live & ~infused, amount, 0.0)
    resets = _Change(time=inputs.resets[None, :], reset=np.ones((1, len(inputs.resets)), np.bool_))
    steady, still_running = _steady_states(modes, inputs)
    arrivals = _Change(
        time=inputs.arrival,
        jump=bolus[:, :, None] * into,
        inflow=flow[:, :, None] * into,
        running=infused.astype(np.int64),
    )
    ends = _ends_of(arrivals, inputs.arrival + inputs.duration, inputs.ends)
    late_ends = [_ends_of(change, end, stop) for change, end, stop in still_running]
    begun = [change for change, _, _ in still_running]
    some_ends = [ends] if infused.any() else []
    return _in_order([resets, *some_ends, *late_ends, *steady, *begun, arrivals], n, c)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Change:
    """Events of one kind side by side: columns are events, rows 1 or n animals."""

    time: FloatArray
    jump: FloatArray | None = None
    inflow: FloatArray | None = None
    running: IntArray | None = None
    reset: BoolArray | None = None


def _ends_of(begun: _Change, end: FloatArray, stop: FloatArray) -> _Change:
    """Ends of infusions, but for those that a reset stops first: they have nothing to end."""
    own = (end < stop) & (begun.running == 1)
    return _Change(
        # Where nothing ends the event is empty and its time is of no account.
        time=np.where(own, end, begun.time),
        inflow=None if begun.inflow is None else np.where(own[:, :, None], -begun.inflow, 0.0),
        running=np.where(own, -1, 0),
    )


def _in_order(changes: list[_Change], n: int, c: int) -> _Events:
    """All events by time, those of one time in the order of the list."""
    rows = max(len(change.time) for change in changes)

    def beside(part: NDArray[np.generic] | None, change: _Change, *, wide: bool) -> FloatArray:
        """A field of the change over its events, nothing where it has none."""
        shape = (n, change.time.shape[1], c) if wide else (rows, change.time.shape[1])
        return np.broadcast_to(np.zeros(shape) if part is None else part, shape)

    time = np.concatenate([beside(one.time, one, wide=False) for one in changes], axis=1)
    jump = np.concatenate([beside(one.jump, one, wide=True) for one in changes], axis=1)
    inflow = np.concatenate([beside(one.inflow, one, wide=True) for one in changes], axis=1)
    running = np.concatenate([beside(one.running, one, wide=False) for one in changes], axis=1)
    reset = np.concatenate([beside(one.reset, one, wide=False) for one in changes], axis=1)
    order = np.argsort(time, axis=1, kind="stable")
    every = np.broadcast_to(order, (n, order.shape[1]))[:, :, None]
    return _Events(
        time=np.take_along_axis(time, order, axis=1),
        jump=np.take_along_axis(jump, every, axis=1),
        inflow=np.take_along_axis(inflow, every, axis=1) if running.any() else None,
        running=np.take_along_axis(running, order, axis=1).astype(np.int64),
        reset=np.take_along_axis(reset, order, axis=1).astype(np.bool_),
    )


_Running: TypeAlias = tuple[_Change, FloatArray, FloatArray]


def _steady_states(modes: Modes, inputs: DoseInputs) -> tuple[list[_Change], list[_Running]]:
    """What the endless doses before each steady-state record left, and infusions still on."""
    states: list[_Change] = []
    infusions: list[_Running] = []
    for index in np.flatnonzero((inputs.ss > 0) & (inputs.ordered < inputs.ends)):
        time = np.full((1, 1), inputs.ordered[index])
        stop = inputs.ends[index : index + 1]
        cycle = _Cycle.of(modes, inputs, int(index))
        state = cycle.finished(modes)
        for nth in range(1, int(cycle.first_finished.max())):
            on = nth < cycle.first_finished
            elapsed = np.maximum(nth * cycle.interval - cycle.lag, 0.0)
            so_far = modes.trajectory(np.zeros_like(cycle.rate), cycle.rate).at(elapsed)
            state += np.where(on[:, None], so_far, 0.0)
            begun = _Change(
                time=np.broadcast_to(time, (len(on), 1)),
                inflow=np.where(on[:, None], cycle.rate, 0.0)[:, None, :],
                running=on[:, None].astype(np.int64),
            )
            end = time + (cycle.lag + cycle.duration - nth * cycle.interval)[:, None]
            infusions.append((begun, end, stop))
        states.append(_Change(time=time, jump=state[:, None, :]))
    return states, infusions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cycle:
    """One dose of a steady state: what is given every interval, by which animal how."""

    interval: float
    lag: FloatArray
    duration: FloatArray
    dose: FloatArray
    rate: FloatArray
    first_finished: FloatArray

    @classmethod
    def of(cls, modes: Modes, inputs: DoseInputs, index: int) -> _Cycle:
        """The cycle of one record."""
        where = f"steady-state dose on day {inputs.ordered[index]:g}"
        if (modes.rates <= 0).any():
            expected = "compartments that empty, to reach a steady state"
            raise DataError(expected, found="a compartment that nothing leaves", where=where)
        n, c = modes.rates.shape
        interval = float(inputs.ii[index])
        lag, duration = np.broadcast_arrays(inputs.lag[:, index], inputs.duration[:, index])
        if (lag >= interval).any():
            expected = "a lag below the interval of a steady state"
            raise DataError(expected, found=f"{lag.max():g} of {interval:g} days", where=where)
        if (lag + duration > _MOST_RUNNING * interval).any():
            expected = f"an infusion of at most {_MOST_RUNNING} intervals of its steady state"
            raise DataError(expected, found=f"{duration.max():g} days", where=where)
        dose = np.zeros((n, c))
        dose[:, inputs.compartment[index]] = inputs.amount[:, index]
        flowing = (duration > 0)[:, None]
        rate = np.where(flowing, dose / np.where(flowing, duration[:, None], 1.0), 0.0)
        return cls(
            interval=interval,
            lag=lag,
            duration=duration,
            dose=dose,
            rate=rate,
            first_finished=np.maximum(np.ceil((lag + duration) / interval), 1.0),
        )

    def finished(self, modes: Modes) -> FloatArray:
        """Amounts left by all earlier doses whose infusion is over, shape (n, c)."""
        n, c = modes.rates.shape
        empty = np.zeros((n, c))
        by_infusion = modes.trajectory(empty, self.rate).at(self.duration)
        given = np.where((self.duration > 0)[:, None], by_infusion, self.dose)
        # The geometric series of what one interval leaves of a state.
        left = np.stack(
            [
                modes.trajectory(np.broadcast_to(unit, (n, c))).at(np.array([self.interval]))
                for unit in np.eye(c)
            ],
            axis=2,
        )
        solved = np.linalg.solve(np.eye(c) - left, given[..., None])
        summed = np.asarray(solved[..., 0], dtype=np.float64)
        since = self.first_finished * self.interval - self.lag - self.duration
        return modes.trajectory(summed).at(np.maximum(since, 0.0))
