"""Columns of a regression from moderators that are numbers or levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.types import read_only

__all__ = ["Design", "Moderator", "design_matrix"]

FloatArray: TypeAlias = NDArray[np.float64]
Moderator: TypeAlias = Sequence[float] | Sequence[str] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Columns of a regression.

    Parameters
    ----------
    terms : tuple of str
        Names of the columns.
    matrix : ndarray, shape (k, p)
        The columns.
    intercept : bool
        Whether the first column is one.
    """

    terms: tuple[str, ...]
    matrix: FloatArray
    intercept: bool


def _columns(
    name: str, values: Moderator, *, reference: str | None, every_level: bool, k: int
) -> tuple[list[str], list[FloatArray]]:
    """Columns of one moderator: itself, or one for each level but the reference."""
    if len(values) != k:
        raise InputError(f"one value of {name} for each of the {k} rows", found=f"{len(values)}")
    if all(isinstance(one, Real) and not isinstance(one, bool) for one in values):
        numbers = np.array(values, dtype=np.float64)
        if not np.isfinite(numbers).all():
            at = int(np.argmax(~np.isfinite(numbers)))
            raise InputError(f"a finite {name} for each row", found=f"none in row {at + 1}")
        if reference is not None:
            raise InputError(
                "a reference level of a moderator with levels", found=f"one of the number {name}"
            )
        if np.ptp(numbers) == 0:
            raise DataError(f"a moderator {name} that varies", found=f"{numbers[0]:g} in all rows")
        return [name], [numbers]
    texts = ["" if one is None else str(one) for one in values]
    if "" in texts:
        raise InputError(
            f"a level of {name} for each row", found=f"none in row {texts.index('') + 1}"
        )
    levels = sorted(set(texts))
    if len(levels) == 1:
        raise DataError(f"a moderator {name} that varies", found=f"{levels[0]} in all rows")
    if reference is not None and reference not in levels:
        raise InputError(f"a level of {name}: {', '.join(levels)}", found=repr(reference))
    left_out = None if every_level else reference or levels[0]
    kept = [level for level in levels if level != left_out]
    return (
        [f"{name}: {level}" for level in kept],
        [np.array([float(one == level) for one in texts]) for level in kept],
    )


def design_matrix(
    moderators: Mapping[str, Moderator],
    k: int,
    *,
    references: Mapping[str, str] | None = None,
    intercept: bool = True,
) -> Design:
    """Columns of a regression on moderators.

    Parameters
    ----------
    moderators : mapping of str to sequence, each of length k
        Numbers are one column; texts (and truth values) one for each level but the reference.
    k : int
        Rows.
    references : mapping of str to str, optional
        Level to compare the others with, by moderator; the first in alphabetical order otherwise.
    intercept : bool, default True
        Without one, the first moderator with levels has a column for each: the average of each
        group.

    Raises
    ------
    InputError
        A moderator of another length or with a missing value, or a reference that is no level.
    DataError
        A moderator that does not vary, moderators that determine each other, or as many columns
        as rows.

    Examples
    --------
    >>> design_matrix({"graft": ["pdx", "cdx", "pdx"]}, 3).terms
    ('intercept', 'graft: pdx')
    """
    unknown = sorted(set(references or {}) - set(moderators))
    if unknown:
        raise InputError("references of moderators that are used", found=", ".join(unknown))
    terms: list[str] = ["intercept"] if intercept else []
    columns: list[FloatArray] = [np.ones(k)] if intercept else []
    every_level = not intercept
    for name, values in moderators.items():
        names, made = _columns(
            name,
            values,
            reference=(references or {}).get(name),
            every_level=every_level,
            k=k,
        )
        every_level = every_level and len(made) == 1
        terms += names
        columns += made
    if not columns:
        raise InputError("an intercept or a moderator", found="neither")
    matrix = np.column_stack(columns)
    if matrix.shape[1] >= k:
        raise DataError(
            f"more rows than the {matrix.shape[1]} coefficients",
            found=f"{k} rows",
            mend="use fewer moderators" if moderators else "",
        )
    if np.linalg.matrix_rank(matrix / np.linalg.norm(matrix, axis=0)) < matrix.shape[1]:
        raise DataError(
            "moderators that do not determine each other",
            found=f"columns {', '.join(terms)} of lower rank",
            mend="leave one out",
        )
    return Design(terms=tuple(terms), matrix=read_only(matrix), intercept=intercept)
