"""What a protocol says: its sections, and the items of each with what they ask for.

Items that a file of the design answers are computed from it by the engine that carries the design
out; nobody types them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

__all__ = [
    "PROTOCOL_FILES",
    "PROTOCOL_ITEMS",
    "PROTOCOL_SECTIONS",
    "ProtocolFileKind",
    "ProtocolItem",
    "ProtocolSection",
]

ProtocolFileKind: TypeAlias = Literal[
    "allocation", "animals", "doses", "schedule", "endpoints", "power"
]

PROTOCOL_FILES: Final[tuple[ProtocolFileKind, ...]] = get_args(ProtocolFileKind)
"""Files of the design that a protocol may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolItem:
    """One thing that a protocol states.

    Parameters
    ----------
    item_id : str
        Section and key, as ``hosts.strain``.
    label : str
        Short, for tables.
    asks : str
        What has to be said.
    file : str, optional
        The file of the design that it is computed from; None where people state it.
    """

    item_id: str
    label: str
    asks: str
    file: ProtocolFileKind | None = None

    @property
    def section_id(self) -> str:
        """The section of the item."""
        return self.item_id.partition(".")[0]

    @property
    def key(self) -> str:
        """Its key in the section."""
        return self.item_id.partition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSection:
    """A part of a protocol.

    Parameters
    ----------
    section_id, title : str
        Its table in ``protocol.toml``, and its heading.
    items : tuple of ProtocolItem
        In the order in which they are printed.
    """

    section_id: str
    title: str
    items: tuple[ProtocolItem, ...]


def _section(
    section_id: str,
    title: str,
    *items: tuple[str, str, str] | tuple[str, str, str, ProtocolFileKind],
) -> ProtocolSection:
    """A section from rows of key, label, what is asked and the file that answers it."""
    return ProtocolSection(
        section_id=section_id,
        title=title,
        items=tuple(
            ProtocolItem(
                item_id=f"{section_id}.{row[0]}",
                label=row[1],
                asks=row[2],
                file=row[3] if len(row) > 3 else None,
            )
            for row in items
        ),
    )


