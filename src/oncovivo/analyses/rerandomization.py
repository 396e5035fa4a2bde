"""The outcome of a study against the allocations that could have come instead of the recorded one.

The outcome is one number of each animal, taken from a study file (``rate``: the least-squares
slope of its log volumes, per day; ``log_volume``: the log of its volume on a day) or from a column
of a table. Readings that are gone or below the limit count as the limit. Whatever the outcome, the
p-value rests on the recorded draw alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np

from oncovivo.analyses.allocation import read_record
from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.design.allocation import AllocationRecord
from oncovivo.design.allocation_input import read_animals
from oncovivo.design.rerandomization import RerandomizationTest, rerandomization_test
from oncovivo.errors import DataError, FileFormatError, FindingsError, InputError
from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.numerics.multiple_testing import holm
from oncovivo.provenance import InputFile, digest_inputs, seed_of
from oncovivo.studies.delimited import read_delimited

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ArmTest",
    "FileRerandomization",
    "OutcomeKind",
    "RerandomizationOptions",
    "rerandomize_file",
]

SCHEMA: Final = "oncovivo.design_rerandomize/1"

OutcomeKind: TypeAlias = Literal["rate", "log_volume", "column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RerandomizationOptions:
    """What is tested, and how.

    Parameters
    ----------
    control : str, optional
        Arm that the others are compared with; else as the recorded design names it.
    arms : tuple of str
        The others; all when empty.
    outcome : {"rate", "log_volume", "column"}
        What the outcome of an animal is.
    day : float, optional
        Study day of ``log_volume``.
    column : str, optional
        Column of a table whose numbers are the outcome.
    draws : int
        Allocations to draw for each test.
    seed : int, optional
        Else from the digests of the three files.

    Raises
    ------
    InputError
        If the parts contradict each other.
    """

    control: str | None = None
    arms: tuple[str, ...] = ()
    outcome: OutcomeKind = "rate"
    day: float | None = None
    column: str | None = None
    draws: int = 9_999
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.outcome not in get_args(OutcomeKind):
            expected = "an outcome: rate or log_volume, or a column"
            raise InputError(expected, found=repr(self.outcome), where="--outcome")
        if (self.outcome == "log_volume") != (self.day is not None):
            raise InputError(
                "a day with the outcome log_volume, and with no other",
                found="none" if self.day is None else f"day {self.day:g} with {self.outcome}",
                where="--day",
            )
        if (self.outcome == "column") != (self.column is not None):
            expected = "the name of a column with the outcome column, and with no other"
            raise InputError(expected, found=repr(self.column), where="--column")
        if self.draws < 1:
            raise InputError("one draw or more", found=str(self.draws), where="--draws")

    def to_dict(self) -> dict[str, object]:
        """The options under the names of the ``--json`` contract, defaults included."""
        content = asdict(self)
        del content["seed"], content["arms"]
        return {**content, "arms": list(self.arms)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTest:
    """The test of an arm against the control.

    Parameters
    ----------
    arm, versus : str
        The arms.
    n, n_versus : int
        Their animals.
    test : RerandomizationTest or None
        What was found; None where the design leaves nothing to compare with.
    p_holm : float or None
        The p-value, adjusted for all tests by Holm's method.
    reason : str
        Why there is no test.
    """

    arm: str
    versus: str
    n: int
    n_versus: int
    test: RerandomizationTest | None
    p_holm: float | None
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        test = self.test
        return {
            "arm": self.arm,
            "versus": self.versus,
            "n": self.n,
            "n_versus": self.n_versus,
            "status": "not_estimable" if test is None else "ok",
            "reason": self.reason,
            "difference": None if test is None else test.difference,
            "p_value": None if test is None else test.p_value,
            "p_holm": self.p_holm,
            "draws": None if test is None else test.draws,
            "n_units": None if test is None else test.n_units,
            "smallest_p": None if test is None else test.smallest_p,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRerandomization:
    """The tests of a study, and what they were made from.

    Parameters
    ----------
    source, record_file, animals_file : InputFile
        The outcome, the record of the allocation and the list that it was made for.
    reading : StudyOptions
        How the study was read.
    options : RerandomizationOptions
        What was asked.
    record : AllocationRecord
        The allocation.
    control : str
        Arm that the others were compared with.
    study, line : str
        Names of the study; blank for a table.
    seed : int
        Of the draws.
    outcomes : mapping of str to float
        Of each animal of the record that has one.
    tests : tuple of ArmTest
        By arm of the design.
    """

    source: InputFile
    record_file: InputFile
    animals_file: InputFile
    reading: StudyOptions
    options: RerandomizationOptions
    record: AllocationRecord
    control: str
    study: str
    line: str
    seed: int
    outcomes: Mapping[str, float]
    tests: tuple[ArmTest, ...]

    def to_frame(self) -> pd.DataFrame:
        """A row for each test."""
        import pandas as pd

        return pd.DataFrame([test.to_dict() for test in self.tests])

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design rerandomize``."""
        files = {"record": self.record_file, "animals": self.animals_file}
        return contract(
            SCHEMA,
            source=self.source,
            options={
                **self.reading.to_dict(),
                **self.options.to_dict(),
                "control": self.control,
                **{k: {"name": v.name, "sha256": v.sha256} for k, v in files.items()},
            },
            seed=self.seed,
            content={
                "studies": [
                    {
                        "study": self.study,
                        "line": self.line,
                        "method": self.record.design.method,
                        "threshold": self.record.threshold,
                        "tests": [test.to_dict() for test in self.tests],
                        "outcomes": [
                            {"animal_id": name, "arm": arm, "outcome": self.outcomes.get(name)}
                            for name, arm in self.record.arm_of().items()
                        ],
                    }
                ]
            },
        )


