"""From a list of animals to what is drawn: who is eligible, who stays out, units and strata."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from oncovivo.design.allocation_draw import FloatArray, Imbalance, IntArray, Layout, make_layout
from oncovivo.design.allocation_plan import (
    AllocationDesign,
    BaselineAnimal,
    Covariate,
    arm_counts,
)
from oncovivo.errors import DataError, InputError

__all__ = ["Exclusion", "Problem", "choose_animals", "state_problem"]

_VALUES: dict[Covariate, Callable[[BaselineAnimal], float | None]] = {
    "volume": lambda animal: animal.volume_mm3,
    "weight": lambda animal: animal.body_weight_g,
}
# Squares and their sums stay within what a float holds.
_LARGEST: Final = 1e9
# Numbers of an arm that are held at once, candidates times animals.
_MOST_NUMBERS: Final = 50_000_000
_NAMES: dict[Covariate, str] = {"volume": "baseline volume", "weight": "body weight"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An animal that is not allocated, and why."""

    animal_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What an allocation is drawn for.

    Parameters
    ----------
    animals : tuple of BaselineAnimal
        Those to be allocated, by stratum.
    strata : tuple of str
        Stratum of each; blank where there are none.
    layout : Layout
        Units and places.
    imbalance : Imbalance or None
        Score of an allocation; None where every allocation is as good.
    """

    animals: tuple[BaselineAnimal, ...]
    strata: tuple[str, ...]
    layout: Layout
    imbalance: Imbalance | None


def choose_animals(
    animals: Sequence[BaselineAnimal], design: AllocationDesign, *, rng: np.random.Generator
) -> tuple[tuple[BaselineAnimal, ...], tuple[Exclusion, ...]]:
    """Animals to be allocated, by name, and those that are not.

    Parameters
    ----------
    animals : sequence of BaselineAnimal
        All there are; their order makes no difference.
    design : AllocationDesign
        Eligibility, exclusions, and how many are needed.
    rng : numpy.random.Generator
        Draws the surplus.

    Raises
    ------
    InputError
        If an animal comes twice, or one is excluded that is not there.
    DataError
        If a value that is needed is missing, or too few animals are eligible.
    """
    listed = sorted(animals, key=lambda animal: animal.animal_id)
    names = [animal.animal_id for animal in listed]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("each animal once", found=f"'{twice}' twice")
    reasons = dict(design.excluded)
    for name in reasons:
        if name not in names:
            expected = "an animal of the list"
            raise InputError(expected, found=repr(name), where="exclude")
    considered = [animal for animal in listed if animal.animal_id not in reasons]
    _check_values(considered, design)
    for animal in considered:
        reason = _ineligible(animal, design)
        if reason:
            reasons[animal.animal_id] = reason
    eligible = [animal for animal in listed if animal.animal_id not in reasons]
    if not eligible:
        raise DataError(
            "animals that are eligible",
            found=f"none of {len(listed)}",
            where="eligibility",
            mend="widen the window, or wait until tumors have reached it",
        )
    kept = _without_surplus(eligible, design, rng)
    spare = {animal.animal_id for animal in eligible} - {animal.animal_id for animal in kept}
    how = "drawn at random" if design.surplus == "random" else "volume farthest from the median"
    reasons.update(dict.fromkeys(sorted(spare), f"eligible, not needed: {how}"))
    left_out = tuple(
        Exclusion(animal_id=name, reason=reasons[name]) for name in names if name in reasons
    )
    return tuple(kept), left_out


def state_problem(animals: Sequence[BaselineAnimal], design: AllocationDesign) -> Problem:
    """Units, groups, places and score for animals that are to be allocated.

    Parameters
    ----------
    animals : sequence of BaselineAnimal
        As :func:`choose_animals` gives them.
    design : AllocationDesign
        Method, strata and numbers.

    Raises
    ------
    DataError
        If a stratum or cage is not stated, a cage would have to be split, or nothing varies that
        could be balanced.
    """
    labels = {animal.animal_id: _stratum(animal, design) for animal in animals}
    in_blocks = design.method == "permuted_blocks"
    ordered = sorted(
        animals,
        key=lambda animal: (
            labels[animal.animal_id],
            (animal.volume_mm3 or 0.0) if in_blocks else 0.0,
            animal.animal_id,
        ),
    )
    strata = tuple(labels[animal.animal_id] for animal in ordered)
    if design.by_cage:
        layout = _layout_of_cages(ordered, strata, design)
    else:
        counts = arm_counts(design, len(ordered))
        block = _block_size(counts, design) if in_blocks else len(ordered)
        unit = np.arange(len(ordered), dtype=np.intp)
        layout = make_layout(_groups(strata, block), counts, unit, shares=_shares(design))
    return Problem(
        animals=tuple(ordered),
        strata=strata,
        layout=layout,
        imbalance=_imbalance(ordered, layout, design) if design.is_restricted else None,
    )


def _needs(design: AllocationDesign, what: Covariate) -> bool:
    """Whether a value of every animal is needed."""
    if what == "volume" and design.surplus == "farthest":
        return True
    window = design.volume_window if what == "volume" else design.weight_window
    return window is not None or what in (design.covariates or ())


def _check_values(animals: Sequence[BaselineAnimal], design: AllocationDesign) -> None:
    """Refuse values that are missing or not positive."""
    for what, value_of in _VALUES.items():
        values = [value_of(animal) for animal in animals]
        used = _needs(design, what) or any(value is not None for value in values)
        for animal, value in zip(animals, values, strict=True):
            where = f"animal '{animal.animal_id}'"
            if value is None and used:
                raise DataError(
                    f"a {_NAMES[what]}",
                    found="none",
                    where=where,
                    mend="measure the animal, or exclude it with a reason",
                )
            if value is not None and not 1 / _LARGEST < value < _LARGEST:
                expected = f"a {_NAMES[what]} above 0 that an animal can have"
                raise DataError(
                    expected,
                    found=f"{value:g}",
                    where=where,
                    mend="correct it, or exclude the animal with a reason",
                )


def _ineligible(animal: BaselineAnimal, design: AllocationDesign) -> str:
    """Why an animal is not eligible; blank where it is."""
    windows = (
        ("baseline volume", animal.volume_mm3, design.volume_window, "mm³"),
        ("body weight", animal.body_weight_g, design.weight_window, "g"),
    )
    for name, value, window, unit in windows:
        if window is None or value is None:
            continue
        low, high = window
        if value < low:
            return f"{name} {value:g} {unit} below {low:g} {unit}"
        if value > high:
            return f"{name} {value:g} {unit} above {high:g} {unit}"
    return ""


def _without_surplus(
    eligible: list[BaselineAnimal], design: AllocationDesign, rng: np.random.Generator
) -> list[BaselineAnimal]:
    """As many animals, or whole cages, as the arms need."""
    units: dict[str, list[BaselineAnimal]] = {}
    for animal in eligible:
        name = _cage_of(animal) if design.by_cage else animal.animal_id
        units.setdefault(name, []).append(animal)
    names = sorted(units)
    counts = arm_counts(design, len(names))
    needed = sum(counts)
    if needed == len(names):
        return eligible
    if design.surplus == "random":
        order = np.argsort(rng.random(len(names)), kind="stable").tolist()
    else:
        # Of a cage the mean log volume counts.
        sizes = [
            math.fsum(math.log(animal.volume_mm3 or 1.0) for animal in units[name])
            / len(units[name])
            for name in names
        ]
        middle = median(sizes)
        order = sorted(range(len(names)), key=lambda i: (abs(sizes[i] - middle), names[i]))
    chosen = {names[i] for i in order[:needed]}
    return [
        animal
        for animal in eligible
        if (_cage_of(animal) if design.by_cage else animal.animal_id) in chosen
    ]


def _shares(design: AllocationDesign) -> tuple[float, ...]:
    """What each arm was to get: its number, or its ratio."""
    numbers = [arm.cages if design.by_cage else arm.size for arm in design.arms]
    given = [float(number) for number in numbers if number is not None]
    return tuple(given) or design.ratios()


def _cage_of(animal: BaselineAnimal) -> str:
    """Cage of an animal where it has to have one."""
    if not animal.cage:
        raise DataError("a cage", found="none", where=f"animal '{animal.animal_id}'")
    return animal.cage


def _stratum(animal: BaselineAnimal, design: AllocationDesign) -> str:
    """Stratum of an animal in words."""
    parts = []
    for what in design.strata:
        value = {"sex": animal.sex, "donor": animal.donor, "cage": animal.cage}[what]
        if not value:
            raise DataError(
                f"the {what}, by which the strata are made",
                found="none",
                where=f"animal '{animal.animal_id}'",
                mend=f"state it, or leave {what} out of the strata",
            )
        parts.append(f"{what} {value}")
    return ", ".join(parts)


def _groups(strata: Sequence[str], block: int) -> IntArray:
    """Group of each unit: blocks of one size within strata, the last of a stratum smaller."""
    groups: list[int] = []
    within = 0
    for index, stratum in enumerate(strata):
        within = within + 1 if index and stratum == strata[index - 1] else 0
        starts = within % block == 0
        groups.append((groups[-1] if groups else -1) + starts)
    return np.array(groups, dtype=np.intp)


def _block_size(counts: Sequence[int], design: AllocationDesign) -> int:
    """Animals of a block: the proportions once where that is short, else as many as arms."""
    if design.block_size is not None:
        return design.block_size
    smallest = sum(counts) // math.gcd(*counts)
    return smallest if smallest <= 2 * len(counts) else len(counts)


def _layout_of_cages(
    animals: Sequence[BaselineAnimal], strata: Sequence[str], design: AllocationDesign
) -> Layout:
    """Layout whose units are cages, in the order of their strata and names."""
    stratum_of: dict[str, str] = {}
    for animal, stratum in zip(animals, strata, strict=True):
        cage = _cage_of(animal)
        if stratum_of.setdefault(cage, stratum) != stratum:
            raise DataError(
                "cages whose animals are of one stratum, since cages are not split",
                found=f"{stratum_of[cage]} and {stratum}",
                where=f"cage '{cage}'",
                mend="leave out the stratum, or choose a method that allocates animals",
            )
    cages = sorted(stratum_of, key=lambda cage: (stratum_of[cage], cage))
    place = {cage: index for index, cage in enumerate(cages)}
    counts = arm_counts(design, len(cages))
    unit = np.array([place[_cage_of(animal)] for animal in animals], dtype=np.intp)
    groups = _groups([stratum_of[cage] for cage in cages], len(cages))
    return make_layout(groups, counts, unit, shares=_shares(design))


def _imbalance(
    animals: Sequence[BaselineAnimal], layout: Layout, design: AllocationDesign
) -> Imbalance:
    """The score of an allocation of these animals."""
    if len(animals) * design.candidates > _MOST_NUMBERS:
        raise InputError(
            f"at most {_MOST_NUMBERS // len(animals):,} candidates for {len(animals):,} animals",
            found=f"{design.candidates:,}",
            where="restriction.candidates",
        )
    columns: list[FloatArray] = []
    for what, value_of in _VALUES.items():
        if design.covariates is not None and what not in design.covariates:
            continue
        found = [value_of(animal) for animal in animals]
        values = np.array([value for value in found if value is not None])
        if values.size < len(animals) or np.ptp(values) <= 1e-9 * values.max():
            continue
        values = np.log(values) if what == "volume" else values
        columns.append((values - values.mean()) / values.std(ddof=1))
    if not columns:
        raise DataError(
            "volumes or weights that vary, to be balanced",
            found="none",
            mend="choose the method complete or permuted_blocks",
        )
    counts = np.bincount(layout.places, minlength=layout.twins.size)
    expected = len(animals) * counts / counts.sum() if design.by_cage else None
    return Imbalance(
        covariates=np.column_stack(columns),
        n_arms=len(design.arms),
        variance_weight=design.variance_weight,
        expected=expected,
    )
