"""Dosed animals as the integration of their states sees them: concentrations, events, rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.mechanism.compiled import CompiledFunction
from oncovivo.mechanism.dimensions import parse_compound_unit
from oncovivo.mechanism.doses import DosePath, DoseTable, place_doses
from oncovivo.mechanism.forcing import Concentrations, concentrations_from
from oncovivo.mechanism.linear_pk import linear_pk
from oncovivo.mechanism.model import Model, PkModel
from oncovivo.mechanism.pk_segments import SAME_TIME
from oncovivo.numerics.ode import Segment

__all__ = [
    "DrivenSystem",
    "EventTable",
    "Happenings",
    "dose_paths",
    "dosed_concentrations",
    "driven_system",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

_BODY_WEIGHT: Final = "body_weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventTable:
    """Events of one kind, such as fractions of radiation.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Days, rising.
    dose : ndarray, shape (m,)
        Size of each in the unit that the model's block declares.
    """

    time: FloatArray
    dose: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Happenings:
    """Events of one kind in n animals, at most m in each.

    Parameters
    ----------
    time : ndarray, shape (n, m)
        Days, rising; infinite where an animal has fewer.
    place : ndarray of int, shape (n, m)
        Which of the sizes each has.
    dose : ndarray, shape (d,)
        Sizes, see `EventTable`.
    """

    time: FloatArray
    place: IntArray
    dose: FloatArray

    @classmethod
    def of_all(cls, table: EventTable, n: int) -> Happenings:
        """The same events in n animals."""
        shape = (n, table.time.size)
        return cls(
            time=np.broadcast_to(table.time, shape),
            place=np.broadcast_to(np.arange(table.time.size), shape),
            dose=table.dose,
        )


def dose_paths(pk: PkModel, parameters: ArrayLike) -> tuple[DosePath, ...]:
    """Where the doses of a compound go, route by route.

    Parameters
    ----------
    pk : PkModel
        The compound in the model.
    parameters : array_like, shape (p,) or (n, p)
        In the model's order and units.
    """
    terms = pk.dose_terms(np.atleast_2d(np.asarray(parameters, dtype=np.float64)))
    return tuple(
        DosePath(
            compartment=route.compartment,
            route=route.route,
            fraction=terms[:, place, 0],
            lag=terms[:, place, 1],
            duration=terms[:, place, 2],
        )
        for place, route in enumerate(pk.routes)
    )


def dosed_concentrations(
    model: Model, pk: PkModel, parameters: FloatArray, table: DoseTable | None
) -> Concentrations:
    """Concentrations of one compound.

    Parameters
    ----------
    model : Model
        The equations.
    pk : PkModel
        The compound in it.
    parameters : ndarray, shape (n, p)
        Of each animal, in the model's order and units.
    table : DoseTable or None
        What all of them receive.

    Raises
    ------
    InputError
        If doses are per body weight and the model has none, or a route is not in the model.
    """
    weight = None
    if table is None:
        table = _nothing()
    elif table.per_gram.any():
        if _BODY_WEIGHT not in model.parameter_names:
            raise InputError(
                f"a parameter {_BODY_WEIGHT}, as doses are per body weight", found="none"
            )
        gram = model.quantities[_BODY_WEIGHT].unit.to(parse_compound_unit("g"))
        weight = parameters[:, model.parameter_names.index(_BODY_WEIGHT)] * gram
    inputs = place_doses(
        table, dose_paths(pk, parameters), n_animals=len(parameters), body_weight=weight
    )
    segments = linear_pk(pk.rate_matrix(parameters)).segments(inputs)
    factors = np.broadcast_to(
        pk.concentration_factors(parameters), (len(parameters), len(pk.concentration_names))
    )
    return concentrations_from(segments.select(pk.concentration_compartments), factors)


def _nothing() -> DoseTable:
    """A table without doses."""
    none, zero = np.empty(0), np.empty(0, dtype=np.int64)
    return DoseTable(
        time=none,
        amount=none,
        per_gram=np.empty(0, dtype=np.bool_),
        path=zero,
        rate=none,
        duration=none,
        ii=none,
        addl=zero,
        ss=zero,
        evid=zero,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Jumps:
    """Events of one kind: what they do and how large they are."""

    function: CompiledFunction
    dose: FloatArray


def driven_system(
    model: Model,
    parameters: FloatArray,
    forcing: tuple[Concentrations, ...],
    events: Mapping[str, Happenings],
    times: FloatArray,
) -> tuple[DrivenSystem, FloatArray]:
    """The equations as the integration sees them, and the times (n, e) of their events.

    Parameters
    ----------
    model : Model
        The equations.
    parameters : ndarray, shape (n, p)
        Of each animal, in the model's order and units.
    forcing : tuple of Concentrations
        Of the compounds in their order.
    events : mapping of str to Happenings
        By kind.
    times : ndarray, shape (t,) or (n, t)
        Outputs: an event that means the time of one is at it.
    """
    n = len(parameters)
    columns: list[FloatArray] = []
    source: list[IntArray] = []
    place: list[IntArray] = []
    for number, one in enumerate(forcing):
        columns.append(np.broadcast_to(one.changes, (n, one.changes.shape[1])))
        source.append(np.full(one.changes.shape[1], number))
        place.append(np.broadcast_to(np.arange(one.changes.shape[1]), columns[-1].shape))
    jumps: list[_Jumps] = []
    for kind, those in events.items():
        columns.append(those.time)
        source.append(np.full(those.time.shape[1], len(forcing) + len(jumps)))
        place.append(those.place)
        jumps.append(_Jumps(function=model.compile_event(kind), dose=those.dose))
    stops = _snapped(np.concatenate([np.empty((n, 0)), *columns], axis=1), times)
    order = np.argsort(stops, axis=1, kind="stable")
    sources = np.concatenate([np.empty(0, dtype=np.intp), *source])[order]
    places = np.concatenate([np.empty((n, 0), dtype=np.intp), *place], axis=1)
    counts = tuple(
        np.vstack((np.zeros(n, dtype=np.intp), (sources == number).cumsum(axis=1).T))
        for number in range(len(forcing))
    )
    # Parameters of one kind lie side by side: columns of what is handed over are read in a row.
    ready = np.asfortranarray(parameters)
    system = DrivenSystem(
        model=model,
        parameters=ready,
        prepared=model.rhs.prepare(ready),
        forcing=forcing,
        jumps=tuple(jumps),
        source=sources,
        place=np.take_along_axis(places, order, axis=1),
        counts=counts,
    )
    return system, np.take_along_axis(stops, order, axis=1)


def _snapped(stops: FloatArray, times: FloatArray) -> FloatArray:
    """Stops that mean the time of an output are at it, whatever rounding says."""
    ordered = np.unique(times)
    near = np.clip(np.searchsorted(ordered, stops - SAME_TIME), 0, ordered.size - 1)
    return np.where(np.abs(ordered[near] - stops) <= SAME_TIME, ordered[near], stops)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrivenSystem:
    """The equations of an arm for `oncovivo.numerics.ode`.

    ``source`` and ``place`` (n, e) say for each event which compound or kind it belongs to and
    which of its events it is; ``counts`` how many changes of each compound are over after so many
    events, (e + 1, n).
    """

    model: Model
    parameters: FloatArray
    prepared: tuple[object, ...]
    forcing: tuple[Concentrations, ...]
    jumps: tuple[_Jumps, ...]
    source: IntArray
    place: IntArray
    counts: tuple[IntArray, ...]

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change."""
        found = self.model.rhs.run(time, state.T, forcing.T, self.prepared)
        return np.ascontiguousarray(found.T)

    def segment(self, passed: IntArray) -> Segment:
        """Concentrations after so many events."""
        animals = np.arange(passed.size)
        parts = [
            one.segment(count[passed, animals])
            for one, count in zip(self.forcing, self.counts, strict=True)
        ]
        if len(parts) == 1:
            return parts[0]

        def forcing(time: FloatArray) -> FloatArray:
            none = np.empty((time.shape[0], 0, passed.size))
            return np.concatenate([none, *(part(time) for part in parts)], axis=1)

        return forcing

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """States after events."""
        result = state
        kinds = self.source[animals, event] - len(self.forcing)
        for number, one in enumerate(self.jumps):
            rows = np.flatnonzero(kinds == number)
            if not rows.size:
                continue
            who = animals[rows]
            shown = self.take(who).segment(event[rows])(time[rows][None, :])[0]
            dose = one.dose[self.place[who, event[rows]]]
            given = np.concatenate((shown.T, dose[:, None]), axis=1)
            result = result.copy()
            result[rows] = one.function(time[rows], state[rows], self.parameters[who], given)
        return result

    def take(self, animals: IntArray) -> DrivenSystem:
        """Some of the animals."""
        ready = np.asfortranarray(self.parameters[animals])
        return DrivenSystem(
            model=self.model,
            parameters=ready,
            prepared=self.model.rhs.prepare(ready),
            forcing=tuple(one.take(animals) for one in self.forcing),
            jumps=self.jumps,
            source=self.source[animals],
            place=self.place[animals],
            counts=tuple(count[:, animals] for count in self.counts),
        )
