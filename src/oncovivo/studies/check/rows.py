"""What the checks look at: the rows of a study as they stand, right or wrong.

A :class:`Study` cannot hold an animal in two arms or two readings on a day; a file can. These
rows hold both, from a file or from a study, so that one set of checks serves the two.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.studies.padding import find_padding_zeros
from oncovivo.studies.study import BASELINE_SHARE, Role, Study

__all__ = ["BadCell", "Curve", "FileRows", "StudyRows", "is_control_label"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]
TextArray: TypeAlias = NDArray[np.object_]

READ_STATES: Final = ("measured", "gone", "below_limit")
CONTROL_ROLES: Final[tuple[Role, ...]] = ("vehicle", "untreated")

_CONTROL_WORD: Final = re.compile(
    r"\b(?:control|controls|ctrl|ctl|vehicle|veh|untreated|untx|no treatment|placebo|saline|pbs"
    r"|dmso|mock|sham|isotype|naive|igg\d?[a-d]?)\b"
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCell:
    """A cell that does not hold what its column says.

    ``kind``: ``blank`` where there must be something, ``text`` where a number was expected.
    """

    index: int
    column: str
    text: str
    kind: Literal["blank", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The readings of one animal by rising day, the first of those that share a day.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    at : ndarray, shape (n,)
        Indices of its rows.
    day, size, bulk : ndarray, shape (n,)
        Study days; sizes as in the file; the same as volumes in mm³ (an area as that of a sphere
        with this cross-section, in the ½LW² convention).
    """

    animal_id: str
    arm: str
    at: IntArray
    day: FloatArray
    size: FloatArray
    bulk: FloatArray


