"""Who gets what: eligibility, draw, letters and orders, in a record that can be repeated.

Notes
-----
Restricted randomization draws allocations alike from all whose imbalance is not above a threshold
set beforehand (Morgan KL, Rubin DB. Rerandomization to improve covariate balance in experiments.
Ann Stat 2012;40:1263-1282, doi:10.1214/12-AOS1008). The threshold comes from a sample of
allocations that the drawn one is not part of, so that it is a uniform draw from all below.
Blocks of alike animals: van Eenige R et al. RandoMice. PLoS One 2020;15:e0237096.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from oncovivo.design.allocation_draw import IntArray, draw_arms, stream
from oncovivo.design.allocation_plan import AllocationDesign, BaselineAnimal
from oncovivo.design.allocation_problem import (
    Exclusion,
    Problem,
    choose_animals,
    state_problem,
)
from oncovivo.errors import DataError, FindingsError, InputError
from oncovivo.version import __version__

__all__ = [
    "AllocationRecord",
    "AllocationWarning",
    "ArmBalance",
    "Placement",
    "allocate",
    "digest_animals",
    "draw_allocations",
    "repeat",
]

_SURPLUS, _CANDIDATES, _DRAW, _LETTERS, _ORDERS = range(5)
_LETTER_NAMES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Allocations tried at once until one is balanced; part of what a seed means.
_TRIED_AT_ONCE: Final = 256
_MOST_TRIES: Final = 10_000
# An allocation that can come out in fewer ways leaves no test with p of 0.05.
_FEWEST_WAYS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationWarning:
    """Something that should be known about an allocation."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an animal went.

    Parameters
    ----------
    animal_id : str
        Its name.
    arm, letter : str
        Its arm, and the letter by which blinded people know the arm.
    stratum : str
        In words; blank where there are none.
    cage : str or None
        Its cage.
    volume_mm3, body_weight_g : float or None
        At baseline.
    measuring, dosing : tuple of int
        Its place in the order of each session, from 1.
    """

    animal_id: str
    arm: str
    letter: str
    stratum: str
    cage: str | None
    volume_mm3: float | None
    body_weight_g: float | None
    measuring: tuple[int, ...]
    dosing: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmBalance:
    """An arm before treatment; standard deviations of one animal are None.

    Parameters
    ----------
    arm, letter : str
        Its name and letter.
    n, n_cages : int
        Animals, and different cages that are stated.
    geometric_mean_volume, mean_weight : float or None
        mm³ and g; None where not measured.
    sd_log_volume, sd_weight : float or None
        Natural log, and g.
    """

    arm: str
    letter: str
    n: int
    n_cages: int
    geometric_mean_volume: float | None
    sd_log_volume: float | None
    mean_weight: float | None
    sd_weight: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRecord:
    """An allocation and all that is needed to come to it again.

    Parameters
    ----------
    version : str
        Of this program.
    animals_sha256 : str
        Digest of the values of all animals, see :func:`digest_animals`.
    design : AllocationDesign
        What was decided before.
    seed : int
        Of the draw.
    placements : tuple of Placement
        By name of the animal.
    excluded : tuple of Exclusion
        Animals that were not allocated.
    candidates, n_accepted : int or None
        Allocations from which the threshold was taken, and how many are not above it; None
        where the method is not restricted.
    n_distinct : int or None
        How many of the accepted ones differ.
    threshold, score : float or None
        Largest imbalance accepted, and that of the allocation.
    warnings : tuple of AllocationWarning
        What should be known.
    """

    version: str
    animals_sha256: str
    design: AllocationDesign
    seed: int
    placements: tuple[Placement, ...]
    excluded: tuple[Exclusion, ...]
    candidates: int | None
    n_accepted: int | None
    n_distinct: int | None
    threshold: float | None
    score: float | None
    warnings: tuple[AllocationWarning, ...]

    @property
    def letters(self) -> Mapping[str, str]:
        """Arm of each letter, in the order of the letters."""
        return dict(sorted({place.letter: place.arm for place in self.placements}.items()))

    def arm_of(self) -> Mapping[str, str]:
        """Arm of each animal."""
        return {place.animal_id: place.arm for place in self.placements}

    def balance(self) -> tuple[ArmBalance, ...]:
        """The arms before treatment, in the order of the design."""
        return tuple(_balance(self.placements, arm) for arm in self.design.arm_names)


def digest_animals(animals: Sequence[BaselineAnimal]) -> str:
    """SHA-256 over the values of animals, whatever their order.

    Parameters
    ----------
    animals : sequence of BaselineAnimal
        All animals, also those that are not eligible.
    """
    lines = sorted(
        repr(
            [
                animal.animal_id,
                # 150 is 150.0.
                None if animal.volume_mm3 is None else float(animal.volume_mm3),
                None if animal.body_weight_g is None else float(animal.body_weight_g),
                animal.cage,
                animal.sex,
                animal.donor,
            ]
        )
        for animal in animals
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def allocate(
    animals: Sequence[BaselineAnimal], design: AllocationDesign, *, seed: int
) -> AllocationRecord:
    """Allocate animals to arms.

    Parameters
    ----------
    animals : sequence of BaselineAnimal
        All there are; their order makes no difference.
    design : AllocationDesign
        What was decided before.
    seed : int
        Not negative.

    Returns
    -------
    AllocationRecord

    Raises
    ------
    InputError
        If the seed is negative, or animals and design do not fit.
    DataError
        If the animals cannot carry the design.
    """
    if seed < 0:
        raise InputError("a seed of 0 or more", found=str(seed), where="seed")
    kept, excluded = choose_animals(animals, design, rng=stream(seed, _SURPLUS))
    problem = state_problem(kept, design)
    warnings = list(_cage_warnings(problem, design))
    candidates = n_accepted = n_distinct = threshold = score = None
    if problem.imbalance is not None:
        candidates = design.candidates
        threshold, accepted = _threshold(problem, design, rng=stream(seed, _CANDIDATES))
        n_accepted = len(accepted)
        n_distinct = len(np.unique(accepted, axis=0))
        warnings += _restriction_warnings(accepted, n_distinct, problem, design)
    arms = _draw_accepted(problem, threshold, 1, rng=stream(seed, _DRAW))
    if problem.imbalance is not None:
        score = float(problem.imbalance(arms)[0])
    return AllocationRecord(
        version=__version__,
        animals_sha256=digest_animals(animals),
        design=design,
        seed=seed,
        placements=_placements(problem, design, arms[0], seed),
        excluded=excluded,
        candidates=candidates,
        n_accepted=n_accepted,
        n_distinct=n_distinct,
        threshold=threshold,
        score=score,
        warnings=tuple(warnings),
    )


def draw_allocations(
    animals: Sequence[BaselineAnimal],
    design: AllocationDesign,
    draws: int,
    *,
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], IntArray]:
    """Many allocations of the same animals, to look at what a design does.

    Parameters
    ----------
    animals : sequence of BaselineAnimal
        All there are.
    design : AllocationDesign
        What was decided before; a threshold is found once.
    draws : int
        Number of allocations.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    names : tuple of str
        The animals that are allocated.
    arms : ndarray of int, shape (draws, n_animals)
        Arm of each by its place in the design.
    """
    kept, _ = choose_animals(animals, design, rng=rng)
    problem = state_problem(kept, design)
    threshold = None
    if problem.imbalance is not None:
        threshold, _ = _threshold(problem, design, rng=rng)
    names = tuple(animal.animal_id for animal in problem.animals)
    return names, _draw_accepted(problem, threshold, draws, rng=rng)


def repeat(record: AllocationRecord, animals: Sequence[BaselineAnimal]) -> AllocationRecord:
    """Come to a recorded allocation again.

    Parameters
    ----------
    record : AllocationRecord
        What is claimed.
    animals : sequence of BaselineAnimal
        The animals it was made for.

    Returns
    -------
    AllocationRecord
        The same allocation, made anew.

    Raises
    ------
    FindingsError
        If the animals are others, or anything of the result differs; names the first difference.
    """
    found = digest_animals(animals)
    if found != record.animals_sha256:
        raise FindingsError(
            f"the animals of the record, digest {record.animals_sha256[:12]}",
            found=f"digest {found[:12]}",
            where="record",
        )
    again = allocate(animals, record.design, seed=record.seed)
    for mine, theirs in zip(again.placements, record.placements, strict=False):
        _check_same(mine, theirs, f"record, animal '{theirs.animal_id}'", but=())
    _check_same(again, record, "record", but=("version",))
    return again


def _check_same(
    again: Placement | AllocationRecord,
    record: Placement | AllocationRecord,
    where: str,
    *,
    but: tuple[str, ...],
) -> None:
    """Refuse the first part in which two differ."""
    for field in fields(again):
        mine, theirs = getattr(again, field.name), getattr(record, field.name)
        if field.name not in but and mine != theirs:
            raise FindingsError(f"{mine}", found=f"{theirs}", where=f"{where}, {field.name}")


def _threshold(
    problem: Problem, design: AllocationDesign, *, rng: np.random.Generator
) -> tuple[float, IntArray]:
    """Largest imbalance that is accepted, and the candidates not above it."""
    drawn = draw_arms(problem.layout, design.candidates, rng=rng)
    scores = _scores(problem, drawn)
    n = math.ceil(round(design.quantile * design.candidates, 9))
    threshold = float(np.sort(scores)[n - 1])
    return threshold, drawn[scores <= threshold]


def _scores(problem: Problem, arms: IntArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Imbalance of allocations; zeros where none is scored."""
    if problem.imbalance is None:
        return np.zeros(len(arms))
    return problem.imbalance(arms)


