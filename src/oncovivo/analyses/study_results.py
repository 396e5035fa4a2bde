"""What a guide shows of an animal-level study."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.growth_analysis import growth_or_reason
from oncovivo.analyses.growth_result import GrowthOptions, GrowthResult
from oncovivo.analyses.project import SectionId, StudyEntry
from oncovivo.analyses.study_analysis import AnalysisOptions, analyse_study, suggest_control
from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.analyses.survival_analysis import survival_or_reason
from oncovivo.analyses.survival_result import SurvivalOptions, SurvivalResult
from oncovivo.endpoints import EndpointTable, VolumeByDay
from oncovivo.endpoints.response import ResponseResult
from oncovivo.endpoints.tolerability import TolerabilityResult
from oncovivo.errors import DataError, FileFormatError
from oncovivo.evidence import Identifiers
from oncovivo.provenance import seed_of
from oncovivo.studies import Study
from oncovivo.studies.leaving import Leaver
from oncovivo.survival.table import is_survival_table

__all__ = ["ArmResult", "StudyResult", "analyse_studies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """An arm: its name, role, regimen in the field's notation, and number of animals."""

    name: str
    role: str
    regimen: str
    n_animals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """A study, described and summarized by day.

    ``id`` is unique in the guide and made of letters, digits and hyphens; ``source`` is a key of
    references.json or free text; ``tumor`` an OncoTree code or empty; ``seed`` that of the
    resampling behind the intervals, taken from the input's digest; ``growth`` the growth model, or
    None and ``growth_reason``, which is empty where nobody asked for the model; ``survival`` and
    ``survival_reason`` likewise for times to an event.
    """

    id: str
    study_id: str
    title: str
    section: SectionId
    simulated: bool
    source: str
    licence: str
    tumor: str
    tumor_type: str
    line: str
    host: str
    arms: tuple[ArmResult, ...]
    volume: VolumeByDay
    endpoints: EndpointTable
    response: ResponseResult | None
    tolerability: TolerabilityResult | None
    leavers: tuple[Leaver, ...]
    growth: GrowthResult | None
    growth_reason: str
    survival: SurvivalResult | None
    survival_reason: str
    last_day: float
    seed: int
    notes: tuple[str, ...]


def analyse_studies(
    entries: tuple[StudyEntry, ...], *, folder: Path, identifiers: Identifiers
) -> tuple[StudyResult, ...]:
    """Every study that a guide lists, in its order.

    Parameters
    ----------
    entries : tuple of StudyEntry
        The ``[[study]]`` entries.
    folder : Path
        The folder that their paths are relative to.
    identifiers : Identifiers
        Known tumor types.

    Raises
    ------
    FileFormatError
        If a file cannot be read, or an entry names a study or tumor type that does not exist.
    DataError
        If an entry names no control arm, or one that the study does not have.
    """
    results: list[StudyResult] = []
    taken: set[str] = set()
    for entry in entries:
        where = f"guide.toml, study {entry.path}"
        if entry.tumor is not None and entry.tumor not in identifiers.tumor_types:
            raise FileFormatError(
                "a known OncoTree code",
                found=repr(entry.tumor),
                where=f"{where}, tumor",
                mend="use a code of tumor_types.csv, or add it to evidence/tumor_types.csv",
            )
        seed = seed_of(input_digest(folder / entry.path).sha256)
        for study in _chosen(entry, folder, where=where):
            results.append(_result(study, entry, taken, identifiers, where=where, seed=seed))
            taken.add(results[-1].id)
    return tuple(results)


def _chosen(entry: StudyEntry, folder: Path, *, where: str) -> tuple[Study, ...]:
    """The studies of a file that an entry means."""
    path = folder / entry.path
    if path.is_file() and path.name != "study.toml" and is_survival_table(path):
        raise FileFormatError(
            "a study with volumes by day",
            found="a survival table, which has times to an event alone",
            where=where,
            mend="leave the entry out; oncovivo survival reads such tables",
        )
    studies = load_studies(path, StudyOptions(zeros=entry.zeros))
    chosen = tuple(
        study
        for study in studies
        if (entry.study is None or study.study_id.split("/")[0] == entry.study)
        and (entry.line is None or study.line.name == entry.line)
    )
    if not chosen:
        listed = ", ".join(f"{study.study_id} (line {study.line.name})" for study in studies[:6])
        raise FileFormatError(
            "a study of the file",
            found=f"study {entry.study!r}, line {entry.line!r}",
            where=where,
            mend=f"the file holds: {listed}",
        )
    return chosen


def _result(
    study: Study,
    entry: StudyEntry,
    taken: set[str],
    identifiers: Identifiers,
    *,
    where: str,
    seed: int,
) -> StudyResult:
    """One study, described and summarized."""
    names = [arm.name for arm in study.arms]
    if entry.control is None or entry.control not in names:
        suggestion = suggest_control(study)
        hint = f'; for example control = "{suggestion}"' if suggestion else ""
        raise DataError(
            "the control arm of the study",
            found="none" if entry.control is None else repr(entry.control),
            where=where,
            mend=f"set control to one of: {', '.join(names)}{hint}",
        )
    if entry.simulated and not study.simulated:
        study = replace(study, simulated=True, table=study.measurements)
    analysis = analyse_study(
        study,
        control=entry.control,
        options=AnalysisOptions(),
        baseline_day=entry.baseline_day,
        seed=seed,
    )
    growth, growth_reason = (
        growth_or_reason(
            study,
            control=entry.control,
            options=GrowthOptions(),
            baseline_day=entry.baseline_day,
            seed=seed,
        )
        if entry.growth
        else (None, "")
    )
    survival, survival_reason = (
        survival_or_reason(
            study,
            control=entry.control,
            options=SurvivalOptions(control=entry.control, event=entry.event),
            baseline_day=entry.baseline_day,
            seed=seed,
        )
        if entry.survival
        else (None, "")
    )
    tumor = entry.tumor or (
        study.line.tumor_type_id if study.line.tumor_type_id in identifiers.tumor_types else ""
    )
    return StudyResult(
        id=_anchor(study.study_id, taken),
        study_id=study.study_id,
        title=study.title,
        section=entry.section,
        simulated=study.simulated,
        source=entry.source or study.source or "",
        licence=study.licence or "",
        tumor=tumor or "",
        tumor_type=study.line.tumor_type or "",
        line=study.line.name,
        host=", ".join(part for part in (study.host.strain, study.host.species) if part),
        arms=tuple(
            ArmResult(
                name=arm.name,
                role=arm.role.replace("_", " "),
                regimen=" + ".join(str(regimen) for regimen in arm.regimens),
                n_animals=len(study.animals_of(arm.name)),
            )
            for arm in study.arms
        ),
        volume=analysis.volume,
        endpoints=analysis.endpoints,
        response=analysis.response,
        tolerability=analysis.tolerability,
        leavers=analysis.leavers.leavers,
        growth=growth,
        growth_reason=growth_reason,
        survival=survival,
        survival_reason=survival_reason,
        last_day=analysis.leavers.last_day,
        seed=seed,
        notes=tuple(dict.fromkeys((*analysis.volume.notes, *analysis.endpoints.notes))),
    )


def _anchor(name: str, taken: set[str]) -> str:
    """A name made of letters, digits and hyphens that no other study has."""
    base = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "study"
    anchor, number = base, 2
    while anchor in taken:
        anchor, number = f"{base}-{number}", number + 1
    return anchor
