"""What an allocation is declared to be: animals, arms, method, and how many each arm gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from oncovivo.errors import DataError, InputError

__all__ = [
    "FEWEST_ACCEPTED",
    "METHODS",
    "AllocationDesign",
    "ArmPlan",
    "BaselineAnimal",
    "Covariate",
    "Method",
    "Stratum",
    "arm_counts",
]

Method: TypeAlias = Literal["complete", "permuted_blocks", "restricted", "cage"]
Stratum: TypeAlias = Literal["sex", "donor", "cage"]
Covariate: TypeAlias = Literal["volume", "weight"]
Surplus: TypeAlias = Literal["random", "farthest"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
"""How animals come to their arms."""

FEWEST_ACCEPTED: Final = 20
"""Candidates that a quantile must leave: with fewer, chance has too little room for a test."""

_MOST_ARMS: Final = 26
_MOST_CANDIDATES: Final = 100_000
_MOST_SESSIONS: Final = 100
_LARGEST_RATIO: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineAnimal:
    """An animal as it is before the study.

    Parameters
    ----------
    animal_id : str
        Its name, unique.
    volume_mm3, body_weight_g : float or None
        At baseline, positive; None where not measured.
    cage, sex, donor : str or None
        None where not stated.
    """

    animal_id: str
    volume_mm3: float | None = None
    body_weight_g: float | None = None
    cage: str | None = None
    sex: str | None = None
    donor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlan:
    """An arm and how much of the animals it gets; at most one of the three is given.

    Parameters
    ----------
    name : str
        Its name, unique.
    size : int, optional
        Number of animals.
    cages : int, optional
        Number of whole cages, with the method ``cage``.
    ratio : float, optional
        Share relative to the other arms; 1 unless said otherwise.
    """

    name: str
    size: int | None = None
    cages: int | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationDesign:
    """Everything that is decided before the draw.

    Parameters
    ----------
    arms : tuple of ArmPlan
        Two or more; all with ``size``, all with ``cages``, or none with either.
    method : {"complete", "permuted_blocks", "restricted", "cage"}
        Every allocation alike; blocks of animals with neighboring volumes; a uniform draw among
        allocations whose imbalance is not above a threshold; the same with whole cages.
    title : str
        Printed with the result.
    control : str, optional
        The arm that the others are compared with.
    sqrt_control : bool
        Whether the control gets √k times as much as each of the k other arms, which gives the
        smallest variance of the k contrasts for a number of animals.
    strata : tuple of {"sex", "donor", "cage"}
        Each stratum is allocated in the proportions of the whole.
    volume_window, weight_window : tuple of float, or None
        Smallest and largest baseline, mm³ and g, both eligible; None for any.
    excluded : tuple of (str, str)
        Animals left out and why.
    surplus : {"random", "farthest"}
        Which animals stay out where more are eligible than needed: drawn, or those whose log
        volume is farthest from the median.
    block_size : int, optional
        Animals of a block; the smallest that can hold the proportions unless given.
    covariates : tuple of {"volume", "weight"}, optional
        What the imbalance is about; what is known of every animal unless given.
    quantile : float
        Share of allocations that are balanced enough.
    candidates : int
        Allocations that are drawn to find the threshold.
    variance_weight : float
        Weight of differences between variances against those between means.
    sessions : int
        Sessions for which an order of measuring and of dosing is drawn.
    cages_together : bool
        Whether an order goes cage by cage.

    Raises
    ------
    InputError
        If two of these contradict each other.
    """

    arms: tuple[ArmPlan, ...]
    method: Method
    title: str = ""
    control: str | None = None
    sqrt_control: bool = False
    strata: tuple[Stratum, ...] = ()
    volume_window: tuple[float, float] | None = (100.0, 200.0)
    weight_window: tuple[float, float] | None = None
    excluded: tuple[tuple[str, str], ...] = ()
    surplus: Surplus = "random"
    block_size: int | None = None
    covariates: tuple[Covariate, ...] | None = None
    quantile: float = 0.1
    candidates: int = 10_000
    variance_weight: float = 0.5
    sessions: int = 1
    cages_together: bool = False

    def __post_init__(self) -> None:
        self._check_arms()
        self._check_eligibility()
        self._check_restriction()
        if not 1 <= self.sessions <= _MOST_SESSIONS:
            expected = f"1 to {_MOST_SESSIONS} sessions"
            raise InputError(expected, found=str(self.sessions), where="order.sessions")

    @property
    def by_cage(self) -> bool:
        """Whether whole cages are allocated."""
        return self.method == "cage"

    @property
    def is_restricted(self) -> bool:
        """Whether only balanced allocations are drawn from."""
        return self.method in ("restricted", "cage")

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Names of the arms in their order."""
        return tuple(arm.name for arm in self.arms)

    def ratios(self) -> tuple[float, ...]:
        """Shares of the arms relative to each other."""
        shares = [1.0 if arm.ratio is None else arm.ratio for arm in self.arms]
        if self.sqrt_control:
            others = len(self.arms) - 1
            shares = [math.sqrt(others) if a.name == self.control else 1.0 for a in self.arms]
        return tuple(shares)

    def _check_arms(self) -> None:
        names = self.arm_names
        if not 2 <= len(names) <= _MOST_ARMS:
            raise InputError(f"2 to {_MOST_ARMS} arms", found=str(len(names)), where="arms")
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise InputError("each arm once", found=f"'{repeated[0]}' twice", where="arms")
        if self.control is not None and self.control not in names:
            expected = "an arm: " + ", ".join(names)
            raise InputError(expected, found=repr(self.control), where="control")
        for arm in self.arms:
            self._check_arm(arm)
        for what in ("size", "cages"):
            given = [getattr(arm, what) is not None for arm in self.arms]
            if any(given) and not all(given):
                name = names[given.index(False)]
                raise InputError(f"{what} of every arm or of none", found=f"none of '{name}'")
        wrong = "size" if self.by_cage else "cages"
        if getattr(self.arms[0], wrong) is not None:
            raise InputError(
                "cages or ratio with the method cage" if self.by_cage else "size or ratio",
                found=wrong,
                where="arms",
                mend="cages are not split" if self.by_cage else "or choose the method cage",
            )
        if self.sqrt_control and self.control is None:
            raise InputError("a control", found="none", where="control", mend="name the arm")
        if self.sqrt_control and any(
            (arm.size, arm.cages, arm.ratio) != (None,) * 3 for arm in self.arms
        ):
            expected = "arms without size, cages or ratio where control_ratio is 'sqrt'"
            raise InputError(expected, found="both", where="arms")

    def _check_arm(self, arm: ArmPlan) -> None:
        if not arm.name.strip():
            raise InputError("a name of the arm", found="a blank", where="arms")
        where = f"arm '{arm.name}'"
        given = [what for what in ("size", "cages", "ratio") if getattr(arm, what) is not None]
        if len(given) > 1:
            raise InputError(
                "one of size, cages and ratio", found=" and ".join(given), where=where
            )
        for what in ("size", "cages"):
            value = getattr(arm, what)
            if value is not None and value < 1:
                raise InputError(f"{what} of 1 or more", found=str(value), where=where)
        if arm.ratio is not None and not 0 < arm.ratio <= _LARGEST_RATIO:
            raise InputError(
                f"a positive ratio of at most {_LARGEST_RATIO:,}",
                found=str(arm.ratio),
                where=where,
            )

    def _check_eligibility(self) -> None:
        windows = {"volume_mm3": self.volume_window, "body_weight_g": self.weight_window}
        for name, window in windows.items():
            if window is None:
                continue
            low, high = window
            if not (0 <= low < high and math.isfinite(high)):
                raise InputError(
                    "a smallest value below the largest",
                    found=f"{low:g} to {high:g}",
                    where=f"eligibility.{name}",
                )
        names = [name for name, _ in self.excluded]
        if len(set(names)) < len(names):
            raise InputError("each excluded animal once", found="one twice", where="exclude")
        for name, reason in self.excluded:
            if not reason.strip():
                raise InputError("a reason", found="a blank", where=f"exclude, animal '{name}'")

    def _check_restriction(self) -> None:
        if len(set(self.strata)) < len(self.strata):
            raise InputError("each stratum once", found="one twice", where="strata")
        if self.by_cage and "cage" in self.strata:
            expected = "strata other than the cage where whole cages are allocated"
            raise InputError(expected, found="'cage'", where="strata")
        if self.block_size is not None:
            if self.method != "permuted_blocks":
                expected = "block_size with the method permuted_blocks only"
                raise InputError(expected, found=self.method, where="method")
            if self.block_size < 2:
                raise InputError("blocks of 2 or more", found=str(self.block_size))
        if self.covariates is not None and not 0 < len(set(self.covariates)) == len(
            self.covariates
        ):
            expected = "different covariates, one or more"
            raise InputError(expected, found=repr(self.covariates), where="restriction.covariates")
        if not 0 < self.quantile <= 1:
            expected = "a quantile above 0 and not above 1"
            raise InputError(expected, found=str(self.quantile), where="restriction.quantile")
        if not 0 <= self.variance_weight <= 100:
            expected = "a weight from 0 to 100"
            found = str(self.variance_weight)
            raise InputError(expected, found=found, where="restriction.variance_weight")
        if self.candidates > _MOST_CANDIDATES:
            expected = f"at most {_MOST_CANDIDATES:,} candidates"
            raise InputError(expected, found=str(self.candidates), where="restriction.candidates")
        if self.quantile * self.candidates < FEWEST_ACCEPTED:
            raise InputError(
                f"a quantile and candidates that leave {FEWEST_ACCEPTED} allocations or more",
                found=f"{self.quantile:g} of {self.candidates}",
                where="restriction",
                mend="raise one of them: chance needs room",
            )