# Without slots: the views below are computed on first use, once for all checks.
@dataclass(frozen=True, kw_only=True, eq=False)
class StudyRows:
    """The rows of one study of one line, by animal and day.

    Parameters
    ----------
    study, line : str
        Labels.
    wording : str
        All that names the study: labels, title, tumor type.
    row : ndarray of int, shape (n,), optional
        Rows of the file, the header being row 1.
    position : ndarray of int, shape (n,)
        Order in the file.
    animal, arm, cage, cohort : ndarray of str, shape (n,)
        Labels; empty where the file says nothing.
    day : ndarray, shape (n,)
        Study days; NaN where the cell holds no number.
    size : ndarray, shape (n,)
        Volumes in mm³, or areas in mm²; the limit where `state` is ``below_limit``, NaN without a
        reading.
    state : ndarray of str, shape (n,)
        ``measured``, ``gone``, ``below_limit``, ``not_measured`` or ``unreadable``.
    quantity : {"volume", "area"}
        What `size` is.
    from_diameters : bool
        Whether the volumes were made from the diameters.
    length, width, depth, weight : ndarray, shape (n,)
        mm and g as written, NaN where blank.
    dosing_start : ndarray, shape (n,)
        First day of dosing where the file has it, else NaN.
    end_day : mapping of str to float
        Last day of follow-up by animal, where it is stated apart from the readings.
    end_reason : mapping of str to str
        Reason for leaving by animal, where it is stated.
    roles : mapping of str to Role
        Roles of the arms, where they are stated.
    species : str, optional
        Of the host.
    simulated : bool
        Whether the study says that it is simulated.
    control, baseline_day_stated, zeros : optional
        From the options or the study file.
    bad_cells : tuple of BadCell
        Cells that could not be read.
    study_object : Study, optional
        The study, when one could be made of the rows.
    """

    study: str
    line: str
    wording: str
    row: IntArray | None
    position: IntArray
    animal: TextArray
    arm: TextArray
    cage: TextArray
    cohort: TextArray
    day: FloatArray
    size: FloatArray
    state: TextArray
    quantity: Literal["volume", "area"]
    from_diameters: bool = False
    length: FloatArray
    width: FloatArray
    depth: FloatArray
    weight: FloatArray
    dosing_start: FloatArray
    end_day: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    end_reason: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    species: str | None = None
    simulated: bool = False
    control: str | None = None
    baseline_day_stated: float | None = None
    zeros: Literal["gone", "missing"] | None = None
    bad_cells: tuple[BadCell, ...] = ()
    study_object: Study | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.day)

    @property
    def unit(self) -> str:
        """Unit of the sizes."""
        return "mm³" if self.quantity == "volume" else "mm²"

    @cached_property
    def is_read(self) -> BoolArray:
        """Rows with a reading of the size on a day, shape (n,)."""
        read: BoolArray = (
            np.isin(self.state, READ_STATES)
            & np.isfinite(self.day)
            & np.isfinite(self.bulk)
            & (self.size >= 0)
            & (self.animal != "")
        )
        return read

    @cached_property
    def bulk(self) -> FloatArray:
        """Sizes as volumes, mm³, shape (n,).

        ½·L·W² of a round tumor whose L·W is the area: so that one limit serves both quantities.
        """
        if self.quantity == "volume":
            return self.size
        with np.errstate(over="ignore"):
            bulk: FloatArray = 0.5 * np.power(np.clip(self.size, 0.0, None), 1.5)
        return bulk

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Animals, sorted."""
        return tuple(sorted({str(name) for name in self.animal if name}))

    @cached_property
    def rows_of(self) -> Mapping[str, IntArray]:
        """Indices of all rows of each animal, by rising day."""
        by: dict[str, list[int]] = {name: [] for name in self.names}
        size = np.nan_to_num(self.size, nan=-1.0)
        day = np.nan_to_num(self.day, nan=-np.inf)
        for index in np.lexsort((self.position, size, day)):
            if self.animal[index]:
                by[str(self.animal[index])].append(int(index))
        return MappingProxyType({k: np.array(v, dtype=np.int64) for k, v in by.items()})

    @cached_property
    def arm_of(self) -> Mapping[str, str]:
        """Arm of each animal: the one that most of its rows name."""
        chosen: dict[str, str] = {}
        for name, at in self.rows_of.items():
            counts = Counter(str(arm) for arm in self.arm[at] if arm)
            chosen[name] = min(counts, key=lambda arm: (-counts[arm], arm)) if counts else ""
        return MappingProxyType(chosen)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms that have animals, sorted."""
        return tuple(sorted({arm for arm in self.arm_of.values() if arm}))

    @cached_property
    def animals_in(self) -> Mapping[str, tuple[str, ...]]:
        """Animals of each arm, sorted."""
        by: dict[str, list[str]] = {arm: [] for arm in self.arms}
        for name, arm in self.arm_of.items():
            if arm:
                by[arm].append(name)
        return MappingProxyType({arm: tuple(sorted(names)) for arm, names in by.items()})

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """Readings of each animal that has one."""
        curves: dict[str, Curve] = {}
        for name, rows in self.rows_of.items():
            at = rows[self.is_read[rows]]
            if not at.size:
                continue
            at = at[np.concatenate(([True], np.diff(self.day[at]) > 0))]
            curves[name] = Curve(
                animal_id=name,
                arm=self.arm_of[name],
                at=at,
                day=self.day[at],
                size=self.size[at],
                bulk=self.bulk[at],
            )
        return MappingProxyType(curves)

    def curves_in(self, arm: str) -> tuple[Curve, ...]:
        """Curves of an arm."""
        return tuple(self.curves[n] for n in self.animals_in[arm] if n in self.curves)

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """Indices of each reading and of the next one of the same animal, each of shape (m,)."""
        first = [curve.at[:-1] for curve in self.curves.values()]
        second = [curve.at[1:] for curve in self.curves.values()]
        empty = np.empty(0, dtype=np.int64)
        return np.concatenate([empty, *first]), np.concatenate([empty, *second])

    @cached_property
    def weight_pairs(self) -> tuple[IntArray, IntArray]:
        """As `pairs`, of the positive body weights."""
        first: list[IntArray] = [np.empty(0, dtype=np.int64)]
        second = list(first)
        good = (self.weight > 0) & np.isfinite(self.day)
        for rows in self.rows_of.values():
            at = rows[good[rows]]
            if at.size > 1:
                at = at[np.concatenate(([True], np.diff(self.day[at]) > 0))]
                first.append(at[:-1])
                second.append(at[1:])
        return np.concatenate(first), np.concatenate(second)

    @cached_property
    def last_day(self) -> float:
        """Last day with a reading in the study; minus infinity without any."""
        return max((float(curve.day[-1]) for curve in self.curves.values()), default=-math.inf)

    @cached_property
    def baseline_day(self) -> float | None:
        """Day that relative sizes refer to, by the rule of :meth:`Study.find_baseline_day`."""
        if self.baseline_day_stated is not None:
            return self.baseline_day_stated
        counts = Counter(float(day) for curve in self.curves.values() for day in curve.day)
        needed = math.ceil(BASELINE_SHARE * len(self.names) - 1e-9)
        return min((day for day, n in counts.items() if n >= needed), default=None)

    def baseline_of(self, curve: Curve) -> float | None:
        """Size of an animal at the study's baseline day as a volume, mm³; None without one."""
        if self.baseline_day is None:
            return None
        found = np.flatnonzero(curve.day == self.baseline_day)
        return float(curve.bulk[found[0]]) if found.size else None

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """Arms that serve as control: named, by role, or by label."""
        if self.control is not None:
            return (self.control,) if self.control in self.arms else ()
        by_role = tuple(arm for arm in self.arms if self.roles.get(arm) in CONTROL_ROLES)
        if by_role:
            return by_role
        by_word = tuple(arm for arm in self.arms if is_control_label(arm))
        return by_word or _of_zero_dose(self.arms)

    @cached_property
    def padding(self) -> frozenset[tuple[str, float]]:
        """Animal and day of the zeros that look like padding; needs a study."""
        if self.study_object is None or not (self.state == "gone").any():
            return frozenset()
        found = find_padding_zeros(self.study_object)
        return frozenset() if found is None else frozenset(found.rows)

    @property
    def is_panel(self) -> bool:
        """Whether most arms hold a single animal, as in a panel of lines."""
        sizes = [len(names) for names in self.animals_in.values()]
        return 2 * sum(n == 1 for n in sizes) > len(sizes)

    def each_curve(self) -> Iterator[Curve]:
        """The curves, by animal."""
        yield from self.curves.values()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileRows:
    """A file: its columns and the rows of its studies.

    Parameters
    ----------
    file : str
        Name.
    unread : tuple of str
        Columns that no reader uses, in the order of the file.
    studies : tuple of StudyRows
        One for each study and line, in the order of the file.
    refusal : str
        Why no study could be made of the file; empty when one could.
    """

    file: str
    unread: tuple[str, ...]
    studies: tuple[StudyRows, ...]
    refusal: str = ""


