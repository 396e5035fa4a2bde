"""The three checklists that a study can be rated with, item by item.

Item texts are our own words, shortened for tumor experiments; judge with the original beside you.

References
----------
SYRCLE: Hooijmans CR and others. BMC Med Res Methodol 2014;14:43 (table 2). Its questions are
answered yes, no or unclear; yes is a low, no a high risk of bias. ARRIVE 2.0, the Essential 10:
Percie du Sert N and others. PLoS Biol 2020;18:e3000410. CAMARADES: Macleod MR and others. Stroke
2004;35:1203; written for experimental stroke, so three of its items are read here as they apply to
tumors, which their texts say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import InputError

__all__ = ["TOOLS", "Item", "Meaning", "Tool", "ToolName", "tool_named"]

ToolName: TypeAlias = Literal["syrcle", "arrive", "camarades"]

Meaning: TypeAlias = Literal["good", "partly", "unclear", "poor", "not_applicable"]
"""What a judgement says about a study, whatever the checklist's own word is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a checklist.

    Parameters
    ----------
    item_id : str
        As written in ``quality.csv``.
    number : int
        Its place in the checklist, from 1.
    label : str
        Short label for tables and figures.
    domain : str
        Kind of bias, or part of a report; empty where the checklist has no such grouping.
    question : str
        What is judged, in our own words.
    """

    item_id: str
    number: int
    label: str
    domain: str
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A checklist.

    Parameters
    ----------
    name : {"syrcle", "arrive", "camarades"}
        As written in ``quality.csv``.
    title : str
        Name for readers.
    subject : str
        What the checklist rates: risk of bias, reporting, or quality.
    items : tuple of Item
        In the order of the checklist.
    judgements : mapping
        From each allowed judgement to what it says about the study, best first.
    source : str
        The publication.
    """

    name: ToolName
    title: str
    subject: str
    items: tuple[Item, ...]
    judgements: Mapping[str, Meaning]
    source: str

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The ids in the order of the checklist."""
        return tuple(item.item_id for item in self.items)

    def item(self, item_id: str) -> Item:
        """The item of an id.

        Raises
        ------
        InputError
            If the checklist has no such item.
        """
        for item in self.items:
            if item.item_id == item_id:
                return item
        raise InputError(
            f"an item of {self.name}",
            found=repr(item_id),
            mend=f"use one of: {', '.join(self.item_ids)}",
        )


def _items(*rows: tuple[str, str, str, str]) -> tuple[Item, ...]:
    """Items numbered from 1, from (id, label, domain, question)."""
    return tuple(
        Item(item_id=item_id, number=number, label=label, domain=domain, question=question)
        for number, (item_id, label, domain, question) in enumerate(rows, start=1)
    )


_SYRCLE: Final = Tool(
    name="syrcle",
    title="SYRCLE risk of bias",
    subject="risk of bias",
    items=_items(
        (
            "sequence_generation",
            "sequence generation",
            "selection",
            "Was the order of allocation made by a method that chance governs, and kept to?",
        ),
        (
            "baseline_characteristics",
            "baseline characteristics",
            "selection",
            "Were the groups alike at the start, tumor volume included, or was it adjusted for?",
        ),
        (
            "allocation_concealment",
            "allocation concealment",
            "selection",
            "Could nobody foresee the group of the next animal?",
        ),
        (
            "random_housing",
            "random housing",
            "performance",
            "Were cages placed at random in the room?",
        ),
        (
            "blinded_caregivers",
            "blinding of caregivers",
            "performance",
            "Did those who treated and kept the animals not know the groups?",
        ),
        (
            "random_outcome_assessment",
            "random outcome assessment",
            "detection",
            "Were animals measured in random order, or picked at random for measuring?",
        ),
        (
            "blinded_assessors",
            "blinding of assessors",
            "detection",
            "Did those who measured tumors or judged endpoints not know the groups?",
        ),
        (
            "incomplete_outcome_data",
            "incomplete outcome data",
            "attrition",
            "Are animals that left, as those with large tumors, accounted for without bias?",
        ),
        (
            "selective_reporting",
            "selective reporting",
            "reporting",
            "Is everything reported that was planned, on the day that was planned?",
        ),
        (
            "other_bias",
            "other bias",
            "other",
            "Is it free of other bias: an undefined vehicle, pooled cages, two tumors of one "
            "animal counted as two animals, animals replaced, a sponsor with a hand in it?",
        ),
    ),
    judgements=MappingProxyType({"low": "good", "unclear": "unclear", "high": "poor"}),
    source="Hooijmans CR and others. BMC Med Res Methodol 2014;14:43",
)

_ARRIVE: Final = Tool(
    name="arrive",
    title="ARRIVE 2.0 Essential 10",
    subject="reporting",
    items=_items(
        (
            "study_design",
            "study design",
            "",
            "The groups compared, controls included, and the experimental unit.",
        ),
        (
            "sample_size",
            "sample size",
            "",
            "How many units in each group and in all, and how the number was chosen.",
        ),
        (
            "inclusion_exclusion",
            "inclusion and exclusion",
            "",
            "Criteria and when they were set, what was left out and why, n of each analysis.",
        ),
        (
            "randomization",
            "randomization",
            "",
            "Whether and how groups were drawn, and how confounders were kept down.",
        ),
        (
            "blinding",
            "blinding",
            "",
            "Who knew the groups at allocation, conduct, measurement and analysis.",
        ),
        (
            "outcome_measures",
            "outcome measures",
            "",
            "What was measured, and which outcome the sample size was chosen for.",
        ),
        (
            "statistical_methods",
            "statistical methods",
            "",
            "The methods of each analysis, with software, and how assumptions were checked.",
        ),
        (
            "experimental_animals",
            "experimental animals",
            "",
            "Species, strain, sex, age or weight, and where the animals came from.",
        ),
        (
            "experimental_procedures",
            "experimental procedures",
            "",
            "What was done to each group, how, when, where and why, well enough to repeat it.",
        ),
        (
            "results",
            "results",
            "",
            "For each group a summary with its variability, and effect sizes with intervals.",
        ),
    ),
    judgements=MappingProxyType(
        {
            "reported": "good",
            "partly": "partly",
            "not_reported": "poor",
            "not_applicable": "not_applicable",
        }
    ),
    source="Percie du Sert N and others. PLoS Biol 2020;18:e3000410",
)

_CAMARADES: Final = Tool(
    name="camarades",
    title="CAMARADES checklist",
    subject="quality",
    items=_items(
        ("peer_reviewed", "peer reviewed", "", "Published in a peer-reviewed journal."),
        ("temperature_control", "temperature control", "", "Control of temperature is stated."),
        ("random_allocation", "random allocation", "", "Animals were allocated at random."),
        (
            "blinded_induction",
            "blinded induction",
            "",
            "The disease was induced blind to the group. For tumors: groups were hidden from "
            "those who implanted, or were drawn after implantation by concealed allocation.",
        ),
        ("blinded_assessment", "blinded assessment", "", "Outcomes were assessed blind."),
        (
            "anesthetic",
            "anesthetic without effect",
            "",
            "No anesthetic that itself acts on the outcome. For tumors: on growth or survival.",
        ),
        (
            "animal_model",
            "relevant animal model",
            "",
            "The animals share a relevant condition of patients. For stroke age, diabetes or "
            "high blood pressure; for tumors a condition that the question names.",
        ),
        (
            "sample_size_calculation",
            "sample size calculation",
            "",
            "A calculation of the number of animals is given.",
        ),
        (
            "animal_welfare",
            "animal welfare rules",
            "",
            "Compliance with rules of animal welfare is stated.",
        ),
        (
            "conflict_of_interest",
            "conflicts of interest",
            "",
            "Possible conflicts of interest are stated.",
        ),
    ),
    judgements=MappingProxyType({"yes": "good", "unclear": "unclear", "no": "poor"}),
    source="Macleod MR and others. Stroke 2004;35:1203",
)

TOOLS: Final[Mapping[ToolName, Tool]] = MappingProxyType(
    {tool.name: tool for tool in (_SYRCLE, _ARRIVE, _CAMARADES)}
)
"""The checklists by name."""


def tool_named(name: str) -> Tool:
    """The checklist of a name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> tool_named("syrcle").items[0].label
    'sequence generation'
    """
    for known, tool in TOOLS.items():
        if known == name:
            return tool
    raise InputError(
        "the name of a checklist", found=repr(name), mend=f"use one of: {', '.join(TOOLS)}"
    )
