"""The checks at work: on a file, and on a study."""

from __future__ import annotations

from pathlib import Path

from oncovivo.errors import FileFormatError
from oncovivo.provenance import InputFile, digest_file, digest_inputs
from oncovivo.studies.check.files import reader_refuses
from oncovivo.studies.check.model import (
    SEVERITIES,
    CheckOptions,
    CheckReport,
    StudyFinding,
    StudyFindings,
)
from oncovivo.studies.check.reading import read_file_rows, rows_of_study
from oncovivo.studies.check.registry import CHECKS, FILE_CHECKS
from oncovivo.studies.check.rows import StudyRows
from oncovivo.studies.study import Study

__all__ = ["check_file", "check_study"]


def check_file(path: Path | str, *, options: CheckOptions | None = None) -> CheckReport:
    """What is wrong with a file, and what to know about it.

    The file is read leniently: what no study can hold, such as an animal in two arms, is found
    and reported with its rows.

    Parameters
    ----------
    path : path-like
        A file or study folder that :func:`read_study` takes, or would take without its mistakes.
    options : CheckOptions, optional
        Column names, control, baseline day and the like.

    Raises
    ------
    FileFormatError
        If the file as a whole cannot be read, or is no table of tumor sizes by animal and day.
    InputError
        If the options name a study, line or arm that the file does not have.
    """
    path, options = Path(path), options or CheckOptions()
    file = read_file_rows(path, options)
    studies = tuple(_check_rows(rows) for rows in file.studies)
    named = any(
        finding.severity == "error" or finding.code == "area_not_volume"
        for study in studies
        for finding in study.findings
    )
    return CheckReport(
        input=_input(path),
        options=options,
        findings=tuple(
            finding
            for check in FILE_CHECKS
            if check is not reader_refuses or not named
            for finding in check.find(file)
        ),
        studies=studies,
    )


def check_study(study: Study, *, options: CheckOptions | None = None) -> StudyFindings:
    """What is wrong with a study, and what to know about it.

    Parameters
    ----------
    study : Study
        In memory; findings then name animals and days, not rows.
    options : CheckOptions, optional
        Control, baseline day and the meaning of zeros are taken from it.

    Examples
    --------
    >>> import pandas as pd
    >>> from oncovivo.studies import Study
    >>> frame = pd.DataFrame({
    ...     "animal_id": ["a", "a", "b", "b"], "treatment": ["vehicle"] * 4,
    ...     "day": [0, 7, 0, 7], "volume_mm3": [100, 300, 110, 1500],
    ... })
    >>> found = check_study(Study.from_frame(frame)).findings
    >>> [(f.code, f.animal_id, f.days) for f in found if f.code == "volume_jumps"]
    [('volume_jumps', 'b', (0.0, 7.0))]
    """
    return _check_rows(rows_of_study(study, options))


def _check_rows(rows: StudyRows) -> StudyFindings:
    """All findings in the rows of a study, the gravest first."""
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    findings: list[StudyFinding] = [f for check in CHECKS for f in check.find(rows)]
    findings.sort(key=lambda finding: order[finding.severity])
    return StudyFindings(
        study=rows.study,
        line=rows.line,
        arms=rows.arms,
        n_animals=len(rows.names),
        n_readings=int(rows.is_read.sum()),
        findings=tuple(findings),
    )


def _input(path: Path) -> InputFile:
    """Name and digest of a file, or of all files of a folder that are read."""
    try:
        if not path.is_dir():
            return digest_file(path, name=path.name)
        files = sorted(p for p in path.iterdir() if p.suffix in (".csv", ".toml"))
        digests = [digest_file(p, name=p.name) for p in files]
    except OSError as error:
        expected = "a file that can be read"
        raise FileFormatError(expected, found=error.strerror or "", where=path.name) from error
    return InputFile(name=path.resolve().name, sha256=digest_inputs(digests))
