"""Power plans as files.

The file::

    title = "Two drugs and their combination"
    source = "assumed"               # where the numbers are from
    question = "bliss"               # difference | dunnett | tgi | bliss | hsa | additivity |
                                     # event | response
    days = [0, 3, 7, 10, 14, 17, 21]
    day = 21                         # of tgi and additivity; else the last
    bound = 0.0                      # what the interval must exclude; else no effect
    event = "multiple:4"             # with question event; doubling, quadrupling, volume:1000
    response = "regression:30"       # with question response; CR, PR, SD
    size_limit_mm3 = 1500            # without it all animals stay
    limit_mm3 = 20                   # without it all sizes can be read
    below_limit = "omitted"          # omitted | censored
    allocation = "as_given"          # as_given | sqrt_k
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

    [reference]                      # in place of start and variation
    file = "pilot/study.toml"        # beside this file
    control = "vehicle"              # its rate is that of a first arm without rate_per_day
    study = "P1"                     # where the file has several

    [cages]                          # without it no animal is like another
    animals = 4
    rate_sd = 0.01
    log_sd = 0.0
    arms = "by_cage"                 # by_cage | mixed

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

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.design.power_plan import (
    BelowPowerLimit,
    PowerAllocation,
    PowerArm,
    PowerModel,
    PowerPlan,
    PowerQuestion,
)
from oncovivo.design.power_reference import ReferenceVariation, read_reference
from oncovivo.design.power_rules import CageArms, PowerCages, parse_response
from oncovivo.errors import FileFormatError, InputError
from oncovivo.survival.events import parse_event
from oncovivo.texts import parse_toml

__all__ = ["PowerFile", "read_power_file", "read_power_plan"]

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)
_HERE: Final = "start, variation or reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFile:
    """What a file says.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions.
    seed : int or None
        None where the file gives none.
    reference : ReferenceVariation or None
        Study that the variation is from; None where it is typed in.
    reference_path : Path or None
        Its file.
    """

    plan: PowerPlan
    seed: int | None
    reference: ReferenceVariation | None = None
    reference_path: Path | None = None


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


class _Reference(BaseModel):
    """Study that both are taken from."""

    model_config = _STRICT

    file: _Name
    control: _Name
    study: _Name | None = None


class _Cages(BaseModel):
    """Cages as the file has them."""

    model_config = _STRICT

    animals: int
    rate_sd: float
    log_sd: float = 0.0
    arms: CageArms = "by_cage"


class _Arm(BaseModel):
    """An arm as the file has it."""

    model_config = _STRICT

    name: _Name
    animals: int
    rate_per_day: float | None = None


class _PowerToml(BaseModel):
    """Assumptions as the file has them."""

    model_config = _STRICT

    title: str = "Power"
    source: str = ""
    question: PowerQuestion = "difference"
    days: list[float]
    day: float | None = None
    bound: float | None = None
    event: str | None = None
    response: str | None = None
    size_limit_mm3: float | None = None
    limit_mm3: float | None = None
    below_limit: BelowPowerLimit = "omitted"
    allocation: PowerAllocation = "as_given"
    model: PowerModel = "common"
    level: float = 0.95
    replicates: int = 1000
    seed: Annotated[int, Field(ge=0)] | None = None
    start: _Start | None = None
    variation: _Variation | None = None
    reference: _Reference | None = None
    cages: _Cages | None = None
    arm: list[_Arm]


def read_power_plan(path: Path) -> tuple[PowerPlan, int | None]:
    """Assumptions of a file, and its seed if it gives one.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FileFormatError, InputError, DataError
        As :func:`read_power_file`.
    """
    found = read_power_file(path)
    return found.plan, found.seed


def read_power_file(path: Path) -> PowerFile:
    """Assumptions of a file, and where its variation is from.

    Parameters
    ----------
    path : Path
        The file; its reference lies beside it.

    Raises
    ------
    FileFormatError
        If a file cannot be read, or has an entry that it should not.
    InputError
        If the assumptions are impossible; names the entry.
    DataError
        If the reference cannot be fitted.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    try:
        file = _PowerToml.model_validate(parse_toml(content, where=path.name))
    except ValidationError as error:
        what = "a power plan"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    reference, reference_path = None, None
    if file.reference is not None:
        if file.start is not None or file.variation is not None:
            expected = "a reference, or start and variation"
            raise InputError(expected, found="both", where=_HERE)
        reference_path = path.parent / file.reference.file
        reference = read_reference(
            reference_path, control=file.reference.control, study=file.reference.study
        )
    return PowerFile(
        plan=_plan(file, reference),
        seed=file.seed,
        reference=reference,
        reference_path=reference_path,
    )


def _plan(file: _PowerToml, reference: ReferenceVariation | None) -> PowerPlan:
    """The plan of a file, with the variation of its reference."""
    if reference is not None:
        start, start_sd = reference.start, reference.start_sd
        rate_sd, reading_sd = reference.rate_sd, reference.reading_sd
    elif file.start is not None and file.variation is not None:
        start, start_sd = file.start.mean_mm3, file.start.log_sd
        rate_sd, reading_sd = file.variation.rate_sd, file.variation.reading_sd
    else:
        lacking = "[start]" if file.start is None else "[variation]"
        expected = "[start] and [variation], or a [reference]"
        raise InputError(expected, found=f"no {lacking}", where=_HERE)
    cages = file.cages
    return PowerPlan(
        title=file.title,
        source=file.source,
        question=file.question,
        days=tuple(file.days),
        day=file.day,
        bound=file.bound,
        event=None if file.event is None else parse_event(file.event),
        response=None if file.response is None else parse_response(file.response),
        size_limit=file.size_limit_mm3,
        limit=file.limit_mm3,
        below_limit=file.below_limit,
        allocation=file.allocation,
        model=file.model,
        level=file.level,
        replicates=file.replicates,
        start=start,
        start_sd=start_sd,
        rate_sd=rate_sd,
        reading_sd=reading_sd,
        cages=None
        if cages is None
        else PowerCages(
            animals=cages.animals,
            rate_sd=cages.rate_sd,
            start_sd=cages.log_sd,
            arms=cages.arms,
        ),
        arms=tuple(
            PowerArm(name=arm.name, animals=arm.animals, rate=_rate(arm, place, reference))
            for place, arm in enumerate(file.arm)
        ),
    )


def _rate(arm: _Arm, place: int, reference: ReferenceVariation | None) -> float:
    """The rate of an arm; that of the reference where the control has none."""
    if arm.rate_per_day is not None:
        return arm.rate_per_day
    if place == 0 and reference is not None:
        return reference.rate
    expected = "rate_per_day"
    mend = "only a control with a reference can do without"
    raise InputError(expected, found="none", where=f"arm '{arm.name}'", mend=mend)