def _draw_accepted(
    problem: Problem, threshold: float | None, draws: int, *, rng: np.random.Generator
) -> IntArray:
    """Allocations drawn alike from all that are accepted."""
    if threshold is None:
        return draw_arms(problem.layout, draws, rng=rng)
    found: list[IntArray] = []
    n_found = 0
    for _ in range(_MOST_TRIES):
        drawn = draw_arms(problem.layout, max(_TRIED_AT_ONCE, draws), rng=rng)
        accepted = drawn[_scores(problem, drawn) <= threshold]
        found.append(accepted)
        n_found += len(accepted)
        if n_found >= draws:
            return np.concatenate(found)[:draws]
    expected = "a balanced allocation among those tried"
    raise DataError(expected, found="none", mend="raise the quantile")


def _placements(
    problem: Problem, design: AllocationDesign, arms: IntArray, seed: int
) -> tuple[Placement, ...]:
    """Arms, letters and orders of the animals, by name."""
    order = np.argsort(stream(seed, _LETTERS).random(len(design.arms)), kind="stable").tolist()
    letters = {arm: _LETTER_NAMES[place] for place, arm in enumerate(order)}
    rng = stream(seed, _ORDERS)
    sessions = [
        (_order(problem.animals, design, rng), _order(problem.animals, design, rng))
        for _ in range(design.sessions)
    ]
    placed = [
        Placement(
            animal_id=animal.animal_id,
            arm=design.arm_names[arm],
            letter=letters[arm],
            stratum=problem.strata[index],
            cage=animal.cage,
            volume_mm3=animal.volume_mm3,
            body_weight_g=animal.body_weight_g,
            measuring=tuple(measuring[index] for measuring, _ in sessions),
            dosing=tuple(dosing[index] for _, dosing in sessions),
        )
        for index, (animal, arm) in enumerate(zip(problem.animals, arms.tolist(), strict=True))
    ]
    return tuple(sorted(placed, key=lambda place: place.animal_id))


