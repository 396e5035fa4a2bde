"""Markers of a target in animal-level studies: target engaged beside tumors slowed, by line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.study_analysis import suggest_control
from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.biomarkers.association_result import Association
from oncovivo.biomarkers.engagement import (
    EngagementAndResponse,
    LineEngagement,
    compare_engagement,
)
from oncovivo.biomarkers.marker_table import markers_of_study
from oncovivo.biomarkers.within_study import MarkerCorrelation
from oncovivo.errors import DataError, InputError
from oncovivo.provenance import InputFile, digest_inputs, seed_of
from oncovivo.studies import Study

__all__ = [
    "EngagementOptions",
    "MarkerEngagement",
    "analyse_engagement",
    "holds_marked_studies",
]

SCHEMA: Final = "oncovivo.markers/1"
_STUDY: Final = "study.toml"
_MARKERS: Final = "markers.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementOptions:
    """What is asked of markers of studies.

    Parameters
    ----------
    control, treated : str, optional
        Arms, the same in all studies; the control is suggested by its role, and the treated arm
        is the other one where there is only one.
    markers : tuple of str
        Analytes; all where none is named.
    level : float
        Confidence of limits.
    seed : int, optional
        Else from the digest of the files.
    """

    control: str | None = None
    treated: str | None = None
    markers: tuple[str, ...] = ()
    level: float = 0.95
    seed: int | None = None

    def to_dict(self) -> dict[str, object]:
        """All options, ready for JSON."""
        return {
            "control": self.control,
            "treatment": self.treated,
            "markers": list(self.markers),
            "level": self.level,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerEngagement:
    """Target engagement and response of every marker of some studies.

    Parameters
    ----------
    source : InputFile
        Folder of the studies, and the digest of their files.
    options : EngagementOptions
        What was asked.
    control, treated : str
        Arms.
    seed : int
        Of the p-values by permutation.
    studies : tuple of str
        Their titles.
    results : tuple of EngagementAndResponse
        One for each marker.
    """

    source: InputFile
    options: EngagementOptions
    control: str
    treated: str
    seed: int
    studies: tuple[str, ...]
    results: tuple[EngagementAndResponse, ...]

    @property
    def simulated(self) -> bool:
        """Whether a study is simulated."""
        return any(result.simulated for result in self.results)

    @property
    def associations(self) -> tuple[Association, ...]:
        """Each line's marker and growth, then the correlations with growth."""
        return tuple(
            association for result in self.results for association in _associations(result)
        )

    def to_dict(self) -> dict[str, object]:
        """The JSON contract."""
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            seed=self.seed,
            content={
                "simulated": self.simulated,
                "control": self.control,
                "treatment": self.treated,
                "studies": list(self.studies),
                "associations": [one.to_dict() for one in self.associations],
                "engagement": [result.to_dict() for result in self.results],
                "prediction": None,
            },
        )


def holds_marked_studies(path: Path) -> bool:
    """Whether a path is a study folder with markers, or a folder of some."""
    return bool(_folders(path))


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    candidates = [path, *sorted(part for part in path.iterdir() if part.is_dir())]
    return [
        folder
        for folder in candidates
        if (folder / _STUDY).is_file() and (folder / _MARKERS).is_file()
    ]