PROTOCOL_SECTIONS: Final[tuple[ProtocolSection, ...]] = (
    _section(
        "objective",
        "Objective",
        ("question", "question", "what the study is to find out, as a question with an answer"),
        ("literature", "what is known", "what was searched for, where and when, and found"),
        ("model", "why this model", "why animals, and why this species and tumor line"),
    ),
    _section(
        "hosts",
        "Hosts",
        ("strain", "species and strain", "species, strain with its name, immune status"),
        ("sex", "sex", "sex, and why if only one"),
        ("age", "age and weight", "age and body weight at implantation"),
        ("supplier", "supplier", "who breeds them, and what becomes of surplus animals"),
        ("health", "health and quarantine", "health status, quarantine and health monitoring"),
    ),
    _section(
        "housing",
        "Housing",
        ("cages", "cages", "kind of cage, animals in each, how cages are placed in the room"),
        ("environment", "environment", "light, temperature, humidity, bedding, food and water"),
        ("acclimatization", "acclimatization", "days before anything is done, and handling"),
    ),
    _section(
        "cells",
        "Tumor line",
        ("line", "line", "name, identifier and where it comes from"),
        ("authentication", "authentication", "method, date and result"),
        ("mycoplasma", "mycoplasma and pathogens", "method, date and result"),
        ("culture", "culture and passage", "medium, passage at implantation, viability"),
    ),
    _section(
        "implantation",
        "Implantation",
        ("site", "site", "where, and into how many animals"),
        ("inoculum", "inoculum", "cells or fragments, volume, matrix"),
        ("procedure", "procedure", "anesthesia, pain relief, aftercare, who does it"),
    ),
    _section(
        "start",
        "Start of treatment",
        ("size", "eligible size", "baseline volume at which animals are eligible", "allocation"),
        ("day_zero", "day 0", "when animals are allocated, and how long it is waited for growth"),
    ),
    _section(
        "randomization",
        "Randomization",
        ("method", "method", "how animals come to their arms", "allocation"),
        ("numbers", "animals in each arm", "how many in each arm and in all", "allocation"),
        ("unit", "experimental unit", "what is allocated independently", "allocation"),
        ("order", "order of work", "order of measuring and dosing", "allocation"),
        ("concealment", "concealment", "who draws, and who holds the list until then"),
    ),
    _section(
        "blinding",
        "Blinding",
        ("letters", "letters and key", "what stands for the arms", "allocation"),
        ("caregivers", "who treats and keeps", "whether they know the arms"),
        ("assessors", "who measures", "whether they know the arms"),
        ("analysts", "who analyses", "whether they know the arms, and when the key is opened"),
    ),
    _section(
        "dosing",
        "Dosing and formulation",
        ("regimens", "regimens", "compound, dose, route and schedule of each arm", "doses"),
        ("volumes", "volumes", "how the volume is found, and its ceiling", "doses"),
        ("calendar", "dosing days", "on which days", "schedule"),
        ("control", "control", "what the control gets, when and by which route"),
        ("rationale", "why these doses", "where doses and schedules come from"),
        ("substance", "substance", "supplier, lot, purity and storage"),
        ("vehicle", "vehicle", "composition, preparation, how long it keeps"),
        ("administration", "administration", "needle, restraint, time of day, who does it"),
    ),
    _section(
        "measuring",
        "Measuring",
        ("days", "measuring days", "on which days", "schedule"),
        ("method", "method", "instrument, who measures, what is noted when it cannot be read"),
        ("formula", "volume formula", "how lengths become a volume"),
        ("weight", "body weight", "how and how often it is weighed"),
    ),
    _section(
        "endpoints",
        "Humane endpoints",
        ("rules", "rules", "at what reading an animal leaves", "endpoints"),
        ("checks", "checks between readings", "how often animals are looked at, and for what"),
        (
            "action",
            "what is done",
            "who decides, and how soon an animal is killed",
        ),
        ("killing", "killing", "method, confirmation of death, method in an emergency"),
    ),
    _section(
        "sampling",
        "Sampling and necropsy",
        ("necropsy", "necropsy", "which animals, which organs, who does it"),
        ("samples", "samples", "what is taken when, how it is kept and labeled"),
    ),
    _section(
        "statistics",
        "Statistics",
        ("primary", "primary outcome", "the one outcome that the sample size is chosen for"),
        ("secondary", "secondary outcomes", "the others"),
        ("sample_size", "sample size", "how the number was chosen", "power"),
        ("analysis", "analysis", "model, contrast, level and multiplicity"),
        ("assumptions", "assumptions", "how they are checked, and what is done if they fail"),
        ("leaving", "animals that leave", "how those that leave early are accounted for"),
        ("exclusions", "exclusions", "which animals or readings are left out, set beforehand"),
        ("software", "software", "programs and versions"),
    ),
    _section(
        "ethics",
        "Ethics and licence",
        ("licence", "licence", "law, authority, number and expiry of the licence"),
        ("severity", "severity", "classification"),
        ("harm_benefit", "harm and benefit", "what is expected of both"),
        ("refinement", "replace, reduce, refine", "what was done for each"),
    ),
    _section(
        "organization",
        "Organization",
        ("timescale", "timescale", "first and last day", "schedule"),
        ("people", "people", "who does what and who is responsible"),
        ("funding", "funding", "who pays, and conflicts of interest"),
        ("facility", "facility", "rooms, staff at weekends, emergencies"),
        ("training", "training", "who is competent in which procedure"),
        ("risks", "risks and waste", "risks to people and animals, waste, decontamination"),
    ),
    _section(
        "data",
        "Data",
        ("records", "records", "how readings are recorded, checked and kept"),
        (
            "sharing",
            "registration and sharing",
            "where it is registered and published, whatever the result",
        ),
    ),
)
"""The sections of a protocol in the order in which they are printed."""

PROTOCOL_ITEMS: Final[Mapping[str, ProtocolItem]] = MappingProxyType(
    {item.item_id: item for section in PROTOCOL_SECTIONS for item in section.items}
)
"""All items by id."""
