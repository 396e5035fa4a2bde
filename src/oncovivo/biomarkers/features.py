"""Markers of lines as one table: a row for each line, a column for each marker.

A marker that cannot be used is kept and says why, so that each name of a file comes back in a
result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = [
    "Feature",
    "FeatureKind",
    "FeatureTable",
    "MeasuredWhen",
    "feature_table",
    "join_features",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
FeatureKind: TypeAlias = Literal["numeric", "categorical", "censored"]
MeasuredWhen: TypeAlias = Literal["baseline", "after_treatment"]

_KINDS: Final = get_args(FeatureKind)
_WHEN: Final = get_args(MeasuredWhen)
# Levels that others are compared with.
_ABSENCE: Final = ("none", "wild type", "wt", "WT", "negative", "no", "absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What is known of a marker beside its values.

    Parameters
    ----------
    name : str
        Unique in its table.
    kind : {"numeric", "categorical", "censored"}
        ``categorical`` has levels; ``censored`` has numbers some of which are limits of
        quantification that the true value is below.
    levels : tuple of str
        Names of the categories, in the order of their codes 0, 1, …; empty unless categorical.
    measured : {"baseline", "after_treatment"}
        When. A marker measured after treatment may be an effect of it.
    unit : str
        Unit of the numbers; empty where the file does not say.
    problem : str
        Why the marker cannot be used; empty where it can.
    remark : str
        What was made of odd cells; empty where there were none.
    """

    name: str
    kind: FeatureKind = "numeric"
    levels: tuple[str, ...] = ()
    measured: MeasuredWhen = "baseline"
    unit: str = ""
    problem: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a marker with a name", found="a blank one")
        if self.kind not in _KINDS:
            raise InputError(f"a kind of marker: {', '.join(_KINDS)}", found=repr(self.kind))
        if self.measured not in _WHEN:
            raise InputError(
                f"when a marker was measured: {' or '.join(_WHEN)}", found=repr(self.measured)
            )
        if (self.kind == "categorical") != bool(self.levels) and not self.problem:
            expected = "levels for a categorical marker, and for no other"
            raise InputError(expected, found=f"{len(self.levels)} levels", where=self.name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureTable:
    """Values of markers by line.

    Parameters
    ----------
    lines : tuple of str
        Names of the lines, each once; n of them.
    features : tuple of Feature
        The markers, p of them, each name once.
    values : ndarray, shape (n, p)
        Numbers, or codes of levels; NaN where a value is missing.
    below : ndarray of bool, shape (n, p)
        Where the value is a limit of quantification that the true one is below.
    remarks : tuple of str
        What was found in reading: odd cells, repeated names.
    """

    lines: tuple[str, ...]
    features: tuple[Feature, ...]
    values: FloatArray
    below: BoolArray
    remarks: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.lines), len(self.features))
        if self.values.shape != shape or self.below.shape != shape:
            expected = f"values of {shape[0]} lines × {shape[1]} markers"
            raise InputError(expected, found=f"{self.values.shape} and {self.below.shape}")
        _check_once("line", self.lines)
        _check_once("marker", self.names)
        if np.isinf(self.values).any():
            expected = "finite values or missing ones"
            raise InputError(expected, found="an infinite value")
        self.values.flags.writeable = False
        self.below.flags.writeable = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the markers."""
        return tuple(feature.name for feature in self.features)

    def position(self, marker: str) -> int:
        """Column of a marker.

        Raises
        ------
        InputError
            If there is no such marker.
        """
        names = self.names
        if marker not in names:
            shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            raise InputError(f"a marker of the table: {shown}", found=repr(marker))
        return names.index(marker)

    def select(self, markers: Sequence[str]) -> FeatureTable:
        """Some of the markers, in the order asked for.

        Raises
        ------
        InputError
            If one is not in the table.
        """
        columns = [self.position(marker) for marker in markers]
        return replace(
            self,
            features=tuple(self.features[column] for column in columns),
            values=self.values[:, columns].copy(),
            below=self.below[:, columns].copy(),
        )

    def at(self, lines: Sequence[str]) -> FeatureTable:
        """The table for given lines; a line that it lacks has missing values."""
        place = {line: row for row, line in enumerate(self.lines)}
        rows = np.array([place.get(line, -1) for line in lines], dtype=np.intp)
        known = rows >= 0
        values = np.full((rows.size, len(self.features)), np.nan)
        below = np.zeros(values.shape, dtype=np.bool_)
        values[known] = self.values[rows[known]]
        below[known] = self.below[rows[known]]
        return replace(self, lines=tuple(lines), values=values, below=below)


def feature_table(
    lines: Sequence[str],
    columns: Mapping[str, ArrayLike | Sequence[str | None]],
    *,
    measured: MeasuredWhen | Mapping[str, MeasuredWhen] = "baseline",
    units: Mapping[str, str] | None = None,
) -> FeatureTable:
    """Table from columns in memory: texts are categories, numbers are numbers.

    Parameters
    ----------
    lines : sequence of str
        Names of the lines.
    columns : mapping of str to array-like
        Values by marker, one for each line; None, NaN and an empty text are missing.
    measured : {"baseline", "after_treatment"} or mapping
        When the markers were measured; a mapping names those that were not at baseline.
    units : mapping of str to str, optional
        Units by marker.

    Raises
    ------
    InputError
        If lengths differ or a name repeats.

    Examples
    --------
    >>> table = feature_table(["L1", "L2"], {"PIK3CA": ["mutated", "none"], "S6": [1.5, 2.0]})
    >>> table.features[0].levels, table.values[:, 0].tolist()
    (('none', 'mutated'), [1.0, 0.0])
    """
    features, arrays = [], []
    for name, column in columns.items():
        cells = list(np.asarray(column, dtype=object).ravel())
        if len(cells) != len(lines):
            expected = f"{len(lines)} values, one for each line"
            raise InputError(expected, found=f"{len(cells)}", where=f"marker {name}")
        when = measured if isinstance(measured, str) else measured.get(name, "baseline")
        unit = (units or {}).get(name, "")
        if any(isinstance(cell, str) and cell for cell in cells):
            codes, levels = encode_levels([_as_level(cell) for cell in cells])
            kind: FeatureKind = "categorical"
        else:
            codes = np.array([_as_number(cell, name) for cell in cells], dtype=np.float64)
            levels, kind = (), "numeric"
        features.append(Feature(name=name, kind=kind, levels=levels, measured=when, unit=unit))
        arrays.append(codes)
    values = np.column_stack(arrays) if arrays else np.empty((len(lines), 0))
    return FeatureTable(
        lines=tuple(lines),
        features=tuple(features),
        values=values,
        below=np.zeros(values.shape, dtype=np.bool_),
    )


def join_features(tables: Mapping[str, FeatureTable]) -> FeatureTable:
    """Several tables side by side; a marker's name gets its table's label.

    Parameters
    ----------
    tables : mapping of str to FeatureTable
        By label, such as ``expression`` and ``mutation``. Lines are those of any table; a line
        that a table lacks has missing values there, which results then name.

    Raises
    ------
    InputError
        If there is no table.

    Examples
    --------
    >>> one = feature_table(["L1", "L2"], {"TP53": [1.0, 2.0]})
    >>> two = feature_table(["L2", "L3"], {"TP53": ["mutated", "none"]})
    >>> join_features({"expression": one, "mutation": two}).names
    ('TP53 (expression)', 'TP53 (mutation)')
    """
    if not tables:
        raise InputError("at least one table of markers", found="none")
    lines = tuple(dict.fromkeys(line for table in tables.values() for line in table.lines))
    parts = [table.at(lines) for table in tables.values()]
    features = tuple(
        replace(feature, name=f"{feature.name} ({label})")
        for label, table in tables.items()
        for feature in table.features
    )
    remarks = tuple(
        f"{label}: {remark}" for label, table in tables.items() for remark in table.remarks
    )
    return FeatureTable(
        lines=lines,
        features=features,
        values=np.hstack([part.values for part in parts]),
        below=np.hstack([part.below for part in parts]),
        remarks=remarks,
    )


def encode_levels(
    cells: Sequence[str | None], levels: Sequence[str] | None = None
) -> tuple[FloatArray, tuple[str, ...]]:
    """Codes of categories and their names: words of absence first, then by the alphabet."""
    occurring = {cell for cell in cells if cell}
    found = tuple(levels or sorted(occurring, key=lambda cell: (cell not in _ABSENCE, cell)))
    place = {level: float(code) for code, level in enumerate(found)}
    return np.array([place[cell] if cell else np.nan for cell in cells]), found


def _as_level(cell: object) -> str | None:
    """A category; None where it is missing."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return None
    return str(cell)


def _as_number(cell: object, marker: str) -> float:
    """A number; NaN where it is missing."""
    if cell is None or cell == "":
        return float("nan")
    try:
        return float(cell)  # type: ignore[arg-type]  # what cannot be a number is refused
    except (TypeError, ValueError) as error:
        expected = "numbers or texts"
        raise InputError(expected, found=repr(cell), where=f"marker {marker}") from error


def _check_once(what: str, names: Iterable[str]) -> None:
    """Refuse a name that comes twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"each {what} once", found=f"'{name}' twice")
        seen.add(name)
