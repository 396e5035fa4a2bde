"""A simulation as a file: which blocks and parameter sets, which arms, which days, which band.

::

    schema = "oncovivo.simulation/1"
    title = "Daily or weekly dosing"
    blocks = ["animal", "temsirolimus_sirolimus", "fkbp_mtorc1", "mtor_core"]
    parameters = ["mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default"]
    outputs = ["mtorc1_occupancy", "phospho_s6"]

    [time]
    end = 21.0
    step = 0.25

    [[arms]]
    name = "vehicle"
    control = true

    [[arms]]
    name = "daily"
    regimen = "temsirolimus 20 mg/kg i.v. qd x14"

A block or a set is the name of a shipped one, or a path relative to the file that ends in
``.toml``. ``{ block = "pk_one_compartment", rename = { drug = "paclitaxel" } }`` gives names of a
block other names. ``[values.NAME]`` replaces a number for all arms, ``[arms.values.NAME]`` for
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.errors import FileFormatError, InputError
from oncovivo.mechanism.blocks import Block, read_block
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterSet,
    ParameterValue,
    ResolvedParameters,
    Status,
    read_parameter_set,
    resolve,
)
from oncovivo.studies.dosing import Regimen, Treatment
from oncovivo.studies.regimen import parse_regimen
from oncovivo.texts import parse_toml
from oncovivo.units import parse_unit

__all__ = [
    "Band",
    "BandKind",
    "SimulatedArm",
    "Simulation",
    "VirtualStudyPlan",
    "read_simulation",
]

FloatArray: TypeAlias = NDArray[np.float64]
BandKind: TypeAlias = Literal["between_animal", "uncertainty", "both"]

SCHEMA: Final = "oncovivo.simulation/1"
_MOST_DAYS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What the limits of an output hold.

    Parameters
    ----------
    kind : {"between_animal", "uncertainty", "both"}
        Animals around the typical values; typical values around their estimates; both.
    draws : int
        How many animals or sets of values are drawn.
    level : float
        Share of them inside the limits.
    """

    kind: BandKind = "both"
    draws: int = 500
    level: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualStudyPlan:
    """How a virtual study is read and when its animals leave.

    Parameters
    ----------
    animals_per_arm : int
        Animals in each arm.
    days : tuple of float
        Visits, rising, the first the baseline.
    caliper_cv : float
        Coefficient of variation of a reading, lognormal.
    limit_mm3 : float
        Smallest volume that can be measured; smaller readings are recorded as below it.
    volume_limit_mm3 : float or None
        An animal whose reading reaches it leaves at that visit.
    """

    animals_per_arm: int
    days: tuple[float, ...]
    caliper_cv: float
    limit_mm3: float
    volume_limit_mm3: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedArm:
    """An arm: its regimen, and its own numbers where it has some.

    Parameters
    ----------
    name : str
        The arm.
    regimen : Regimen or None
        What it receives; None for nothing.
    regimen_text : str
        As written.
    parameters : ResolvedParameters
        All numbers of the model for this arm.
    changed : tuple of str
        Those that are the arm's own.
    """

    name: str
    regimen: Regimen | None
    regimen_text: str
    parameters: ResolvedParameters
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulation that can run.

    Parameters
    ----------
    name, title, note : str
        Name of the file without its ending; one line; what a reader should know.
    model : Model
        The equations.
    arms : tuple of SimulatedArm
        What is simulated.
    control : str
        Arm that others are compared with.
    days : ndarray, shape (t,)
        Days of the outputs, rising.
    report_days : tuple of float
        Days on which arms are compared; among `days`.
    outputs : tuple of str
        Which outputs are shown.
    band : Band
        What the limits hold.
    study : VirtualStudyPlan or None
        How a virtual study is made; None where the file does not say.
    seed : int or None
        Seed of the draws; None to take it from the file's digest.
    """

    name: str
    title: str
    note: str
    model: Model
    arms: tuple[SimulatedArm, ...]
    control: str
    days: FloatArray
    report_days: tuple[float, ...]
    outputs: tuple[str, ...]
    band: Band
    study: VirtualStudyPlan | None
    seed: int | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
_Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=80)]
_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class _ValueRecord(_Strict):
    value: _Real
    unit: _Text
    status: Status
    source: _Text = "none"
    between_animal_cv: float | None = None
    between_animal_sd: float | None = None
    uncertainty_cv: float | None = None
    note: str = ""


class _ArmRecord(_Strict):
    name: _Name
    regimen: _Text | None = None
    control: bool = False
    values: dict[str, _ValueRecord] = Field(default_factory=dict)


class _BlockRecord(_Strict):
    block: _Text
    rename: dict[_Text, _Text] = Field(default_factory=dict)


class _TimeRecord(_Strict):
    end: _Positive | None = None
    step: _Positive | None = None
    days: list[_NotNegative] | None = None
    report: list[_NotNegative] | None = None


class _BandRecord(_Strict):
    kind: BandKind = "both"
    draws: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 500
    level: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.9


class _StudyRecord(_Strict):
    animals_per_arm: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    days: list[_NotNegative] | None = None
    every: _Positive | None = None
    caliper_cv: _NotNegative = 0.0
    limit_mm3: _Positive
    volume_limit_mm3: _Positive | None = None


class _SimulationRecord(_Strict):
    schema_: Literal["oncovivo.simulation/1"] = Field(alias="schema")
    title: _Text
    note: str = ""
    blocks: Annotated[list[_Text | _BlockRecord], Field(min_length=1)]
    parameters: Annotated[list[_Text], Field(min_length=1)]
    outputs: list[_Text] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None
    transits: Annotated[int, Field(strict=True, ge=1, le=50)] | None = None
    time: _TimeRecord
    band: _BandRecord = Field(default_factory=_BandRecord)
    values: dict[str, _ValueRecord] = Field(default_factory=dict)
    arms: Annotated[list[_ArmRecord], Field(min_length=1)]
    study: _StudyRecord | None = None


def read_simulation(path: Path) -> Simulation:
    """The simulation that a file describes.

    Parameters
    ----------
    path : Path
        A ``.toml`` file as the head of this module describes it.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is no simulation.
    InputError
        If a block, a parameter, an output or a regimen does not fit, or a day is before 0.
    UnitError
        If a unit does not measure what the model declares.
    """
    where = path.name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("a simulation file", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=where) from err
    content = parse_toml(text, where=where)
    if str(content.get("schema", "")).startswith("oncovivo.fit/"):
        raise FileFormatError(
            "a simulation",
            found="the plan of a fit",
            where=where,
            mend="simulate the file that it names, or run oncovivo mechanism fit",
        )
    try:
        record = _SimulationRecord.model_validate(content)
    except ValidationError as err:
        raise FileFormatError.from_validation(err, what="a simulation", where=where) from err
    model = build_model([_block(path, entry, record) for entry in record.blocks])
    sets = [read_parameter_set(_beside(path, name)) for name in record.parameters]
    days = _days(record.time, where)
    return Simulation(
        name=path.stem,
        title=record.title,
        note=record.note.strip(),
        model=model,
        arms=tuple(_arm(arm, model, sets, record, where) for arm in record.arms),
        control=_control(record, where),
        days=days,
        report_days=_report_days(record.time, days, where),
        outputs=_outputs(record, model, where),
        band=Band(**record.band.model_dump()),
        study=None if record.study is None else _study(record.study, days, model, where),
        seed=record.seed,
    )


def _beside(path: Path, name: str) -> str | Path:
    """A shipped name, or a path relative to the simulation's file."""
    return path.parent / name if name.endswith(".toml") else name


