"""A test that asks the allocation itself how often chance would give such a difference.

Notes
-----
The null hypothesis is that no animal of the two arms would have done otherwise in the other arm.
Animals of further arms stay where they are; those of the two exchange places within their strata
or blocks, whole cages where cages were allocated, and only allocations within the recorded
threshold count. Given the rest, the allocation was a uniform draw from exactly these, so the
p-value is exact whatever the distribution of the outcome (Morgan KL, Rubin DB. Ann Stat
2012;40:1263-1282, doi:10.1214/12-AOS1008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from oncovivo.design.allocation import AllocationRecord, digest_animals
from oncovivo.design.allocation_draw import FloatArray, IntArray
from oncovivo.design.allocation_plan import BaselineAnimal
from oncovivo.design.allocation_problem import Problem, state_problem
from oncovivo.errors import DataError, FindingsError, InputError

__all__ = ["RerandomizationTest", "rerandomization_test"]

# Differences that are equal but for the order of a sum count as equal.
_TIE: Final = 1e-9
_TRIED_AT_ONCE: Final = 2_000
_MOST_ROUNDS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RerandomizationTest:
    """What the test found.

    Parameters
    ----------
    arm, versus : str
        The arms that are compared.
    difference : float
        Mean of `arm` minus mean of `versus`.
    p_value : float
        Two-sided.
    draws : int
        Allocations that were drawn for it.
    n_units : int
        Animals or cages that exchanged places.
    smallest_p : float
        Below this no result could have come with these draws.
    """

    arm: str
    versus: str
    difference: float
    p_value: float
    draws: int
    n_units: int
    smallest_p: float


def rerandomization_test(
    record: AllocationRecord,
    animals: Sequence[BaselineAnimal],
    outcome: Mapping[str, float],
    *,
    arm: str,
    versus: str,
    draws: int = 9_999,
    rng: np.random.Generator,
) -> RerandomizationTest:
    """Test a difference of means against the allocations that could have come instead.

    Parameters
    ----------
    record : AllocationRecord
        The allocation.
    animals : sequence of BaselineAnimal
        The animals it was made for.
    outcome : mapping of str to float
        Outcome by animal, of every animal of the two arms.
    arm, versus : str
        The arms.
    draws : int
        Allocations to draw; fewer may be accepted under a narrow threshold.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    RerandomizationTest
        With p = (1 + number at least as far from zero) / (1 + draws).

    Raises
    ------
    InputError
        If an arm does not exist or draws are fewer than 1.
    FindingsError
        If the animals are not those of the record.
    DataError
        If an outcome is missing or not finite, or no other allocation was possible.
    """
    if draws < 1:
        raise InputError("one draw or more", found=str(draws), where="draws")
    names = record.design.arm_names
    for name in (arm, versus):
        if name not in names or arm == versus:
            expected = "two different arms: " + ", ".join(names)
            raise InputError(expected, found=f"{arm!r} and {versus!r}")
    if digest_animals(animals) != record.animals_sha256:
        expected = "the animals of the record"
        raise FindingsError(expected, found="others", where="record")
    placed = record.arm_of()
    problem = state_problem([a for a in animals if a.animal_id in placed], record.design)
    arms = np.array(
        [names.index(placed[animal.animal_id]) for animal in problem.animals], dtype=np.intp
    )
    pair = (names.index(arm), names.index(versus))
    values = _values(problem, arms, pair, outcome)
    drawn, n_units = _reference(problem, record.threshold, arms, pair, draws, rng)
    observed = float(_differences(arms[None, :], values, pair)[0])
    scale = float(np.abs(values).max()) or 1.0
    far = np.abs(_differences(drawn, values, pair)) >= abs(observed) - _TIE * scale
    return RerandomizationTest(
        arm=arm,
        versus=versus,
        difference=observed,
        p_value=float((1 + far.sum()) / (1 + len(drawn))),
        draws=len(drawn),
        n_units=n_units,
        smallest_p=1 / (1 + len(drawn)),
    )


def _values(
    problem: Problem, arms: IntArray, pair: tuple[int, int], outcome: Mapping[str, float]
) -> FloatArray:
    """Outcome of every animal; 0 for those of other arms, which are never looked at."""
    values = np.zeros(arms.size)
    for index, animal in enumerate(problem.animals):
        if arms[index] not in pair:
            continue
        value = outcome.get(animal.animal_id, math.nan)
        if not math.isfinite(value):
            raise DataError(
                "an outcome of every animal of the two arms",
                found="none",
                where=f"animal '{animal.animal_id}'",
                mend="give one to those that left early too, as their rate or a worst rank",
            )
        values[index] = value
    return values


def _reference(
    problem: Problem,
    threshold: float | None,
    arms: IntArray,
    pair: tuple[int, int],
    draws: int,
    rng: np.random.Generator,
) -> tuple[IntArray, int]:
    """Allocations that could have come with the other arms as they are."""
    layout = problem.layout
    n_units = layout.groups.size
    of_unit = np.empty(n_units, dtype=np.intp)
    of_unit[layout.unit] = arms
    moving = np.flatnonzero(np.isin(of_unit, pair))
    labels, groups = of_unit[moving], layout.groups[moving]
    if all(np.unique(labels[groups == group]).size == 1 for group in np.unique(groups)):
        raise DataError(
            "animals of both arms in one stratum or block",
            found="none",
            mend="compare arms that share a stratum or block",
        )
    found: list[IntArray] = []
    n_found = 0
    for _ in range(_MOST_ROUNDS):
        keys = rng.random((_TRIED_AT_ONCE, moving.size)) + groups
        units = np.tile(of_unit, (_TRIED_AT_ONCE, 1))
        # Groups ascend: the sorted keys of a group fill exactly the places of the group.
        units[:, moving] = labels[np.argsort(keys, axis=1, kind="stable")]
        drawn = units[:, layout.unit]
        if problem.imbalance is not None and threshold is not None:
            drawn = drawn[problem.imbalance(drawn) <= threshold]
        found.append(drawn)
        n_found += len(drawn)
        if n_found >= draws:
            break
    return np.concatenate(found)[:draws], moving.size


def _differences(arms: IntArray, values: FloatArray, pair: tuple[int, int]) -> FloatArray:
    """Difference of the two arms' means in each allocation."""
    first, second = ((arms == arm).astype(np.float64) for arm in pair)
    return np.asarray(first @ values / first.sum(axis=1) - second @ values / second.sum(axis=1))
