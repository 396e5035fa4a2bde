"""What a power calculation assumes: arms, days, growth, differences between animals, the question.

The file::

    title = "Two drugs and their combination"
    source = "assumed"               # where the numbers are from
    question = "bliss"               # difference | dunnett | bliss
    days = [0, 3, 7, 10, 14, 17, 21]
    size_limit_mm3 = 1500            # without it all animals stay
    model = "common"                 # common | arm | ratio
    level = 0.95
    replicates = 1000
    seed = 7                         # else from the digest of the file

    [start]
    mean_mm3 = 150
    log_sd = 0.3

    [variation]
    rate_sd = 0.02
    reading_sd = 0.15

    [[arm]]
    name = "vehicle"                 # the first arm is the control
    animals = 8
    rate_per_day = 0.10

    [[arm]]
    name = "drug"
    animals = 8
    rate_per_day = 0.06
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.errors import FileFormatError, InputError
from oncovivo.texts import parse_toml

__all__ = [
    "PowerArm",
    "PowerModel",
    "PowerPlan",
    "PowerQuestion",
    "read_power_plan",
]

FloatArray: TypeAlias = NDArray[np.float64]
PowerQuestion: TypeAlias = Literal["difference", "dunnett", "bliss"]
PowerModel: TypeAlias = Literal["common", "arm", "ratio"]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)
# Arms of a study of two drugs and their combination.
_FACTORIAL: Final = 4
_LEAST_ANIMALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerArm:
    """An arm as it is assumed to grow.

    Parameters
    ----------
    name : str
        Its name.
    animals : int
        How many, at least 2.
    rate : float
        Mean growth rate, natural log per day.
    """

    name: str
    animals: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPlan:
    """Assumptions of a power calculation.

    Parameters
    ----------
    arms : tuple of PowerArm
        The first is the control; for ``bliss`` then both drugs alone and the combination.
    days : tuple of float
        Of the readings, rising from 0.
    question : {"difference", "dunnett", "bliss"}
        Rate of each other arm less that of the control, each on its own or with the family-wise
        error held; or the rate of the combination less what both drugs add up to.
    start : float
        Median baseline volume, mm³.
    start_sd : float
        Between animals, of its natural log.
    rate_sd : float
        Of rates between animals, per day; independent of the baseline.
    reading_sd : float
        Of natural log readings about an animal's line.
    size_limit : float or None
        An animal's first reading of so many mm³ or more is its last; None: all stay.
    model : {"common", "arm", "ratio"}
        What is fitted: random intercept and slope with a common intercept or one for each arm;
        or log size relative to the baseline with random slopes.
    level : float
        One less the two-sided error of the test.
    replicates : int
        Simulated studies, at least 2.
    title, source : str
        Heading; where the numbers are from.

    Raises
    ------
    InputError
        If the assumptions are impossible.
    """

    arms: tuple[PowerArm, ...]
    days: tuple[float, ...]
    question: PowerQuestion = "difference"
    start: float = 150.0
    start_sd: float
    rate_sd: float
    reading_sd: float
    size_limit: float | None = None
    model: PowerModel = "common"
    level: float = 0.95
    replicates: int = 1000
    title: str = "Power"
    source: str = ""

    def __post_init__(self) -> None:
        self._check_arms()
        _check_word(self.question, get_args(PowerQuestion), where="question")
        _check_word(self.model, get_args(PowerModel), where="model")
        if self.question == "bliss" and len(self.arms) != _FACTORIAL:
            expected = "four arms for bliss: control, two drugs, their combination"
            raise InputError(expected, found=str(len(self.arms)), where="arm")
        days = np.array(self.days, dtype=np.float64)
        rising = bool(np.isfinite(days).all() and (np.diff(days) > 0).all())
        if days.size < 3 or days[0] != 0 or not rising:
            expected = "at least three days that rise from 0"
            found = ", ".join(f"{day:g}" for day in self.days) or "none"
            raise InputError(expected, found=found, where="days")
        for where, value in (("start.log_sd", self.start_sd), ("rate_sd", self.rate_sd)):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(
                    "a standard deviation of 0 or more", found=f"{value:g}", where=where
                )
        for where, value in (
            ("reading_sd", self.reading_sd),
            ("start.mean_mm3", self.start),
            ("size_limit_mm3", 1.0 if self.size_limit is None else self.size_limit),
        ):
            if not (math.isfinite(value) and value > 0):
                raise InputError("a number above 0", found=f"{value:g}", where=where)
        if self.size_limit is not None and self.size_limit <= self.start:
            expected = f"a limit above the baseline volume of {self.start:g} mm³"
            raise InputError(expected, found=f"{self.size_limit:g}", where="size_limit_mm3")
        if not 0 < self.level < 1:
            raise InputError("a level between 0 and 1", found=f"{self.level:g}", where="level")
        if self.replicates < 2:
            expected = "at least 2 replicates"
            raise InputError(expected, found=str(self.replicates), where="replicates")

    def _check_arms(self) -> None:
        """Arms that differ in name and have animals."""
        names = [arm.name for arm in self.arms]
        if len(names) < 2:
            raise InputError("at least two arms", found=str(len(names)), where="arm")
        for arm in self.arms:
            if names.count(arm.name) > 1:
                raise InputError("each arm once", found=f"'{arm.name}' twice", where="arm")
            if arm.animals < _LEAST_ANIMALS:
                expected = f"at least {_LEAST_ANIMALS} animals"
                raise InputError(expected, found=str(arm.animals), where=f"arm '{arm.name}'")
            if not math.isfinite(arm.rate):
                expected = "a finite rate per day"
                raise InputError(expected, found=f"{arm.rate:g}", where=f"arm '{arm.name}'")

    @property
    def rates(self) -> FloatArray:
        """Mean rates, shape (arms,)."""
        return np.array([arm.rate for arm in self.arms])

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Animals, shape (arms,)."""
        return np.array([arm.animals for arm in self.arms], dtype=np.intp)

    @property
    def contrasts(self) -> FloatArray:
        """What is asked of the arms' rates, shape (questions, arms)."""
        if self.question == "bliss":
            return np.array([[1.0, -1.0, -1.0, 1.0]])
        others = len(self.arms) - 1
        return np.column_stack((-np.ones(others), np.eye(others)))

    @property
    def labels(self) -> tuple[str, ...]:
        """What the questions are called."""
        names = [arm.name for arm in self.arms]
        if self.question == "bliss":
            return ("synergy under Bliss",)
        return tuple(f"{name} - {names[0]}" for name in names[1:])

    @property
    def truth(self) -> FloatArray:
        """Assumed answers, natural log per day, shape (questions,)."""
        return np.asarray(self.contrasts @ self.rates, dtype=np.float64)

    def at_null(self) -> PowerPlan:
        """The same with all answers 0: equal rates, or a combination that just adds up."""
        first, *others = self.arms
        if self.question == "bliss":
            added = others[0].rate + others[1].rate - first.rate
            arms = (first, *others[:2], replace(others[2], rate=added))
        else:
            arms = (first, *(replace(arm, rate=first.rate) for arm in others))
        return replace(self, arms=arms)

    def resized(self, *, animals: int | None = None, last_day: float | None = None) -> PowerPlan:
        """The same with other numbers of animals in every arm, or readings up to a day only.

        Raises
        ------
        InputError
            If fewer than two animals or three days are left.
        """
        arms = self.arms
        if animals is not None:
            arms = tuple(replace(arm, animals=animals) for arm in arms)
        days = self.days
        if last_day is not None:
            days = tuple(day for day in days if day <= last_day)
        return replace(self, arms=arms, days=days)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


