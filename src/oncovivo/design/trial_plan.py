"""What the power of a mouse clinical trial assumes, from a file.

Growth rates of animals differ by line, by treatment within the line, and by animal; readings by
their error.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError, InputError

__all__ = ["TrialPlan", "read_trial_plan"]

_LEAST_DAYS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """A planned trial of one treatment against a control in the same lines.

    Parameters
    ----------
    effect : float
        Treated less control growth rate, natural log per day; below 0 where growth slows.
    effect_sd : float
        Standard deviation of that effect among lines.
    animal_sd : float
        Of rates among animals of one line and arm, per day.
    reading_sd : float
        Of log readings about an animal's own growth.
    line_sd : float
        Of rates among lines, per day; it drops out of the comparison, and only simulations use it.
    days : tuple of float
        Of readings since baseline, rising from 0.
    lines : tuple of int
        Numbers of lines to look at, 3 or more.
    animals : tuple of int
        Numbers of animals of each line and arm to look at.
    level : float
        Of the interval; 1 less the level of the two-sided test.
    power : float
        That the smallest detectable effect has.
    marker_share : float or None
        Share of lines with a marker; for the power of treatment × marker.
    marker_difference : float or None
        Effect in lines with the marker less that in the others, per day.
    title, source : str
        Heading; where the numbers are from.

    Raises
    ------
    InputError
        If the assumptions are impossible.
    """

    effect: float
    effect_sd: float
    animal_sd: float
    reading_sd: float
    days: tuple[float, ...]
    lines: tuple[int, ...]
    animals: tuple[int, ...]
    line_sd: float = 0.02
    level: float = 0.95
    power: float = 0.8
    marker_share: float | None = None
    marker_difference: float | None = None
    title: str = "Mouse clinical trial"
    source: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.effect):
            raise InputError("a finite effect per day", found=f"{self.effect:g}", where="effect")
        for where, value in (
            ("effect_sd", self.effect_sd),
            ("animal_sd", self.animal_sd),
            ("line_sd", self.line_sd),
        ):
            if not (math.isfinite(value) and value >= 0):
                expected = "a standard deviation of 0 or more"
                raise InputError(expected, found=f"{value:g}", where=where)
        if not (math.isfinite(self.reading_sd) and self.reading_sd > 0):
            found = f"{self.reading_sd:g}"
            raise InputError("a standard deviation above 0", found=found, where="reading_sd")
        rising = all(a < b for a, b in zip(self.days, self.days[1:], strict=False))
        if len(self.days) < _LEAST_DAYS or self.days[0] != 0 or not rising:
            found = ", ".join(f"{day:g}" for day in self.days) or "none"
            raise InputError("at least three days that rise from 0", found=found, where="days")
        for where, numbers, least in (("lines", self.lines, 3), ("animals", self.animals, 1)):
            if not numbers or min(numbers) < least:
                found = ", ".join(map(str, numbers)) or "none"
                raise InputError(f"numbers of {least} or more", found=found, where=where)
        for where, share in (("level", self.level), ("power", self.power)):
            if not 0 < share < 1:
                raise InputError(f"a {where} between 0 and 1", found=f"{share:g}", where=where)
        self._check_marker()

    def _check_marker(self) -> None:
        """Share and difference together, and at least two lines on each side."""
        if (self.marker_share is None) != (self.marker_difference is None):
            expected = "marker_share and marker_difference together"
            raise InputError(expected, found="one of them", where="marker")
        if self.marker_share is None:
            return
        for count in self.lines:
            if not 2 <= round(self.marker_share * count) <= count - 2:
                expected = f"a share that leaves two of {count} lines with and without the marker"
                raise InputError(expected, found=f"{self.marker_share:g}", where="marker_share")

    @property
    def squared_days(self) -> float:
        """Sum of squares of the days about their mean: what a rate rests on."""
        mean = sum(self.days) / len(self.days)
        return sum((day - mean) ** 2 for day in self.days)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


_NUMBERS: Final = (
    "effect",
    "effect_sd",
    "animal_sd",
    "reading_sd",
    "line_sd",
    "level",
    "power",
    "marker_share",
    "marker_difference",
)
_NEEDED: Final = ("effect", "effect_sd", "animal_sd", "reading_sd", "days", "lines", "animals")


def read_trial_plan(path: Path) -> TrialPlan:
    """The plan of a TOML file.

    Parameters
    ----------
    path : Path
        With the names of :class:`TrialPlan`.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or has keys that are missing, unknown or of the wrong kind.
    InputError
        If the assumptions are impossible.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        expected = "a TOML file in UTF-8"
        raise FileFormatError(expected, found=str(err), where=path.name) from err
    known = (*_NUMBERS, "days", "lines", "animals", "title", "source")
    for name in content:
        if name not in known:
            expected = "keys among " + ", ".join(known)
            raise FileFormatError(expected, found=name, where=path.name)
    for name in _NEEDED:
        if name not in content:
            raise FileFormatError(f"a value for {name}", found="none", where=path.name)
    numbers = {name: _number(content[name], name, path) for name in _NUMBERS if name in content}
    words = {name: str(content[name]) for name in ("title", "source") if name in content}
    days = tuple(_number(value, "days", path) for value in _listed(content, "days", path))
    counts = {
        name: tuple(_count(value, name, path) for value in _listed(content, name, path))
        for name in ("lines", "animals")
    }
    return TrialPlan(days=days, **numbers, **words, **counts)  # type: ignore[arg-type]


def _listed(content: dict[str, object], name: str, path: Path) -> Sequence[object]:
    value = content[name]
    return value if isinstance(value, list) else [value]


def _number(value: object, name: str, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FileFormatError("a number", found=repr(value), where=f"{path.name}, {name}")
    return float(value)


def _count(value: object, name: str, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FileFormatError("a whole number", found=repr(value), where=f"{path.name}, {name}")
    return value
