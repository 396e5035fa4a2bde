"""Slow twin of the closed form: matrix exponentials, dose by dose, nothing carried over."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

FloatArray = NDArray[np.float64]
Given = tuple[float, float, int, float]
"""Time of arrival, amount, compartment, days of infusion."""


def exponential(matrix: FloatArray) -> FloatArray:
    """Matrix exponential, of a triangular matrix with close diagonal elements as well.

    SciPy takes divided differences on the diagonal of triangular matrices and loses half of the
    digits where two elements are close. A mirror image of the matrix is not triangular.
    """
    normal = np.arange(1.0, len(matrix) + 1)
    mirror = np.eye(len(matrix)) - 2 * np.outer(normal, normal) / (normal @ normal)
    return np.asarray(mirror @ expm(mirror @ matrix @ mirror) @ mirror, dtype=np.float64)


def infused(generator: FloatArray, compartment: int, rate: float, length: float) -> FloatArray:
    """Amounts at the end of an infusion into empty compartments."""
    c = len(generator)
    grown = np.zeros((c + 1, c + 1))
    grown[:c, :c] = generator
    grown[compartment, c] = rate
    return exponential(grown * length)[:c, c]


def summed_doses(generator: FloatArray, given: Iterable[Given], times: FloatArray) -> FloatArray:
    """Amounts of one animal at times, shape (t, c): the sum over doses given alone."""
    total = np.zeros((len(times), len(generator)))
    for arrival, amount, compartment, length in given:
        for row, time in enumerate(times):
            since = time - arrival
            if since < 0:
                continue
            if length == 0:
                start = np.zeros(len(generator))
                start[compartment] = amount
                total[row] += exponential(generator * since) @ start
            else:
                part = infused(generator, compartment, amount / length, min(since, length))
                total[row] += exponential(generator * max(since - length, 0.0)) @ part
    return total


def mammillary(rng: np.random.Generator, c: int) -> FloatArray:
    """A center that exchanges with c - 1 others and empties."""
    flows = np.zeros((c, c))
    flows[1:, 0] = np.exp(rng.normal(size=c - 1))
    flows[0, 1:] = np.exp(rng.normal(size=c - 1))
    return with_diagonal(flows, leaves=0, rate=float(np.exp(rng.normal())))


def catenary(rng: np.random.Generator, c: int) -> FloatArray:
    """A chain in which each exchanges with the next; the last empties."""
    flows = np.zeros((c, c))
    for index in range(c - 1):
        flows[index + 1, index] = np.exp(rng.normal())
        flows[index, index + 1] = np.exp(rng.normal()) * rng.integers(0, 2)
    return with_diagonal(flows, leaves=c - 1, rate=float(np.exp(rng.normal())))


def with_diagonal(flows: FloatArray, *, leaves: int, rate: float) -> FloatArray:
    """Matrix of flows with what each compartment loses."""
    generator = flows - np.diag(flows.sum(axis=0))
    generator[leaves, leaves] -= rate
    return generator