def _block(path: Path, entry: str | _BlockRecord, record: _SimulationRecord) -> Block:
    """A block, with other names where the file gives some."""
    given = _BlockRecord(block=entry) if isinstance(entry, str) else entry
    last = record.transits if given.block == "tumor_transits" else None
    block = read_block(_beside(path, given.block), last=last)
    return block.renamed(given.rename) if given.rename else block


def _values(given: dict[str, _ValueRecord], where: str) -> dict[str, ParameterValue]:
    """Numbers of the file itself; their source is free text."""
    found = {}
    for name, entry in given.items():
        try:
            found[name] = ParameterValue(**entry.model_dump())
        except InputError as err:
            place = f"{where} values.{name}"
            raise type(err)(err.expected, found=err.found, where=place, mend=err.mend) from err
    return found


def _arm(
    record: _ArmRecord,
    model: Model,
    sets: list[ParameterSet],
    whole: _SimulationRecord,
    where: str,
) -> SimulatedArm:
    """An arm with all its numbers."""
    own = _values(record.values, f"{where} arm {record.name!r}")
    common = _values(whole.values, where)
    regimen = None if record.regimen is None else parse_regimen(record.regimen)
    for treatment in () if regimen is None else regimen.treatments:
        _check_treatment(treatment, model, f"{where} arm {record.name!r}")
    return SimulatedArm(
        name=record.name,
        regimen=regimen,
        regimen_text="" if record.regimen is None else str(regimen),
        parameters=resolve(model, sets, {**common, **own}),
        changed=tuple(own),
    )


