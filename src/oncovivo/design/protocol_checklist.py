"""The ARRIVE 2.0 Essential 10 and the PREPARE topics, filled from the items of a protocol.

Which items answer an entry is our reading of the two guidelines; the questions are our own words.
An entry is filled when all of its items are. What only the finished study can answer is not open.

References
----------
ARRIVE 2.0: Percie du Sert N and others. PLoS Biol 2020;18:e3000410. PREPARE: Smith AJ, Clutton
RE, Lilley E, Hansen KEA, Brattelid T. Lab Anim 2018;52:135-141, doi:10.1177/0023677217724823.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.design.protocol import Statement
from oncovivo.evidence.quality import TOOLS

__all__ = [
    "CHECKLISTS",
    "CHECKLIST_SOURCES",
    "ChecklistEntry",
    "ChecklistName",
    "ChecklistRow",
    "ChecklistStatus",
    "fill_checklists",
]

ChecklistName: TypeAlias = Literal["arrive", "prepare"]
ChecklistStatus: TypeAlias = Literal["filled", "open", "after_study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistEntry:
    """One entry of a checklist.

    Parameters
    ----------
    checklist : {"arrive", "prepare"}
        Which one.
    number, label, question : str
        Its number there, its subject, and what it asks for in our own words.
    items : tuple of str
        Items of the protocol that answer it; empty where only the finished study can.
    """

    checklist: ChecklistName
    number: str
    label: str
    question: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistRow:
    """An entry of a checklist with how far a protocol answers it.

    Parameters
    ----------
    checklist : {"arrive", "prepare"}
        Which one.
    number, label, question : str
        Of the entry.
    status : {"filled", "open", "after_study"}
        Whether all of its items are answered.
    items, missing : tuple of str
        Its items, and those of them that are open.
    """

    checklist: ChecklistName
    number: str
    label: str
    question: str
    status: ChecklistStatus
    items: tuple[str, ...]
    missing: tuple[str, ...]


_ARRIVE_PARTS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "study_design",
        "a",
        "Which groups are compared, and which of them are controls?",
        "objective.question randomization.numbers dosing.regimens dosing.control",
    ),
    ("study_design", "b", "What is the experimental unit?", "randomization.unit"),
    (
        "sample_size",
        "a",
        "How many units does each group get, and how many animals are used in all?",
        "randomization.numbers",
    ),
    ("sample_size", "b", "How was the number chosen?", "statistics.sample_size"),
    (
        "inclusion_exclusion",
        "a",
        "By which criteria, set beforehand, are animals and readings taken or left out?",
        "start.size start.day_zero statistics.exclusions",
    ),
    ("inclusion_exclusion", "b", "What was left out of each group, and why?", ""),
    ("inclusion_exclusion", "c", "What is n of each group in each analysis?", ""),
    (
        "randomization",
        "a",
        "Are units allocated by chance, and by which method?",
        "randomization.method randomization.concealment",
    ),
    (
        "randomization",
        "b",
        "How are confounders kept down, as order of work and place of the cage?",
        "randomization.order housing.cages",
    ),
    (
        "blinding",
        "",
        "Who knows the groups when animals are allocated, treated, measured and analysed?",
        "blinding.letters blinding.caregivers blinding.assessors blinding.analysts",
    ),
    (
        "outcome_measures",
        "a",
        "Which outcomes are assessed, and how are they defined?",
        "statistics.primary statistics.secondary measuring.method measuring.formula "
        "measuring.weight",
    ),
    (
        "outcome_measures",
        "b",
        "For which outcome was the sample size chosen?",
        "statistics.primary statistics.sample_size",
    ),
    (
        "statistical_methods",
        "a",
        "Which method is used for each analysis, in which software?",
        "statistics.analysis statistics.leaving statistics.software",
    ),
    (
        "statistical_methods",
        "b",
        "How are its assumptions checked, and what is done if they fail?",
        "statistics.assumptions",
    ),
    (
        "experimental_animals",
        "a",
        "Which species, strain, sex, age and weight?",
        "hosts.strain hosts.sex hosts.age",
    ),
    (
        "experimental_animals",
        "b",
        "Where do they come from, and what is their health and immune status?",
        "hosts.strain hosts.supplier hosts.health",
    ),
    (
        "experimental_procedures",
        "a",
        "What is done, how, and with which materials?",
        "cells.line cells.authentication cells.mycoplasma cells.culture implantation.site "
        "implantation.inoculum implantation.procedure dosing.regimens dosing.volumes "
        "dosing.substance dosing.vehicle dosing.administration measuring.method "
        "endpoints.rules endpoints.killing sampling.necropsy sampling.samples",
    ),
    (
        "experimental_procedures",
        "b",
        "When and how often?",
        "start.day_zero dosing.calendar measuring.days endpoints.checks",
    ),
    (
        "experimental_procedures",
        "c",
        "Where, with which housing and acclimatization?",
        "housing.cages housing.environment housing.acclimatization organization.facility",
    ),
    ("experimental_procedures", "d", "Why so?", "objective.model dosing.rationale"),
    ("results", "a", "What is the summary of each group, with its variability?", ""),
    ("results", "b", "How large is the effect, with its confidence interval?", ""),
)

_PREPARE_TOPICS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "literature searches",
        "Is there a clear question, was the literature searched, and does the model fit it?",
        "objective.question objective.literature objective.model statistics.primary "
        "statistics.secondary",
    ),
    ("legal issues", "Which laws apply, and what do they ask for?", "ethics.licence"),
    (
        "ethical issues, harm-benefit assessment and humane endpoints",
        "Are harm and benefit weighed, is severity classified, are endpoints unequivocal?",
        "ethics.severity ethics.harm_benefit ethics.refinement endpoints.rules "
        "endpoints.checks endpoints.action data.sharing",
    ),
    (
        "experimental design and statistical analysis",
        "Are unit, number, randomization, blinding, criteria and analysis fixed?",
        "randomization.unit statistics.sample_size randomization.method blinding.assessors "
        "start.size statistics.analysis statistics.exclusions",
    ),
    (
        "objectives and timescale, funding and division of labor",
        "Is it agreed who does what and when, and who pays?",
        "organization.timescale organization.people organization.funding data.records",
    ),
    (
        "facility evaluation",
        "Can the rooms and the staff carry the study, at weekends too?",
        "organization.facility",
    ),
    (
        "education and training",
        "Is everybody competent in what they are to do?",
        "organization.training",
    ),
    (
        "health risks, waste disposal and decontamination",
        "Are risks to people and animals assessed, and is waste planned for?",
        "organization.risks cells.mycoplasma",
    ),
    (
        "test substances and procedures",
        "What is known of the substance, and is the procedure feasible?",
        "dosing.substance dosing.vehicle dosing.volumes dosing.rationale",
    ),
    (
        "experimental animals",
        "Which traits of the animals matter, and is a surplus avoided?",
        "hosts.strain hosts.sex hosts.age hosts.supplier",
    ),
    (
        "quarantine and health monitoring",
        "What is their health status, and how is it kept watch on?",
        "hosts.health",
    ),
    (
        "housing and husbandry",
        "Does housing meet the needs of the species, with time to settle?",
        "housing.cages housing.environment housing.acclimatization",
    ),
    (
        "experimental procedures",
        "Are handling, dosing, sampling, anesthesia and pain relief refined?",
        "implantation.procedure dosing.administration measuring.method",
    ),
    (
        "humane killing, release, reuse or rehoming",
        "How are animals killed, by whom, and how in an emergency?",
        "endpoints.killing",
    ),
    (
        "necropsy",
        "Is it planned where, by whom and how, with every sample identified?",
        "sampling.necropsy sampling.samples",
    ),
)


def _arrive() -> tuple[ChecklistEntry, ...]:
    """The Essential 10 in their parts, with numbers and names of the rating tool."""
    tool = TOOLS["arrive"]
    return tuple(
        ChecklistEntry(
            checklist="arrive",
            number=f"{tool.item(item_id).number}{part}",
            label=tool.item(item_id).label,
            question=question,
            items=tuple(items.split()),
        )
        for item_id, part, question, items in _ARRIVE_PARTS
    )


def _prepare() -> tuple[ChecklistEntry, ...]:
    """The topics of PREPARE."""
    return tuple(
        ChecklistEntry(
            checklist="prepare",
            number=str(number),
            label=label,
            question=question,
            items=tuple(items.split()),
        )
        for number, (label, question, items) in enumerate(_PREPARE_TOPICS, start=1)
    )


CHECKLISTS: Final[Mapping[ChecklistName, tuple[ChecklistEntry, ...]]] = MappingProxyType(
    {"arrive": _arrive(), "prepare": _prepare()}
)
"""The entries of both checklists in their order."""

CHECKLIST_SOURCES: Final[Mapping[ChecklistName, str]] = MappingProxyType(
    {
        "arrive": "ARRIVE 2.0, the Essential 10: Percie du Sert N and others. "
        "PLoS Biol 2020;18:e3000410",
        "prepare": "PREPARE: Smith AJ and others. Lab Anim 2018;52:135-141, "
        "doi:10.1177/0023677217724823",
    }
)
"""The publications."""


def fill_checklists(statements: Iterable[Statement]) -> tuple[ChecklistRow, ...]:
    """How far the statements of a protocol answer both checklists.

    Parameters
    ----------
    statements : iterable of Statement
        All items of the protocol.
    """
    unanswered = {said.item_id for said in statements if said.origin == "open"}
    rows: list[ChecklistRow] = []
    for entries in CHECKLISTS.values():
        for entry in entries:
            missing = tuple(item for item in entry.items if item in unanswered)
            status: ChecklistStatus = "open" if missing else "filled"
            rows.append(
                ChecklistRow(
                    checklist=entry.checklist,
                    number=entry.number,
                    label=entry.label,
                    question=entry.question,
                    status=status if entry.items else "after_study",
                    items=entry.items,
                    missing=missing,
                )
            )
    return tuple(rows)
