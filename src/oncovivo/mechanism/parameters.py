"""Parameter sets: numbers with unit, status and source, and how they fill a model.

Each number is *measured*, *scaled* (from another species or drug), *fitted* or *assumed*. The
status travels with the number to whatever is derived from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictStr, StringConstraints, ValidationError

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.mechanism.blocks import Parameter, Transform
from oncovivo.mechanism.dimensions import CompoundUnit, describe, parse_compound_unit
from oncovivo.mechanism.model import Model
from oncovivo.mechanism.toml_files import nearest, read_named

__all__ = [
    "STATUSES",
    "ParameterSet",
    "ParameterValue",
    "ResolvedParameter",
    "ResolvedParameters",
    "Status",
    "read_parameter_set",
    "resolve",
]

Status: TypeAlias = Literal["measured", "scaled", "fitted", "assumed"]

STATUSES: Final[tuple[Status, ...]] = ("measured", "scaled", "fitted", "assumed")
"""From best known to least."""

NO_SOURCE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    """A number as a set or a simulation gives it.

    Parameters
    ----------
    value : float
        In `unit`.
    unit : str
        Any compound unit; it is converted into the block's.
    status : {"measured", "scaled", "fitted", "assumed"}
        Where the number comes from.
    source : str
        A key of the set's sources, a colon, and the place in it; ``"none"`` only if assumed.
    between_animal_cv : float, optional
        Coefficient of variation between animals, lognormal (normal on the identity scale).
    between_animal_sd : float, optional
        Standard deviation between animals on the logit scale, for parameters with that transform.
    uncertainty_cv : float, optional
        Coefficient of variation of the typical value itself.
    note : str, optional
        Anything a reader should know.

    Raises
    ------
    InputError
        If a number is not finite, a variation negative, or a source missing.
    UnitError
        If the unit is unknown.
    """

    value: float
    unit: str
    status: Status
    source: str = NO_SOURCE
    between_animal_cv: float | None = None
    between_animal_sd: float | None = None
    uncertainty_cv: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not np.isfinite(self.value):
            raise InputError("a finite value", found=str(self.value))
        if self.status not in STATUSES:
            raise InputError(f"a status out of {', '.join(STATUSES)}", found=repr(self.status))
        if self.source == NO_SOURCE and self.status != "assumed":
            raise InputError(
                f"a source for what is {self.status}",
                found=repr(self.source),
                mend='name it, or say status = "assumed"',
            )
        if not self.source.strip():
            raise InputError('a source, or "none"', found=repr(self.source))
        for name in ("between_animal_cv", "between_animal_sd", "uncertainty_cv"):
            spread: float | None = getattr(self, name)
            if spread is not None and not (np.isfinite(spread) and spread >= 0.0):
                raise InputError(f"a {name} that is finite and not negative", found=str(spread))
        if self.between_animal_cv is not None and self.between_animal_sd is not None:
            raise InputError("one of between_animal_cv and between_animal_sd", found="both")
        parse_compound_unit(self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSet:
    """Numbers that belong together: one drug in one species, one tumor line."""

    name: str
    title: str
    file: str
    sources: Mapping[str, str]
    values: Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedParameter:
    """A parameter of a model with its number, in the unit of the block that declares it.

    ``given`` is the number as it was written, ``origin`` the set it comes from, or ``override``;
    ``citation`` is the work behind the source's key, empty if there is none.
    """

    name: str
    value: float
    unit: CompoundUnit
    meaning: str
    status: Status
    source: str
    citation: str
    origin: str
    given: ParameterValue
    lower: float | None
    upper: float | None
    transform: Transform
    between_animal_cv: float | None
    between_animal_sd: float | None
    uncertainty_cv: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedParameters:
    """All parameters of a model in its order."""

    entries: tuple[ResolvedParameter, ...]
    _by_name: Mapping[str, ResolvedParameter] = field(repr=False)

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers, shape (p,), in the order and units of the model."""
        return np.array([entry.value for entry in self.entries], dtype=np.float64)

    @property
    def assumed_count(self) -> int:
        """How many are assumed."""
        return self.count("assumed")

    @property
    def scaled_count(self) -> int:
        """How many are scaled."""
        return self.count("scaled")

    def count(self, status: Status, names: Collection[str] | None = None) -> int:
        """How many have a status, of all or of some names.

        Parameters
        ----------
        status : {"measured", "scaled", "fitted", "assumed"}
            What is counted.
        names : collection of str, optional
            Which parameters; all if not given.
        """
        return sum(
            entry.status == status and (names is None or entry.name in names)
            for entry in self.entries
        )

    def __getitem__(self, name: str) -> ResolvedParameter:
        """One by name.

        Raises
        ------
        InputError
            If the model has no such parameter.
        """
        if name not in self._by_name:
            raise InputError(
                "a parameter of the model",
                found=repr(name),
                mend=nearest(name, list(self._by_name)),
            )
        return self._by_name[name]

    def __iter__(self) -> Iterator[ResolvedParameter]:
        """In the model's order."""
        return iter(self.entries)

    def __len__(self) -> int:
        """How many."""
        return len(self.entries)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
_Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _SourceRecord(_Strict):
    citation: _Text


class _ValueRecord(_Strict):
    value: _Real
    unit: _Text
    status: Status
    source: _Text
    between_animal_cv: _Real | None = None
    between_animal_sd: _Real | None = None
    uncertainty_cv: _Real | None = None
    note: StrictStr = ""


class _SetRecord(_Strict):
    schema_: Literal["oncovivo.parameters/1"] = Field(alias="schema")
    name: _Identifier
    title: _Text
    sources: dict[_Identifier, _SourceRecord] = {}
    parameters: Annotated[dict[_Identifier, _ValueRecord], Field(min_length=1)]


def read_parameter_set(name_or_path: str | Path) -> ParameterSet:
    """Parameter set from a file.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped set, or a path (text that ends in ``.toml``, or a Path).

    Raises
    ------
    FileFormatError
        If the file is not a parameter set as the reference page describes it; a number without
        status or source is none.
    InputError
        If no set of that name is shipped, a source has no entry, or a number is out of its domain.
    UnitError
        If a unit is unknown.
    """
    content, file = read_named(name_or_path, "parameter_sets", what="a parameter set")
    return parameter_set_from_content(content, file=file)


def parameter_set_from_content(content: Mapping[str, object], *, file: str) -> ParameterSet:
    """Parameter set from the tables of its TOML; raises as :func:`read_parameter_set`.

    Parameters
    ----------
    content : mapping
        What TOML holds.
    file : str
        Its name for messages.
    """
    try:
        record = _SetRecord.model_validate(content)
    except ValidationError as err:
        raise FileFormatError.from_validation(err, what="a parameter set", where=file) from err
    sources = {key: entry.citation for key, entry in record.sources.items()}
    values = {}
    for name, entry in record.parameters.items():
        where = f"{file} parameters.{name}"
        try:
            values[name] = ParameterValue(**entry.model_dump())
        except InputError as err:
            kind = UnitError if isinstance(err, UnitError) else InputError
            raise kind(err.expected, found=err.found, where=where, mend=err.mend) from err
        key = _source_key(entry.source)
        if entry.source != NO_SOURCE and key not in sources:
            raise InputError(
                "a source that [sources] holds",
                found=repr(key),
                where=where,
                mend=nearest(key, list(sources)) or f"add [sources.{key}]",
            )
    used = {_source_key(entry.source) for entry in record.parameters.values()}
    idle = [key for key in sources if key not in used]
    if idle:
        raise InputError(
            "each source used by a parameter",
            found=f"{idle[0]!r}, which none names",
            where=file,
            mend="remove it, or name it where it was read",
        )
    return ParameterSet(
        name=record.name, title=record.title, file=file, sources=sources, values=values
    )


def resolve(
    model: Model,
    sets: Sequence[ParameterSet],
    overrides: Mapping[str, ParameterValue] | None = None,
) -> ResolvedParameters:
    """A number for each parameter of a model, in the model's units.

    Parameters
    ----------
    model : Model
        What asks for numbers.
    sets : sequence of ParameterSet
        Each parameter is in exactly one of them, and each of their numbers is used.
    overrides : mapping of str to ParameterValue, optional
        Numbers that replace those of the sets or stand for missing ones (a genotype, a partner,
        what one study measured), with their own status.

    Raises
    ------
    InputError
        If a number is missing, unused or given twice, or lies outside its bounds.
    UnitError
        If a number's unit does not measure what the block declares; names both.
    """
    chosen = _chosen(model, sets)
    for name, value in (overrides or {}).items():
        if name not in model.parameter_names:
            raise InputError(
                "a parameter of the model as override",
                found=repr(name),
                mend=nearest(name, model.parameter_names),
            )
        known = {key: citation for one in sets for key, citation in one.sources.items()}
        chosen[name] = (value, "override", known)
    missing = [name for name in model.parameter_names if name not in chosen]
    if missing:
        listed = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
        names = [one.name for one in sets]
        raise InputError(
            f"a value for each of the {len(model.parameter_names)} parameters",
            found=f"none for {listed}",
            where=f"parameter sets {', '.join(names) or '(none)'}",
            mend="add a parameter set that holds it, or an override",
        )
    entries = tuple(
        _resolved(parameter, *chosen[parameter.name]) for parameter in model.parameters
    )
    return ResolvedParameters(entries=entries, _by_name={entry.name: entry for entry in entries})


