"""The surface of a dose grid: every cell against its null model, all cells held together.

Bliss: the cells' interactions are linear questions of one fit, so their limits reach as far as
the largest of their |t| does by chance, and one F test asks whether any differs from 0.

Highest single agent: each cell is an intersection-union test, whose p value holds by itself
whatever partner is the better one. The p values are multiplied by the number of cells, and limits
are taken at that level. A joint |t| over all differences from all partners would need a larger
critical value, because it would guard twice as many differences, on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.answers import index_of
from oncovivo.combination.bliss import bliss, bliss_signs
from oncovivo.combination.dose_grid import DoseGrid, GridArm
from oncovivo.combination.hsa import hsa
from oncovivo.combination.quantities import arm_quantities
from oncovivo.combination.result import SynergyResult, Verdict
from oncovivo.combination.simultaneous import JointTest, ask_together
from oncovivo.errors import InputError
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import GrowthFit, GrowthWarning

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GridCell", "GridSurface", "grid_synergy"]

FloatArray: TypeAlias = NDArray[np.float64]
GridNull: TypeAlias = Literal["bliss", "hsa"]
GridScale: TypeAlias = Literal["growth_rate", "relative_volume"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """A pair of doses.

    Parameters
    ----------
    doses : tuple of float, length 2
        Of the two compounds.
    alone : SynergyResult
        The cell as if it were the only one: estimate, limits, p value, index.
    p_adjusted : float or None
        Of the cell among all cells.
    lower, upper : float or None
        Limits of the estimate that hold over all cells.
    index_lower, index_upper : float or None
        The same of the index.
    rank : int or None
        By index, 1 for the smallest; None without an answer.
    verdict : {"synergy", "antagonism", "not_shown"}
        By the limits over all cells.
    """

    doses: tuple[float, float]
    alone: SynergyResult
    p_adjusted: float | None
    lower: float | None
    upper: float | None
    index_lower: float | None
    index_upper: float | None
    rank: int | None
    verdict: Verdict

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON; warnings are those of the surface."""
        alone = self.alone.to_dict()
        del alone["warnings"]
        return {
            "doses": list(self.doses),
            "alone": alone,
            "p_adjusted": self.p_adjusted,
            "lower": self.lower,
            "upper": self.upper,
            "index_lower": self.index_lower,
            "index_upper": self.index_upper,
            "rank": self.rank,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSurface:
    """Every cell of a grid against a null model.

    Parameters
    ----------
    study_id : str
        Study.
    grid : DoseGrid
        Arms and doses.
    null : {"bliss", "hsa"}
        Null model.
    scale : {"growth_rate", "relative_volume"}
        What is compared; with straight log curves they are one question.
    day : float
        Study day of the indices.
    level : float
        Confidence.
    cells : tuple of GridCell
        In the order of the grid.
    critical : float or None
        Multiple of the standard error that the limits over all cells reach, for Bliss.
    joint : JointTest or None
        That no cell differs from its null model; for the highest single agent that no cell
        exceeds it. None without an answer in any cell.
    n_animals : mapping of str to int
        Animals of each arm of the grid.
    warnings : tuple of GrowthWarning
        Each once.
    """

    study_id: str
    grid: DoseGrid
    null: GridNull
    scale: GridScale
    day: float
    level: float
    cells: tuple[GridCell, ...]
    critical: float | None
    joint: JointTest | None
    n_animals: dict[str, int]
    warnings: tuple[GrowthWarning, ...]

    @property
    def ranked(self) -> tuple[GridCell, ...]:
        """Cells by rising index, those without an answer last."""
        last = len(self.cells) + 1
        return tuple(sorted(self.cells, key=lambda cell: cell.rank or last))

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "study_id": self.study_id,
            "grid": self.grid.to_dict(),
            "null": self.null,
            "scale": self.scale,
            "day": self.day,
            "level": self.level,
            "cells": [cell.to_dict() for cell in self.cells],
            "critical": self.critical,
            "joint": None if self.joint is None else self.joint.to_dict(),
            "n_animals": dict(self.n_animals),
            "warnings": [warning.to_dict() for warning in self.warnings],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row for each cell, by rank; columns of the dose are named after the compounds."""
        import pandas as pd

        first, second = self.grid.compounds
        rows = [
            {
                f"dose {first}": cell.doses[0],
                f"dose {second}": cell.doses[1],
                "arm": cell.alone.arms.combination,
                "rank": cell.rank,
                "estimate": cell.alone.estimate,
                "std_error": cell.alone.std_error,
                "df": cell.alone.df,
                "lower": cell.lower,
                "upper": cell.upper,
                "p_value": cell.alone.p_value,
                "p_adjusted": cell.p_adjusted,
                "index": cell.alone.index,
                "index_lower": cell.index_lower,
                "index_upper": cell.index_upper,
                "detectable_index": cell.alone.detectable_index,
                "verdict": cell.verdict,
            }
            for cell in self.ranked
        ]
        return pd.DataFrame(rows)


def grid_synergy(
    fit: GrowthFit,
    grid: DoseGrid,
    *,
    null: GridNull = "bliss",
    scale: GridScale = "growth_rate",
    day: float | None = None,
    level: float = 0.95,
) -> GridSurface:
    """Every cell of a dose grid against what its single doses foresee.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model of all arms of the grid.
    grid : DoseGrid
        From :func:`oncovivo.combination.dose_grid.dose_grid`.
    null : {"bliss", "hsa"}
        Null model: two-sided, or one-sided against the better single dose.
    scale : {"growth_rate", "relative_volume"}
        What is compared.
    day : float, optional
        Study day of all indices; else the last on which each arm of the grid was read.
    level : float
        Confidence, of each cell alone and of all together.

    Raises
    ------
    InputError
        If null, scale or level is none, an arm is not in the fit, or the day is not after the
        baseline.

    Notes
    -----
    A cell without a rate (all animals cured) has no answer and does not count among the others.
    Limits of the highest single agent each hold over all cells on their side, as those of
    :func:`oncovivo.combination.hsa.hsa` do for one cell.
    """
    for word, known, what in (
        (null, get_args(GridNull), "null model of a grid"),
        (scale, get_args(GridScale), "scale of a grid"),
    ):
        if word not in known:
            raise InputError(f"a {what}: " + ", ".join(known), found=repr(word))
    names = (grid.control, *(arm.arm for single in grid.singles for arm in single))
    names += tuple(cell.arm for cell in grid.cells)
    numbers = {name: fit.data.arm_number(name) for name in names}
    if day is None:
        time = min(last_time(fit, number) for number in numbers.values())
        day = fit.data.baseline_day + time
    test = bliss if null == "bliss" else hsa
    alone = [test(fit, grid.roles(cell), scale=scale, day=day, level=level) for cell in grid.cells]
    told = [place for place, one in enumerate(alone) if one.std_error is not None]
    rows: list[GridCell] = [
        _cell(cell, one, limits=None, p_adjusted=None)
        for cell, one in zip(grid.cells, alone, strict=True)
    ]
    critical: float | None = None
    joint: JointTest | None = None
    if told and null == "bliss":
        together = ask_together(
            fit, np.stack([_bliss_row(fit, alone[place]) for place in told]), level=level
        )
        critical, joint = together.critical, together.joint
        for row, place in enumerate(told):
            rows[place] = _cell(
                grid.cells[place],
                alone[place],
                limits=(float(together.lower[row]), float(together.upper[row])),
                p_adjusted=float(together.p_adjusted[row]),
            )
    elif told:
        shared = 1 - (1 - level) / len(told)
        p_values = [one.p_value for one in alone if one.p_value is not None]
        for place, p_value in zip(told, p_values, strict=True):
            wide = hsa(fit, grid.roles(grid.cells[place]), scale=scale, day=day, level=shared)
            limits = None if wide.lower is None or wide.upper is None else (wide.lower, wide.upper)
            adjusted = min(1.0, len(told) * p_value)
            rows[place] = _cell(
                grid.cells[place], alone[place], limits=limits, p_adjusted=adjusted
            )
        joint = JointTest(
            method="bonferroni",
            statistic=min(p_values),
            df_numerator=None,
            df_denominator=None,
            p_value=min(1.0, len(told) * min(p_values)),
        )
    return GridSurface(
        study_id=fit.data.study_id,
        grid=grid,
        null=null,
        scale=scale,
        day=day,
        level=level,
        cells=_with_ranks(rows),
        critical=critical,
        joint=joint,
        n_animals={
            name: int((fit.problem.arm == number).sum()) for name, number in numbers.items()
        },
        warnings=tuple(dict.fromkeys(warning for one in alone for warning in one.warnings)),
    )


def _bliss_row(fit: GrowthFit, result: SynergyResult) -> FloatArray:
    """Weights of a cell's interaction on the scale of its estimate."""
    arms = result.arms
    numbers = [
        fit.data.arm_number(name) for name in (arms.control, *arms.partners, arms.combination)
    ]
    quantity = arm_quantities(fit, numbers, scale=result.scale, time=result.time or 0.0)
    return np.asarray(np.array(bliss_signs(len(arms.partners))) @ quantity.slopes)


def _cell(
    place: GridArm,
    alone: SynergyResult,
    *,
    limits: tuple[float, float] | None,
    p_adjusted: float | None,
) -> GridCell:
    """A cell, its verdict by the limits over all cells."""
    lower, upper = limits or (None, None)
    factor = (alone.time or 0.0) if alone.scale == "growth_rate" else 1.0
    verdict: Verdict = "not_shown"
    if upper is not None and upper < 0:
        verdict = "synergy"
    elif lower is not None and lower > 0:
        verdict = "antagonism"
    return GridCell(
        doses=place.doses,
        alone=alone,
        p_adjusted=p_adjusted,
        lower=lower,
        upper=upper,
        index_lower=None if lower is None else index_of(factor * lower),
        index_upper=None if upper is None else index_of(factor * upper),
        rank=None,
        verdict=verdict,
    )


def _with_ranks(cells: Sequence[GridCell]) -> tuple[GridCell, ...]:
    """Cells with their places by estimate, which indices share their order with."""
    known = [
        (cell.alone.estimate, place)
        for place, cell in enumerate(cells)
        if cell.alone.estimate is not None
    ]
    ranks = {place: number for number, (_, place) in enumerate(sorted(known), start=1)}
    return tuple(replace(cell, rank=ranks.get(place)) for place, cell in enumerate(cells))
