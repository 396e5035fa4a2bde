"""What a guide shows of an animal-level study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.growth_result import GrowthOptions, GrowthResult
from oncovivo.analyses.project import CombinationEntry, SectionId, StudyEntry
from oncovivo.analyses.study_names import NamedStudy
from oncovivo.analyses.survival_result import SurvivalOptions, SurvivalResult
from oncovivo.analyses.synergy_result import SynergyAnalysis, SynergyOptions
from oncovivo.endpoints import EndpointTable, VolumeByDay
from oncovivo.endpoints.response import ResponseResult
from oncovivo.endpoints.tolerability import TolerabilityResult
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.evidence import Identifiers
from oncovivo.provenance import seed_of
from oncovivo.studies.leaving import Leaver

if TYPE_CHECKING:
    from oncovivo.studies import Study


__all__ = ["ArmResult", "StudyCombination", "StudyResult", "analyse_studies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """An arm: its name, role, regimen in the field's notation, and number of animals."""

    name: str
    role: str
    regimen: str
    n_animals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCombination:
    """A combination of a study, where it stands, and its result, or None and why there is none."""

    section: SectionId
    combination: str
    result: SynergyAnalysis | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """A study, described and summarized by day.

    ``id`` is unique in the guide and made of letters, digits and hyphens; ``source`` is a key of
    references.json or free text; ``tumor`` an OncoTree code or empty; ``seed`` that of the
    resampling behind the intervals, taken from the input's digest; ``growth`` the growth model, or
    None and ``growth_reason``, which is empty where nobody asked for the model; ``survival`` and
    ``survival_reason`` likewise for times to an event; ``combinations`` what was asked about them.
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
    combinations: tuple[StudyCombination, ...]
    last_day: float
    seed: int
    notes: tuple[str, ...]


KeptStudy: TypeAlias = Callable[[NamedStudy, Callable[[], StudyResult]], StudyResult]


def analyse_studies(
    entries: tuple[StudyEntry, ...],
    *,
    folder: Path,
    identifiers: Identifiers,
    kept: KeptStudy = lambda _, compute: compute(),
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
    kept : callable, optional
        Given a study and what analyses it, returns its result, computed or kept from earlier.

    Raises
    ------
    FileFormatError
        If a file cannot be read, or an entry names a study or tumor type that does not exist.
    DataError
        If an entry names no control arm, or one that the study does not have.
    """
    from oncovivo.analyses.study_names import named_studies

    results: list[StudyResult] = []
    for named in named_studies(entries, folder=folder):
        entry = named.entry
        if entry.tumor is not None and entry.tumor not in identifiers.tumor_types:
            raise FileFormatError(
                "a known OncoTree code",
                found=repr(entry.tumor),
                where=f"{named.where}, tumor",
                mend="use a code of tumor_types.csv, or add it to evidence/tumor_types.csv",
            )
        seed = seed_of(input_digest(folder / entry.path).sha256)
        results.append(kept(named, partial(_result, named, identifiers, seed=seed)))
    return tuple(results)


def _result(named: NamedStudy, identifiers: Identifiers, *, seed: int) -> StudyResult:
    """One study, described and summarized."""
    from oncovivo.analyses.growth_analysis import growth_or_reason
    from oncovivo.analyses.study_analysis import AnalysisOptions, analyse_study, suggest_control
    from oncovivo.analyses.survival_analysis import survival_or_reason

    study, entry = named.study, named.entry
    names = [arm.name for arm in study.arms]
    if entry.control is None or entry.control not in names:
        suggestion = suggest_control(study)
        hint = f'; for example control = "{suggestion}"' if suggestion else ""
        raise DataError(
            "the control arm of the study",
            found="none" if entry.control is None else repr(entry.control),
            where=named.where,
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
        id=named.id,
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
        combinations=tuple(_combination(study, named, one, seed) for one in entry.combination),
        last_day=analysis.leavers.last_day,
        seed=seed,
        notes=tuple(dict.fromkeys((*analysis.volume.notes, *analysis.endpoints.notes))),
    )


def _combination(
    study: Study, named: NamedStudy, asked: CombinationEntry, seed: int
) -> StudyCombination:
    """One combination against the null models, or why the study cannot answer.

    Raises
    ------
    FileFormatError
        If the entry names an arm that the study does not have, or asks what cannot be asked.
    """
    from oncovivo.analyses.synergy_analysis import analyse_synergy

    entry = named.entry
    options = SynergyOptions(
        control=entry.control,
        a=asked.a,
        b=asked.b,
        c=asked.c,
        combination=asked.combination,
        pairs=asked.pairs,
        nulls=asked.null,
        scales=asked.scale,
        event=entry.event,
        day=asked.day,
        doses=asked.doses,
    )
    try:
        result = analyse_synergy(
            study,
            control=entry.control or "",
            options=options,
            baseline_day=entry.baseline_day,
            seed=seed,
        )
    except DataError as err:
        return StudyCombination(
            section=asked.section, combination=asked.combination, result=None, reason=str(err)
        )
    except InputError as err:
        where = f"{named.where}, combination '{asked.combination}'"
        raise FileFormatError(err.expected, found=err.found, where=where, mend=err.mend) from err
    return StudyCombination(
        section=asked.section, combination=asked.combination, result=result, reason=""
    )
