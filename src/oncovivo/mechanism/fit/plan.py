"""A fit as a file: which simulation, which arms, which parameters.

::

    schema = "oncovivo.fit/1"
    title = "A cytostatic drug without concentrations"
    simulation = "kpd.toml"

    [arms]                          # arm of the study = arm of the simulation
    control = "vehicle"
    "10 mg/kg" = "high"

    [estimate.v0]
    between_animal = true

    [estimate.growth_rate]
    start = 0.1                     # else the simulation's number; in the unit of the block
    between_animal = true

    [estimate.kde]

    [outputs.ps6]                   # what was read besides the volume, if anything
    error = "additive"              # of the reading; lognormal: of its logarithm
    factor = 100.0                  # reading over the model's number: percent of a fraction

    [leaving]
    volume_mm3 = 2000.0             # animals leave at the visit that reaches it

Parameters that are not named keep the simulation's numbers. Day 0 of the simulation is the
baseline of the study. Readings are lognormal around the volume; those below the limit are upper
bounds. Readings of further outputs come in a table of their own
(`oncovivo.mechanism.fit.output_readings`) and have a constant error on the scale that is said.
Leaving is taken to depend on what was read, as removal on size does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from scipy import special

from oncovivo.errors import FileFormatError, InputError
from oncovivo.mechanism.blocks import Transform
from oncovivo.mechanism.simulation_file import SimulatedArm, Simulation, read_simulation
from oncovivo.mechanism.toml_files import nearest
from oncovivo.texts import parse_toml

__all__ = ["EstimatedParameter", "FitPlan", "FittedOutput", "OutputError", "read_fit_plan"]

FloatArray: TypeAlias = NDArray[np.float64]
OutputError: TypeAlias = Literal["lognormal", "additive"]

# How far from its start an estimate may go: a factor of 3000, and as far on a logit.
_REACH: Final = 8.0
_SPREAD: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedParameter:
    """A parameter that is estimated.

    Parameters
    ----------
    name, unit, meaning : str
        Of the model.
    transform : {"log", "logit", "identity"}
        Scale on which animals differ and the estimate is normal.
    lower, upper : float
        Ends of the logit.
    start : float
        Where the search begins, natural value.
    between_animal : bool
        Whether animals differ.
    spread : float
        First guess of their standard deviation on the transformed scale.
    """

    name: str
    unit: str
    meaning: str
    transform: Transform
    lower: float
    upper: float
    start: float
    between_animal: bool
    spread: float

    def to_scale(self, value: float | FloatArray) -> FloatArray:
        """Natural values on the estimation scale."""
        natural = np.asarray(value, dtype=np.float64)
        if self.transform == "log":
            return np.asarray(np.log(natural))
        if self.transform == "logit":
            return np.asarray(special.logit((natural - self.lower) / (self.upper - self.lower)))
        return natural

    def natural(self, value: float | FloatArray) -> FloatArray:
        """Natural values of what is on the estimation scale."""
        scaled = np.asarray(value, dtype=np.float64)
        if self.transform == "log":
            return np.asarray(np.exp(scaled))
        if self.transform == "logit":
            return np.asarray(self.lower + (self.upper - self.lower) * special.expit(scaled))
        return scaled

    @property
    def box(self) -> tuple[float, float]:
        """Lowest and highest value of the search, on the estimation scale."""
        middle = float(self.to_scale(self.start))
        if self.transform == "logit":
            return -_REACH, _REACH
        reach = _REACH if self.transform == "log" else 100.0 * max(abs(middle), 1.0)
        return middle - reach, middle + reach


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedOutput:
    """An output that was read.

    Parameters
    ----------
    name : str
        Of the model.
    error : {"lognormal", "additive"}
        Whether the logarithm of a reading has a normal error, or the reading itself.
    factor : float
        Reading over the model's number: 100 where a fraction is read in percent.
    """

    name: str
    error: OutputError
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """A fit that can run.

    Parameters
    ----------
    name, title : str
        Name of the file without its ending; one line.
    simulation : Simulation
        The model with its arms and numbers.
    arms : tuple of (str, str)
        Arm of the study and arm of the simulation.
    output : str
        Volume that the readings measure.
    estimated : tuple of EstimatedParameter
        What is estimated.
    leaves_at_mm3 : float or None
        Reading at which an animal leaves, for simulated animals only.
    baseline_day : float or None
        Day of the study that is day 0 of the simulation; else as the study has it.
    seed : int or None
        Seed of all draws.
    further : tuple of FittedOutput
        What was read besides the volume.
    """

    name: str
    title: str
    simulation: Simulation
    arms: tuple[tuple[str, str], ...]
    output: str
    estimated: tuple[EstimatedParameter, ...]
    leaves_at_mm3: float | None
    baseline_day: float | None
    seed: int | None
    further: tuple[FittedOutput, ...] = ()

    @property
    def outputs(self) -> tuple[FittedOutput, ...]:
        """The volume, and what else was read."""
        return (FittedOutput(name=self.output, error="lognormal"), *self.further)

    @property
    def start(self) -> FloatArray:
        """Where the search begins, shape (k,), on the estimation scale."""
        return np.array([float(one.to_scale(one.start)) for one in self.estimated])

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest values of the search, shape (k,) each, on the estimation scale."""
        ends = np.array([one.box for one in self.estimated])
        return ends[:, 0], ends[:, 1]

    def simulated_arm(self, study_arm: str) -> SimulatedArm:
        """The simulation's arm behind one of the study.

        Raises
        ------
        KeyError
            If the plan does not name it.
        """
        name = dict(self.arms)[study_arm]
        return next(arm for arm in self.simulation.arms if arm.name == name)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class _EstimateRecord(_Strict):
    start: _Real | None = None
    between_animal: bool = False
    spread: _Positive = _SPREAD