_Choice: TypeAlias = tuple[ParameterValue, str, Mapping[str, str]]


def _chosen(model: Model, sets: Sequence[ParameterSet]) -> dict[str, _Choice]:
    """The sets' numbers by name, each used and given once."""
    chosen: dict[str, _Choice] = {}
    for one in sets:
        for name, value in one.values.items():
            if name not in model.parameter_names:
                raise InputError(
                    "parameters that the model has",
                    found=f"{name!r}, which it does not use",
                    where=one.file,
                    mend=nearest(name, model.parameter_names) or "add its block or remove it",
                )
            if name in chosen:
                raise InputError(
                    "each parameter in one set",
                    found=f"{name} in {chosen[name][1]} and in {one.name}",
                    where=one.file,
                    mend="remove one, or give an override",
                )
            chosen[name] = (value, one.name, one.sources)
    return chosen


def _resolved(
    parameter: Parameter, given: ParameterValue, origin: str, sources: Mapping[str, str]
) -> ResolvedParameter:
    """One number in the block's unit, within its bounds."""
    where = f"{origin} {parameter.name}"
    unit = parse_compound_unit(given.unit)
    if unit.exponents != parameter.unit.exponents:
        raise UnitError(
            f"{parameter.name} in a unit like {parameter.unit.symbol} "
            f"({describe(parameter.unit.exponents)})",
            found=f"{given.value:g} {unit.symbol} ({describe(unit.exponents)})",
            where=where,
            mend="correct the unit in the set",
        )
    factor = unit.scale / parameter.unit.scale
    # Dividing by a whole number keeps the digits that multiplying by its inverse would round.
    value = given.value * factor.numerator / factor.denominator
    _check_bounds(parameter, value, where)
    _check_spread(parameter, given, value, where)
    citation = sources.get(_source_key(given.source), "")
    return ResolvedParameter(
        name=parameter.name,
        value=value,
        unit=parameter.unit,
        meaning=parameter.meaning,
        status=given.status,
        source=given.source,
        citation=citation,
        origin=origin,
        given=replace(given),
        lower=parameter.lower,
        upper=parameter.upper,
        transform=parameter.transform,
        between_animal_cv=given.between_animal_cv,
        between_animal_sd=given.between_animal_sd,
        uncertainty_cv=given.uncertainty_cv,
        note=given.note,
    )


def _check_bounds(parameter: Parameter, value: float, where: str) -> None:
    """The number lies within what the block allows."""
    lower, upper, symbol = parameter.lower, parameter.upper, parameter.unit.symbol
    beyond = " (not at it)" if parameter.open else ""
    if lower is not None and (value < lower or (parameter.open and value == lower)):
        raise InputError(
            f"{parameter.name} of at least {lower:g} {symbol}{beyond}",
            found=f"{value:g} {symbol}",
            where=where,
        )
    if upper is not None and (value > upper or (parameter.open and value == upper)):
        raise InputError(
            f"{parameter.name} of at most {upper:g} {symbol}{beyond}",
            found=f"{value:g} {symbol}",
            where=where,
        )


def _check_spread(parameter: Parameter, given: ParameterValue, value: float, where: str) -> None:
    """The variation is stated on the scale of the parameter."""
    if given.between_animal_sd is not None and parameter.transform != "logit":
        raise InputError(
            "between_animal_cv, because animals vary on the "
            f"{parameter.transform} scale of {parameter.name}",
            found="between_animal_sd",
            where=where,
        )
    if given.between_animal_cv is not None and parameter.transform == "logit":
        raise InputError(
            f"between_animal_sd on the logit scale of {parameter.name}",
            found="between_animal_cv",
            where=where,
        )
    spread = (given.between_animal_cv, given.between_animal_sd, given.uncertainty_cv)
    ends = {"log": (0.0,), "logit": (parameter.lower, parameter.upper), "identity": ()}
    if any(spread) and value in ends[parameter.transform]:
        raise InputError(
            f"no variation of {parameter.name}, which lies on a bound of its scale",
            found=f"{value:g} {parameter.unit.symbol} with variation",
            where=where,
        )


def _source_key(source: str) -> str:
    """The key before the place."""
    return source.split(":", 1)[0].strip()