def _check_treatment(treatment: Treatment, model: Model, where: str) -> None:
    """Refuse a treatment that the model would not notice."""
    compounds = [pk.compound for pk in model.pk]
    doses = [course.dose for course in treatment.courses if course.dose is not None]
    if doses and all(parse_unit(dose.unit).dimension == "absorbed dose" for dose in doses):
        if not any(event.kind == "radiation" for event in model.events):
            raise InputError(
                "a model with radiation",
                found=f"'{treatment}'",
                where=where,
                mend="add radiation_lq",
            )
        return
    name = treatment.compound
    if name is None or name.casefold() not in {known.casefold() for known in compounds}:
        raise InputError(
            "a compound of the model: " + (", ".join(compounds) or "it has none"),
            found="no name" if name is None else repr(name),
            where=where,
        )


def _control(record: _SimulationRecord, where: str) -> str:
    """The arm marked as control, else the first without regimen, else the first."""
    names = [arm.name for arm in record.arms]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("each arm once", found=f"{twice!r} twice", where=where)
    marked = [arm.name for arm in record.arms if arm.control]
    if len(marked) > 1:
        raise InputError("one control", found=", ".join(marked), where=where)
    untreated = [arm.name for arm in record.arms if arm.regimen is None]
    return (marked or untreated or names)[0]


def _days(record: _TimeRecord, where: str) -> FloatArray:
    """Days of the outputs."""
    stepped = record.end is not None and record.step is not None
    if (record.days is not None) == stepped or (record.days is None and not stepped):
        raise InputError(
            "[time] with end and step, or with days", found="neither or both", where=where
        )
    if record.days is not None:
        days = np.unique(np.asarray(record.days, dtype=np.float64))
    else:
        end, step = record.end or 0.0, record.step or 1.0
        count = int(np.floor(end / step + 1e-9))
        if count > _MOST_DAYS:
            raise InputError(f"at most {_MOST_DAYS} days", found=str(count), where=where)
        days = (
            np.append(np.arange(count) * step, end)
            if count * step > end - 1e-9
            else (np.append(np.arange(count + 1) * step, end))
        )
    if days.size < 2:
        raise InputError("two days or more", found=str(days.size), where=f"{where} [time]")
    return np.asarray(days, dtype=np.float64)


def _report_days(record: _TimeRecord, days: FloatArray, where: str) -> tuple[float, ...]:
    """Days of comparison."""
    if record.report is None:
        return (float(days[-1]),)
    for day in record.report:
        if not np.isclose(days, day, rtol=0, atol=1e-9).any():
            raise InputError(
                "report days among the days of the outputs", found=f"{day:g}", where=where
            )
    return tuple(sorted(set(record.report)))


def _outputs(record: _SimulationRecord, model: Model, where: str) -> tuple[str, ...]:
    """Outputs to show."""
    if record.outputs is None:
        return model.output_names
    for name in record.outputs:
        if name not in model.output_names:
            raise InputError(
                "an output of the model: " + ", ".join(model.output_names),
                found=repr(name),
                where=where,
            )
    return tuple(record.outputs)


def _study(record: _StudyRecord, days: FloatArray, model: Model, where: str) -> VirtualStudyPlan:
    """How a virtual study is made."""
    if not any(output.kind == "volume" for output in model.outputs):
        raise InputError("a model with a tumor volume", found="none", where=f"{where} [study]")
    if (record.days is None) == (record.every is None):
        raise InputError("days or every", found="neither or both", where=f"{where} [study]")
    if record.days is not None:
        visits = tuple(sorted(set(record.days)))
    else:
        every = record.every or 1.0
        visits = tuple(float(day) for day in np.arange(0.0, days[-1] + 1e-9, every))
    if len(visits) < 2:
        raise InputError("two visits or more", found=str(len(visits)), where=f"{where} [study]")
    return VirtualStudyPlan(
        animals_per_arm=record.animals_per_arm,
        days=visits,
        caliper_cv=record.caliper_cv,
        limit_mm3=record.limit_mm3,
        volume_limit_mm3=record.volume_limit_mm3,
    )
