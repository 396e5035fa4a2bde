"""Concentrations between events, for an integration that asks for them at every step.

The sums of exponentials of `oncovivo.mechanism.pk_segments` are laid out so that one operation
runs over all animals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.mechanism.pk_segments import AtDose, PKSegment, PKSegments
from oncovivo.numerics.ode import Segment

__all__ = ["Concentrations", "concentrations_from", "side_by_side"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concentrations:
    """Concentrations of one compound, k of them, in n animals; made by `concentrations_from`.

    Parameters
    ----------
    segments : PKSegments or None
        The amounts that the concentrations are of, in their order; None where `side_by_side` put
        animals of several regimens together, which needs `plain`.
    factors : ndarray, shape (n, k)
        Concentration per amount.
    starts : ndarray, shape (segments, n)
        Days on which segments start.
    rates : ndarray, shape (m, n)
        Rates of the exponentials, 1/day.
    amplitudes : ndarray, shape (segments, k, m, n)
        Their amplitudes as concentrations.
    held : ndarray, shape (segments, k, n)
        The concentration that an infusion leads to.
    confluent : ndarray of int, shape (f,)
        Animals with rates that are taken together, whose terms have powers of the time besides.
    higher : ndarray, shape (segments, powers, k, m, f)
        Their amplitudes of (rate t)^m / m!, m = 1, 2 ….
    plain : bool
        Whether these terms are all there are.
    """

    segments: PKSegments | None
    factors: FloatArray
    starts: FloatArray
    rates: FloatArray
    amplitudes: FloatArray
    held: FloatArray
    confluent: IntArray
    higher: FloatArray
    plain: bool

    @property
    def changes(self) -> FloatArray:
        """Days (1 or n, segments - 1) on which a segment gives way to the next."""
        return self.starts[1:].T if self.segments is None else self.segments.starts[:, 1:]

    def at_times(self, times: FloatArray, *, at_dose: AtDose) -> FloatArray:
        """Concentrations (n, t, k) at times (t,), of animals of one regimen."""
        if self.segments is None:
            raise InputError("animals of one regimen")
        return self.segments.amounts(times, at_dose=at_dose) * self.factors[:, None, :]

    def segment(self, index: IntArray) -> Segment:
        """Concentrations within a segment, which may be another for each animal."""
        if not self.plain:
            return self._by_terms(index)
        common = bool((index == index[0]).all())
        if common:
            place = int(index[0])
            start, parts, held = self.starts[place], self.amplitudes[place], self.held[place]
            higher = self.higher[place]
        else:
            animals = np.arange(index.size)
            start = self.starts[index, animals]
            parts = np.ascontiguousarray(np.moveaxis(self.amplitudes[index, :, :, animals], 0, -1))
            held = self.held[index, :, animals].T
            few = np.arange(self.confluent.size)
            higher = np.moveaxis(self.higher[index[self.confluent], :, :, :, few], 0, -1)
        falling = -self.rates
        flows = bool(held.any())

        def forcing(time: FloatArray) -> FloatArray:
            terms = (time - start)[:, None, :] * falling
            np.exp(terms, out=terms)
            result = np.empty((time.shape[0], parts.shape[0], time.shape[1]))
            for place, part in enumerate(parts):
                # One exponential after the other: quicker than a sum over a short axis.
                total = terms[:, 0] * part[0]
                for term in range(1, part.shape[0]):
                    total += terms[:, term] * part[term]
                result[:, place] = total
            if self.confluent.size:
                self._add_higher(result, terms, time - start, higher)
            if flows:
                result += held
            return np.maximum(result, 0.0, out=result)

        return forcing

    def _add_higher(
        self, result: FloatArray, terms: FloatArray, elapsed: FloatArray, higher: FloatArray
    ) -> None:
        """Add the terms with powers of the time."""
        some = self.confluent
        powered = terms[:, :, some]
        turns = elapsed[:, None, some] * self.rates[:, some]
        added = np.zeros((result.shape[0], result.shape[1], some.size))
        for power, parts in enumerate(higher, start=1):
            powered = powered * turns / power
            for place, part in enumerate(parts):
                added[:, place] += (powered * part).sum(axis=1)
        result[:, :, some] += added

    def _by_terms(self, index: IntArray) -> Segment:
        """The same where terms are more than plain exponentials."""
        segments = self.segments
        if segments is None:
            raise InputError("animals of one regimen")
        groups = [(np.flatnonzero(index == place), place) for place in np.unique(index)]

        def forcing(time: FloatArray) -> FloatArray:
            result = np.empty((time.shape[0], self.factors.shape[1], time.shape[1]))
            for rows, place in groups:
                terms = segments[place].terms.take(rows)
                elapsed = np.maximum(time[:, rows] - self.starts[place, rows], 0.0)
                amounts = np.maximum(terms.at(elapsed.T), 0.0)
                result[:, :, rows] = (amounts * self.factors[rows, None, :]).transpose(1, 2, 0)
            return result

        return forcing

    def take(self, animals: IntArray) -> Concentrations:
        """Some of the animals."""
        kept = np.full(self.factors.shape[0], -1)
        kept[self.confluent] = np.arange(self.confluent.size)
        kept = kept[animals]
        return Concentrations(
            segments=None if self.segments is None else _taken(self.segments, animals),
            factors=self.factors[animals],
            starts=self.starts[:, animals],
            rates=self.rates[:, animals],
            amplitudes=self.amplitudes[..., animals],
            held=self.held[..., animals],
            confluent=np.flatnonzero(kept >= 0),
            higher=self.higher[..., kept[kept >= 0]],
            plain=self.plain,
        )


def _taken(segments: PKSegments, animals: IntArray) -> PKSegments:
    """Some of the animals."""
    common = segments.has_common_times

    def some(values: FloatArray) -> FloatArray:
        return values if common else values[animals]

    return PKSegments(
        starts=some(segments.starts),
        segments=tuple(
            PKSegment(start=some(one.start), end=some(one.end), terms=one.terms.take(animals))
            for one in segments.segments
        ),
        n_animals=animals.size,
        n_compartments=segments.n_compartments,
    )


def side_by_side(parts: Sequence[Concentrations], counts: Sequence[int]) -> Concentrations:
    """Animals of several regimens, one after the other.

    Parameters
    ----------
    parts : sequence of Concentrations
        Of one compound; `plain`, and of one animal that stands for all of its regimen or of all.
    counts : sequence of int
        Animals of each.
    """
    most = max(len(one.starts) for one in parts)
    powers = max(one.higher.shape[1] for one in parts)

    def wide(values: FloatArray, count: int, fill: float) -> FloatArray:
        """As many segments as the longest has, and as many animals as there are."""
        shape = (*values.shape[:-1], count)
        result = np.full((most, *shape[1:]), fill)
        result[: len(values)] = np.broadcast_to(values, shape)
        return result

    confluent, higher = [], []
    first = 0
    for one, count in zip(parts, counts, strict=True):
        alone = one.rates.shape[1] == 1
        some = np.arange(count if one.confluent.size else 0) if alone else one.confluent
        terms = np.zeros((most, powers, *one.higher.shape[2:4], some.size))
        terms[: len(one.higher), : one.higher.shape[1]] = one.higher
        confluent.append(first + some)
        higher.append(terms)
        first += count
    pairs = list(zip(parts, counts, strict=True))
    return Concentrations(
        segments=None,
        factors=np.concatenate(
            [np.broadcast_to(p.factors, (c, p.factors.shape[1])) for p, c in pairs]
        ),
        starts=np.concatenate([wide(p.starts, c, np.inf) for p, c in pairs], axis=-1),
        rates=np.concatenate(
            [np.broadcast_to(p.rates, (p.rates.shape[0], c)) for p, c in pairs], axis=-1
        ),
        amplitudes=np.concatenate([wide(p.amplitudes, c, 0.0) for p, c in pairs], axis=-1),
        held=np.concatenate([wide(p.held, c, 0.0) for p, c in pairs], axis=-1),
        confluent=np.concatenate(confluent).astype(np.intp),
        higher=np.concatenate(higher, axis=-1),
        plain=True,
    )


def concentrations_from(segments: PKSegments, factors: FloatArray) -> Concentrations:
    """Concentrations from the amounts of their compartments.

    While something flows in at rate r, the part of an amount that falls at rate λ is
    ``r/λ + (a - r/λ) exp(-λt)``.

    Parameters
    ----------
    segments : PKSegments
        Amounts of k compartments in n animals.
    factors : ndarray, shape (n, k)
        Concentration per amount.
    """
    first = segments[0].terms
    rates = first.rates
    n, k = factors.shape
    amplitudes = np.zeros((len(segments), k, rates.shape[1], n))
    held = np.zeros((len(segments), k, n))
    confluent = first.confluent.astype(np.intp)
    higher = np.zeros((len(segments), first.higher.shape[1], k, rates.shape[1], confluent.size))
    plain = True
    for place, one in enumerate(segments.segments):
        if not (
            np.array_equal(one.terms.rates, rates)
            and np.array_equal(one.terms.confluent, confluent)
            and one.terms.higher.shape == first.higher.shape
        ):
            # Segments that do not share their exponentials are not laid out.
            plain = False
            break
        amplitude = one.terms.amplitudes
        inflow = one.terms.inflow
        if inflow is not None:
            # Without a way out the amount rises on a line, and confluent rates make inflows of
            # their own: neither is in the layout.
            flowing = (inflow != 0.0).any(axis=1)
            plain = plain and not bool((flowing & (rates <= 0.0)).any() or confluent.size)
            level = inflow / np.where(rates > 0.0, rates, 1.0)[:, None, :]
            amplitude = amplitude - level
            held[place] = (level.sum(axis=2) * factors).T
        amplitudes[place] = np.moveaxis(amplitude * factors[:, :, None], 0, -1)
        scaled = one.terms.higher * factors[confluent, None, :, None]
        higher[place] = np.moveaxis(scaled, 0, -1)
    starts = np.broadcast_to(segments.starts, (n, len(segments)))
    return Concentrations(
        segments=segments,
        factors=factors,
        starts=np.ascontiguousarray(starts.T),
        rates=np.ascontiguousarray(rates.T),
        amplitudes=amplitudes,
        held=held,
        confluent=confluent,
        higher=higher,
        plain=plain,
    )
