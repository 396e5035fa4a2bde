"""What the checks say: findings, a report of them, and the check that makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.provenance import InputFile
from oncovivo.studies.check.rows import FileRows, StudyRows
from oncovivo.studies.check.wording import counted
from oncovivo.studies.readings import ReadOptions

__all__ = [
    "Check",
    "CheckOptions",
    "CheckReference",
    "CheckReport",
    "FileCheck",
    "Hit",
    "Place",
    "Severity",
    "StudyFinding",
    "StudyFindings",
    "file_check",
    "study_check",
]

Severity: TypeAlias = Literal["error", "warning", "info"]
IntArray: TypeAlias = NDArray[np.int64]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")

# More hits of one check in one study than this read as one problem of the file, and are joined.
MOST_SINGLE_HITS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the user says about a file before it is checked.

    Parameters
    ----------
    study, line : str, optional
        Check only this study, this line.
    arms : tuple of str
        Check only these arms; all when empty.
    control : str, optional
        The arm that the others are compared with; guessed from roles and labels when absent.
    reading : ReadOptions
        Column names, units, dates and worksheets, as for a reader.
    baseline_day : float, optional
        Study day.
    zeros : {"gone", "missing"}, optional
        What trailing zeros are, once the user has decided; ``padding_zeros`` is then silent.
    """

    study: str | None = None
    line: str | None = None
    arms: tuple[str, ...] = ()
    control: str | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    baseline_day: float | None = None
    zeros: Literal["gone", "missing"] | None = None

    def __post_init__(self) -> None:
        if self.zeros not in (None, "gone", "missing"):
            raise InputError("zeros: gone or missing", found=repr(self.zeros))

    def to_dict(self) -> dict[str, object]:
        """The options under the names of the ``--json`` contract, defaults included."""
        return {
            "study": self.study,
            "line": self.line,
            "arms": list(self.arms),
            "control": self.control,
            "mapping": dict(self.reading.mapping),
            "formula": self.reading.formula,
            "units": dict(self.reading.units),
            "baseline_day": self.baseline_day,
            "zeros": self.zeros,
        }


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a reading stands: its animal, its day and, when it came from a file, its row.

    ``day`` is None where the cell holds no number; ``row`` counts as a spreadsheet does, the
    header being row 1.
    """

    animal_id: str
    day: float | None
    row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFinding:
    """One thing that a check found.

    Parameters
    ----------
    code : str
        Name of the check.
    severity : Severity
        ``error``: the file contradicts itself or nature; ``warning``: look at it before using a
        number; ``info``: good to know, nothing to mend.
    message : str
        One line.
    arm, animal_id : str, optional
        The arm, and the animal, when it is about one.
    places : tuple of Place
        Readings it is about; empty when it is about the study as a whole.
    mend : str
        What to do.
    """

    code: str
    severity: Severity
    message: str
    arm: str | None = None
    animal_id: str | None = None
    places: tuple[Place, ...] = ()
    mend: str = ""

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of the file, rising; empty when the study did not come from rows."""
        return tuple(sorted({place.row for place in self.places if place.row is not None}))

    @property
    def animals(self) -> tuple[str, ...]:
        """Animals concerned, sorted."""
        named = {place.animal_id for place in self.places if place.animal_id}
        return tuple(sorted(named | ({self.animal_id} if self.animal_id else set())))

    @property
    def days(self) -> tuple[float, ...]:
        """Study days concerned, rising."""
        return tuple(sorted({place.day for place in self.places if place.day is not None}))

    def to_dict(self) -> dict[str, object]:
        """The finding under the names of the ``--json`` contract."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "arm": self.arm,
            "animal_id": self.animal_id,
            "animals": list(self.animals),
            "days": list(self.days),
            "rows": list(self.rows),
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFindings:
    """What the checks found in one study of one line.

    ``study`` and ``line`` are its labels, ``arms`` its arms in sorted order, ``n_animals`` and
    ``n_readings`` what was looked at.
    """

    study: str
    line: str
    arms: tuple[str, ...]
    n_animals: int
    n_readings: int
    findings: tuple[StudyFinding, ...]

    def to_dict(self) -> dict[str, object]:
        """The findings under the names of the ``--json`` contract."""
        return {
            "study": self.study,
            "line": self.line,
            "arms": list(self.arms),
            "n_animals": self.n_animals,
            "n_readings": self.n_readings,
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What the checks found in a file.

    Parameters
    ----------
    input : InputFile
        Name and digest.
    options : CheckOptions
        As given.
    findings : tuple of StudyFinding
        About the file as a whole.
    studies : tuple of StudyFindings
        One for each study and line, in the order of the file.
    """

    input: InputFile
    options: CheckOptions
    findings: tuple[StudyFinding, ...]
    studies: tuple[StudyFindings, ...]

    @property
    def all_findings(self) -> tuple[StudyFinding, ...]:
        """Findings of the file and of its studies."""
        return self.findings + tuple(f for study in self.studies for f in study.findings)

    def count(self, severity: Severity) -> int:
        """Number of findings of a severity."""
        return sum(finding.severity == severity for finding in self.all_findings)

    @property
    def failed(self) -> bool:
        """Whether there is an error or a warning; the command then ends with exit code 1."""
        return any(finding.severity != "info" for finding in self.all_findings)

    def to_dict(self) -> dict[str, object]:
        """The report as the ``--json`` contract has it."""
        return {
            "schema": "oncovivo.study_check/1",
            "input": {"name": self.input.name, "sha256": self.input.sha256},
            "options": self.options.to_dict(),
            "failed": self.failed,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [finding.to_dict() for finding in self.findings],
            "studies": [study.to_dict() for study in self.studies],
        }

    def summary(self) -> str:
        """A few lines: the counts, then one line for each check that found something."""
        words = {"error": "error", "warning": "warning", "info": "remark"}
        counts = ", ".join(counted(self.count(s), words[s]) for s in SEVERITIES)
        studies = counted(len(self.studies), "study", "studies")
        lines = [f"{self.input.name}: {studies} checked, {counts}."]
        found = Counter((f.severity, f.code) for f in self.all_findings)
        first = {f.code: f.message for f in reversed(self.all_findings)}
        order = {severity: place for place, severity in enumerate(SEVERITIES)}
        for severity, code in sorted(found, key=lambda key: (order[key[0]], key[1])):
            times = found[severity, code]
            more = f" (and {times - 1} more)" if times > 1 else ""
            lines.append(f"{severity:<7}  {code}: {first[code]}{more}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReference:
    """A check as the documentation lists it."""

    code: str
    severity: Severity
    title: str
    explanation: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a check yields: a finding before its code, severity and places are added.

    ``at`` holds indices of the rows it is about; ``mend`` replaces the check's own.
    """

    message: str
    arm: str | None = None
    animal_id: str | None = None
    at: Iterable[int] = ()
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of one study: pure, from its rows to hits.

    Parameters
    ----------
    code : str
        Name; also that of the function.
    severity : Severity
        Of all its findings.
    title : str
        One line.
    explanation : str
        What exactly it looks at and what it lets pass.
    mend : str
        What to do about it.
    run : callable
        The check itself.
    """

    code: str
    severity: Severity
    title: str
    explanation: str
    mend: str
    run: Callable[[StudyRows], Iterator[Hit]]

    def find(self, rows: StudyRows) -> tuple[StudyFinding, ...]:
        """Its findings in a study, in an order that the rows' order does not change."""
        # A file may hold 0, 1e308 and blanks side by side: what is no number fits no limit.
        with np.errstate(all="ignore"):
            found = [self._finding(hit, rows) for hit in self.run(rows)]
        findings = sorted(found, key=lambda f: (f.arm or "", f.animal_id or "", f.days, f.message))
        if len(findings) <= MOST_SINGLE_HITS:
            return tuple(findings)
        return (self._joined(findings),)

    def _finding(self, hit: Hit, rows: StudyRows) -> StudyFinding:
        """The finding of a hit."""
        return StudyFinding(
            code=self.code,
            severity=self.severity,
            message=hit.message,
            arm=hit.arm,
            animal_id=hit.animal_id,
            places=tuple(
                sorted(
                    (_place(rows, int(index)) for index in hit.at),
                    key=lambda p: (p.animal_id, p.day is None, p.day or 0.0, p.row or 0),
                )
            ),
            mend=self.mend if hit.mend is None else hit.mend,
        )

    def _joined(self, findings: list[StudyFinding]) -> StudyFinding:
        """Many findings as one."""
        arms = {finding.arm for finding in findings}
        places = dict.fromkeys(place for finding in findings for place in finding.places)
        return StudyFinding(
            code=self.code,
            severity=self.severity,
            message=f"{len(findings)} times: {findings[0].message}; and so on",
            arm=arms.pop() if len(arms) == 1 else None,
            animal_id=None,
            places=tuple(places),
            mend=findings[0].mend,
        )


def _place(rows: StudyRows, index: int) -> Place:
    """Place of a row."""
    day = float(rows.day[index])
    return Place(
        animal_id=str(rows.animal[index]),
        day=None if np.isnan(day) else day,
        row=None if rows.row is None else int(rows.row[index]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """A check of a file as a whole; its fields are those of :class:`Check`."""

    code: str
    severity: Severity
    title: str
    explanation: str
    mend: str
    run: Callable[[FileRows], Iterator[Hit]]

    def find(self, file: FileRows) -> tuple[StudyFinding, ...]:
        """Its findings in a file."""
        return tuple(
            StudyFinding(
                code=self.code,
                severity=self.severity,
                message=hit.message,
                arm=hit.arm,
                animal_id=hit.animal_id,
                mend=self.mend if hit.mend is None else hit.mend,
            )
            for hit in self.run(file)
        )


def study_check(
    severity: Severity, *, mend: str
) -> Callable[[Callable[[StudyRows], Iterator[Hit]]], Check]:
    """Decorator that makes a check of a function; name and docstring become code and title."""

    def make(function: Callable[[StudyRows], Iterator[Hit]]) -> Check:
        code, title, explanation = _described(function)
        return Check(
            code=code,
            severity=severity,
            title=title,
            explanation=explanation,
            mend=mend,
            run=function,
        )

    return make


def file_check(
    severity: Severity, *, mend: str
) -> Callable[[Callable[[FileRows], Iterator[Hit]]], FileCheck]:
    """As :func:`study_check`, for a check of a file as a whole."""

    def make(function: Callable[[FileRows], Iterator[Hit]]) -> FileCheck:
        code, title, explanation = _described(function)
        return FileCheck(
            code=code,
            severity=severity,
            title=title,
            explanation=explanation,
            mend=mend,
            run=function,
        )

    return make


def _described(function: Callable[..., object]) -> tuple[str, str, str]:
    """Code, title and explanation of a check's function."""
    title, _, explanation = cleandoc(function.__doc__ or "").partition("\n")
    return function.__name__, title.rstrip("."), explanation.strip()