def _order(
    animals: Sequence[BaselineAnimal], design: AllocationDesign, rng: np.random.Generator
) -> list[int]:
    """Place of each animal in an order drawn at random, from 1."""
    # By name, so that the order has nothing to do with how the animals were sorted before.
    names = sorted(animal.animal_id for animal in animals)
    keys = dict(zip(names, rng.random(len(names)).tolist(), strict=True))
    housing = {a.animal_id: a.cage if a.cage else f"\0{a.animal_id}" for a in animals}
    cages = sorted(set(housing.values()))
    cage_keys = dict(zip(cages, rng.random(len(cages)).tolist(), strict=True))
    if not design.cages_together:
        cage_keys = dict.fromkeys(cages, 0.0)
    turns = sorted(names, key=lambda name: (cage_keys[housing[name]], keys[name], name))
    place = {name: index for index, name in enumerate(turns, start=1)}
    return [place[animal.animal_id] for animal in animals]


def _restriction_warnings(
    accepted: IntArray, n_distinct: int, problem: Problem, design: AllocationDesign
) -> list[AllocationWarning]:
    """What a restriction takes away from chance."""
    warnings = []
    if n_distinct < _FEWEST_WAYS:
        warnings.append(
            AllocationWarning(
                code="few_allocations",
                message=f"only {n_distinct} different allocations are balanced enough: no "
                "re-randomization test may come to a p-value of 0.05; raise "
                "restriction.quantile",
            )
        )
    units = _units(accepted, problem)
    together = np.zeros((units.shape[1], units.shape[1]))
    for arm in range(problem.layout.twins.size):
        chosen = (units == arm).astype(np.float64)
        together += chosen.T @ chosen
    pairs = together[np.triu_indices(units.shape[1], 1)]
    always, never = int((pairs == len(units)).sum()), int((pairs == 0).sum())
    if always or never:
        warnings.append(
            AllocationWarning(
                code="fixed_pairs",
                message=f"among the balanced allocations {always} pairs are always in one arm and "
                f"{never} never: the restriction is close to a choice; raise restriction.quantile",
            )
        )
    twins = problem.layout.twins
    if np.unique(twins).size > 1:
        share = np.array([(units == arm).mean(axis=0) for arm in range(twins.size)])
        low, high = share.min(axis=1), share.max(axis=1)
        arm = int(np.argmax(high - low))
        if high[arm] - low[arm] > 0.1:
            warnings.append(
                AllocationWarning(
                    code="unequal_chances",
                    message="arms of different size and a restriction: the chance of an animal to "
                    f"be in '{design.arm_names[arm]}' lies between {low[arm]:.2f} and "
                    f"{high[arm]:.2f}; the re-randomization test allows for it",
                )
            )
    return warnings


