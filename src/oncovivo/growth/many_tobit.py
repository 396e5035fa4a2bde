"""Log-likelihoods of Tobit mixed models of many studies, with score and observed information.

The model is that of ``growth.tobit`` for lines: animal i of arm a has the mean z'(c + L u) at time
t, z = (1, t), c the intercept and rate of its arm and u two standard normal effects. Its
log-likelihood has six parameters whatever the study: c, the entries of the root L, and the log
residual standard deviation. Derivatives by these are added up by arm and lifted to the
coefficients of the study.

Animals without a censored reading have closed forms, for all animals of an arm that were read on
the same days together. The others are integrated by the adaptive product rule of
``numerics.quadrature``; their derivatives are means of complete-data quantities over the nodes
(Louis 1982), of which all but the censored readings' are polynomials of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.many_animals import (
    PARAMETERS,
    AnimalParameters,
    CensoredAnimals,
    MeasuredAnimals,
    censored_densities,
    find_modes,
    measured_densities,
)
from oncovivo.numerics.quadrature import GaussHermiteGrid

__all__ = ["ManyTobit"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Node values of one array that is worked on at once: it stays in the cache.
_CHUNK: Final = 5_000


@dataclass(slots=True, kw_only=True, eq=False)
class ManyTobit:
    """The log-likelihoods of B studies as functions of their parameters.

    The places of the quadrature's nodes are kept from one call to the next as starts.

    Parameters
    ----------
    n_studies : int
        B.
    lift : ndarray, shape (arms, 2, p)
        Intercept and rate of each arm from the coefficients.
    measured, censored : MeasuredAnimals, CensoredAnimals
        The animals.
    grid : GaussHermiteGrid
        Rule of two dimensions.
    modes : ndarray, shape (2, N)
        Effects at which each censored animal's integrand is largest, or a start.
    factors : ndarray, shape (3, N)
        Entries of the nodes' scale: first, the one above the diagonal, second.
    """

    n_studies: int
    lift: FloatArray
    measured: MeasuredAnimals
    censored: CensoredAnimals
    grid: GaussHermiteGrid
    modes: FloatArray
    factors: FloatArray

    def take(self, index: IntArray) -> ManyTobit:
        """Some of the studies, in rising order."""
        arms = self.lift.shape[0]
        place = np.full(self.n_studies, -1, dtype=np.intp)
        place[index] = np.arange(index.size)

        def cells(cell: IntArray) -> tuple[BoolArray, IntArray]:
            study, arm = np.divmod(cell, arms)
            chosen = place[study] >= 0
            return chosen, place[study[chosen]] * arms + arm[chosen]

        some, groups = cells(self.measured.cell)
        those, animals = cells(self.censored.cell)
        return ManyTobit(
            n_studies=index.size,
            lift=self.lift,
            measured=self.measured.take(some, groups),
            censored=self.censored.take(those, animals),
            grid=self.grid,
            modes=self.modes[:, those],
            factors=self.factors[:, those],
        )

    def with_grid(self, grid: GaussHermiteGrid) -> ManyTobit:
        """The same integrated by another rule."""
        return replace(self, grid=grid)

    def score(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log-likelihoods with all constants, their derivatives, and minus their second ones.

        Where a parameter went too far they are not numbers.

        Parameters
        ----------
        theta : ndarray, shape (B, q)
            Coefficients, entries of the root by rows, log residual standard deviation.

        Returns
        -------
        value : ndarray, shape (B,)
        gradient : ndarray, shape (B, q)
        information : ndarray, shape (B, q, q)
        """
        with np.errstate(all="ignore"):
            return self._score(theta)

    def _score(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The same, with the warnings of numpy."""
        arms, _, p = self.lift.shape
        line = np.einsum("air,br->bai", self.lift, theta[:, :p]).reshape(-1, 2)
        value = np.zeros(self.n_studies)
        gradient = np.zeros((self.n_studies, arms, PARAMETERS))
        information = np.zeros((self.n_studies, arms, PARAMETERS, PARAMETERS))
        if self.measured.cell.size:
            own = _own(self.measured.cell, line, theta[:, p:], arms)
            packed = _by_cell(
                measured_densities(self.measured, own), self.measured.cell, gradient.shape
            )
            self._addmeasured_densities(packed, theta[:, p:], value, gradient, information)
        if self.censored.cell.size:
            own = _own(self.censored.cell, line, theta[:, p:], arms)
            self.modes, self.factors = find_modes(self.censored, own, self.modes)
            packed = _by_cell(self._integrals(own), self.censored.cell, gradient.shape)
            value += packed[:, :, 0].sum(axis=1)
            gradient += packed[:, :, 1 : 1 + PARAMETERS]
            information += packed[:, :, 1 + PARAMETERS :].reshape(information.shape)
        return value, *self._lifted(gradient, information)

    def _lifted(
        self, gradient: FloatArray, information: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Derivatives by the parameters of the studies, from those by the arms' own."""
        arms, _, p = self.lift.shape
        q = p + PARAMETERS - 2
        total = np.zeros((self.n_studies, q))
        curvature = np.zeros((self.n_studies, q, q))
        for arm in range(arms):
            whole = np.zeros((PARAMETERS, q))
            whole[:2, :p] = self.lift[arm]
            whole[2:, p:] = np.eye(PARAMETERS - 2)
            total += gradient[:, arm] @ whole
            curvature += whole.T @ information[:, arm] @ whole
        return total, curvature

    def _addmeasured_densities(
        self,
        packed: FloatArray,
        spread: FloatArray,
        value: FloatArray,
        gradient: FloatArray,
        information: FloatArray,
    ) -> None:
        """From derivatives by covariance and variance to those by root and log deviation."""
        first, cross, second = spread[:, 0], spread[:, 1], spread[:, 2]
        variance = np.exp(2 * spread[:, 3])
        change = np.zeros((self.n_studies, 1, PARAMETERS, PARAMETERS))
        change[:, :, 0, 0] = change[:, :, 1, 1] = 1.0
        change[:, 0, 2, 2] = 2 * first
        change[:, 0, 3, 2], change[:, 0, 3, 3] = cross, first
        change[:, 0, 4, 3], change[:, 0, 4, 4] = 2 * cross, 2 * second
        change[:, 0, 5, 5] = 2 * variance
        slope = packed[:, :, 1 : 1 + PARAMETERS]
        bend = packed[:, :, 1 + PARAMETERS :].reshape(information.shape)
        turned = np.swapaxes(change, -1, -2)
        curvature = -(turned @ bend @ change)
        curvature[:, :, 2, 2] -= 2 * slope[:, :, 2]
        curvature[:, :, 2, 3] -= slope[:, :, 3]
        curvature[:, :, 3, 2] -= slope[:, :, 3]
        curvature[:, :, 3, 3] -= 2 * slope[:, :, 4]
        curvature[:, :, 4, 4] -= 2 * slope[:, :, 4]
        curvature[:, :, 5, 5] -= 4 * variance[:, None] * slope[:, :, 5]
        value += packed[:, :, 0].sum(axis=1)
        gradient += (turned @ slope[..., None])[..., 0]
        information += curvature

    def _integrals(self, own: AnimalParameters) -> FloatArray:
        """Log integral, score and information of each censored animal, shape (N, 43)."""
        size = self.censored.cell.size
        many = max(1, _CHUNK // len(self.grid.nodes))
        found = np.empty((size, 1 + PARAMETERS + PARAMETERS * PARAMETERS))
        for low in range(0, size, many):
            rows = slice(low, low + many)
            found[rows] = censored_densities(
                self.censored.take(rows, self.censored.cell[rows]),
                own.take(rows),
                self.modes[:, rows],
                self.factors[:, rows],
                self.grid,
            )
        return found


def _own(cell: IntArray, line: FloatArray, spread: FloatArray, arms: int) -> AnimalParameters:
    """Each animal's or group's parameters."""
    study = cell // arms
    return AnimalParameters(
        intercept=line[cell, 0],
        rate=line[cell, 1],
        first=spread[study, 0],
        cross=spread[study, 1],
        second=spread[study, 2],
        log_sd=spread[study, 3],
    )


def _by_cell(values: FloatArray, cell: IntArray, shape: tuple[int, ...]) -> FloatArray:
    """Sums over the rows of each cell, shape (studies, arms, columns)."""
    order = np.argsort(cell, kind="stable")
    known = cell[order]
    starts = np.flatnonzero(np.diff(known, prepend=-1))
    total = np.zeros((shape[0] * shape[1], values.shape[1]))
    total[known[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return total.reshape(shape[0], shape[1], -1)
