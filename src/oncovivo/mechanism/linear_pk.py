"""Linear pharmacokinetics in closed form: compartments with first-order flows.

The amounts y follow y' = G y + r, with G from the flows and r from infusions. Between two events
(a dose, the end of an infusion, a reset) they are a sum of exponentials whose amplitudes are
carried over each event, so nothing is integrated step by step. A drug without known
concentrations is driven by the same means: a virtual compartment with one flow out (K-PD).

Rates are in 1/day and times in days throughout; other units work as long as all agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.doses import DoseInputs
from oncovivo.mechanism.modes import Modes, find_modes
from oncovivo.mechanism.pk_segments import AtDose, PKSegments, follow_doses

__all__ = ["Flow", "LinearPK", "generator_from_flows", "linear_pk"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flow:
    """What leaves one compartment, and where it goes.

    Parameters
    ----------
    source : int
        Index of the compartment that loses.
    target : int or None
        Index of the compartment that gains; None is out.
    rate : array_like, shape () or (n,)
        Part of the source's amount per day, 1/day; not negative.
    factor : array_like, shape () or (n,)
        Part of what leaves that arrives, such as a ratio of molar masses; not negative.
    """

    source: int
    target: int | None
    rate: ArrayLike
    factor: ArrayLike = 1.0


def generator_from_flows(n_compartments: int, flows: Sequence[Flow]) -> FloatArray:
    """Matrix G of y' = G y, from the flows.

    Parameters
    ----------
    n_compartments : int
        Number of compartments c.
    flows : sequence of Flow
        Several between the same two compartments add up.

    Returns
    -------
    ndarray, shape (n, c, c)
        n is 1 where every rate is one for all animals.

    Raises
    ------
    InputError
        If a compartment is not there, if a flow returns to its source, or if a rate or factor is
        negative, not finite or of another number of animals.

    Examples
    --------
    >>> generator_from_flows(2, [Flow(source=0, target=1, rate=3.0),
    ...                          Flow(source=1, target=None, rate=1.0)])
    array([[[-3.,  0.],
            [ 3., -1.]]])
    """
    if n_compartments < 1:
        expected = "at least one compartment"
        raise InputError(expected, found=str(n_compartments))
    parts: list[tuple[int, int | None, FloatArray, FloatArray]] = []
    for flow in flows:
        where = f"flow from compartment {flow.source} to {_place(flow.target)}"
        targets = [] if flow.target is None else [flow.target]
        if not all(0 <= index < n_compartments for index in [flow.source, *targets]):
            expected = f"compartments from 0 to {n_compartments - 1}"
            raise InputError(expected, where=where)
        if flow.source == flow.target:
            expected = "a flow that leads elsewhere"
            raise InputError(expected, where=where)
        rate, factor = (_checked(flow, name, where) for name in ("rate", "factor"))
        parts.append((flow.source, flow.target, rate, factor))
    lengths = {len(values) for part in parts for values in part[2:]} - {1}
    if len(lengths) > 1:
        expected = "flows of one number of animals"
        raise InputError(expected, found=" and ".join(map(str, sorted(lengths))))
    generator = np.zeros((max(lengths, default=1), n_compartments, n_compartments))
    for source, target, rate, factor in parts:
        generator[:, source, source] -= rate
        if target is not None:
            generator[:, target, source] += rate * factor
    return generator


def _place(target: int | None) -> str:
    """Name of where a flow goes."""
    return "out" if target is None else str(target)


def _checked(flow: Flow, name: str, where: str) -> FloatArray:
    """Rate or factor of a flow as one value or one per animal."""
    values = np.atleast_1d(np.asarray(getattr(flow, name), dtype=np.float64))
    bad = ~(np.isfinite(values) & (values >= 0))
    if values.ndim > 1 or not values.size or bad.any():
        expected = f"a {name} that is finite and not negative, one or one per animal"
        found = f"{values[bad][0]:g}" if bad.any() else f"shape {values.shape}"
        raise InputError(expected, found=found, where=where)
    return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearPK:
    """Compartments with first-order flows, of n animals; made by :func:`linear_pk`.

    Parameters
    ----------
    generator : ndarray, shape (n, c, c)
        Matrix G of y' = G y, 1/day.
    modes : Modes
        Its exponentials.
    """

    generator: FloatArray
    modes: Modes

    @property
    def n_animals(self) -> int:
        """Number of animals n; 1 may stand for any number."""
        return len(self.generator)

    @property
    def n_compartments(self) -> int:
        """Number of compartments c."""
        return int(self.generator.shape[1])

    def segments(self, inputs: DoseInputs, *, origin: float = 0.0) -> PKSegments:
        """Amounts between events, each stretch as a sum of exponentials.

        Parameters
        ----------
        inputs : DoseInputs
            Doses of as many animals as these, where neither is one.
        origin : float
            Day from which the compartments are looked at; empty until the first dose.

        Raises
        ------
        InputError
            If the numbers of animals differ, or a dose goes to a compartment that is not there.
        DataError
            If a steady state is asked for that is never reached, or with a lag that is not below
            the interval.
        """
        self._check(inputs)
        n = max(self.n_animals, inputs.n_animals)
        return follow_doses(self.modes.repeated(n), inputs, origin=origin)

    def amounts(
        self, inputs: DoseInputs, times: ArrayLike, *, at_dose: AtDose = "after"
    ) -> FloatArray:
        """Amounts at times.

        Parameters
        ----------
        inputs : DoseInputs
            Doses.
        times : array_like, shape (t,)
            Days, in any order.
        at_dose : {"after", "before"}
            Whether a time that is a dose's own is read after the dose or before it.

        Returns
        -------
        ndarray, shape (n, t, c)
            0 before the first dose.

        Examples
        --------
        >>> from oncovivo.mechanism.doses import DosePath, dose_table, place_doses
        >>> pk = linear_pk(generator_from_flows(1, [Flow(source=0, target=None, rate=1.0)]))
        >>> doses = place_doses(dose_table([0.0, 1.0], 10.0), [DosePath(compartment=0)])
        >>> pk.amounts(doses, [0.0, 0.5, 1.0])[0, :, 0].round(4).tolist()
        [10.0, 6.0653, 13.6788]
        """
        return self.segments(inputs).amounts(times, at_dose=at_dose)

    def area_to_infinity(self, inputs: DoseInputs) -> FloatArray:
        """Area under each amount from the first dose to infinity, amount times day.

        Divided by a volume it is the AUC of the concentration: dose / CL for the central
        compartment of a drug that leaves from there.

        Returns
        -------
        ndarray, shape (n, c)

        Raises
        ------
        DataError
            If a compartment never empties, or if doses are reset or begin at a steady state.
        """
        self._check(inputs)
        if len(inputs.resets) or (inputs.ss > 0).any():
            expected = "doses without resets and steady states, to give an area to infinity"
            raise DataError(expected)
        if (self.modes.rates <= 0).any():
            expected = "compartments that empty, to give an area to infinity"
            raise DataError(expected, found="a compartment that nothing leaves")
        n = max(self.n_animals, inputs.n_animals)
        total = np.zeros((n, self.n_compartments))
        for index, compartment in enumerate(inputs.compartment):
            total[:, compartment] += inputs.amount[:, index]
        area = np.linalg.solve(-self.generator, total[..., None])[..., 0]
        return np.asarray(area, dtype=np.float64)

    def _check(self, inputs: DoseInputs) -> None:
        """Refuse doses that do not fit the compartments or the animals."""
        if len({self.n_animals, inputs.n_animals} - {1}) > 1:
            expected = f"doses of {self.n_animals} animals"
            raise InputError(expected, found=str(inputs.n_animals))
        if inputs.n_doses and inputs.compartment.max() >= self.n_compartments:
            expected = f"doses into compartments from 0 to {self.n_compartments - 1}"
            raise InputError(expected, found=str(inputs.compartment.max()))


def linear_pk(generator: ArrayLike) -> LinearPK:
    """Linear pharmacokinetics from a matrix of flows.

    Parameters
    ----------
    generator : array_like, shape (c, c) or (n, c, c)
        G of y' = G y, 1/day: element i, j is the flow from j to i, and the diagonal what leaves,
        see :func:`generator_from_flows`.

    Raises
    ------
    InputError
        If it is no such matrix.
    DataError
        If amounts would oscillate, as flows around a circle of three can make them, or grow.
    """
    matrix = np.asarray(generator, dtype=np.float64)
    if matrix.ndim == 2:
        matrix = matrix[None]
    if matrix.ndim != 3 or matrix.shape[1] != matrix.shape[2] or not matrix.size:
        expected = "a square matrix of flows for each animal"
        raise InputError(expected, found=f"shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        expected = "finite flows"
        raise InputError(expected, found="one that is not")
    diagonal = np.eye(matrix.shape[1], dtype=np.bool_)
    if (matrix[:, ~diagonal] < 0).any() or (matrix[:, diagonal] > 0).any():
        expected = "flows that are not negative, and a diagonal that is not positive"
        raise InputError(expected, found="a matrix that no flows make")
    return LinearPK(generator=matrix, modes=find_modes(matrix))