class _Start(BaseModel):
    """Baseline as the file has it."""

    model_config = _STRICT

    mean_mm3: float = 150.0
    log_sd: float


class _Variation(BaseModel):
    """Differences between animals and readings as the file has them."""

    model_config = _STRICT

    rate_sd: float
    reading_sd: float


class _Arm(BaseModel):
    """An arm as the file has it."""

    model_config = _STRICT

    name: _Name
    animals: int
    rate_per_day: float


class _PowerFile(BaseModel):
    """Assumptions as the file has them."""

    model_config = _STRICT

    title: str = "Power"
    source: str = ""
    question: PowerQuestion = "difference"
    days: list[float]
    size_limit_mm3: float | None = None
    model: PowerModel = "common"
    level: float = 0.95
    replicates: int = 1000
    seed: Annotated[int, Field(ge=0)] | None = None
    start: _Start
    variation: _Variation
    arm: list[_Arm]


def read_power_plan(path: Path) -> tuple[PowerPlan, int | None]:
    """Assumptions of a file, and its seed if it gives one.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or has an entry that it should not.
    InputError
        If the assumptions are impossible; names the entry.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    try:
        file = _PowerFile.model_validate(parse_toml(content, where=path.name))
    except ValidationError as error:
        what = "a power plan"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    plan = PowerPlan(
        title=file.title,
        source=file.source,
        question=file.question,
        days=tuple(file.days),
        size_limit=file.size_limit_mm3,
        model=file.model,
        level=file.level,
        replicates=file.replicates,
        start=file.start.mean_mm3,
        start_sd=file.start.log_sd,
        rate_sd=file.variation.rate_sd,
        reading_sd=file.variation.reading_sd,
        arms=tuple(
            PowerArm(name=arm.name, animals=arm.animals, rate=arm.rate_per_day) for arm in file.arm
        ),
    )
    return plan, file.seed


def _check_word(word: str, known: Sequence[str], *, where: str) -> None:
    """Refuse what is no choice."""
    if word not in known:
        raise InputError(f"one of {', '.join(known)}", found=repr(word), where=where)
