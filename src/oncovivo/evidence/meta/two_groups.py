"""Group summaries of many rows: animals, mean and standard deviation, treated and control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.columns import numbered
from oncovivo.evidence.meta.types import (
    Measure,
    MetaWarning,
    checked_measure,
    plain_fields,
    read_only,
)

__all__ = ["TwoGroups", "checked_for"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoGroups:
    """Group summaries of many rows; made by `TwoGroups.of`, which checks them.

    Parameters
    ----------
    label : tuple of str, length k
        Name of each row.
    n_treated, mean_treated, sd_treated : ndarray, shape (k,)
        Animals, mean and standard deviation of the treated group.
    n_control, mean_control, sd_control : ndarray, shape (k,)
        The same of the control group.
    warnings : tuple of MetaWarning
        Rows left out, with the reason, and what looks wrong.
    """

    label: tuple[str, ...]
    n_treated: FloatArray
    mean_treated: FloatArray
    sd_treated: FloatArray
    n_control: FloatArray
    mean_control: FloatArray
    sd_control: FloatArray
    warnings: tuple[MetaWarning, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        n_treated: ArrayLike,
        mean_treated: ArrayLike,
        sd_treated: ArrayLike,
        n_control: ArrayLike,
        mean_control: ArrayLike,
        sd_control: ArrayLike,
        label: Sequence[str] | None = None,
        incomplete: Literal["raise", "drop"] = "raise",
    ) -> TwoGroups:
        """Checked group summaries.

        Parameters
        ----------
        n_treated, mean_treated, sd_treated, n_control, mean_control, sd_control : array_like
            Shape (k,).
        label : sequence of str, shape (k,), optional
            Name of each row; its number from 1 where none is given.
        incomplete : {"raise", "drop"}, default "raise"
            What to do with a row that lacks a number or has a group of fewer than 2 animals:
            stop, or leave it out with a warning.

        Raises
        ------
        InputError
            Columns of different lengths, a standard deviation below 0, or an incomplete row that
            is not to be left out.
        DataError
            No row is left.

        Examples
        --------
        >>> groups = TwoGroups.of(
        ...     n_treated=[8, 8], mean_treated=[200.0, 350.0], sd_treated=[90.0, float("nan")],
        ...     n_control=[8, 8], mean_control=[900.0, 800.0], sd_control=[300.0, 250.0],
        ...     label=["a", "b"], incomplete="drop",
        ... )
        >>> groups.label, groups.warnings[0].message
        (('a',), 'left out: sd_treated is missing')
        """
        columns = {
            name: np.asarray(values, dtype=np.float64)
            for name, values in (
                ("n_treated", n_treated),
                ("mean_treated", mean_treated),
                ("sd_treated", sd_treated),
                ("n_control", n_control),
                ("mean_control", mean_control),
                ("sd_control", sd_control),
            )
        }
        rows = columns["n_treated"].size
        labels = numbered(rows) if label is None else tuple(str(one) for one in label)
        _check_columns(columns, labels)
        reasons = _gaps(columns)
        if reasons and incomplete == "raise":
            at = min(reasons)
            raise InputError(
                "finite means and standard deviations of at least 2 animals in each group",
                found=reasons[at],
                where=f"row {labels[at]}",
                mend="complete the row or leave it out",
            )
        groups = cls(
            label=labels,
            n_treated=columns["n_treated"],
            mean_treated=columns["mean_treated"],
            sd_treated=columns["sd_treated"],
            n_control=columns["n_control"],
            mean_control=columns["mean_control"],
            sd_control=columns["sd_control"],
        )
        return groups._without(reasons)

    def _without(self, reasons: dict[int, str]) -> TwoGroups:
        """The rows without those for which there is a reason to leave them out."""
        keep = np.array([at not in reasons for at in range(len(self.label))], dtype=np.bool_)
        if not keep.any():
            raise DataError("at least one row that can be used", found=self._first(reasons))
        left_out = tuple(
            MetaWarning(code="dropped", message=f"left out: {reasons[at]}", rows=(self.label[at],))
            for at in sorted(reasons)
        )
        return TwoGroups(
            label=tuple(name for name, kept in zip(self.label, keep, strict=True) if kept),
            n_treated=read_only(self.n_treated[keep]),
            mean_treated=read_only(self.mean_treated[keep]),
            sd_treated=read_only(self.sd_treated[keep]),
            n_control=read_only(self.n_control[keep]),
            mean_control=read_only(self.mean_control[keep]),
            sd_control=read_only(self.sd_control[keep]),
            warnings=self.warnings + left_out,
        )

    def _first(self, reasons: dict[int, str]) -> str:
        """The first row that cannot be used, and why."""
        if not reasons:
            return "none"
        at = min(reasons)
        return f"row {self.label[at]}: {reasons[at]}"

    def usable(self, measure: str) -> TwoGroups:
        """The rows that a measure can be computed from, the others left out with a warning.

        Parameters
        ----------
        measure : {"SMD", "SMDH", "MD", "ROM", "NMD", "VR", "CVR"}
            What is to be computed.

        Raises
        ------
        InputError
            A measure that is not made from means and standard deviations.
        DataError
            No row is left.
        """
        reasons: dict[int, str] = {}
        for bad, reason in _obstacles(self, checked_measure(measure)):
            for at in np.flatnonzero(bad).tolist():
                reasons.setdefault(at, reason)
        return self._without(reasons)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def _check_columns(columns: dict[str, FloatArray], labels: tuple[str, ...]) -> None:
    """Stop where columns differ in length or a standard deviation is below 0."""
    for name, column in columns.items():
        if column.shape != (len(labels),):
            raise InputError(
                f"one {name} for each of the {len(labels)} rows", found=f"{column.size}"
            )
        if name.startswith("sd") and (column < 0).any():
            at = int(np.argmax(column < 0))
            raise InputError(
                f"a {name} of 0 or more", found=f"{column[at]:g}", where=f"row {labels[at]}"
            )


def _gaps(columns: dict[str, FloatArray]) -> dict[int, str]:
    """Why rows cannot be used, by their positions."""
    reasons: dict[int, str] = {}
    for name, column in columns.items():
        for at in np.flatnonzero(~np.isfinite(column)).tolist():
            reasons.setdefault(at, f"{name} is missing")
        if name.startswith("n"):
            for at in np.flatnonzero(column < 2).tolist():
                reasons.setdefault(at, f"{name} is {column[at]:g}, below 2")
    return reasons


def _obstacles(groups: TwoGroups, measure: Measure) -> list[tuple[BoolArray, str]]:
    """What keeps rows from having this measure."""
    no_spread = (groups.sd_treated == 0) & (groups.sd_control == 0)
    both = (no_spread, "both standard deviations are 0")
    one = (
        (groups.sd_treated == 0) | (groups.sd_control == 0),
        "a standard deviation is 0, its logarithm does not exist",
    )
    positive = (
        (groups.mean_treated <= 0) | (groups.mean_control <= 0),
        "a ratio needs means above 0",
    )
    if measure in ("SMD", "SMDH", "MD", "NMD"):
        return [both]
    if measure == "ROM":
        return [positive, both]
    if measure == "VR":
        return [one]
    if measure == "CVR":
        return [positive, one]
    raise InputError(
        "a measure that is made from means and standard deviations",
        found=f"{measure!r}",
    )


def checked_for(groups: TwoGroups, measure: Measure) -> tuple[MetaWarning, ...]:
    """Warnings of the rows; stop at one that has no such measure.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries.
    measure : str
        What is to be computed from them.

    Raises
    ------
    InputError
        A row from which the measure cannot be computed.
    """
    for bad, reason in _obstacles(groups, measure):
        if bad.any():
            raise InputError(
                f"rows that have the measure {measure}",
                found=reason,
                where=f"row {groups.label[int(np.argmax(bad))]}",
                mend="correct the row or leave it out",
            )
    still = (groups.sd_treated == 0) | (groups.sd_control == 0)
    if not still.any():
        return groups.warnings
    rows = tuple(name for name, zero in zip(groups.label, still, strict=True) if zero)
    message = "a group has the standard deviation 0: is it a rounded or a missing value?"
    return (*groups.warnings, MetaWarning(code="zero_variance", message=message, rows=rows))