def analyse_engagement(path: Path, options: EngagementOptions) -> MarkerEngagement:
    """Every marker of some studies: how far it falls, what growth does, and what goes with what.

    Parameters
    ----------
    path : Path
        A study folder with ``markers.csv``, or a folder of such folders, one for each line.
    options : EngagementOptions
        What is asked.

    Raises
    ------
    FileFormatError
        If a file is malformed.
    InputError
        If an arm or a marker is not in the studies, or a line comes twice.
    DataError
        If there is no study with markers, or too few animals have them.
    """
    folders = _folders(path)
    if not folders:
        raise DataError(
            "a study folder with study.toml and markers.csv, or a folder of some",
            found="none",
            where=path.name,
        )
    studies: list[Study] = []
    for folder in folders:
        studies += load_studies(folder, StudyOptions())
    files = [input_digest(folder) for folder in folders]
    source = InputFile(name=path.name, sha256=digest_inputs(files))
    seed = seed_of(source.sha256) if options.seed is None else options.seed
    control, treated = _arms(studies, options)
    known = sorted({name for study in studies for name in markers_of_study(study).analytes})
    unknown = [name for name in options.markers if name not in known]
    if unknown:
        raise InputError(
            "a marker of the studies",
            found=repr(unknown[0]),
            mend=f"use one of: {', '.join(known)}",
        )
    rng = np.random.default_rng(seed)
    return MarkerEngagement(
        source=source,
        options=options,
        control=control,
        treated=treated,
        seed=seed,
        studies=tuple(study.title or study.study_id for study in studies),
        results=tuple(
            compare_engagement(
                [study for study in studies if marker in markers_of_study(study).analytes],
                marker,
                control=control,
                treated=treated,
                rng=rng,
                level=options.level,
            )
            for marker in options.markers or known
        ),
    )


def _arms(studies: list[Study], options: EngagementOptions) -> tuple[str, str]:
    """Control and treated arm, which all studies have."""
    shared = [
        arm.name
        for arm in studies[0].arms
        if all(arm.name in {one.name for one in study.arms} for study in studies)
    ]
    control = options.control or suggest_control(studies[0]) or ""
    for named in (control, options.treated):
        if named is not None and named not in shared:
            raise InputError(
                "an arm of all studies",
                found=repr(named) if named else "no control",
                mend=f"use one of: {', '.join(shared)}",
            )
    others = [name for name in shared if name != control]
    if options.treated is None and len(others) != 1:
        raise InputError(
            "the treated arm",
            found=f"{len(others)} arms beside {control}",
            mend=f"name one with --treatment: {', '.join(others)}",
        )
    return control, options.treated or others[0]


def _associations(result: EngagementAndResponse) -> list[Association]:
    """What a marker says, in the form that all analyses of markers share."""
    found = []
    for line in result.lines:
        found += [_engaged(result, line), _slowed(result, line)]
    return [*found, _correlated(result, result.within), _correlated(result, result.pooled)]


def _engaged(result: EngagementAndResponse, line: LineEngagement) -> Association:
    """The fall of the marker, which is an effect of the drug and predicts nothing."""
    return Association(
        marker=result.marker,
        analysis=f"target engaged, {line.line}",
        estimate=line.ratio,
        lower=line.ratio_lower,
        upper=line.ratio_upper,
        p_value=line.ratio_p_value,
        n_lines=1,
        n_animals=line.n_control + line.n_treated,
        status="flagged",
        reason=result.reason,
        measure="ratio of geometric means, treated / control",
        level=result.level,
    )


def _slowed(result: EngagementAndResponse, line: LineEngagement) -> Association:
    return Association(
        marker=result.marker,
        analysis=f"growth slowed, {line.line}",
        estimate=line.rate_difference,
        lower=line.rate_lower,
        upper=line.rate_upper,
        p_value=line.rate_p_value,
        n_lines=1,
        n_animals=line.n_control + line.n_treated,
        measure="difference of growth rates, ln per day",
        level=result.level,
    )


def _correlated(result: EngagementAndResponse, found: MarkerCorrelation) -> Association:
    where = "within arms of a line" if found.scope == "within_arm" else "over all animals"
    return Association(
        marker=result.marker,
        analysis=f"marker and growth, {where}",
        estimate=found.estimate,
        std_error=found.std_error,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        n_lines=len(result.lines),
        n_animals=found.n_animals,
        status="undefined" if found.estimate is None else "flagged",
        reason=found.reason,
        measure="Spearman's rank correlation",
        level=found.level,
    )
