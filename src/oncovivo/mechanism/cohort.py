"""Animals of several regimens simulated together, again and again with other parameters.

Fits ask for the same animals at the same times thousands of times. Doses and events are looked up
once; concentrations are worked out once for a regimen where no parameter behind them differs; and
animals of all regimens go through the equations in one batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.mechanism.doses import DoseTable
from oncovivo.mechanism.driven import EventTable, Happenings, dosed_concentrations
from oncovivo.mechanism.engine import Batch, Engine, simulate_model
from oncovivo.mechanism.forcing import Concentrations, side_by_side
from oncovivo.mechanism.model import Model, PkModel

__all__ = ["Cohort", "Regimen"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# So many animals at once: their arrays stay in the cache.
_CHUNK: Final = 1000
# Longest first step of the numpy engine, days.
_STEP: Final = 0.3
_BODY_WEIGHT: Final = "body_weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regimen:
    """What animals receive and when they are looked at.

    Parameters
    ----------
    doses : mapping of str to DoseTable
        By compound.
    events : mapping of str to EventTable
        By kind.
    days : ndarray, shape (t,)
        Days of the outputs, from 0 on.
    """

    doses: Mapping[str, DoseTable]
    events: Mapping[str, EventTable]
    days: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """Regimens of one model.

    Parameters
    ----------
    model : Model
        The equations.
    regimens : tuple of Regimen
        All with as many days.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    rtol : float
        As of :func:`oncovivo.mechanism.engine.simulate_model`.
    """

    model: Model
    regimens: tuple[Regimen, ...]
    engine: Engine
    rtol: float
    _known: dict[tuple[int, int], tuple[bytes, Concentrations]] = field(
        default_factory=dict, init=False, repr=False
    )

    def outputs(self, parameters: FloatArray, regimen: IntArray) -> FloatArray:
        """Outputs (n, t, o) of n animals; raises as `simulate_model`.

        Parameters
        ----------
        parameters : ndarray, shape (n, p)
            Of each animal, in the model's order and units.
        regimen : ndarray of int, shape (n,)
            What each receives.
        """
        order = np.argsort(regimen, kind="stable")
        n_days = self.regimens[0].days.size
        result = np.empty((len(parameters), n_days, len(self.model.output_names)))
        for first in range(0, len(order), _CHUNK):
            rows = order[first : first + _CHUNK]
            result[rows] = self._chunk(parameters[rows], regimen[rows])
        return result

    def _chunk(self, values: FloatArray, regimen: IntArray) -> FloatArray:
        """Outputs of animals that are in the order of their regimens."""
        numbers, counts = np.unique(regimen, return_counts=True)
        ends = np.cumsum(counts)
        parts = [values[end - count : end] for end, count in zip(ends, counts, strict=True)]
        forcing = [
            [self._concentrations(place, int(number), part) for place in range(len(self.model.pk))]
            for number, part in zip(numbers, parts, strict=True)
        ]
        own = [self.regimens[number] for number in numbers]
        if not all(one.plain for several in forcing for one in several):
            return np.concatenate(
                [self._alone(one, part) for one, part in zip(own, parts, strict=True)]
            )
        shown = [
            _shown(one, several, count)
            for one, several, count in zip(own, forcing, counts, strict=True)
        ]
        batch = Batch(
            model=self.model,
            parameters=values,
            times=np.repeat(np.stack([one.days for one in own]), counts, axis=0),
            forcing=tuple(
                side_by_side(those, counts.tolist()) for those in zip(*forcing, strict=True)
            ),
            shown=np.concatenate(shown),
            events=_happenings(own, counts),
            names=("an animal of the fit",) * len(values),
        )
        return batch.simulated(self.engine, self.rtol, _STEP).outputs

    def _alone(self, one: Regimen, values: FloatArray) -> FloatArray:
        """Animals of one regimen, whose concentrations cannot be laid beside others'."""
        return simulate_model(
            self.model,
            values,
            one.doses,
            one.days,
            events=one.events,
            engine=self.engine,
            rtol=self.rtol,
        ).outputs

    def _concentrations(self, place: int, number: int, values: FloatArray) -> Concentrations:
        """Concentrations of a compound; of one animal where all are alike."""
        pk = self.model.pk[place]
        table = self.regimens[number].doses.get(pk.compound)
        behind = self._behind(pk, values)
        if not (behind == behind[:1]).all():
            return dosed_concentrations(self.model, pk, values, table)
        key = behind[0].tobytes()
        known = self._known.get((place, number))
        if known is None or known[0] != key:
            known = key, dosed_concentrations(self.model, pk, values[:1], table)
            self._known[place, number] = known
        return known[1]

    def _behind(self, pk: PkModel, values: FloatArray) -> FloatArray:
        """All numbers (n, …) that decide concentrations, besides the doses."""
        n = len(values)
        parts = [pk.rate_matrix(values), pk.dose_terms(values), pk.concentration_factors(values)]
        columns = [part.reshape(len(part), -1) for part in parts]
        if _BODY_WEIGHT in self.model.parameter_names:
            columns.append(values[:, [self.model.parameter_names.index(_BODY_WEIGHT)]])
        return np.concatenate([np.broadcast_to(one, (n, one.shape[1])) for one in columns], axis=1)


def _shown(one: Regimen, forcing: Sequence[Concentrations], count: int) -> FloatArray:
    """Concentrations (count, t, k) of all compounds at the outputs."""
    parts = [part.at_times(one.days, at_dose="after") for part in forcing]
    shape = (count, one.days.size)
    wide = [np.broadcast_to(part, (*shape, part.shape[2])) for part in parts]
    return np.concatenate([np.empty((*shape, 0)), *wide], axis=2)


def _happenings(own: Sequence[Regimen], counts: IntArray) -> dict[str, Happenings]:
    """Events of animals of several regimens."""
    found = {}
    for kind in dict.fromkeys(kind for one in own for kind in one.events):
        tables = [one.events.get(kind) for one in own]
        sizes = [0 if table is None else table.time.size for table in tables]
        time = np.full((len(own), max(sizes)), np.inf)
        place = np.zeros(time.shape, dtype=np.intp)
        doses: list[FloatArray] = []
        for row, (table, size) in enumerate(zip(tables, sizes, strict=True)):
            if table is not None:
                time[row, :size] = table.time
                place[row, :size] = np.arange(size) + sum(one.size for one in doses)
                doses.append(table.dose)
        found[kind] = Happenings(
            time=np.repeat(time, counts, axis=0),
            place=np.repeat(place, counts, axis=0),
            dose=np.concatenate(doses),
        )
    return found
