"""A protocol: statements with where each is from, tables of the design, what is still open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from oncovivo.design.protocol_items import PROTOCOL_SECTIONS, ProtocolFileKind

__all__ = [
    "CalendarDay",
    "Computed",
    "DoseLine",
    "FindingCode",
    "FindingSeverity",
    "OpenItem",
    "Origin",
    "PowerLine",
    "ProtocolArm",
    "ProtocolFinding",
    "RuleLine",
    "Stated",
    "Statement",
    "complete_statements",
    "open_items",
]

Origin: TypeAlias = Literal["source", "choice", "file", "open"]
"""Where a statement is from: references, the study's own choice, a file of the design, nobody."""

FindingSeverity: TypeAlias = Literal["error", "warning"]

FindingCode: TypeAlias = Literal[
    "arms_differ",
    "control_differs",
    "too_few_animals",
    "regimen_differs",
    "volume_over_ceiling",
    "weight_too_old",
    "readings_differ",
    "volume_limit_differs",
    "rule_missing",
    "no_closer_readings",
    "grows_past_the_watch",
    "eligible_at_limit",
    "start_differs",
    "power_without_source",
]
"""What does not fit together in a design, in the order in which it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What people state for an item: a text with its origin, or why it is open.

    Parameters
    ----------
    origin : {"source", "choice", "open"}
        Where it is from.
    text : str
        The statement; for an open item who decides, or why it is open.
    sources : tuple of str
        Keys of references.
    """

    origin: Literal["source", "choice", "open"]
    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What a file of the design says about an item.

    Parameters
    ----------
    text : str
        In words; empty where the file leaves it open.
    files : tuple of str
        Names of the files.
    missing : str
        What the file lacks.
    """

    text: str
    files: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An item with what is said about it.

    Parameters
    ----------
    item_id, label : str
        The item.
    origin : {"source", "choice", "file", "open"}
        Where it is from.
    text : str
        The statement; for an open item what is missing, and who decides.
    sources : tuple of str
        Keys of references.
    files : tuple of str
        Files of the design that it was computed from.
    """

    item_id: str
    label: str
    origin: Origin
    text: str
    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """Something that has to be decided before the study can begin.

    Parameters
    ----------
    item_id, section, label : str
        Where it belongs.
    text : str
        What is missing, and who decides.
    """

    item_id: str
    section: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFinding:
    """Two parts of the design that do not fit each other.

    Parameters
    ----------
    code : FindingCode
        What kind.
    severity : {"error", "warning"}
        A contradiction, or something to look at.
    message : str
        In one sentence.
    files : tuple of str
        Files that it speaks of.
    """

    code: FindingCode
    severity: FindingSeverity
    message: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolArm:
    """An arm.

    Parameters
    ----------
    name : str
        Its name.
    control : bool
        Whether the others are compared with it.
    animals : int or None
        Planned; None where neither sizes nor a list of animals say so.
    needed : int or None
        Of the power calculation.
    rate_per_day : float or None
        Growth that the power calculation assumes, natural log per day.
    regimen : str
        What it gets; empty for nothing, or where no file says so.
    """

    name: str
    control: bool
    animals: int | None
    needed: int | None
    rate_per_day: float | None
    regimen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseLine:
    """What an arm is given of a compound.

    Parameters
    ----------
    arm, compound, route, treatment : str
        Who gets what; `treatment` is the whole notation.
    dose_mg_per_kg, concentration_mg_per_ml : float
        Of the compound.
    ml_per_kg, ceiling_ml_per_kg : float
        Volume per body mass before rounding, and its ceiling.
    ceiling_source : str
        Who says so.
    human_mg_per_kg : float
        Dose of a human that is the same per body surface.
    doses : int or None
        How many in all; None without a schedule.
    """

    arm: str
    compound: str
    route: str
    treatment: str
    dose_mg_per_kg: float
    concentration_mg_per_ml: float
    ml_per_kg: float
    ceiling_ml_per_kg: float
    ceiling_source: str
    human_mg_per_kg: float
    doses: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day on which something is done.

    Parameters
    ----------
    day : int
        Study day.
    date, weekday : str
        ISO date and its weekday.
    measured : str
        Why it is measured; empty where it is not.
    dosed : tuple of str
        Arms that are dosed.
    """

    day: int
    date: str
    weekday: str
    measured: str
    dosed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A humane endpoint.

    Parameters
    ----------
    name, quantity, unit : str
        What is looked at.
    limit : float
        In `unit`.
    readings : int
        Consecutive readings that it takes.
    action : str
        ``limit`` or ``watch``.
    source : str
        Who says so.
    """

    name: str
    quantity: str
    unit: str
    limit: float
    readings: int
    action: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLine:
    """Power of a question.

    Parameters
    ----------
    question, unit : str
        What is asked, and the unit of the answer.
    effect : float or None
        Assumed answer; None where there is none.
    power, power_error : float
        By simulation, and its Monte Carlo standard error.
    type_one : float or None
        Share of simulated studies that find something where there is nothing.
    closed_form : float
        Power where all animals stay.
    smallest : float or None
        Smallest effect that has the power `target` where all animals stay; None where none has.
    target : float
        See there.
    """

    question: str
    unit: str
    effect: float | None
    power: float
    power_error: float
    type_one: float | None
    closed_form: float
    smallest: float | None
    target: float


def complete_statements(
    stated: Mapping[str, tuple[Stated, ...]],
    computed: Mapping[str, Computed],
    named: Mapping[ProtocolFileKind, str],
) -> tuple[Statement, ...]:
    """Every item of a protocol, those that nobody states as open.

    Parameters
    ----------
    stated : mapping of str to tuple of Stated
        By id of the item, which may have several.
    computed : mapping of str to Computed
        By id of the item.
    named : mapping of str to str
        Names of the files of the design.
    """
    found: list[Statement] = []
    for section in PROTOCOL_SECTIONS:
        for item in section.items:
            known = computed.get(item.item_id)
            if known is not None:
                found.append(
                    Statement(
                        item_id=item.item_id,
                        label=item.label,
                        origin="file" if known.text else "open",
                        text=known.text or known.missing,
                        files=known.files,
                    )
                )
                continue
            text = f"not stated: {item.asks}"
            if item.file is not None and item.file not in named:
                text = f"no file is named under files.{item.file}: {item.asks}"
            found += [
                Statement(
                    item_id=item.item_id,
                    label=item.label,
                    origin=said.origin,
                    text=said.text,
                    sources=said.sources,
                )
                for said in stated.get(item.item_id, (Stated(origin="open", text=text),))
            ]
    return tuple(found)


def open_items(statements: Iterable[Statement]) -> tuple[OpenItem, ...]:
    """The statements that are open, in their order."""
    titles = {section.section_id: section.title for section in PROTOCOL_SECTIONS}
    return tuple(
        OpenItem(
            item_id=statement.item_id,
            section=titles[statement.item_id.partition(".")[0]],
            label=statement.label,
            text=statement.text,
        )
        for statement in statements
        if statement.origin == "open"
    )