def is_control_label(label: str) -> bool:
    """Whether a label names a control and nothing else.

    Examples
    --------
    >>> [is_control_label(x) for x in ("Vehicle (PBS)", "vehicle + PBS", "PBS + drug", "DrugA")]
    [True, True, False, False]
    """
    words = re.sub(r"[_\-.()\[\]]", " ", label.casefold())
    parts = [part for part in re.split(r"\+|&|/|,|\band\b|\bplus\b", words) if part.strip()]
    return bool(parts) and all(_CONTROL_WORD.search(part) for part in parts)


def _of_zero_dose(arms: tuple[str, ...]) -> tuple[str, ...]:
    """Arms whose label differs from those of others by doses that are zero: ``dose_0``."""
    by_form: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    for arm in arms:
        numbers = tuple(float(text) for text in _NUMBER.findall(arm))
        by_form.setdefault(_NUMBER.sub("#", arm.casefold()), []).append((arm, numbers))
    zero: list[str] = []
    for labels in by_form.values():
        if len(labels) < 2:
            continue
        columns = list(zip(*(numbers for _, numbers in labels), strict=True))
        varying = [place for place, column in enumerate(columns) if len(set(column)) > 1]
        zero += [arm for arm, doses in labels if all(doses[place] == 0 for place in varying)]
    return tuple(sorted(zero))