def _units(arms: IntArray, problem: Problem) -> IntArray:
    """Arms of the units instead of the animals."""
    _, first = np.unique(problem.layout.unit, return_index=True)
    return np.asarray(arms[:, first])


def _cage_warnings(problem: Problem, design: AllocationDesign) -> tuple[AllocationWarning, ...]:
    """Arms of a single cage, in which the cage cannot be told from the treatment."""
    if not design.by_cage:
        return ()
    counts = np.bincount(problem.layout.places, minlength=len(design.arms))
    if counts.min() > 1:
        return ()
    name = design.arm_names[int(np.argmin(counts))]
    return (
        AllocationWarning(
            code="single_cage",
            message=f"arm '{name}' is a single cage: its effect cannot be told from that of the "
            "cage, and nothing estimates how cages differ; use two cages of each arm or more",
        ),
    )


def _balance(placements: Sequence[Placement], arm: str) -> ArmBalance:
    """An arm before treatment."""
    members = [place for place in placements if place.arm == arm]
    volumes = np.log([p.volume_mm3 for p in members if p.volume_mm3 is not None])
    weights = np.array([p.body_weight_g for p in members if p.body_weight_g is not None])
    return ArmBalance(
        arm=arm,
        letter=members[0].letter,
        n=len(members),
        n_cages=len({place.cage for place in members if place.cage}),
        geometric_mean_volume=float(np.exp(volumes.mean())) if volumes.size else None,
        sd_log_volume=float(volumes.std(ddof=1)) if volumes.size > 1 else None,
        mean_weight=float(weights.mean()) if weights.size else None,
        sd_weight=float(weights.std(ddof=1)) if weights.size > 1 else None,
    )
