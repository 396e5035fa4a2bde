"""Scores of immunohistochemistry: H-score, Allred, labeling index, microvessel density."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.endpoints.rates import Rate, clopper_pearson
from oncovivo.errors import InputError

__all__ = [
    "AllredScore",
    "FieldChoice",
    "VesselDensity",
    "allred_score",
    "h_score",
    "labeling_index",
    "microvessel_density",
    "percent_positive",
]

FieldChoice: TypeAlias = Literal["mean", "hot_spots"]

# Percent of cells that rounding of four shares may bring the sum away from 100.
_ROUNDED: Final = 1.0
# Upper end of each proportion score from 1, percent of cells: a hundredth, a tenth, a third, two
# thirds; a hundredth itself is a 2.
_PROPORTIONS: Final = (1.0, 10.0, 100.0 / 3.0, 200.0 / 3.0)
_MOST_INTENSE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AllredScore:
    """An Allred score and its parts.

    Parameters
    ----------
    proportion : int
        0 to 5.
    intensity : int
        0 to 3.
    """

    proportion: int
    intensity: int

    @property
    def total(self) -> int:
        """Their sum: 0, or 2 to 8."""
        return self.proportion + self.intensity


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselDensity:
    """Microvessels per area of one section.

    Parameters
    ----------
    per_mm2 : float
        Vessels per mm².
    per_field : float
        Mean count of the fields that entered.
    fields : {"mean", "hot_spots"}
        All fields, or those with most vessels.
    n_fields, n_counted : int
        Fields that entered, and fields that were counted.
    field_sd : float or None
        Standard deviation of the density between the fields that entered; says nothing of animals.
    """

    per_mm2: float
    per_field: float
    fields: FieldChoice
    n_fields: int
    n_counted: int
    field_sd: float | None


def h_score(weak_pct: float, moderate_pct: float, strong_pct: float) -> float:
    """H-score, 0 to 300: percent of cells at 1+, 2+ and 3+ times 1, 2 and 3.

    Parameters
    ----------
    weak_pct, moderate_pct, strong_pct : float
        Percent of all tumor cells; what is left to 100 is negative.

    Raises
    ------
    InputError
        If a share is below 0 or above 100, or they are more than 100 together (by more than the
        rounding of shares to whole percents).

    Notes
    -----
    As in the template for biomarker reporting of Fitzgibbons PL et al. Arch Pathol Lab Med
    2014;138:595.

    Examples
    --------
    >>> h_score(10, 20, 30)
    140.0
    """
    _check_shares(weak_pct, moderate_pct, strong_pct)
    return min(float(weak_pct + 2 * moderate_pct + 3 * strong_pct), 300.0)


def percent_positive(weak_pct: float, moderate_pct: float, strong_pct: float) -> float:
    """Percent of cells that stain at all, 0 to 100.

    Raises
    ------
    InputError
        As :func:`h_score`.

    Examples
    --------
    >>> percent_positive(10, 20, 30)
    60.0
    """
    _check_shares(weak_pct, moderate_pct, strong_pct)
    return min(float(weak_pct + moderate_pct + strong_pct), 100.0)


def allred_score(positive_pct: float, intensity: int) -> AllredScore:
    """Allred score of a share of positive cells and their mean intensity.

    Parameters
    ----------
    positive_pct : float
        Percent of tumor cells that stain.
    intensity : {0, 1, 2, 3}
        None, weak, intermediate, strong; 0 if and only if no cell stains.

    Raises
    ------
    InputError
        If the percent is not one, or the intensity contradicts it.

    Notes
    -----
    Proportion 0: none; 1: below 1/100; 2: to 1/10; 3: to 1/3; 4: to 2/3; 5: above. Allred DC,
    Harvey JM, Berardo M, Clark GM. Mod Pathol 1998;11:155. Tables in whole percents (1-10, 11-33,
    34-66, 67 and more) give the same for whole percents.

    Examples
    --------
    >>> allred_score(40, 2).total, allred_score(0, 0).total, allred_score(0.5, 1).total
    (6, 0, 2)
    """
    _check_percent("a percent of positive cells", positive_pct)
    if intensity not in range(_MOST_INTENSE + 1):
        raise InputError("an intensity: 0, 1, 2 or 3", found=str(intensity))
    if (positive_pct > 0) != (intensity > 0):
        raise InputError(
            "an intensity above 0 if, and only if, cells stain",
            found=f"{positive_pct:g} % with intensity {intensity}",
        )
    if positive_pct == 0:
        return AllredScore(proportion=0, intensity=0)
    if positive_pct < _PROPORTIONS[0]:
        return AllredScore(proportion=1, intensity=intensity)
    beyond = sum(positive_pct > upper for upper in _PROPORTIONS[1:])
    return AllredScore(proportion=2 + beyond, intensity=intensity)


def labeling_index(positive: int, counted: int, *, level: float = 0.95) -> Rate:
    """Share of labeled nuclei (Ki-67, PCNA, BrdU) with its exact binomial interval.

    The interval is that of the cells of one count. Cells of one animal are alike: it must not be
    used to compare animals or arms.

    Parameters
    ----------
    positive, counted : int
        Labeled nuclei, and all that were counted, above 0.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If there are more labeled than counted nuclei, or none counted.

    Examples
    --------
    >>> index = labeling_index(120, 500)
    >>> index.estimate, round(index.lower, 3), round(index.upper, 3)
    (0.24, 0.203, 0.28)
    """
    if counted < 1:
        raise InputError("nuclei that were counted", found=str(counted))
    return clopper_pearson(positive, counted, level=level)


def microvessel_density(
    counts: Sequence[int],
    areas_mm2: Sequence[float],
    *,
    fields: FieldChoice = "mean",
    n_hot_spots: int = 3,
) -> VesselDensity:
    """Vessels per mm² of one section.

    Parameters
    ----------
    counts : sequence of int
        Vessels in each field.
    areas_mm2 : sequence of float
        Area of each field, mm².
    fields : {"mean", "hot_spots"}
        All fields, or the `n_hot_spots` with the highest density. A mean over hot spots lies above
        the mean of the section, the more the more fields were searched.
    n_hot_spots : int
        How many.

    Returns
    -------
    VesselDensity
        Sum of the vessels over sum of the areas: fields weigh by their area.

    Raises
    ------
    InputError
        If there is no field, a count is negative, an area is not above 0, or there are fewer
        fields than hot spots.

    Examples
    --------
    >>> microvessel_density([10, 20, 30, 4], [0.5, 0.5, 0.5, 0.5]).per_mm2
    32.0
    >>> microvessel_density([10, 20, 30, 4], [0.5] * 4, fields="hot_spots").per_mm2
    40.0
    """
    if fields not in ("mean", "hot_spots"):
        raise InputError("fields: mean or hot_spots", found=repr(fields))
    if not counts or len(counts) != len(areas_mm2):
        raise InputError("an area for each of one or more fields", found=f"{len(counts)} counts")
    for count, area in zip(counts, areas_mm2, strict=True):
        if not (count >= 0 and math.isfinite(count)):
            raise InputError("a count of 0 or more", found=f"{count:g}")
        if not (area > 0 and math.isfinite(area)):
            raise InputError("an area above 0 mm²", found=f"{area:g}")
    chosen = sorted(zip(counts, areas_mm2, strict=True), key=lambda f: (-f[0] / f[1], -f[1]))
    if fields == "hot_spots":
        if not 1 <= n_hot_spots <= len(chosen):
            expected = f"1 to {len(chosen)} hot spots, the fields that were counted"
            raise InputError(expected, found=str(n_hot_spots))
        chosen = chosen[:n_hot_spots]
    vessels, area = sum(f[0] for f in chosen), math.fsum(f[1] for f in chosen)
    densities = [count / own for count, own in chosen]
    mean = math.fsum(densities) / len(densities)
    square = math.fsum((density - mean) ** 2 for density in densities)
    return VesselDensity(
        per_mm2=vessels / area,
        per_field=vessels / len(chosen),
        fields=fields,
        n_fields=len(chosen),
        n_counted=len(counts),
        field_sd=math.sqrt(square / (len(densities) - 1)) if len(densities) > 1 else None,
    )


def _check_shares(*shares: float) -> None:
    """Shares of cells at each intensity."""
    for share in shares:
        _check_percent("a percent of cells", share)
    if sum(shares) > 100 + _ROUNDED:
        expected = "percents of cells that are 100 at most together"
        raise InputError(expected, found=f"{sum(shares):g}")


def _check_percent(what: str, value: float) -> None:
    if not 0 <= value <= 100:
        raise InputError(f"{what}, 0 to 100", found=f"{value:g}")