def rerandomize_file(
    record: Path,
    path: Path,
    animals: Path,
    *,
    options: RerandomizationOptions,
    reading: StudyOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileRerandomization:
    """Test the arms of a study against its control by the recorded allocation.

    Parameters
    ----------
    record : Path
        The record that ``oncovivo design allocate --record`` wrote.
    path : Path
        The study, or a table with the columns ``animal_id`` and that of the outcome.
    animals : Path
        The list of animals that was allocated.
    options : RerandomizationOptions
        What is tested.
    reading : StudyOptions, optional
        How the study is read.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    InputError
        If an arm is not in the design, or the file holds several studies.
    FindingsError
        If the animals are not those of the record, or are in other arms in the study.
    DataError
        If an outcome is missing, or no other allocation was possible in any test.
    """
    reading = reading or StudyOptions()
    progress("reading")
    drawn = read_record(record)
    listed = read_animals(animals).animals
    control, others = _arms(drawn, options)
    study, line, outcomes = _outcomes(path, drawn, options, reading)
    sources = tuple(input_digest(one) for one in (path, record, animals))
    seed = seed_of(digest_inputs(sources)) if options.seed is None else options.seed
    # A stream for each arm of the design: leaving an arm out does not change the others.
    streams = dict(
        zip(
            drawn.design.arm_names,
            np.random.SeedSequence(seed).spawn(len(drawn.design.arm_names)),
            strict=True,
        )
    )
    found: list[tuple[str, RerandomizationTest | None, str]] = []
    refusals: list[DataError] = []
    for arm in others:
        progress(arm)
        try:
            rng = np.random.default_rng(streams[arm])
            test = rerandomization_test(
                drawn,
                listed,
                outcomes,
                arm=arm,
                versus=control,
                draws=options.draws,
                rng=rng,
            )
        except DataError as error:
            refusals.append(error)
            found.append((arm, None, str(error)))
        else:
            found.append((arm, test, ""))
    if len(refusals) == len(others):
        raise refusals[0]
    return FileRerandomization(
        source=sources[0],
        record_file=sources[1],
        animals_file=sources[2],
        reading=reading,
        options=options,
        record=drawn,
        control=control,
        study=study,
        line=line,
        seed=seed,
        outcomes=outcomes,
        tests=_adjusted(found, drawn, control),
    )


def _adjusted(
    found: Sequence[tuple[str, RerandomizationTest | None, str]],
    record: AllocationRecord,
    control: str,
) -> tuple[ArmTest, ...]:
    """The tests with Holm's p-values over those that exist."""
    known = [test.p_value for _, test, _ in found if test is not None]
    adjusted = iter(np.asarray(holm(np.array(known))).tolist())
    sizes = {balance.arm: balance.n for balance in record.balance()}
    return tuple(
        ArmTest(
            arm=arm,
            versus=control,
            n=sizes[arm],
            n_versus=sizes[control],
            test=test,
            p_holm=None if test is None else next(adjusted),
            reason=reason,
        )
        for arm, test, reason in found
    )


def _arms(
    record: AllocationRecord, options: RerandomizationOptions
) -> tuple[str, tuple[str, ...]]:
    """The control, and the arms that are compared with it."""
    names = record.design.arm_names
    control = record.design.control if options.control is None else options.control
    if control is None:
        expected = "a control: " + ", ".join(names)
        raise InputError(expected, found="none", where="command line", mend="name it: --control")
    for name in (control, *options.arms):
        if name not in names:
            expected = "an arm of the record: " + ", ".join(names)
            raise InputError(expected, found=repr(name))
    chosen = options.arms or names
    others = tuple(name for name in names if name in chosen and name != control)
    if not others:
        expected = "an arm beside the control"
        raise InputError(expected, found="none", where="--arms")
    return control, others


def _outcomes(
    path: Path, record: AllocationRecord, options: RerandomizationOptions, reading: StudyOptions
) -> tuple[str, str, dict[str, float]]:
    """Names of the study, and the outcome of each animal that has one."""
    if options.column is not None:
        return "", "", _column(path, options.column)
    studies = load_studies(path, reading)
    if len(studies) != 1:
        raise InputError(
            "one study",
            found=", ".join(f"{s.study_id}, {s.line.name}" for s in studies),
            where=path.name,
            mend="name it with --study and --line",
        )
    (study,) = studies
    arm_of = record.arm_of()
    for animal in study.animals:
        if arm_of.get(animal.animal_id, animal.arm) != animal.arm:
            raise FindingsError(
                f"arm '{arm_of[animal.animal_id]}' of the record",
                found=f"'{animal.arm}'",
                where=f"study {study.study_id}, animal '{animal.animal_id}'",
                mend="analyze it in the arm that it was allocated to",
            )
    data = growth_data(study, baseline_day=reading.baseline_day)
    if options.day is None:
        return study.study_id, study.line.name, _rates(data)
    return study.study_id, study.line.name, _log_volumes(data, options.day)


def _column(path: Path, column: str) -> dict[str, float]:
    """Outcomes of a table; a blank cell is a missing one."""
    table = read_delimited(path, decimal_columns=(column,))
    for name in ("animal_id", column):
        if name not in table.texts:
            raise FileFormatError(
                f"the columns animal_id and {column}",
                found=", ".join(table.texts),
                where=table.place,
                mend="name the column of the outcome with --column",
            )
    values = table.numbers(column).values.tolist()
    found: dict[str, float] = {}
    for index, (name, value) in enumerate(zip(table.words("animal_id"), values, strict=True)):
        if name in found:
            raise table.error(index, "animal_id", "one row for each animal")
        found[name] = value
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _rates(data: GrowthData) -> dict[str, float]:
    """Least-squares slope of each animal's log sizes, per day; those of one day have none."""
    found: dict[str, float] = {}
    for number, name in enumerate(data.animal_ids):
        own = data.animal == number
        time = data.time[own] - data.time[own].mean()
        spread = float(time @ time)
        if spread > 0:
            found[name] = float(time @ data.log_size[own]) / spread
    return found


def _log_volumes(data: GrowthData, day: float) -> dict[str, float]:
    """Log size of each animal on a day."""
    rows = np.flatnonzero(np.isclose(data.day, day))
    if not rows.size:
        days = ", ".join(f"{known:g}" for known in np.unique(data.day))
        raise InputError(f"a day with readings: {days}", found=f"{day:g}", where="--day")
    return {data.animal_ids[data.animal[row]]: float(data.log_size[row]) for row in rows}