class _OutputRecord(_Strict):
    error: OutputError
    factor: _Positive = 1.0


class _LeavingRecord(_Strict):
    volume_mm3: _Positive


class _PlanRecord(_Strict):
    schema_: Literal["oncovivo.fit/1"] = Field(alias="schema")
    title: _Text
    simulation: _Text
    output: _Text | None = None
    baseline_day: _Real | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None
    arms: Annotated[dict[_Text, _Text], Field(min_length=1)]
    estimate: Annotated[dict[_Text, _EstimateRecord], Field(min_length=1)]
    outputs: dict[_Text, _OutputRecord] = Field(default_factory=dict)
    leaving: _LeavingRecord | None = None


def read_fit_plan(path: Path) -> FitPlan:
    """The fit that a file describes.

    Parameters
    ----------
    path : Path
        A ``.toml`` file as the head of this module describes it; its simulation is relative to it.

    Raises
    ------
    FileFormatError
        If a file cannot be read or is not what it should be.
    InputError
        If an arm, an output or a parameter is not one of the simulation.
    """
    where = path.name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("a fit plan", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=where) from err
    try:
        record = _PlanRecord.model_validate(parse_toml(text, where=where))
    except ValidationError as err:
        raise FileFormatError.from_validation(err, what="a fit plan", where=where) from err
    simulation = read_simulation(path.parent / record.simulation)
    names = [arm.name for arm in simulation.arms]
    for arm in record.arms.values():
        if arm not in names:
            raise InputError(
                "an arm of the simulation: " + ", ".join(names),
                found=repr(arm),
                where=f"{where} [arms]",
                mend=nearest(arm, names),
            )
    return FitPlan(
        name=path.stem,
        title=record.title,
        simulation=simulation,
        arms=tuple(record.arms.items()),
        output=_output(record, simulation, where),
        estimated=tuple(
            _estimated(name, one, record, simulation, where)
            for name, one in record.estimate.items()
        ),
        leaves_at_mm3=None if record.leaving is None else record.leaving.volume_mm3,
        baseline_day=record.baseline_day,
        seed=record.seed,
        further=_further(record, simulation, where),
    )


def _further(record: _PlanRecord, simulation: Simulation, where: str) -> tuple[FittedOutput, ...]:
    """What was read besides the volume."""
    volume = _output(record, simulation, where)
    known = [name for name in simulation.model.output_names if name != volume]
    for name in record.outputs:
        if name not in known:
            raise InputError(
                "an output of the model besides the volume: " + (", ".join(known) or "none"),
                found=repr(name),
                where=f"{where} [outputs]",
                mend=nearest(name, known),
            )
    return tuple(
        FittedOutput(name=name, error=one.error, factor=one.factor)
        for name, one in record.outputs.items()
    )


def _output(record: _PlanRecord, simulation: Simulation, where: str) -> str:
    """The volume that readings measure."""
    volumes = [one.name for one in simulation.model.outputs if one.kind == "volume"]
    if record.output is None and len(volumes) == 1:
        return volumes[0]
    if record.output is None or record.output not in volumes:
        raise InputError(
            "a volume of the model as output: " + (", ".join(volumes) or "it has none"),
            found="none" if record.output is None else repr(record.output),
            where=where,
        )
    return record.output


def _estimated(
    name: str, one: _EstimateRecord, record: _PlanRecord, simulation: Simulation, where: str
) -> EstimatedParameter:
    """A parameter with its scale and its start."""
    place = f"{where} estimate.{name}"
    known = simulation.model.parameter_names
    if name not in known:
        raise InputError(
            "a parameter of the model", found=repr(name), where=place, mend=nearest(name, known)
        )
    for arm in simulation.arms:
        if arm.name in record.arms.values() and name in arm.changed:
            raise InputError(
                "an estimated parameter without a number of an arm's own",
                found=f"arm {arm.name!r} has one",
                where=place,
            )
    entry = simulation.arms[0].parameters[name]
    start = entry.value if one.start is None else one.start
    lower = -np.inf if entry.lower is None else entry.lower
    upper = np.inf if entry.upper is None else entry.upper
    if entry.transform == "logit":
        lower, upper = max(lower, 0.0), min(upper, 1.0) if entry.upper is None else upper
    if entry.transform == "log":
        lower = max(lower, 0.0)
    if not (lower < start < upper):
        raise InputError(
            f"a start between {lower:g} and {upper:g} {entry.unit.symbol}, not at an end",
            found=f"{start:g}",
            where=place,
        )
    return EstimatedParameter(
        name=name,
        unit=entry.unit.symbol,
        meaning=entry.meaning,
        transform=entry.transform,
        lower=lower,
        upper=upper,
        start=start,
        between_animal=one.between_animal,
        spread=one.spread,
    )