def arm_counts(design: AllocationDesign, n: int) -> tuple[int, ...]:
    """How many of `n` units, animals or whole cages, each arm gets.

    Parameters
    ----------
    design : AllocationDesign
        With numbers, which are taken, or ratios: the units are shared by largest remainders. Of
        arms with equal ratios the first are named here; in a draw chance decides.
    n : int
        Eligible units.

    Raises
    ------
    DataError
        If there are too few.

    Examples
    --------
    >>> arms = tuple(ArmPlan(name=name) for name in ("vehicle", "low", "high"))
    >>> arm_counts(AllocationDesign(arms=arms, method="complete"), 20)
    (7, 7, 6)
    """
    what = "cages" if design.by_cage else "eligible animals"
    numbers = [arm.cages if design.by_cage else arm.size for arm in design.arms]
    given = [number for number in numbers if number is not None]
    fewest = sum(given) if given else len(design.arms)
    if n < fewest:
        raise DataError(
            f"at least {fewest} {what} for {len(design.arms)} arms",
            found=str(n),
            mend="use fewer or smaller arms, or widen the eligibility",
        )
    if given:
        return tuple(given)
    shared = _largest_remainders(design.ratios(), n)
    if 0 in shared:
        raise DataError(
            f"{what} for every arm",
            found=f"none of {n} for '{design.arm_names[shared.index(0)]}'",
            mend="use fewer arms or more even ratios",
        )
    return shared


def _largest_remainders(ratios: Sequence[float], n: int) -> tuple[int, ...]:
    """Whole numbers in given proportions that add up to n."""
    total = math.fsum(ratios)
    # Rounded, so that shares that are equal on paper stay equal.
    quotas = [round(n * ratio / total, 9) for ratio in ratios]
    counts = [math.floor(quota) for quota in quotas]
    order = sorted(range(len(ratios)), key=lambda i: (counts[i] - quotas[i], i))
    for i in order[: n - sum(counts)]:
        counts[i] += 1
    return tuple(counts)
