"""One study file, analysed: endpoints, response, tolerability and who left, for each study."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.study_input import StudyOptions, StudySelection, load_selection
from oncovivo.endpoints import (
    EndpointOptions,
    EndpointTable,
    VolumeByDay,
    compute_endpoints,
    volume_by_day,
)
from oncovivo.endpoints.mrecist import Rule
from oncovivo.endpoints.response import ResponseResult, compute_response
from oncovivo.endpoints.tolerability import TolerabilityResult, compute_tolerability
from oncovivo.errors import DataError, InputError, ProjectError
from oncovivo.provenance import InputFile, seed_of
from oncovivo.studies import Study
from oncovivo.studies.leaving import LeavingTable, NumberAtRisk, find_leavers, number_at_risk

__all__ = [
    "AnalysisOptions",
    "FileAnalysis",
    "SkippedStudy",
    "StudyAnalysis",
    "StudyLabel",
    "analyse_file",
    "analyse_study",
    "check_control",
    "find_control",
    "for_each_study",
    "label_study",
    "name_as_control",
    "suggest_control",
]

_Study = TypeVar("_Study")
_Result = TypeVar("_Result")

SCHEMA = "oncovivo.study_endpoints/1"
# What an animal without volumes has instead of categories.
_NO_RESPONSE: Final[Mapping[str, object]] = {
    "best_response_pct": None,
    "best_average_response_pct": None,
    "mrecist": None,
    "pptc": None,
    "status": "undefined",
    "reason": "area only: response categories are defined for volumes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOptions:
    """What the user says about the analysis of a study.

    Parameters
    ----------
    control : str, optional
        Name of the control arm.
    day : float, optional
        Study day of the fixed-day endpoints; else the last day on which at least 80 % and three
        animals of every arm were measured.
    rule : {"published_text", "published_table"}
        Which readings mRECIST counts.
    level : float
        Confidence of every interval.
    seed : int, optional
        Seed; else taken from the input's digest.
    draws : int
        Resamples of a bootstrap or permutation test.
    """

    control: str | None = None
    day: float | None = None
    rule: Rule = "published_text"
    level: float = 0.95
    seed: int | None = None
    draws: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAnalysis:
    """Everything that is computed for one study; ``tolerability`` is None without body weights."""

    study: Study
    volume: VolumeByDay
    endpoints: EndpointTable
    response: ResponseResult | None
    tolerability: TolerabilityResult | None
    at_risk: NumberAtRisk
    leavers: LeavingTable

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        table = self.endpoints.to_dict()
        animals = table.pop("animals")
        responses = (
            {}
            if self.response is None
            else {row["animal_id"]: row for row in _dicts(self.response.to_dict()["animals"])}
        )
        return {
            **table,
            "line": self.study.line.name,
            "status": "ok",
            "reason": "",
            "animals": [
                {**row, **responses.get(row["animal_id"], _NO_RESPONSE)} for row in _dicts(animals)
            ],
            "response": None if self.response is None else self.response.to_dict()["arms"],
            "tolerability": None
            if self.tolerability is None
            else self.tolerability.to_dict()["arms"],
            "leavers": self.leavers.to_dict()["leavers"],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedStudy:
    """A study of the file that could not be analysed, and why."""

    study_id: str
    line: str
    arms: tuple[str, ...]
    reason: str

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        return {
            "study": self.study_id,
            "line": self.line,
            "arms": list(self.arms),
            "status": "not_estimable",
            "reason": self.reason,
            "baseline_day": None,
            "endpoints": [],
            "animals": [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnalysis:
    """The studies of a file, analysed or skipped, in its order."""

    source: InputFile
    reading: StudyOptions
    options: AnalysisOptions
    seed: int
    selection: StudySelection
    studies: tuple[StudyAnalysis | SkippedStudy, ...]

    @property
    def analysed(self) -> tuple[StudyAnalysis, ...]:
        """The studies with results."""
        return tuple(study for study in self.studies if isinstance(study, StudyAnalysis))

    @property
    def skipped(self) -> tuple[SkippedStudy, ...]:
        """The studies without."""
        return tuple(study for study in self.studies if isinstance(study, SkippedStudy))

    def to_frame(self) -> pd.DataFrame:
        """The endpoints of all studies as one tidy table."""
        return pd.concat(
            [
                study.endpoints.to_frame().assign(
                    study=study.study.study_id, line=study.study.line.name
                )
                for study in self.analysed
            ],
            ignore_index=True,
        )

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo study endpoints``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={
                **self.reading.to_dict(),
                "control": self.options.control,
                "day": self.options.day,
                "rule": self.options.rule,
                "level": self.options.level,
                "draws": self.options.draws,
            },
            seed=self.seed,
            content={"studies": [study.to_dict() for study in self.studies]},
        )


def _dicts(value: object) -> list[dict[str, object]]:
    """A list of mappings, as the ``to_dict`` of a result holds it."""
    if not isinstance(value, list):
        message = "a list of mappings"
        raise TypeError(message)
    return value


def suggest_control(study: Study) -> str:
    """An arm that is declared or named as a control; empty when none is."""
    for arm in study.arms:
        if arm.role in ("vehicle", "untreated"):
            return arm.name
    return name_as_control([arm.name for arm in study.arms])


def name_as_control(arms: Sequence[str]) -> str:
    """The first arm whose name begins as those of controls do; empty when none does."""
    for name in arms:
        if re.match(r"(?i)(vehicle|control|ctrl|untreated|saline|pbs)\b", name):
            return name
    return ""


def analyse_study(
    study: Study, *, control: str, options: AnalysisOptions, baseline_day: float | None, seed: int
) -> StudyAnalysis:
    """All results of one study.

    Raises
    ------
    InputError
        If the control is not an arm, or an option is outside its domain.
    DataError
        If the study cannot carry the analysis.
    """
    weighed = study.measurements["body_weight_g"].notna().any()
    sized = study.measurements["volume_state"].ne("not_measured").any()
    return StudyAnalysis(
        study=study,
        volume=volume_by_day(study, control=control, baseline_day=baseline_day),
        endpoints=compute_endpoints(
            study,
            control=control,
            day=options.day,
            baseline_day=baseline_day,
            level=options.level,
            rng=np.random.default_rng(seed),
            options=EndpointOptions(draws=options.draws),
        ),
        response=compute_response(
            study,
            control=control,
            rule=options.rule,
            baseline_day=baseline_day,
            level=options.level,
        )
        if sized
        else None,
        tolerability=compute_tolerability(study, baseline_day=baseline_day, level=options.level)
        if weighed
        else None,
        at_risk=number_at_risk(study),
        leavers=find_leavers(study),
    )


def analyse_file(
    path: Path,
    *,
    reading: StudyOptions | None = None,
    options: AnalysisOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileAnalysis:
    """Every study × line of a file, analysed with one control arm.

    A study without the control arm, or that cannot carry the analysis, is skipped with its reason.

    Raises
    ------
    InputError
        If no control is named, or no study has it; the arms are listed and one is suggested.
    DataError
        If no study can carry the analysis.
    FileFormatError
        If the file cannot be read.
    """
    reading, options = reading or StudyOptions(), options or AnalysisOptions()
    progress("reading")
    selection = load_selection(path, reading)
    control = find_control(selection.studies, options.control)
    source = input_digest(path)
    seed = seed_of(source.sha256) if options.seed is None else options.seed

    def analysed(study: Study) -> StudyAnalysis:
        return analyse_study(
            study,
            control=control,
            options=options,
            baseline_day=reading.baseline_day,
            seed=seed,
        )

    results = for_each_study(
        selection.studies, control, analysed, label=label_study, progress=progress
    )
    return FileAnalysis(
        source=source,
        reading=reading,
        options=options,
        seed=seed,
        selection=selection,
        studies=results,
    )


class StudyLabel(NamedTuple):
    """What a study is called, and which arms it has."""

    study_id: str
    line: str
    arms: tuple[str, ...]


def label_study(study: Study) -> StudyLabel:
    """The label of a study of growth."""
    return StudyLabel(study.study_id, study.line.name, tuple(arm.name for arm in study.arms))


def for_each_study(
    studies: Sequence[_Study],
    control: str,
    analyse: Callable[[_Study], _Result],
    *,
    label: Callable[[_Study], StudyLabel],
    refusals: tuple[type[ProjectError], ...] = (DataError,),
    progress: Callable[[str], None],
) -> tuple[_Result | SkippedStudy, ...]:
    """An analysis of each study; one that lacks the control or is refused is skipped.

    Parameters
    ----------
    studies : sequence
        What to analyse.
    control : str
        Control arm.
    analyse : callable
        The analysis of one study.
    label : callable
        What a study is called; :func:`label_study` of studies of growth.
    refusals : tuple of exception types
        What skips a study with its reason; anything else is raised.
    progress : callable
        Called with the name of each study before it is analysed.

    Raises
    ------
    ProjectError
        The first refusal, where no study is left.
    """
    results: list[_Result | SkippedStudy] = []
    first_error: ProjectError | None = None
    for study in studies:
        named = label(study)
        progress(named.study_id)
        try:
            if control not in named.arms:
                raise DataError(f"the control arm {control!r}", found=", ".join(named.arms))
            results.append(analyse(study))
        except refusals as err:
            first_error = first_error or err
            results.append(
                SkippedStudy(
                    study_id=named.study_id, line=named.line, arms=named.arms, reason=str(err)
                )
            )
    if first_error is not None and all(isinstance(result, SkippedStudy) for result in results):
        raise first_error
    return tuple(results)


def find_control(studies: tuple[Study, ...], control: str | None) -> str:
    """The control arm, when one is named and some study has it.

    Raises
    ------
    InputError
        If not; the arms are listed and one is suggested.
    """
    arms = list(dict.fromkeys(arm.name for study in studies for arm in study.arms))
    suggestion = next((found for study in studies if (found := suggest_control(study))), "")
    return check_control(arms, control, suggestion)


def check_control(arms: Sequence[str], control: str | None, suggestion: str) -> str:
    """The control arm, when one is named and it is among the arms.

    Parameters
    ----------
    arms : sequence of str
        Arms of all studies.
    control : str or None
        What was asked for.
    suggestion : str
        An arm to suggest; empty for none.

    Raises
    ------
    InputError
        If not; the arms are listed and one is suggested.
    """
    if control is not None and control in arms:
        return control
    listed = ", ".join(arms[:20]) + (", …" if len(arms) > 20 else "")
    hint = f'; for example --control "{suggestion}"' if suggestion else ""
    raise InputError(
        "the name of the control arm",
        found="none" if control is None else repr(control),
        where="--control",
        mend=f"the arms are: {listed}{hint}",
    )
